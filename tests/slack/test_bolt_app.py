"""Rightly signed, and still not for this bot: commands of other apps or made-up users, forged clicks."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.driver import CHANNEL, BotDriver, buttons, text_of
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
