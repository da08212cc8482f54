"""Commands and clicks reach a Bolt app by Socket Mode, and what happens when its connections fail."""

import asyncio

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from tests.sandbox.slack.helpers import BLOCKS, BoltApp, connected


async def test_a_command_reaches_the_app_and_is_acknowledged(slack: StandInSlack, socket_app: BoltApp) -> None:
    delivery = await slack.command("dba", "db-ops", "0123in17 --delay")
    assert delivery.acked
    assert delivery.seconds < 1
    [body] = socket_app.bodies
    assert body == delivery.payload
    assert body["text"] == "0123in17 --delay"
    assert body["user_id"] == slack.people["dba"].id
    assert body["channel_id"] == slack.channels["db-ops"].id
    assert "thread_ts" not in body


async def test_a_click_reaches_the_app_with_its_value(
    slack: StandInSlack, socket_app: BoltApp, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    [message] = slack.messages("db-ops")
    delivery = await slack.click("sre", message, "confirm_upgrade")
    assert delivery.acked
    [body] = socket_app.bodies
    assert body["actions"][0]["value"] == "req-1"
    assert body["container"]["message_ts"] == message.ts
    assert body["user"]["id"] == slack.people["sre"].id


async def test_slack_waits_three_seconds_for_an_ack(slack: StandInSlack, socket_app: BoltApp) -> None:
    socket_app.acks = False
    assert 2.9 < (await slack.command("sre", "db-ops", "x")).seconds < 3.5


async def test_an_envelope_delivered_again_says_that_it_is_a_retry(slack: StandInSlack, socket_app: BoltApp) -> None:
    first = await slack.command("sre", "db-ops", "x")
    second = await slack.redeliver(first)
    assert second.acked
    assert socket_app.bodies[0] == socket_app.bodies[1]
    assert socket_app.retry_numbers == ["1"]
    assert second.envelope.id == first.envelope.id


async def test_connections_take_turns(slack: StandInSlack, socket_app: BoltApp) -> None:
    async with connected(slack, socket_app):
        numbers = [(await slack.command("sre", "db-ops", "x")).through for _ in range(4)]
        assert set(numbers) == {0, 1}
        assert numbers[0] != numbers[1]
        assert (await slack.command("sre", "db-ops", "x", through=1)).through == 1


async def test_the_app_reconnects_after_dropped_connections(slack: StandInSlack, socket_app: BoltApp) -> None:
    before = slack.connections
    await slack.drop_connections()
    await slack.until(lambda: slack.connections and slack.connections != before)
    assert (await slack.command("sre", "db-ops", "x")).acked


async def test_the_app_reconnects_after_a_disconnect_message(slack: StandInSlack, socket_app: BoltApp) -> None:
    before = slack.connections
    await slack.drop_connections(reason="refresh_requested")
    await slack.until(lambda: slack.connections and slack.connections != before)
    assert (await slack.command("sre", "db-ops", "x")).acked


async def test_the_app_replaces_a_stalled_connection(slack: StandInSlack, socket_app: BoltApp) -> None:
    slack.stall_connections()
    slack.ack_seconds = 0.2
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert socket_app.bodies == []
    await slack.connected()
    assert (await slack.command("sre", "db-ops", "y")).acked
    assert [body["text"] for body in socket_app.bodies] == ["y"]


async def test_a_ticket_opens_one_connection_only(slack: StandInSlack) -> None:
    url = await connection_url(slack)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await slack.connected(1)
        async with session.get(url) as response:
            assert response.status == 403


async def test_a_ping_is_answered(slack: StandInSlack) -> None:
    url = await connection_url(slack)
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoping=False) as socket:
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive(timeout=5)
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_a_disconnect_message_carries_its_reason(slack: StandInSlack) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(await connection_url(slack)) as socket:
        await socket.receive_json()
        dropped = asyncio.create_task(slack.drop_connections(reason="warning"))
        assert await socket.receive_json() == {"type": "disconnect", "reason": "warning"}
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await dropped


async def test_a_stalled_connection_answers_no_close_frame(slack: StandInSlack) -> None:
    close_timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
    async with aiohttp.ClientSession() as session:
        for stalled, close_code in ((False, aiohttp.WSCloseCode.OK), (True, aiohttp.WSCloseCode.ABNORMAL_CLOSURE)):
            socket = await session.ws_connect(await connection_url(slack), timeout=close_timeout)
            await slack.connected()
            if stalled:
                slack.stall_connections()
            await socket.close()
            assert socket.close_code == close_code
            await slack.until(lambda: not slack.connections)


async def connection_url(slack: StandInSlack) -> str:
    """Request the URL of a new connection."""
    return str((await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token))["url"])
