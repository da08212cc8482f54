"""The edit that adds the facts never gives a decided question its buttons back, however late Slack makes it."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.house import CHANNEL, House, Message, buttons

DECISIONS = {"confirm_upgrade": "job", "cancel_upgrade": "canceled by"}


def adds_facts(arguments: Mapping[str, Any]) -> bool:
    """Whether this edit of the card is the one with the facts."""
    return "confirm_upgrade" in str(arguments.get("blocks"))


def shows_decided(home: House, message: Message) -> bool:
    return not buttons(home.card(message))


@pytest.mark.parametrize("button", DECISIONS)
async def test_a_click_during_the_edit_is_shown_after_it(empty_home: House, button: str) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", times=2, seconds=0.4)
    empty_home.slack.fail("chat.update", ("slow", 1.0), when=adds_facts)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await empty_home.seen(message, "a newer version")
    await empty_home.slack.click("sre", message, button)
    await empty_home.seen(message, DECISIONS[button])
    assert shows_decided(empty_home, message)
    edits = [call for call in empty_home.slack.calls if call.method == "chat.update"]
    assert [adds_facts(call.arguments) for call in edits[:2]] == [True, False]


@pytest.mark.parametrize("button", DECISIONS)
async def test_a_question_decided_before_the_edit_is_not_asked_again(empty_home: House, button: str) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", times=2, seconds=0.8)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await empty_home.slack.click("sre", message, button)
    await empty_home.seen(message, DECISIONS[button])
    await empty_home.slack.command("sre", message.channel_id, "")
    await empty_home.whispered("sre", "StarRocks instances")
    assert shows_decided(empty_home, message)
    assert not [call for call in empty_home.slack.calls if call.method == "chat.update" and adds_facts(call.arguments)]


@pytest.mark.parametrize("how", [500, "drop_before", "drop_after", "html", 429])
async def test_facts_that_slack_would_not_take_come_later_or_not_at_all(empty_home: House, how: str | int) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", seconds=0.4)
    empty_home.slack.fail("chat.update", how, when=adds_facts)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await empty_home.seen(message, "a newer version")
    await empty_home.confirm(message)
    await empty_home.seen(message, "job")
    assert shows_decided(empty_home, message)


async def test_an_edit_that_another_replica_made_late_is_made_good_at_once(empty_home: House) -> None:
    empty_home.cloud.set_speed("paused")
    empty_home.cloud.choose_mishap("slow", "taurusdb", times=4, seconds=0.4)
    empty_home.slack.fail("chat.update", ("late", 1.5), when=adds_facts)
    await empty_home.start()
    await empty_home.start()
    await empty_home.slack.command("sre", CHANNEL, empty_home.instance(), through=0)
    message = (await empty_home.slack.until(lambda: empty_home.slack.messages(CHANNEL)))[0]
    await empty_home.cloud.until(lambda: [call.operation for call in empty_home.cloud.calls].count("instance") >= 1)
    await empty_home.slack.click("sre", message, "confirm_upgrade", through=1)
    await empty_home.seen(message, "job")
    edits = empty_home.slack.calls

    def made_good() -> list[float] | None:
        """When the late edit was made, and when the one after it."""
        cards = [one for one in edits if one.method == "chat.update" and one.arguments["ts"] == message.ts]
        late = next((n for n, one in enumerate(cards) if adds_facts(one.arguments)), len(cards))
        return [one.at for one in cards[late : late + 2]] if len(cards) > late + 1 else None

    late, next_one = await empty_home.until(made_good)
    assert next_one - late < 3
    assert shows_decided(empty_home, message)
    assert len(empty_home.cloud.upgrades) == 1
