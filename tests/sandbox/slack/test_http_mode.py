"""Commands and clicks reach a Bolt app as signed HTTP requests."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, text_of
from tests.sandbox.slack.helpers import BLOCKS, BoltApp


async def test_the_signature_of_a_command_is_accepted(slack: StandInSlack, http_app: BoltApp) -> None:
    delivery = await slack.command("other", "db-ops", "0123in17 — “x” & y", trigger_id="1.2.3")
    assert (delivery.acked, delivery.status) == (True, 200)
    [body] = http_app.bodies
    assert body["text"] == "0123in17 — “x” & y"
    assert body["trigger_id"] == "1.2.3"
    assert body["team_id"] == slack.people["other"].team_id != slack.team_id


async def test_a_wrong_signature_is_refused_by_the_app(slack: StandInSlack, http_app: BoltApp) -> None:
    slack.signing_secret = "another secret"
    delivery = await slack.command("sre", "db-ops", "x")
    assert (delivery.acked, delivery.status) == (False, 401)
    assert http_app.bodies == []
    assert "dispatch_failed" in text_of(slack.ephemerals("sre")[0])


async def test_a_click_comes_as_a_payload(slack: StandInSlack, http_app: BoltApp, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    delivery = await slack.click("dba", slack.messages("db-ops")[0], "confirm_upgrade")
    assert delivery.acked
    assert http_app.bodies == [delivery.payload]


async def test_the_text_of_an_acknowledgement_is_ephemeral(slack: StandInSlack, http_app: BoltApp) -> None:
    http_app.ack_with = {"text": "看这里", "blocks": [{"type": "divider"}]}
    await slack.command("dba", "db-ops", "help")
    assert [text_of(ephemeral) for ephemeral in slack.ephemerals("dba")] == ["看这里"]


async def test_a_retry_is_marked_in_the_headers(slack: StandInSlack, http_app: BoltApp) -> None:
    await slack.redeliver(await slack.command("sre", "db-ops", "x"))
    assert http_app.retry_numbers == ["1"]
    assert len(http_app.bodies) == 2


async def test_without_an_answer_in_time_the_person_sees_operation_timeout(
    slack: StandInSlack, http_app: BoltApp
) -> None:
    http_app.acks = False
    slack.ack_seconds = 0.2
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert "operation_timeout" in text_of(slack.ephemerals("sre")[0])


async def test_several_request_urls_take_turns(slack: StandInSlack, http_app: BoltApp) -> None:
    url = str((await slack.command("sre", "db-ops", "x")).through)
    slack.deliver_to(url, url + "?second")
    used_urls = [(await slack.command("sre", "db-ops", "x")).through for _ in range(4)]
    assert sorted(map(str, used_urls)) == sorted([url, url, url + "?second", url + "?second"])
    assert (await slack.command("sre", "db-ops", "x", through=url)).through == url


async def test_a_url_where_nobody_listens_is_dispatch_failed(slack: StandInSlack) -> None:
    slack.deliver_to("http://127.0.0.1:1/slack/events")
    assert not (await slack.command("sre", "db-ops", "x")).acked
    assert "dispatch_failed" in text_of(slack.ephemerals("sre")[0])
