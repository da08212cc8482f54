"""Notifications are delivered, whatever Slack does to the calls."""

import asyncio
import logging
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest

from bot.core import outbox
from bot.core.notifications import EDITS
from bot.slack import rate_limits
from tests.driver import CHANNEL, BotDriver, Message, run_driver, text_of

# The last two are errors that Slack documents for other methods only, or not at all: they pass, too.
FAULTS = [
    429,
    500,
    "html",
    "text",
    "drop_before",
    "drop_after",
    "internal_error",
    "team_added_to_org",
    "message_limit_exceeded",
]


@pytest.mark.parametrize("how", FAULTS)
async def test_a_message_that_slack_would_not_take_is_told_again(driver: BotDriver, how: str | int) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.postMessage", how, times=2)
    await driver.confirm(message)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    told = await driver.wait_for_reply(message, call.job_id or "?", 30)
    await driver.wait_for_reply(message, "completed", 60)
    starts = [one for one in driver.thread(message) if "accepted" in text_of(one)]
    assert len(starts) <= (3 if how == "drop_after" else 1)
    assert told.thread_ts == message.ts


@pytest.mark.parametrize("how", FAULTS)
async def test_a_final_edit_that_slack_would_not_take_is_made_later(driver: BotDriver, how: str | int) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.update", how, times=3)
    await driver.confirm(message)
    assert "ompleted" in text_of(await driver.wait_for_card(message, "ompleted", 60))


@pytest.mark.parametrize("how", FAULTS)
async def test_a_question_that_slack_would_not_take_is_asked_again(driver: BotDriver, how: str | int) -> None:
    driver.slack.fail("chat.postMessage", how)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    assert len(driver.cloud.upgrades) == 1


