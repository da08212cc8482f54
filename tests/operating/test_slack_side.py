"""The doctor on Slack's side: each way it can be wrong, and what to do about it."""

import pytest
from aiohttp import web

from bot.checkup.check import Verdict
from bot.checkup.slack import DISPENSABLE, SCOPES
from tests.operating.bench import CHANNEL, GROUP, PERSON, Bench, failing, wrong


async def test_nothing_is_wrong_when_nothing_is(at: Bench) -> None:
    found = await at.look()
    assert wrong(found) == {}
    assert {f"slack.scope.{scope}" for scope in SCOPES} <= set(found)
    assert found["slack.socket"].seen.startswith("hello; the app has 1 connection")
    assert not found["slack.token"].remedy


async def test_nothing_is_posted_and_nothing_is_changed(at: Bench) -> None:
    await at.look()
    reading = {"auth.test", "apps.connections.open", "conversations.info", "usergroups.users.list", "users.info"}
    assert {call.method for call in at.slack.calls} == reading
    assert not at.cloud.upgrades
    assert {call.method for call in at.cloud.calls if call.operation != "token"} == {"GET"}
    assert list(at.folder.iterdir()) == []


async def test_a_dead_bot_token(at: Bench) -> None:
    at.slack.revoke_token()
    found = await at.look()
    assert failing(found) == {"slack.token"}
    assert "token_revoked" in found["slack.token"].seen
    assert "SLACK_BOT_TOKEN: install the app" in found["slack.token"].remedy
    assert found["slack.scopes"].verdict is found["slack.channels"].verdict is Verdict.SKIPPED


async def test_slack_cannot_be_reached(at: Bench) -> None:
    await at.slack.refuse_connections()
    found = await at.look()
    assert failing(found) == {"slack.token", "slack.socket"}
    assert "SLACK_API_URL" in found["slack.token"].remedy
    assert "firewall" in found["slack.socket"].remedy


async def test_something_else_answers_in_slacks_place(at: Bench) -> None:
    at.slack.fail("auth.test", "html", times=None)
    found = await at.look()
    assert "check the way to Slack" in found["slack.token"].remedy


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_each_missing_scope_is_named(at: Bench, scope: str) -> None:
    at.slack.scopes = ",".join(sorted(set(SCOPES) - {scope}))
    check = (await at.look())[f"slack.scope.{scope}"]
    assert check.verdict is (Verdict.WARN if scope in DISPENSABLE else Verdict.FAIL)
    assert check.remedy.startswith(f"{scope}: add it under OAuth & Permissions")


async def test_user_groups_that_nobody_names_need_no_scope(at: Bench) -> None:
    at.slack.scopes = ",".join(sorted(set(SCOPES) - {"usergroups:read"}))
    found = await at.look(ALLOWED_USERGROUPS="")
    assert wrong(found) == {"slack.scope.usergroups:read": Verdict.WARN}


async def test_a_dead_app_token(at: Bench) -> None:
    at.slack.revoke_app_token()
    found = await at.look()
    assert failing(found) == {"slack.app_token"}
    assert "connections:write" in found["slack.app_token"].remedy


async def test_a_bot_token_in_the_place_of_the_app_token(at: Bench) -> None:
    at.slack.fail("apps.connections.open", "not_allowed_token_type", times=None)
    assert "SLACK_APP_TOKEN" in (await at.look())["slack.app_token"].remedy


async def test_socket_mode_that_is_switched_off(at: Bench) -> None:
    at.slack.fail("apps.connections.open", "socket_mode_not_enabled", times=None)
    assert "switch Socket Mode on" in (await at.look())["slack.app_token"].remedy


async def test_a_socket_that_says_no_hello(at: Bench) -> None:
    async def mute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    async def open_connection(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/mute"})

    app = web.Application()
    app.router.add_get("/mute", mute)
    app.router.add_post("/api/apps.connections.open", open_connection)
    server = web.AppRunner(app)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    found = await at.look(SLACK_API_URL=f"http://127.0.0.1:{server.addresses[0][1]}/api/")
    await server.cleanup()
    assert found["slack.socket"].verdict is Verdict.FAIL
    assert "no hello" in found["slack.socket"].seen


async def test_a_channel_that_is_not_there(at: Bench) -> None:
    found = await at.look(ALLOWED_CHANNELS=f"{CHANNEL},C0NOWHERE")
    assert failing(found) == {"slack.channel.C0NOWHERE"}
    assert "mend C0NOWHERE in ALLOWED_CHANNELS" in found["slack.channel.C0NOWHERE"].remedy


async def test_a_channel_without_the_bot(at: Bench) -> None:
    found = await at.look(ALLOWED_CHANNELS="C0NOBOT001")
    assert failing(found) == {"slack.channel.C0NOBOT001"}
    assert "/invite" in found["slack.channel.C0NOBOT001"].remedy


async def test_an_archived_channel(at: Bench) -> None:
    found = await at.look(ALLOWED_CHANNELS="C0ARCHIVE1")
    assert "#archived is archived" in found["slack.channel.C0ARCHIVE1"].seen
    assert "unarchive it" in found["slack.channel.C0ARCHIVE1"].remedy


async def test_a_user_group_that_is_not_there(at: Bench) -> None:
    found = await at.look(SKIP_VALIDATE_USERGROUPS="S0NOBODY")
    assert failing(found) == {"slack.usergroup.S0NOBODY"}
    assert "mend S0NOBODY in ALLOWED_USERGROUPS or SKIP_VALIDATE_USERGROUPS" in found["slack.usergroup.S0NOBODY"].remedy


async def test_a_user_group_without_members(at: Bench) -> None:
    at.slack.set_group(GROUP, ())
    assert wrong(await at.look()) == {f"slack.usergroup.{GROUP}": Verdict.WARN}


async def test_a_plan_without_user_groups(at: Bench) -> None:
    at.slack.fail("usergroups.users.list", "plan_upgrade_required", times=None)
    assert "ALLOWED_USERS" in (await at.look())[f"slack.usergroup.{GROUP}"].remedy


async def test_a_person_who_is_not_here(at: Bench) -> None:
    found = await at.look(ALLOWED_USERS=f"{PERSON},U0NOBODY")
    assert wrong(found) == {"slack.person.U0NOBODY": Verdict.WARN}
    assert "mend U0NOBODY in ALLOWED_USERS" in found["slack.person.U0NOBODY"].remedy


async def test_slack_that_limits_the_questions_is_no_failure(at: Bench) -> None:
    at.slack.fail("conversations.info", 429, times=None)
    assert wrong(await at.look()) == {f"slack.channel.{CHANNEL}": Verdict.WARN}


async def test_everyone_everywhere_is_worth_a_word(at: Bench) -> None:
    found = await at.look(ALLOWED_CHANNELS="*", ALLOWED_USERS="*")
    assert wrong(found) == {"settings.allowed": Verdict.WARN}


async def test_a_clock_that_is_off_fails_where_slack_signs(at: Bench) -> None:
    assert (await at.look_at(at.environ(), clock_ahead=400))["slack.clock"].verdict is Verdict.WARN
    in_http_mode = (await at.look_at(at.http(), clock_ahead=400))["slack.clock"]
    assert in_http_mode.verdict is Verdict.FAIL
    assert "NTP" in in_http_mode.remedy
