"""The checks of Slack: token, scopes, clock, channels, user groups, users; each failure with its remedy."""

from pathlib import Path

import pytest
import yaml

from bot.doctor.report import CheckStatus
from bot.doctor.slack import OPTIONAL_SCOPES, SCOPES
from bot.sandbox.slack import Channel
from tests.doctor.helpers import CHANNEL_ID, GROUP_ID, USER_ID, Sandbox, failures, problems


async def test_nothing_is_wrong_when_nothing_is(sandbox: Sandbox) -> None:
    checks = await sandbox.check()
    assert problems(checks) == {}
    assert {f"slack.scope.{scope}" for scope in SCOPES} <= set(checks)
    assert checks["slack.socket_mode"].detail.startswith("hello; the app has 1 connection")
    assert not checks["slack.token"].remedy


async def test_nothing_is_posted_and_nothing_is_changed(sandbox: Sandbox) -> None:
    await sandbox.check()
    read_methods = {"auth.test", "apps.connections.open", "conversations.info", "usergroups.users.list", "users.info"}
    assert {call.method for call in sandbox.slack.calls} == read_methods
    assert not sandbox.cloud.upgrades
    assert {call.method for call in sandbox.cloud.calls if call.operation != "token"} == {"GET"}
    assert list(sandbox.folder.iterdir()) == []


async def test_an_invalid_bot_token(sandbox: Sandbox) -> None:
    sandbox.slack.revoke_token()
    checks = await sandbox.check()
    assert failures(checks) == {"slack.token"}
    assert "token_revoked" in checks["slack.token"].detail
    assert "SLACK_BOT_TOKEN: install the app" in checks["slack.token"].remedy
    assert checks["slack.scopes"].status is checks["slack.channels"].status is CheckStatus.SKIPPED


@pytest.mark.parametrize("enterprise_id", ["E0GRID0001", "T0HOME0001"])
async def test_a_token_of_a_whole_organisation_would_refuse_everybody(sandbox: Sandbox, enterprise_id: str) -> None:
    sandbox.slack.enterprise_id, sandbox.slack.is_org_wide = enterprise_id, True
    checks = await sandbox.check()
    assert failures(checks) == {"slack.token"}
    assert "one workspace" in checks["slack.token"].remedy


async def test_a_token_of_a_workspace_in_an_organisation_is_right(sandbox: Sandbox) -> None:
    sandbox.slack.enterprise_id = "E0GRID0001"
    assert problems(await sandbox.check()) == {}


async def test_slack_cannot_be_reached(sandbox: Sandbox) -> None:
    await sandbox.slack.refuse_connections()
    checks = await sandbox.check()
    assert failures(checks) == {"slack.token", "slack.socket_mode"}
    assert "SLACK_API_URL" in checks["slack.token"].remedy
    assert "firewall" in checks["slack.socket_mode"].remedy


async def test_another_server_answers_in_place_of_slack(sandbox: Sandbox) -> None:
    sandbox.slack.fail("auth.test", "html", times=None)
    checks = await sandbox.check()
    assert "check the way to Slack" in checks["slack.token"].remedy


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_each_missing_scope_is_named(sandbox: Sandbox, scope: str) -> None:
    sandbox.slack.scopes = ",".join(sorted(set(SCOPES) - {scope}))
    check = (await sandbox.check())[f"slack.scope.{scope}"]
    assert check.status is (CheckStatus.WARN if scope in OPTIONAL_SCOPES else CheckStatus.FAIL)
    assert check.remedy.startswith(f"{scope}: add it under OAuth & Permissions")


async def test_user_groups_that_nobody_names_need_no_scope(sandbox: Sandbox) -> None:
    sandbox.slack.scopes = ",".join(sorted(set(SCOPES) - {"usergroups:read"}))
    checks = await sandbox.check(ALLOWED_USERGROUPS="")
    assert problems(checks) == {"slack.scope.usergroups:read": CheckStatus.WARN}


async def test_a_channel_that_is_not_there(sandbox: Sandbox) -> None:
    checks = await sandbox.check(ALLOWED_CHANNELS="C0NOWHERE")
    assert failures(checks) == {"slack.channel.C0NOWHERE"}
    checks = await sandbox.check(ALLOWED_CHANNELS=f"{CHANNEL_ID},C0NOWHERE")
    assert problems(checks) == {"slack.channel.C0NOWHERE": CheckStatus.WARN}, "the bot works in the other one"
    assert "correct C0NOWHERE in ALLOWED_CHANNELS" in checks["slack.channel.C0NOWHERE"].remedy


async def test_a_channel_without_the_bot(sandbox: Sandbox) -> None:
    private = await sandbox.check(ALLOWED_CHANNELS="C0NOBOT001")
    assert problems(private) == {"slack.channel.C0NOBOT001": CheckStatus.FAIL}
    assert "/invite" in private["slack.channel.C0NOBOT001"].remedy


async def test_the_report_channel_needs_the_bot_in_it(sandbox: Sandbox) -> None:
    good = await sandbox.check(REPORT_CHANNEL="C0INC00042")
    assert good["slack.report_channel"].status is CheckStatus.PASS
    for channel in ("C0NOBOT001", "C0NOWHERE", "C0ARCHIVE1"):
        checks = await sandbox.check(REPORT_CHANNEL=channel)
        assert problems(checks) == {"slack.report_channel": CheckStatus.WARN}, "it holds up nothing else"
    assert "REPORT_CHANNEL" in checks["slack.report_channel"].remedy