async def test_a_slow_slack_does_not_keep_the_upgrade_from_being_sent(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.update", ("delay_after", 20.0))
    await driver.confirm(message)
    await driver.wait_for_reply(message, "job", 20)
    assert len(driver.cloud.upgrades) == 1


async def test_when_the_channel_is_archived_the_requester_is_told_directly(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    driver.slack.change_channel(message.channel_id, is_archived=True)
    driver.cloud.finish(driver.cloud.upgrades[0].job_id or "", "Completed")
    opened = await driver.until(
        lambda: next((call for call in driver.slack.calls if call.method == "conversations.open"), None)
    )
    direct = opened.answer["channel"]["id"]
    end = await driver.until(
        lambda: next((one for one in driver.slack.messages(direct) if "completed" in text_of(one)), None)
    )
    assert end.thread_ts is None


async def test_news_is_told_once_when_clicks_follow_the_questions_at_once(driver: BotDriver) -> None:
    instances = driver.cloud.add_instances(20)
    clicks: dict[str, asyncio.Task[object]] = {}

    def press() -> None:
        for message in driver.slack.messages("db-ops"):
            if message.ts not in clicks:
                click = driver.slack.click("sre", message, "confirm_upgrade")
                clicks[message.ts] = asyncio.create_task(click)

    driver.slack.on_change(press)
    driver.slack.fail("chat.postMessage", ("delay_after", 0.1), times=None)
    await asyncio.gather(*(driver.slack.command("sre", "db-ops", instance.id) for instance in instances))
    await driver.until(lambda: len(clicks) == 20 or None, 30)
    await asyncio.gather(*clicks.values())
    questions = [message for message in driver.slack.messages("db-ops") if message.ts in clicks]
    for question in questions:
        await driver.wait_for_reply(question, "after confirmation", 40)
    assert [len(driver.thread(question)) for question in questions] == [
        2
    ] * 20  # the job with its progress, and the end
    assert len(driver.cloud.upgrades) == 20


# rate limits

UPGRADES = 30
END_SECONDS = 60.0
POLL_SECONDS = 10.0
REAL_SPEED = pytest.param(1.0, id="Slack's own", marks=pytest.mark.slack_rates)


@pytest.mark.parametrize("speed", [pytest.param(5.0, id="five times Slack's own"), REAL_SPEED])
async def test_thirty_upgrades_at_once_are_told_in_order_within_slacks_rate_limits(
    tmp_path: Path, speed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Slack's limits, what the bot knows of them and how often jobs are polled are all so many times faster than real.
    for method, seconds in rate_limits.INTERVAL_SECONDS.items():
        monkeypatch.setitem(rate_limits.INTERVAL_SECONDS, method, seconds / speed)
    async with run_driver(tmp_path, JOB_POLL_SECONDS=f"{POLL_SECONDS / speed:g}") as driver:
        driver.cloud.set_speed("paused")
        instances = driver.cloud.add_instances(2 * UPGRADES)
        await driver.start(REPORT_CHANNEL=driver.slack.channels[CHANNEL].id)  # its reports are posts of the channel too
        driver.slack.limit_rates(speed)
        await asyncio.gather(*(driver.slack.command("sre", CHANNEL, one.id) for one in instances[:UPGRADES]))
        cards = await driver.until(lambda: top_level(driver) if len(top_level(driver)) == UPGRADES else None, 60)
        await asyncio.gather(*(driver.slack.click("sre", card, "confirm_upgrade") for card in cards))
        await driver.until(lambda: len(driver.cloud.upgrades) == UPGRADES or None, 20)
        jobs = [upgrade.job_id or "" for upgrade in driver.cloud.upgrades]
        for job_id in jobs:
            driver.cloud.set_progress(job_id, 50)
        await driver.until(lambda: sum(bool(driver.thread(card)) for card in cards) >= UPGRADES / 2 or None, 60)
        ended_at = driver.slack.clock()  # while the other half is still to be told that it was accepted
        for number, job_id in enumerate(jobs):
            driver.cloud.finish(job_id, "Failed" if number % 3 == 0 else "Completed")
        # And others ask for upgrades in the same channel.
        await asyncio.gather(*(driver.slack.command("dba", CHANNEL, one.id) for one in instances[UPGRADES:]))
        await driver.until(lambda: all(ending(driver, card) for card in cards) or None, 150)
        waits = sorted((message.at - ended_at) * speed for card in cards if (message := ending(driver, card)))
        refused = Counter(call.method for call in driver.slack.calls if call.status == 429)
        figures = f"first {waits[0]:.1f} s, median {median(waits):.1f} s, last {waits[-1]:.1f} s"
        print(f"end told after its job's end: {figures}; refused with 429: {dict(refused)}")
        assert waits[-1] < END_SECONDS, figures
        for card in cards:
            assert [kind_of(reply) for reply in driver.thread(card)] == ["job", "end"]
        assert refused["chat.postMessage"] <= 2 * UPGRADES + 10, "calls take turns once Slack has refused one"
        await driver.until(lambda: all(has_ended(driver.card(card)) for card in cards) or None, 60)
        for message in (*map(driver.card, cards), *(driver.thread(card)[0] for card in cards)):
            texts = [str(version) for version in (*message.history, (message.text, message.blocks))]
            ends = [re.search("Completed|Failed", text) is not None for text in texts]
            assert ends == sorted(ends), "no older edit after the one that shows the end"


def top_level(driver: BotDriver) -> list[Message]:
    """The request cards."""
    return [message for message in driver.slack.messages(CHANNEL) if message.thread_ts is None]


def kind_of(message: Message) -> str:
    """What a reply told when it was posted: the job, or its end."""
    first = message.history[0][0] if message.history else message.text
    return "job" if re.search(r"accepted the upgrade|Upgrade of `[^`]*`\. Job ID", first) else "end"


def has_ended(card: Message) -> bool:
    """Whether the request card shows the end."""
    return re.search("Completed|Failed", text_of(card)) is not None


def ending(driver: BotDriver, card: Message) -> Message | None:
    """The message that tells the end of its upgrade."""
    return next((reply for reply in driver.thread(card) if kind_of(reply) == "end"), None)


async def test_the_end_is_told_although_no_edit_goes_through(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "accepted")
    driver.slack.fail("chat.update", 429, times=None, retry_after=300)
    job_id = driver.cloud.upgrades[0].job_id or ""
    driver.cloud.set_progress(job_id, 50)
    await driver.until(lambda: any(call.status == 429 for call in driver.slack.calls) or None)
    driver.cloud.finish(job_id, "Failed")
    await driver.wait_for_reply(message, "failed", 8)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled"])
async def test_the_end_is_told_before_the_card_is_edited(driver: BotDriver, status: str) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "accepted by Huawei Cloud")
    driver.cloud.finish(driver.cloud.upgrades[0].job_id or "", status)
    await driver.wait_for_card(message, status)
    card_edits = [
        call for call in driver.slack.calls if call.method == "chat.update" and call.arguments["ts"] == message.ts
    ]
    ends = [call for call in driver.slack.calls if call.method == "chat.postMessage"][2:]
    assert len(ends) == 1
    assert driver.slack.calls.index(ends[0]) < driver.slack.calls.index(card_edits[-1])


# what Slack does not take


@pytest.mark.parametrize(
    "error", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments"]
)
async def test_what_slack_does_not_take_with_blocks_is_told_in_plain_words(driver: BotDriver, error: str) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("*", error, times=None, when=lambda arguments: bool(arguments.get("blocks")))
    await driver.confirm(message)
    end = await driver.wait_for_reply(message, "completed", 30)
    assert not end.blocks
    assert end.thread_ts == message.ts
    card = await driver.wait_for_card(message, "ompleted")
    assert not card.blocks


PLACE_ERRORS = [
    "channel_not_found",
    "is_archived",
    "not_in_channel",
    "restricted_action",
    "restricted_action_read_only_channel",
    "thread_not_found",
]


@pytest.mark.parametrize("error", PLACE_ERRORS)
async def test_what_the_channel_does_not_take_is_told_to_the_requester(driver: BotDriver, error: str) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail(
        "chat.postMessage", error, times=None, when=lambda arguments: arguments["channel"] == message.channel_id
    )
    await driver.confirm(message)
    direct = driver.slack.direct_channel(driver.slack.people["sre"])
    await driver.until(lambda: [kind_of(one) for one in driver.slack.messages(direct)] == ["job", "end"] or None)
    await driver.wait_for_card(message, "ompleted")  # the channel still takes edits
    job_message = driver.slack.messages(direct)[0]
    assert job_message.history, "the progress is edited where the job was told"
    assert not any(
        call.answer and call.answer.get("error") for call in driver.slack.calls if call.method == "chat.update"
    )


async def test_a_job_message_of_the_channel_is_edited_there_after_the_fall_back(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    job_message = await driver.wait_for_reply(message, "accepted")
    driver.slack.fail("chat.postMessage", "restricted_action", when=lambda arguments: "thread_ts" in arguments)
    driver.cloud.finish(driver.cloud.upgrades[0].job_id or "", "Completed")
    direct = driver.slack.direct_channel(driver.slack.people["sre"])
    await driver.until(lambda: driver.slack.messages(direct) or None)

    def edited() -> Message | None:
        current = driver.slack.find_message(message.channel_id, job_message.ts)
        return current if current and "ompleted" in text_of(current) else None

    await driver.until(edited)


@pytest.mark.parametrize("dm_error", ["missing_scope", "cannot_dm_bot", "user_disabled"])
async def test_what_nobody_takes_is_kept_and_told_as_soon_as_the_channel_takes_it(
    driver: BotDriver, dm_error: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_UNDELIVERABLE_SECONDS", 0.2)
    message = await driver.request(driver.instance())
    driver.slack.fail("conversations.open", dm_error, times=None)
    driver.slack.change_channel(message.channel_id, is_archived=True)
    with caplog.at_level(logging.INFO):
        await driver.confirm(message)
        opened = lambda: sum(call.method == "conversations.open" for call in driver.slack.calls) >= 4 or None  # noqa: E731
        await driver.until(opened, 30)
    undeliverable = [record for record in caplog.records if record.getMessage() == "notification.undeliverable"]
    assert [record.levelname for record in undeliverable[:3]] == ["WARNING", "INFO", "INFO"]
    driver.slack.change_channel(message.channel_id, is_archived=False)
    await driver.wait_for_reply(message, "accepted")
    await driver.wait_for_reply(message, "after confirmation")

    def is_all_told() -> bool | None:
        with closing(sqlite3.connect(driver.folder / "sandbox.db")) as database:
            (pending,) = database.execute("SELECT pending_notifications FROM upgrades").fetchone()
        return EDITS.issuperset(filter(None, pending.split(","))) or None

    await driver.until(is_all_told)


@pytest.mark.parametrize("error", ["internal_error", "fatal_error"])
async def test_an_error_that_had_an_effect_is_told_twice_at_most_and_never_lost(driver: BotDriver, error: str) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.postMessage", f"done, {error}")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "after confirmation")
    assert [kind_of(reply) for reply in driver.thread(message)] == ["job", "job", "end"]
