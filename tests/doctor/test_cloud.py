"""The checks of the cloud: endpoints, clock, sign-in, permissions."""

import pytest

from bot.doctor.report import CheckStatus
from tests.doctor.helpers import Sandbox, failures, problems

NO_IAM_USER = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": ""}
PERMISSIONS = {
    "immediate": ("immediate-jobs", "gaussdbformysql:task:list"),
    "job": ("jobs", "gaussdbformysql:task:list"),
    "scheduled": ("scheduled-jobs", "gaussdbformysql:task:list"),
    "taurusdb": ("instances", "gaussdbformysql:instance:list"),
    "htap": ("htap", "gaussdbformysql:htapInstance:get"),
    "instance": ("starrocks", "gaussdbformysql:htapInstance:get"),
}


def aksk(sandbox: Sandbox, **overrides: str) -> dict[str, str]:
    """The settings for signing in by AK/SK."""
    keys = {"HW_ACCESS_KEY": sandbox.cloud.access_key, "HW_SECRET_KEY": sandbox.cloud.secret_key}
    return {**NO_IAM_USER, **keys, **overrides}


async def test_every_way_of_signing_in_can_be_fine(sandbox: Sandbox) -> None:
    assert problems(await sandbox.check()) == {}
    assert problems(await sandbox.check(**aksk(sandbox))) == {}
    assert problems(await sandbox.check(**aksk(sandbox, HW_SECURITY_TOKEN=sandbox.cloud.security_token))) == {}
    checks = await sandbox.check(**NO_IAM_USER, HW_AUTH_TOKEN=sandbox.cloud.ready_token)
    assert problems(checks) == {"settings.credentials": CheckStatus.WARN}


async def test_a_name_that_does_not_resolve(sandbox: Sandbox) -> None:
    checks = await sandbox.check(TAURUSDB_ENDPOINT="https://nowhere.invalid")
    assert failures(checks) == {"cloud.endpoint"}
    assert "does not resolve" in checks["cloud.endpoint"].detail
    assert "HW_REGION_NAME or TAURUSDB_ENDPOINT" in checks["cloud.endpoint"].remedy
    assert checks["cloud.sign_in"].status is CheckStatus.SKIPPED


async def test_an_endpoint_that_refuses_connections(sandbox: Sandbox) -> None:
    await sandbox.cloud.refuse_connections()
    checks = await sandbox.check()
    assert failures(checks) == {"cloud.endpoint", "cloud.iam_endpoint"}
    assert "HTTPS_PROXY" in checks["cloud.endpoint"].remedy
    assert "HW_AUTH_URL" in checks["cloud.iam_endpoint"].remedy


async def test_an_endpoint_that_does_not_speak_tls(sandbox: Sandbox) -> None:
    checks = await sandbox.check(TAURUSDB_ENDPOINT=sandbox.cloud.endpoint.replace("http:", "https:"))
    assert failures(checks) == {"cloud.endpoint"}
    assert "speaks no TLS" in checks["cloud.endpoint"].remedy


@pytest.mark.parametrize(("ahead", "status"), [(400, "fail"), (-400, "fail"), (120, "warn"), (20, "pass")])
async def test_a_clock_that_is_off(sandbox: Sandbox, ahead: float, status: str) -> None:
    check = (await sandbox.check_with(sandbox.environ(), clock_ahead=ahead))["cloud.clock"]
    assert check.status == status
    assert ("ahead of" if ahead > 0 else "behind") in check.detail
    assert status == "pass" or "NTP" in check.remedy


async def test_a_wrong_password_is_tried_once(sandbox: Sandbox) -> None:
    checks = await sandbox.check(HW_USER_PASSWORD="not-the-password")
    assert failures(checks) == {"cloud.sign_in"}
    assert "HW_USER_PASSWORD" in checks["cloud.sign_in"].remedy
    assert "The username or password is wrong." in checks["cloud.sign_in"].detail
    assert sandbox.cloud.sign_ins == 1
    assert checks["cloud.permissions"].status is CheckStatus.SKIPPED


async def test_a_project_that_the_user_may_not_use(sandbox: Sandbox) -> None:
    checks = await sandbox.check(HW_PROJECT_ID="0" * 32)
    assert failures(checks) == {"cloud.sign_in"}
    assert "HW_PROJECT_ID" in checks["cloud.sign_in"].remedy


async def test_an_iam_that_is_unavailable(sandbox: Sandbox) -> None:
    sandbox.cloud.inject_fault("503 APIGW.0613", operation="token", times=9)
    checks = await sandbox.check()
    assert failures(checks) == {"cloud.sign_in"}
    assert "try again later" in checks["cloud.sign_in"].remedy


