"""The edit that adds the details never gives a decided request its buttons back, however late Slack makes it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.driver import CHANNEL, BotDriver, Message, buttons

DECISIONS = {"confirm_upgrade": "job", "cancel_upgrade": "canceled by"}


def adds_details(arguments: Mapping[str, Any]) -> bool:
    """Whether this edit of the card is the one with the details."""
    return "confirm_upgrade" in str(arguments.get("blocks"))


def shows_decided(driver: BotDriver, message: Message) -> bool:
    return not buttons(driver.card(message))


@pytest.mark.parametrize("button", DECISIONS)
async def test_a_click_during_the_edit_is_shown_after_it(idle_driver: BotDriver, button: str) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", times=2, seconds=0.4)
    idle_driver.slack.fail("chat.update", ("delay_after", 1.0), when=adds_details)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "→ latest")
    await idle_driver.slack.click("sre", message, button)
    await idle_driver.wait_for_card(message, DECISIONS[button])
    assert shows_decided(idle_driver, message)
    edits = [call for call in idle_driver.slack.calls if call.method == "chat.update"]
    assert [adds_details(call.arguments) for call in edits[:2]] == [True, False]


@pytest.mark.parametrize("button", DECISIONS)
async def test_a_request_decided_before_the_edit_is_not_open_again(idle_driver: BotDriver, button: str) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", times=2, seconds=0.8)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.slack.click("sre", message, button)
    await idle_driver.wait_for_card(message, DECISIONS[button])
    await idle_driver.slack.command("sre", message.channel_id, "")
    await idle_driver.wait_for_ephemeral("sre", "StarRocks instances")
    assert shows_decided(idle_driver, message)
    assert not [
        call for call in idle_driver.slack.calls if call.method == "chat.update" and adds_details(call.arguments)
    ]


@pytest.mark.parametrize("how", [500, "drop_before", "drop_after", "html", 429])
async def test_details_that_slack_would_not_take_come_later_or_not_at_all(
    idle_driver: BotDriver, how: str | int
) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", seconds=0.4)
    idle_driver.slack.fail("chat.update", how, when=adds_details)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "→ latest")
    await idle_driver.confirm(message)
    await idle_driver.wait_for_card(message, "job")
    assert shows_decided(idle_driver, message)


async def test_an_edit_that_another_replica_made_late_is_made_good_at_once(idle_driver: BotDriver) -> None:
    arrived = asyncio.Event()

    def arrives_with_details(arguments: Mapping[str, Any]) -> bool:
        if adds_details(arguments):
            arrived.set()
        return adds_details(arguments)

    idle_driver.cloud.set_speed("paused")
    idle_driver.cloud.inject_fault("slow", "taurusdb", times=4, seconds=1.0)  # the card does not wait so long
    idle_driver.slack.fail("chat.update", ("delay_before", 1.5), when=arrives_with_details)
    await idle_driver.start()
    await idle_driver.start()
    await idle_driver.slack.command("sre", CHANNEL, idle_driver.instance(), through=0)
    message = (await idle_driver.slack.until(lambda: idle_driver.slack.messages(CHANNEL)))[0]
    async with asyncio.timeout(10):
        await arrived.wait()
    await idle_driver.slack.click("sre", message, "confirm_upgrade", through=1)
    await idle_driver.wait_for_card(message, "job")
    edits = idle_driver.slack.calls

    def made_good() -> list[float] | None:
        """When the late edit was made, and when the one after it."""
        cards = [one for one in edits if one.method == "chat.update" and one.arguments["ts"] == message.ts]
        late = next((n for n, one in enumerate(cards) if adds_details(one.arguments)), len(cards))
        return [one.at for one in cards[late : late + 2]] if len(cards) > late + 1 else None

    late, next_one = await idle_driver.until(made_good)
    assert next_one - late < 3
    assert shows_decided(idle_driver, message)
    assert len(idle_driver.cloud.upgrades) == 1
