"""Each kind of failure as the official client sees it, and whether the call took effect."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, text_of
from tests.sandbox.slack.helpers import BoltApp, post, texts


async def test_an_error_code_is_answered_as_often_as_requested(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", "internal_error", times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            await post(slack, client)
    await post(slack, client, "third")
    assert texts(slack) == ["third"]
    assert [call.took_effect for call in slack.calls] == [False, False, True]


async def test_a_rate_limit_comes_with_retry_after(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", 429, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await post(slack, client)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert texts(slack) == []


@pytest.mark.parametrize(("failure", "status"), [(500, 500), (503, 503), ("html", 200)])
async def test_an_answer_that_is_not_json_is_an_error(
    failure: str | int, status: int, slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", failure)
    with pytest.raises(SlackApiError) as caught:
        await post(slack, client)
    assert caught.value.response.status_code == status
    assert texts(slack) == []


async def test_a_call_that_hangs_takes_no_effect_and_ends_when_the_faults_are_cleared(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", "hang")
    call = asyncio.create_task(post(slack, client))
    [hanging] = await slack.until(lambda: slack.calls)
    assert (hanging.status, hanging.took_effect) == (None, False)
    await client.auth_test()
    assert not call.done()
    slack.clear_faults()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call
    assert texts(slack) == []


async def test_a_call_that_hangs_does_not_keep_the_stand_in_from_closing() -> None:
    async with StandInSlack() as slack:
        slack.fail("auth.test", "hang")
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        call = asyncio.create_task(client.auth_test())
        await slack.until(lambda: slack.calls)
        closing_since = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - closing_since < 0.5
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call


async def test_a_call_with_a_delay_after_takes_effect_at_once_and_is_answered_late(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", ("delay_after", 0.3))
    started = asyncio.get_running_loop().time()
    call = asyncio.create_task(post(slack, client))
    await slack.until(lambda: texts(slack))
    assert not call.done()
    await call
    assert 0.29 < asyncio.get_running_loop().time() - started < 1.5


async def test_a_call_with_a_delay_before_takes_effect_late(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", ("delay_before", 0.2))
    started_at = slack.clock()
    await post(slack, client)
    [message] = slack.messages("db-ops")
    assert 0.19 < message.at - started_at < 1.5


def test_an_unknown_kind_of_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="sloth"):
        StandInSlack().fail("chat.postMessage", ("sloth", 1.0))


@pytest.mark.parametrize(("failure", "posted_texts"), [("drop_before", []), ("drop_after", ["x"])])
async def test_a_dropped_connection_leaves_open_whether_it_took_effect(
    failure: str, posted_texts: list[str], slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", failure)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(slack, client)
    assert texts(slack) == posted_texts
    [call] = slack.calls
    assert (call.status, call.answer, call.took_effect) == (None, None, bool(posted_texts))


async def test_a_fault_may_apply_only_to_calls_with_certain_arguments(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("*", "fatal_error", times=None, when=lambda arguments: arguments.get("text") == "this one")
    await post(slack, client, "another")
    for _ in range(3):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await post(slack, client, "this one")
    slack.clear_faults()
    await post(slack, client, "this one")
    assert texts(slack) == ["another", "this one"]


async def test_an_acknowledgement_is_accepted_while_the_api_is_down(slack: StandInSlack, socket_app: BoltApp) -> None:
    await slack.command("sre", "db-ops", "first")
    slack.fail("*", 503, times=None)
    socket_app.ack_with = {"text": "working on it"}
    assert (await slack.command("sre", "db-ops", "second")).acked
    assert [text_of(ephemeral) for ephemeral in slack.ephemerals("sre")] == ["working on it"]


@pytest.mark.parametrize("error", ["internal_error", "fatal_error"])
async def test_an_error_may_come_after_the_call_took_effect(
    slack: StandInSlack, client: AsyncWebClient, error: str
) -> None:
    slack.fail("chat.postMessage", f"done, {error}")
    with pytest.raises(SlackApiError, match=error):
        await post(slack, client)
    assert texts(slack) == ["x"]
    [call] = slack.calls
    assert (call.answer, call.took_effect) == ({"ok": False, "error": error}, True)


async def test_users_info_may_be_slow(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("users.info", ("delay_before", 0.2))
    started_at = asyncio.get_running_loop().time()
    await client.users_info(user=slack.people["sre"].id)
    assert asyncio.get_running_loop().time() - started_at > 0.19


async def test_a_new_connection_may_be_cut_right_after_its_hello(slack: StandInSlack, client: AsyncWebClient) -> None:
    for reason in ("link_disabled", ""):
        slack.cut_new_connections(reason)
        url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            messages = [message.json() async for message in socket]
        kinds = [(message["type"], message.get("reason")) for message in messages]
        assert kinds == [("hello", None)] + ([("disconnect", reason)] if reason else [])
    slack.clear_faults()
    url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url):
        await slack.connected()
