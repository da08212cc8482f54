"""Rightly signed, and still not for this bot: commands of other apps or made-up users, forged clicks."""

import json
import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.logs import JsonFormatter, Redactor
from tests.audit_rows import DATABASE, audit_entries
from tests.driver import CHANNEL, BotDriver, Message, buttons, text_of
from tests.events_client import (
    EventsClient,
    assert_nothing_done,
    command_payload,
    form_body,
    interactive_body,
    refusal_reasons,
)

OTHER_TEAM = "T0EVIL00001"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"api_app_id": "A0ANOTHER1"}, "another app"),
        ({"user_id": "<!channel>"}, "unreadable"),
        ({"channel_id": "../../etc"}, "unreadable"),
        ({"team_id": ""}, "unreadable"),
        ({"user_id": "U0SRE\u00e9"}, "unreadable"),
    ],
)
async def test_a_signed_command_that_is_not_for_this_bot_is_acknowledged_and_dropped(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture, changes: dict[str, str], reason: str
) -> None:
    response = await client.post_signed(form_body(await command_payload(driver, **changes)))
    assert (response.status, response.text) == (200, "")
    await driver.until(lambda: refusal_reasons(caplog) == {reason} or None)
    await assert_nothing_done(driver, client)


def is_stored(driver: BotDriver, card: Message) -> bool:
    """Whether the bot has noted which message the card is."""
    with closing(sqlite3.connect(driver.folder / DATABASE)) as connection:
        return bool(connection.execute("SELECT 1 FROM upgrades WHERE message_ts = ?", (card.ts,)).fetchall())


@pytest.mark.parametrize(
    "changes",
    [
        {"api_app_id": "A0ANOTHER1"},
        {"user": {"id": "U0SRE00001", "team_id": OTHER_TEAM}, "team": {"id": OTHER_TEAM}},
        {"user": {"id": "U0SRE00001"}, "team": None, "enterprise": {"id": "E0EVIL0001"}},
        {"user": {"id": "U0SRE00001", "enterprise_id": "E0EVIL0001"}},
        {"message": {"ts": "{ts}", "app_id": "A0ANOTHER1"}},
        {"channel": {"id": "C0INC00042"}},
        {"container": {"message_ts": "1.000000"}, "message": {"ts": "1.000000"}},
        {"actions": []},
        {"actions": "confirm_upgrade"},
        {"user": None},
        {"user": ["U0SRE00001"]},
    ],
)
async def test_a_forged_click_confirms_nothing(
    idle_driver: BotDriver, session: ClientSession, changes: dict[str, Any]
) -> None:
    driver = idle_driver
    client = EventsClient(session, (await driver.start(ALLOWED_USERS="*")).url, driver.slack.signing_secret)
    card = await driver.request(driver.instance())
    await driver.until(lambda: is_stored(driver, card) or None)
    delivery = await driver.slack.click("guest", card, "confirm_upgrade")
    payload = {**delivery.payload, "user": {"id": "U0SRE00001", "team_id": "T0HOME0001"}, "team": {"id": "T0HOME0001"}}
    assert (await client.post_signed(interactive_body({**payload, **changes}))).status in (200, 400)
    await driver.slack.command("dba", CHANNEL, "help")
    await driver.wait_for_ephemeral("dba")
    assert await client.is_healthy()
    assert buttons(driver.card(card))
    assert not driver.cloud.upgrades
    payload["actions"] = [{**payload["actions"][0], "action_ts": "1.5"}]
    assert (await client.post_signed(interactive_body(payload))).status == 200
    await driver.wait_for_card(card, "job")


async def test_a_button_clicked_in_another_channel_is_unknown_there(driver: BotDriver) -> None:
    card = await driver.request(driver.instance())
    await driver.slack.click("sre", card, "confirm_upgrade", channel="incident-42")
    assert text_of(await driver.wait_for_ephemeral("sre"))
    assert buttons(driver.card(card))
    assert not driver.cloud.upgrades


# nothing is edited before the rules allow it


