"""What a click carries, and what the person sees of the app's acknowledgement."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, text_of
from tests.sandbox.slack.helpers import BLOCKS, BoltApp


async def test_a_click_on_a_button_that_an_edit_took_away_is_still_delivered(
    slack: StandInSlack, socket_app: BoltApp, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    [before] = slack.messages("db-ops")
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="Decided.", blocks=[])
    assert (await slack.click("sre", before, "confirm_upgrade")).acked
    [after] = slack.messages("db-ops")
    assert (await slack.click("sre", after, "confirm_upgrade", value="forged")).acked
    assert [body["actions"][0]["value"] for body in socket_app.bodies] == ["req-1", "forged"]


async def test_a_click_carries_the_value_that_the_person_saw(
    slack: StandInSlack, socket_app: BoltApp, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    [before] = slack.messages("db-ops")
    new_blocks = [{**BLOCKS[1], "elements": [{**BLOCKS[1]["elements"][0], "value": "req-2"}]}]
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="Upgrade again?", blocks=new_blocks)
    await slack.click("sre", before, "confirm_upgrade")
    await slack.click("sre", slack.messages("db-ops")[0], "confirm_upgrade")
    assert [body["actions"][0]["value"] for body in socket_app.bodies] == ["req-1", "req-2"]
    assert socket_app.bodies[0]["message"]["text"] == "Upgrade again?"


async def test_the_text_of_an_acknowledgement_is_ephemeral(slack: StandInSlack, socket_app: BoltApp) -> None:
    socket_app.ack_with = {"text": "no such option"}
    await slack.command("sre", "db-ops", "--dely")
    [ephemeral] = slack.ephemerals("sre")
    assert text_of(ephemeral) == "no such option"
    assert slack.ephemerals("dba") == []
    assert slack.messages("db-ops") == []


async def test_without_an_acknowledgement_the_person_sees_operation_timeout(
    slack: StandInSlack, socket_app: BoltApp
) -> None:
    socket_app.acks = False
    slack.ack_seconds = 0.2
    delivery = await slack.command("sre", "db-ops", "x")
    assert not delivery.acked
    [ephemeral] = slack.ephemerals("sre")
    assert "operation_timeout" in text_of(ephemeral)
    assert ephemeral.by_slack


async def test_without_any_connection_the_person_sees_dispatch_failed_at_once(slack: StandInSlack) -> None:
    delivery = await slack.command("sre", "db-ops", "x")
    assert not delivery.acked
    assert "dispatch_failed" in text_of(slack.ephemerals("sre")[0])
