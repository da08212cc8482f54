"""Commands and clicks reach a real Bolt app by Socket Mode, on good days and on bad ones."""

import asyncio

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, said
from tests.sandbox.slack.bolt_bot import BUTTONS, BoltBot, connected


async def test_a_command_reaches_the_app_and_is_acknowledged(slack: StandInSlack, socket_bot: BoltBot) -> None:
    delivery = await slack.command("dba", "db-ops", "0123in17 --delay")
    assert delivery.acked
    assert delivery.seconds < 1
    [body] = socket_bot.heard
    assert body == delivery.payload
    assert body["text"] == "0123in17 --delay"
    assert body["user_id"] == slack.people["dba"].id
    assert body["channel_id"] == slack.channels["db-ops"].id
    assert "thread_ts" not in body


async def test_a_click_reaches_the_app_with_its_value(
    slack: StandInSlack, socket_bot: BoltBot, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    [message] = slack.messages("db-ops")
    delivery = await slack.click("sre", message, "confirm_upgrade")
    assert delivery.acked
    [body] = socket_bot.heard
    assert body["actions"][0]["value"] == "req-1"
    assert body["container"]["message_ts"] == message.ts
    assert body["user"]["id"] == slack.people["sre"].id


async def test_a_click_on_a_button_that_an_edit_took_away_is_still_delivered(
    slack: StandInSlack, socket_bot: BoltBot, client: AsyncWebClient
) -> None:
    answer = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    [seen] = slack.messages("db-ops")
    await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="Decided.", blocks=[])
    assert (await slack.click("sre", seen, "confirm_upgrade")).acked
    [now] = slack.messages("db-ops")
    assert (await slack.click("sre", now, "confirm_upgrade", value="forged")).acked
    assert [body["actions"][0]["value"] for body in socket_bot.heard] == ["req-1", "forged"]


async def test_a_click_carries_the_value_that_the_person_saw(
    slack: StandInSlack, socket_bot: BoltBot, client: AsyncWebClient
) -> None:
    answer = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    [seen] = slack.messages("db-ops")
    newer = [{**BUTTONS[1], "elements": [{**BUTTONS[1]["elements"][0], "value": "req-2"}]}]
    await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="Upgrade again?", blocks=newer)
    await slack.click("sre", seen, "confirm_upgrade")
    await slack.click("sre", slack.messages("db-ops")[0], "confirm_upgrade")
    assert [body["actions"][0]["value"] for body in socket_bot.heard] == ["req-1", "req-2"]
    assert socket_bot.heard[0]["message"]["text"] == "Upgrade again?"


async def test_the_words_of_an_ack_are_seen_by_the_person_alone(slack: StandInSlack, socket_bot: BoltBot) -> None:
    socket_bot.ack_with = {"text": "no such option"}
    await slack.command("sre", "db-ops", "--dely")
    [whispered] = slack.ephemerals("sre")
    assert said(whispered) == "no such option"
    assert slack.ephemerals("dba") == []
    assert slack.messages("db-ops") == []


async def test_without_an_ack_the_person_sees_a_timeout(slack: StandInSlack, socket_bot: BoltBot) -> None:
    socket_bot.acks = False
    slack.ways.ack_seconds = 0.2
    delivery = await slack.command("sre", "db-ops", "x")
    assert not delivery.acked
    [whispered] = slack.ephemerals("sre")
    assert "operation_timeout" in said(whispered)
    assert whispered.by_slack


async def test_slack_waits_three_seconds_for_an_ack(slack: StandInSlack, socket_bot: BoltBot) -> None:
    socket_bot.acks = False
    assert 2.9 < (await slack.command("sre", "db-ops", "x")).seconds < 3.5


async def test_without_any_connection_the_command_fails_at_once(slack: StandInSlack) -> None:
    delivery = await slack.command("sre", "db-ops", "x")
    assert not delivery.acked
    assert "dispatch_failed" in said(slack.ephemerals("sre")[0])


async def test_an_envelope_delivered_again_says_that_it_is_a_retry(slack: StandInSlack, socket_bot: BoltBot) -> None:
    first = await slack.command("sre", "db-ops", "x")
    second = await slack.redeliver(first)
    assert second.acked
    assert socket_bot.heard[0] == socket_bot.heard[1]
    assert socket_bot.retries == ["1"]
    assert second.envelope.id == first.envelope.id


async def test_connections_take_turns(slack: StandInSlack, socket_bot: BoltBot) -> None:
    async with connected(slack, socket_bot):
        used = [(await slack.command("sre", "db-ops", "x")).through for _ in range(4)]
        assert set(used) == {0, 1}
        assert used[0] != used[1]
        assert (await slack.command("sre", "db-ops", "x", through=1)).through == 1


async def test_dropped_connections_are_made_anew(slack: StandInSlack, socket_bot: BoltBot) -> None:
    before = slack.connections
    await slack.drop_connections()
    await slack.until(lambda: slack.connections and slack.connections != before)
    assert (await slack.command("sre", "db-ops", "x")).acked


async def test_an_announced_end_makes_the_app_connect_anew(slack: StandInSlack, socket_bot: BoltBot) -> None:
    before = slack.connections
    await slack.drop_connections(reason="refresh_requested")
    await slack.until(lambda: slack.connections and slack.connections != before)
    assert (await slack.command("sre", "db-ops", "x")).acked


async def test_a_silent_connection_is_given_up_for_a_new_one(slack: StandInSlack, socket_bot: BoltBot) -> None:
    slack.go_silent()
    slack.ways.ack_seconds = 0.2
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert socket_bot.heard == []
    await slack.connected()
    assert (await slack.command("sre", "db-ops", "y")).acked
    assert [body["text"] for body in socket_bot.heard] == ["y"]


async def test_a_ticket_opens_one_connection_only(slack: StandInSlack) -> None:
    url = await socket_url(slack)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await slack.connected(1)
        async with session.get(url) as refused:
            assert refused.status == 403


async def test_a_ping_is_answered(slack: StandInSlack) -> None:
    url = await socket_url(slack)
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoping=False) as socket:
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive(timeout=5)
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_an_end_is_announced_with_its_reason(slack: StandInSlack) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(await socket_url(slack)) as socket:
        await socket.receive_json()
        dropped = asyncio.create_task(slack.drop_connections(reason="warning"))
        assert await socket.receive_json() == {"type": "disconnect", "reason": "warning"}
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await dropped


async def test_a_silent_connection_does_not_even_say_goodbye(slack: StandInSlack) -> None:
    patience = aiohttp.ClientWSTimeout(ws_close=0.2)
    async with aiohttp.ClientSession() as session:
        for silent, code in ((False, aiohttp.WSCloseCode.OK), (True, aiohttp.WSCloseCode.ABNORMAL_CLOSURE)):
            socket = await session.ws_connect(await socket_url(slack), timeout=patience)
            await slack.connected()
            if silent:
                slack.go_silent()
            await socket.close()
            assert socket.close_code == code
            await slack.until(lambda: not slack.connections)


async def socket_url(slack: StandInSlack) -> str:
    """Ask for the address of a new connection."""
    return str((await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token))["url"])