@pytest.mark.parametrize(("person", "is_replaced"), [("guest", False), ("other", False), ("third", True)])
@pytest.mark.parametrize("button", ["confirm_upgrade", "cancel_upgrade"])
async def test_a_second_card_of_a_request_is_closed_by_whoever_may_use_the_bot_alone(
    idle_driver: BotDriver, person: str, is_replaced: bool, button: str
) -> None:
    driver = idle_driver
    await driver.start(ALLOWED_USERS="*", CONFIRM_BY="anyone")
    card = await driver.request(driver.instance())
    await driver.until(lambda: is_stored(driver, card) or None)
    copy = driver.slack.post_message(card.channel_id, card.text, card.blocks)
    await driver.slack.click(person, copy, button)
    await driver.wait_for_ephemeral(person)
    assert bool(driver.card(copy).history) == is_replaced
    assert buttons(driver.card(card))
    assert not driver.cloud.upgrades


async def test_whoever_may_not_use_the_bot_cannot_say_which_message_is_the_card(idle_driver: BotDriver) -> None:
    """The process died between posting the card and storing its `ts`; the first click tells it."""
    driver = idle_driver
    await driver.start(ALLOWED_USERS="*")
    driver.slack.fail("chat.postMessage", ("delay_after", 60))
    await driver.slack.command("sre", CHANNEL, driver.instance())
    (card,) = await driver.until(lambda: driver.slack.messages(CHANNEL) or None)
    forged = driver.slack.post_message(card.channel_id, card.text, card.blocks)
    for message in (forged, card):
        await driver.slack.click("guest", message, "cancel_upgrade")
    await driver.until(lambda: driver.slack.ephemerals("guest")[1:] or None)
    await driver.confirm(card)
    await driver.wait_for_card(card, "job")
    driver.slack.clear_faults()


# foreign text is cut where it is read


async def test_a_null_team_is_tolerated(driver: BotDriver, client: EventsClient) -> None:
    payload = await command_payload(driver)
    del payload["team_id"]
    assert (await client.post_signed(form_body(payload))).status == 200
    (card,) = await driver.until(lambda: driver.slack.messages(CHANNEL) or None)
    delivery = await driver.slack.click("guest", card, "confirm_upgrade")
    click = {**delivery.payload, "user": {"id": "U0SRE00001"}, "team": None, "enterprise": None}
    click["actions"] = [{**click["actions"][0], "action_ts": "1.5"}]
    assert (await client.post_signed(interactive_body(click))).status == 200
    await driver.wait_for_card(card, "job")


@pytest.mark.parametrize("long", ["x" * 90_000, "\n\x1b[31m" * 5_000, "\u202e" * 9_000, "订" * 9_000])
async def test_no_text_of_a_payload_makes_a_long_line_or_row(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture, long: str
) -> None:
    caplog.set_level(logging.INFO)
    card = await driver.request(driver.instance())
    await driver.until(lambda: is_stored(driver, card) or None)
    delivery = await driver.slack.click("guest", card, "confirm_upgrade")
    await driver.wait_for_ephemeral("guest")
    click = {**delivery.payload, "user": {"id": "U0SRE00001", "team_id": "T0HOME0001"}}
    button = {**click["actions"][0], "action_ts": "1.5"}
    forged: list[dict[str, Any]] = [
        {**click, "actions": [{**button, "value": long}]},
        {**click, "actions": [{**button, "value": long, "action_id": "request_now"}]},
        {**click, "actions": [button], "user": {"id": long, "team_id": long}},
        {**click, "actions": [button], "team": {"id": long}, "user": {"id": "U0SRE00001"}, "enterprise": {"id": long}},
        {**click, "actions": [{**button, "action_ts": long}], "trigger_id": long, "response_url": long},
        {**click, long: long, "user": None},
        {**click, "actions": [{**button, "action_id": long, "block_id": long}]},
    ]
    for payload in forged:
        assert (await client.post_signed(interactive_body(payload))).status in (200, 400, 404)
    await client.post_signed(form_body(await command_payload(driver, long, trigger_id="x", response_url=long)))
    await driver.slack.command("dba", CHANNEL, "help")
    await driver.wait_for_ephemeral("dba")
    lines = [JsonFormatter(Redactor()).format(record) for record in caplog.records]
    assert max(len(json.dumps(line)) for line in lines) < 8000
    rows = audit_entries(driver.folder)
    assert max(len(str(getattr(row, name))) for row in rows for name in ("reason", "user_id", "team_id")) < 300