async def test_a_public_channel_without_the_bot_is_joined_if_the_scope_is_there(sandbox: Sandbox) -> None:
    check = (await sandbox.check(ALLOWED_CHANNELS="C0INC02051"))["slack.channel.C0INC02051"]
    assert (check.status, check.detail) == (CheckStatus.PASS, "the bot joins #inc-2051 at the first request")
    sandbox.slack.scopes = sandbox.slack.scopes.replace("channels:join,", "")
    checks = await sandbox.check(ALLOWED_CHANNELS="C0INC02051")
    assert problems(checks)["slack.channel.C0INC02051"] is CheckStatus.WARN
    assert "/invite" in checks["slack.channel.C0INC02051"].remedy


@pytest.mark.parametrize("allowed", ["#inc-*", "*", CHANNEL_ID])
async def test_without_the_scope_to_join_channels_there_is_a_warning(sandbox: Sandbox, allowed: str) -> None:
    sandbox.slack.scopes = sandbox.slack.scopes.replace("channels:join,", "")
    checks = await sandbox.check(ALLOWED_CHANNELS=allowed)
    assert checks["slack.scope.channels:join"].status is CheckStatus.WARN
    assert not failures(checks)


async def test_each_channel_allowed_by_a_name_is_named(sandbox: Sandbox) -> None:
    for number in range(1100):  # more than a page
        sandbox.slack.add_channel(Channel(f"C0MANY{number:04}", f"many-{number}"))
    sandbox.slack.add_channel(Channel("C0LAST0001", "last"))
    checks = await sandbox.check(ALLOWED_CHANNELS="#inc*,#LAST,many-109*,#archived,#no-bot,#team-*")
    assert checks["slack.channel.#inc*"].detail.startswith("#incident-42 (C0INC00042), #inc-2051 (C0INC02051)")
    assert checks["slack.channel.#last"].detail.startswith("#last (C0LAST0001)")
    assert "and 6 more" in checks["slack.channel.#many-109*"].detail
    assert "invite the bot" in checks["slack.channel.#no-bot"].remedy
    unusable = {f"slack.channel.#{name}": CheckStatus.WARN for name in ("team-*", "archived", "no-bot")}
    assert problems(checks) == unusable
    checks = await sandbox.check(ALLOWED_CHANNELS="#archived")
    assert failures(checks) == {"slack.channel.#archived"}


async def test_names_cannot_be_looked_up_without_the_scope(sandbox: Sandbox) -> None:
    sandbox.slack.scopes = sandbox.slack.scopes.replace("channels:read,", "")
    checks = await sandbox.check(ALLOWED_CHANNELS="#inc-*")
    assert failures(checks) == {"slack.scope.channels:read"}
    assert "channels:read" in checks["slack.channel.#inc-*"].remedy


async def test_an_archived_channel(sandbox: Sandbox) -> None:
    checks = await sandbox.check(ALLOWED_CHANNELS="C0ARCHIVE1")
    assert "#archived is archived" in checks["slack.channel.C0ARCHIVE1"].detail
    assert "unarchive it" in checks["slack.channel.C0ARCHIVE1"].remedy


async def test_a_user_group_that_is_not_there(sandbox: Sandbox) -> None:
    checks = await sandbox.check(SKIP_VALIDATE_USERGROUPS="S0NOBODY")
    assert failures(checks) == {"slack.usergroup.S0NOBODY"}
    assert (
        "correct S0NOBODY in ALLOWED_USERGROUPS or SKIP_VALIDATE_USERGROUPS"
        in checks["slack.usergroup.S0NOBODY"].remedy
    )


async def test_a_user_group_without_members(sandbox: Sandbox) -> None:
    sandbox.slack.set_group(GROUP_ID, ())
    assert problems(await sandbox.check()) == {f"slack.usergroup.{GROUP_ID}": CheckStatus.WARN}


async def test_a_plan_without_user_groups(sandbox: Sandbox) -> None:
    sandbox.slack.fail("usergroups.users.list", "plan_upgrade_required", times=None)
    assert "ALLOWED_USERS" in (await sandbox.check())[f"slack.usergroup.{GROUP_ID}"].remedy


async def test_a_user_who_is_not_there(sandbox: Sandbox) -> None:
    checks = await sandbox.check(ALLOWED_USERS=f"{USER_ID},U0NOBODY")
    assert problems(checks) == {"slack.user.U0NOBODY": CheckStatus.WARN}
    assert "correct U0NOBODY in ALLOWED_USERS" in checks["slack.user.U0NOBODY"].remedy


async def test_a_rate_limit_is_no_failure(sandbox: Sandbox) -> None:
    sandbox.slack.fail("conversations.info", 429, times=None)
    assert problems(await sandbox.check()) == {f"slack.channel.{CHANNEL_ID}": CheckStatus.WARN}


async def test_a_clock_that_is_off_fails_where_slack_signs(sandbox: Sandbox) -> None:
    assert (await sandbox.check_with(sandbox.environ(), clock_ahead=400))["slack.clock"].status is CheckStatus.WARN
    in_http_mode = (await sandbox.check_with(sandbox.http_environ(), clock_ahead=400))["slack.clock"]
    assert in_http_mode.status is CheckStatus.FAIL
    assert "NTP" in in_http_mode.remedy


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8"))
    assert list(SCOPES) == manifest["oauth_config"]["scopes"]["bot"]
