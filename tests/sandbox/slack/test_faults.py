"""Each way in which a call can fail, as the official client sees it, and whether it took effect."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, said
from tests.sandbox.slack.bolt_bot import BoltBot


def texts(slack: StandInSlack) -> list[str]:
    return [message.text for message in slack.messages("db-ops")]


async def post(slack: StandInSlack, client: AsyncWebClient, text: str = "x") -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text=text)


async def test_an_error_code_comes_as_often_as_asked(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", "internal_error", times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            await post(slack, client)
    await post(slack, client, "third")
    assert texts(slack) == ["third"]
    assert [call.took_effect for call in slack.calls] == [False, False, True]


async def test_throttling_says_when_to_come_back(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", 429, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await post(slack, client)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert texts(slack) == []


@pytest.mark.parametrize(("how", "status"), [(500, 500), (503, 503), ("html", 200)])
async def test_what_is_no_json_is_an_error(
    how: str | int, status: int, slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", how)
    with pytest.raises(SlackApiError) as caught:
        await post(slack, client)
    assert caught.value.response.status_code == status
    assert texts(slack) == []


async def test_a_call_that_hangs_takes_no_effect_and_ends_when_healed(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", "hang")
    call = asyncio.create_task(post(slack, client))
    [hanging] = await slack.until(lambda: slack.calls)
    assert (hanging.status, hanging.took_effect) == (None, False)
    await client.auth_test()
    assert not call.done()
    slack.heal()
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


async def test_a_slow_call_takes_effect_at_once_and_is_answered_late(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", ("slow", 0.3))
    began = asyncio.get_running_loop().time()
    call = asyncio.create_task(post(slack, client))
    await slack.until(lambda: texts(slack))
    assert not call.done()
    await call
    assert 0.29 < asyncio.get_running_loop().time() - began < 1.5


@pytest.mark.parametrize(("how", "seen"), [("drop_before", []), ("drop_after", ["x"])])
async def test_a_dropped_connection_leaves_open_whether_it_took_effect(
    how: str, seen: list[str], slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.fail("chat.postMessage", how)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(slack, client)
    assert texts(slack) == seen
    [call] = slack.calls
    assert (call.status, call.answer, call.took_effect) == (None, None, bool(seen))


async def test_a_fault_may_wait_for_its_call(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.fail("*", "fatal_error", times=None, when=lambda arguments: arguments.get("text") == "this one")
    await post(slack, client, "another")
    for _ in range(3):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await post(slack, client, "this one")
    slack.heal()
    await post(slack, client, "this one")
    assert texts(slack) == ["another", "this one"]


async def test_a_closed_port_refuses_and_opens_again(slack: StandInSlack, client: AsyncWebClient) -> None:
    await post(slack, client, "before")
    url = slack.api_url
    await slack.refuse_connections()
    with pytest.raises((aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError)):
        await post(slack, client, "lost")
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(slack, client, "lost too")
    await slack.accept_connections()
    assert slack.api_url == url
    await post(slack, client, "after")
    assert texts(slack) == ["before", "after"]


async def test_socket_mode_outlives_a_closed_port(slack: StandInSlack, socket_bot: BoltBot) -> None:
    await slack.command("sre", "db-ops", "first")  # here Bolt asks auth.test, once
    await slack.refuse_connections()
    assert (await slack.command("sre", "db-ops", "second")).acked
    assert [body["text"] for body in socket_bot.heard] == ["first", "second"]


async def test_the_ack_is_taken_while_the_api_is_down(slack: StandInSlack, socket_bot: BoltBot) -> None:
    await slack.command("sre", "db-ops", "first")
    slack.fail("*", 503, times=None)
    socket_bot.ack_with = {"text": "working on it"}
    assert (await slack.command("sre", "db-ops", "second")).acked
    assert [said(whispered) for whispered in slack.ephemerals("sre")] == ["working on it"]