async def test_a_wrong_secret_key_signs_one_request_and_no_other(sandbox: Sandbox) -> None:
    checks = await sandbox.check(**aksk(sandbox, HW_SECRET_KEY="not-the-secret-key"))
    assert failures(checks) == {"cloud.sign_in"}
    assert "HW_SECRET_KEY" in checks["cloud.sign_in"].remedy
    assert sum(call.signed_by == "ak/sk" for call in sandbox.cloud.calls) == 1


async def test_a_token_that_has_expired(sandbox: Sandbox) -> None:
    sandbox.cloud.revoke_tokens()
    checks = await sandbox.check(**NO_IAM_USER, HW_AUTH_TOKEN=sandbox.cloud.ready_token)
    assert failures(checks) == {"cloud.sign_in"}
    assert "HW_AUTH_TOKEN has ended" in checks["cloud.sign_in"].remedy


async def test_a_project_id_that_only_the_api_knows_to_be_wrong(sandbox: Sandbox) -> None:
    checks = await sandbox.check(**NO_IAM_USER, HW_AUTH_TOKEN=sandbox.cloud.ready_token, HW_PROJECT_ID="0" * 32)
    assert "HW_PROJECT_ID" in checks["cloud.permission.immediate-jobs"].remedy


@pytest.mark.parametrize("operation", sorted(PERMISSIONS))
async def test_a_denied_permission_is_named(sandbox: Sandbox, operation: str) -> None:
    sandbox.cloud.inject_fault("403 APIGW.0302", operation=operation, times=9)
    name, permission = PERMISSIONS[operation]
    checks = await sandbox.check()
    assert failures(checks) == {f"cloud.permission.{name}"}
    assert checks[f"cloud.permission.{name}"].remedy == f"grant {permission} to the bot's IAM user in this project"


async def test_a_denied_look_at_data_sync_tasks_is_a_warning(sandbox: Sandbox) -> None:
    sandbox.cloud.inject_fault("403 APIGW.0302", operation="data-sync", times=9)
    checks = await sandbox.check()
    assert problems(checks) == {"cloud.permission.data-sync": CheckStatus.WARN}
    assert "gaussdbformysql:htapInstance:getReplication" in checks["cloud.permission.data-sync"].remedy


async def test_the_upgrade_itself_is_not_tried_and_that_is_said(sandbox: Sandbox) -> None:
    check = (await sandbox.check())["cloud.permission.db-upgrade"]
    assert check.status is CheckStatus.SKIPPED
    assert "gaussdbformysql:instance:upgrade cannot be tried" in check.detail


async def test_another_region_is_told_apart_from_a_missing_permission(sandbox: Sandbox) -> None:
    sandbox.cloud.inject_fault("403 APIGW.0802", operation="immediate", times=9)
    assert "HW_REGION_NAME" in (await sandbox.check())["cloud.permission.immediate-jobs"].remedy
    sandbox.cloud.inject_fault("404 APIGW.0101", operation="immediate", times=9)
    assert "TAURUSDB_ENDPOINT" in (await sandbox.check())["cloud.permission.immediate-jobs"].remedy


@pytest.mark.parametrize("fault", ["429 APIGW.0308", "502 APIGW.0201", "lost before", "html"])
async def test_a_passing_failure_says_nothing_about_the_permission(sandbox: Sandbox, fault: str) -> None:
    sandbox.cloud.inject_fault(fault, operation="scheduled", times=9)
    assert problems(await sandbox.check()) == {"cloud.permission.scheduled-jobs": CheckStatus.WARN}


async def test_every_project_is_checked_and_named_by_its_region(sandbox: Sandbox) -> None:
    sandbox.cloud.add_example_project()
    for environ in ({}, aksk(sandbox)):
        checks = await sandbox.check(**environ)
        assert problems(checks) == {}
        for region in ("cn-north-4", "ap-southeast-3"):
            assert checks[f"cloud.endpoint.{region}"].detail.startswith(region)
            assert checks[f"cloud.permission.starrocks.{region}"].status is CheckStatus.PASS
        assert checks["settings"].detail.endswith("regions cn-north-4, ap-southeast-3")


async def test_a_project_that_refuses_does_not_hide_the_others(sandbox: Sandbox) -> None:
    projects = f"eu-west-0:{'0' * 32}, cn-north-4:{sandbox.cloud.project_id}"
    checks = await sandbox.check(HW_REGION_NAME="", HW_PROJECT_ID="", HW_PROJECTS=projects)
    assert failures(checks) == {"cloud.sign_in.eu-west-0"}
    assert "HW_PROJECTS" in checks["cloud.sign_in.eu-west-0"].remedy
    assert checks["cloud.sign_in.cn-north-4"].status is CheckStatus.PASS


async def test_a_wrong_password_is_not_tried_in_every_project(sandbox: Sandbox) -> None:
    sandbox.cloud.add_example_project()
    for digit in "abc":
        sandbox.cloud.add_project("eu-west-0", digit * 32)
    checks = await sandbox.check(HW_USER_PASSWORD="not-the-password")
    assert len(failures(checks)) == sandbox.cloud.sign_ins == 2
