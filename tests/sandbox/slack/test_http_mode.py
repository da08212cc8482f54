"""Commands and clicks reach a real Bolt app as signed HTTP requests."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, said
from bot.sandbox.slack.events import Events
from tests.sandbox.slack.bolt_bot import BUTTONS, BoltBot


async def test_a_command_is_taken_as_signed(slack: StandInSlack, http_bot: BoltBot) -> None:
    delivery = await slack.command("other", "db-ops", "0123in17 — “x” & y", trigger_id="1.2.3")
    assert (delivery.acked, delivery.status) == (True, 200)
    [body] = http_bot.heard
    assert body["text"] == "0123in17 — “x” & y"
    assert body["trigger_id"] == "1.2.3"
    assert body["team_id"] == slack.people["other"].team_id != slack.team_id


async def test_a_wrong_signature_is_refused_by_the_app(slack: StandInSlack, http_bot: BoltBot) -> None:
    forger = Events("another secret")
    urls = slack.ways.events.urls
    forger.urls = urls
    slack.ways.events, honest = forger, slack.ways.events
    delivery = await slack.command("sre", "db-ops", "x")
    await forger.close()
    slack.ways.events = honest
    assert (delivery.acked, delivery.status) == (False, 401)
    assert http_bot.heard == []
    assert "dispatch_failed" in said(slack.ephemerals("sre")[0])


async def test_a_click_comes_as_a_payload(slack: StandInSlack, http_bot: BoltBot, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    delivery = await slack.click("dba", slack.messages("db-ops")[0], "confirm_upgrade")
    assert delivery.acked
    assert http_bot.heard == [delivery.payload]


async def test_the_words_of_an_ack_are_seen_by_the_person_alone(slack: StandInSlack, http_bot: BoltBot) -> None:
    http_bot.ack_with = {"text": "看这里", "blocks": [{"type": "divider"}]}
    await slack.command("dba", "db-ops", "help")
    assert [said(whispered) for whispered in slack.ephemerals("dba")] == ["看这里"]


async def test_a_retry_is_marked_in_the_headers(slack: StandInSlack, http_bot: BoltBot) -> None:
    await slack.redeliver(await slack.command("sre", "db-ops", "x"))
    assert http_bot.retries == ["1"]
    assert len(http_bot.heard) == 2


async def test_without_an_answer_in_time_the_person_sees_a_timeout(slack: StandInSlack, http_bot: BoltBot) -> None:
    http_bot.acks = False
    slack.ways.ack_seconds = 0.2
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert "operation_timeout" in said(slack.ephemerals("sre")[0])


async def test_several_addresses_take_turns(slack: StandInSlack, http_bot: BoltBot) -> None:
    [url] = slack.ways.events.urls
    slack.deliver_to(url, url + "?second")
    used = [(await slack.command("sre", "db-ops", "x")).through for _ in range(4)]
    assert sorted(map(str, used)) == sorted([url, url, url + "?second", url + "?second"])
    assert (await slack.command("sre", "db-ops", "x", through=url)).through == url


async def test_nobody_listening_is_a_failed_dispatch(slack: StandInSlack) -> None:
    slack.deliver_to("http://127.0.0.1:1/slack/events")
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert "dispatch_failed" in said(slack.ephemerals("sre")[0])
