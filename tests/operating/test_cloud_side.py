"""The doctor on the cloud's side: addresses, clocks, signing in, permissions."""

import pytest

from bot.checkup.check import Verdict
from tests.operating.bench import Bench, failing, wrong

PASSWORD = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": ""}
PERMISSIONS = {
    "immediate": ("immediate-jobs", "gaussdbformysql:task:list"),
    "job": ("jobs", "gaussdbformysql:task:list"),
    "scheduled": ("scheduled-jobs", "gaussdbformysql:task:list"),
    "taurusdb": ("instances", "gaussdbformysql:instance:list"),
    "htap": ("htap", "gaussdbformysql:htapInstance:get"),
    "instance": ("starrocks", "gaussdbformysql:htapInstance:get"),
}


def by_key(at: Bench, **overrides: str) -> dict[str, str]:
    """Signing in by AK/SK."""
    return {**PASSWORD, "HW_ACCESS_KEY": at.cloud.access_key, "HW_SECRET_KEY": at.cloud.secret_key, **overrides}


async def test_every_way_of_signing_in_can_be_fine(at: Bench) -> None:
    assert wrong(await at.look()) == {}
    assert wrong(await at.look(**by_key(at))) == {}
    assert wrong(await at.look(**by_key(at, HW_SECURITY_TOKEN=at.cloud.security_token))) == {}
    by_token = await at.look(**PASSWORD, HW_AUTH_TOKEN=at.cloud.ready_token)
    assert wrong(by_token) == {"settings.sign_in": Verdict.WARN}


async def test_a_name_that_does_not_resolve(at: Bench) -> None:
    found = await at.look(TAURUSDB_ENDPOINT="https://nowhere.invalid")
    assert failing(found) == {"cloud.endpoint"}
    assert "does not resolve" in found["cloud.endpoint"].seen
    assert "HW_REGION_NAME or TAURUSDB_ENDPOINT" in found["cloud.endpoint"].remedy
    assert found["cloud.sign_in"].verdict is Verdict.SKIPPED


async def test_an_endpoint_that_refuses_connections(at: Bench) -> None:
    await at.cloud.refuse_connections()
    found = await at.look()
    assert failing(found) == {"cloud.endpoint", "cloud.iam"}
    assert "HTTPS_PROXY" in found["cloud.endpoint"].remedy
    assert "HW_AUTH_URL" in found["cloud.iam"].remedy


async def test_an_endpoint_that_does_not_speak_tls(at: Bench) -> None:
    found = await at.look(TAURUSDB_ENDPOINT=at.cloud.endpoint.replace("http:", "https:"))
    assert failing(found) == {"cloud.endpoint"}
    assert "SSL_CERT_FILE" in found["cloud.endpoint"].remedy


async def test_an_address_that_would_carry_secrets_in_the_open(at: Bench) -> None:
    found = await at.look(HW_AUTH_URL="http://nowhere.invalid/v3")
    assert found["settings.HW_AUTH_URL"].verdict is Verdict.WARN
    assert found["settings.HW_AUTH_URL"].remedy == "use https"


@pytest.mark.parametrize(("ahead", "verdict"), [(400, "fail"), (-400, "fail"), (120, "warn"), (20, "pass")])
async def test_a_clock_that_is_off(at: Bench, ahead: float, verdict: str) -> None:
    check = (await at.look_at(at.environ(), clock_ahead=ahead))["cloud.clock"]
    assert check.verdict == verdict
    assert ("ahead of" if ahead > 0 else "behind") in check.seen
    assert verdict == "pass" or "NTP" in check.remedy


async def test_a_wrong_password_is_tried_once(at: Bench) -> None:
    found = await at.look(HW_USER_PASSWORD="not-the-password")
    assert failing(found) == {"cloud.sign_in"}
    assert "HW_USER_PASSWORD" in found["cloud.sign_in"].remedy
    assert "The username or password is wrong." in found["cloud.sign_in"].seen
    assert at.cloud.sign_ins == 1
    assert found["cloud.permissions"].verdict is Verdict.SKIPPED


async def test_a_project_that_the_user_may_not_use(at: Bench) -> None:
    found = await at.look(HW_PROJECT_ID="0" * 32)
    assert failing(found) == {"cloud.sign_in"}
    assert "HW_PROJECT_ID" in found["cloud.sign_in"].remedy


async def test_an_iam_that_is_ill(at: Bench) -> None:
    at.cloud.choose_mishap("503 APIGW.0613", operation="token", times=9)
    found = await at.look()
    assert failing(found) == {"cloud.sign_in"}
    assert "try again later" in found["cloud.sign_in"].remedy


async def test_a_wrong_secret_key_signs_one_request_and_no_other(at: Bench) -> None:
    found = await at.look(**by_key(at, HW_SECRET_KEY="not-the-secret-key"))
    assert failing(found) == {"cloud.sign_in"}
    assert "HW_SECRET_KEY" in found["cloud.sign_in"].remedy
    assert sum(call.signed_by == "ak/sk" for call in at.cloud.calls) == 1


async def test_a_token_that_has_ended(at: Bench) -> None:
    at.cloud.revoke_tokens()
    found = await at.look(**PASSWORD, HW_AUTH_TOKEN=at.cloud.ready_token)
    assert failing(found) == {"cloud.sign_in"}
    assert "HW_AUTH_TOKEN has ended" in found["cloud.sign_in"].remedy


async def test_a_project_id_that_only_the_api_knows_to_be_wrong(at: Bench) -> None:
    found = await at.look(**PASSWORD, HW_AUTH_TOKEN=at.cloud.ready_token, HW_PROJECT_ID="0" * 32)
    assert "HW_PROJECT_ID" in found["cloud.permission.immediate-jobs"].remedy


@pytest.mark.parametrize("operation", sorted(PERMISSIONS))
async def test_a_denied_permission_names_its_action(at: Bench, operation: str) -> None:
    at.cloud.choose_mishap("403 APIGW.0302", operation=operation, times=9)
    name, action = PERMISSIONS[operation]
    found = await at.look()
    assert failing(found) == {f"cloud.permission.{name}"}
    assert found[f"cloud.permission.{name}"].remedy == f"grant {action} to the bot's IAM user in this project"


async def test_the_upgrade_itself_is_not_tried_and_that_is_said(at: Bench) -> None:
    check = (await at.look())["cloud.permission.db-upgrade"]
    assert check.verdict is Verdict.SKIPPED
    assert "gaussdbformysql:instance:upgrade cannot be tried" in check.seen


async def test_another_region_is_told_apart_from_a_missing_permission(at: Bench) -> None:
    at.cloud.choose_mishap("403 APIGW.0802", operation="immediate", times=9)
    assert "HW_REGION_NAME" in (await at.look())["cloud.permission.immediate-jobs"].remedy
    at.cloud.choose_mishap("404 APIGW.0101", operation="immediate", times=9)
    assert "TAURUSDB_ENDPOINT" in (await at.look())["cloud.permission.immediate-jobs"].remedy


@pytest.mark.parametrize("mishap", ["429 APIGW.0308", "502 APIGW.0201", "lost before", "html"])
async def test_trouble_that_passes_is_no_verdict_on_the_permission(at: Bench, mishap: str) -> None:
    at.cloud.choose_mishap(mishap, operation="scheduled", times=9)
    assert wrong(await at.look()) == {"cloud.permission.scheduled-jobs": Verdict.WARN}
