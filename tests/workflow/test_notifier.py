"""Notifications are delivered, whatever Slack does to the calls."""

import asyncio
import logging
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bot.core import outbox
from bot.core.audit import AuditEntry
from bot.core.errors import SlackRejected, SlackUnavailable
from bot.core.notifications import EDITS, Notification
from bot.core.ports import NullMetrics
from bot.core.upgrade import LEASE_SECONDS, NOTIFY_SECONDS, State, Upgrade
from bot.slack import rate_limits
from bot.storage.sqlite import SqliteStorage
from bot.workflow.notifier import Notifier
from bot.workflow.transitions import Transitions
from tests.core.examples import T0, all_delivered, confirmed, in_every_state, in_progress, new_upgrade, posted
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
async def test_a_request_that_slack_would_not_take_is_asked_again(driver: BotDriver, how: str | int) -> None:
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


async def test_news_is_told_once_when_clicks_follow_the_requests_at_once(driver: BotDriver) -> None:
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
    requests = [message for message in driver.slack.messages("db-ops") if message.ts in clicks]
    for request in requests:
        await driver.wait_for_reply(request, "after confirmation", 40)
    assert [len(driver.thread(request)) for request in requests] == [2] * 20  # the job with its progress, and the end
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
            ends = [END.search(text) is not None for text in texts]
            assert ends == sorted(ends), "no older edit after the one that shows the end"


def top_level(driver: BotDriver) -> list[Message]:
    """The request cards."""
    return [message for message in driver.slack.messages(CHANNEL) if message.thread_ts is None]


def kind_of(message: Message) -> str:
    """What a reply told when it was posted: the job, or its end."""
    first = message.history[0][0] if message.history else message.text
    return "job" if re.search(r"accepted the upgrade|Upgrade of `[^`]*`\. Job ID", first) else "end"


END = re.compile("completed|failed", re.IGNORECASE)


def has_ended(card: Message) -> bool:
    """Whether the request card shows the end."""
    return END.search(text_of(card)) is not None


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


# one row's outbox, whatever Slack answers to one call

NOW = T0 + 1000
AWAY, THROTTLED = SlackUnavailable("away"), SlackUnavailable("ratelimited", 7.0)
ARCHIVED = SlackRejected("is_archived")


class ShownMetrics(NullMetrics):
    """Counts what people see."""

    shown = 0

    def response_shown(self) -> None:
        self.shown += 1


@dataclass
class AnsweringSlack:
    """A Slack that answers calls with errors, by kind (`open_dm` is one), once or always, and keeps what it took."""

    errors: dict[str, Exception] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    is_lasting: bool = True

    def _answer(self, kind: str) -> None:
        error = self.errors.get(kind) if self.is_lasting else self.errors.pop(kind, None)
        if error is not None:
            raise error
        self.taken.append(kind)

    async def publish(self, _: Upgrade, notification: Notification) -> str:
        self._answer(notification.value)
        return f"ts of {notification.value}"

    async def open_dm(self, _: str) -> str:
        self._answer("open_dm")
        return "D1"


def notifier(storage: SqliteStorage, slack: AnsweringSlack, metrics: ShownMetrics | None = None) -> Notifier:
    publisher: Any = slack
    return Notifier(Transitions(storage, metrics or ShownMetrics(), lambda: NOW), publisher, lambda: NOW)


async def delivered(storage: SqliteStorage, row: Upgrade, slack: AnsweringSlack) -> Upgrade:
    """The row as it is stored after a delivery."""
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    after = await notifier(storage, slack).deliver(row)
    assert await storage.get(row.id) == after
    return after


ACCEPTED = confirmed().accepted("job-1", T0 + 12, T0 + 22)  # the job message, then the edit of the card
JOB, CARD, PROGRESS = Notification.JOB_ACCEPTED, Notification.CARD_UPDATE, Notification.JOB_PROGRESS


async def test_everything_pending_is_delivered_in_order_and_noted(storage: SqliteStorage) -> None:
    slack, metrics = AnsweringSlack(), ShownMetrics()
    assert await storage.add(ACCEPTED, AuditEntry.of(ACCEPTED, T0, "requested"))
    after = await notifier(storage, slack, metrics).deliver(ACCEPTED)
    assert slack.taken == [JOB, CARD]
    assert (after.pending_notifications, after.notify_at, after.job_message_ts) == ((), None, f"ts of {JOB}")
    assert metrics.shown == 2


@pytest.mark.parametrize(("error", "pause"), [(AWAY, 1.0), (THROTTLED, 7.0)])
async def test_a_message_that_slack_does_not_take_now_holds_back_what_is_behind_it(
    storage: SqliteStorage, error: SlackUnavailable, pause: float
) -> None:
    slack = AnsweringSlack({JOB: error})
    after = await delivered(storage, ACCEPTED, slack)
    assert slack.taken == []
    assert after.pending_notifications == (JOB, CARD)
    assert (after.notify_attempts, after.notify_at) == (1, NOW + pause)


async def test_an_edit_that_slack_does_not_take_now_takes_no_message_back(storage: SqliteStorage) -> None:
    slack = AnsweringSlack({CARD: AWAY})
    after = await delivered(storage, ACCEPTED, slack)
    assert slack.taken == [JOB]
    assert (after.pending_notifications, after.job_message_ts) == ((CARD,), f"ts of {JOB}")
    assert (after.notify_attempts, after.notify_at) == (1, NOW + 1.0)


async def test_an_edit_that_slack_never_takes_is_dropped_and_the_rest_is_delivered(storage: SqliteStorage) -> None:
    row = replace(ACCEPTED, pending_notifications=(CARD, Notification.JOB_ACCEPTED))
    slack = AnsweringSlack({CARD: SlackRejected("message_not_found")})
    after = await delivered(storage, row, slack)
    assert (slack.taken, after.pending_notifications, after.notify_at) == ([JOB], (), None)


@pytest.mark.parametrize("pending", [(PROGRESS,), (PROGRESS, Notification.COMPLETED)])
async def test_an_edit_of_the_job_message_waits_for_its_interval_and_a_message_does_not(
    storage: SqliteStorage, pending: tuple[Notification, ...]
) -> None:
    row = replace(in_progress(), job_message_edited_at=NOW - 1, pending_notifications=pending, notify_at=NOW)
    slack = AnsweringSlack()
    after = await delivered(storage, row.rescheduled(), slack)
    assert slack.taken == []
    assert after.notify_at == (NOW - 1 + outbox.EDIT_INTERVAL_SECONDS if pending == (PROGRESS,) else NOW)


async def test_an_edit_of_the_job_message_is_made_after_its_interval(storage: SqliteStorage) -> None:
    edited_at = NOW - outbox.EDIT_INTERVAL_SECONDS
    row = replace(in_progress(), job_message_edited_at=edited_at, pending_notifications=(PROGRESS,), notify_at=NOW)
    slack = AnsweringSlack()
    after = await delivered(storage, row.rescheduled(), slack)
    assert (slack.taken, after.job_message_edited_at) == ([PROGRESS], NOW)


async def test_a_card_that_slack_rejects_ends_the_request_with_an_entry(storage: SqliteStorage) -> None:
    after = await delivered(storage, new_upgrade(), AnsweringSlack({"request_card": ARCHIVED}))
    assert (after.state, after.error_code, after.pending_notifications) == (State.WITHDRAWN, "is_archived", ())
    entries = [row.entry async for row in storage.audit()][1:]
    assert [(entry.event, entry.reason) for entry in entries] == [("card_rejected", "is_archived")]


async def test_a_card_that_slack_does_not_take_now_is_posted_later(storage: SqliteStorage) -> None:
    after = await delivered(storage, new_upgrade(), AnsweringSlack({"request_card": AWAY}))
    assert (after.state, after.pending_notifications) == (State.REQUESTED, (Notification.REQUEST_CARD,))
    assert len([row async for row in storage.audit()]) == 1


async def test_what_the_channel_rejects_goes_to_the_requester_and_the_edits_stay(storage: SqliteStorage) -> None:
    slack = AnsweringSlack({JOB: ARCHIVED}, is_lasting=False)
    after = await delivered(storage, ACCEPTED, slack)
    assert slack.taken == ["open_dm", JOB, CARD]
    assert (after.dm_channel_id, after.job_message_channel_id, after.pending_notifications) == ("D1", "D1", ())


async def test_what_the_requester_does_not_take_now_is_tried_again(storage: SqliteStorage) -> None:
    slack = AnsweringSlack({JOB: ARCHIVED, "open_dm": THROTTLED})
    after = await delivered(storage, ACCEPTED, slack)
    assert (slack.taken, after.pending_notifications, after.dm_channel_id) == ([], (JOB, CARD), None)
    assert (after.notify_attempts, after.notify_at) == (1, NOW + 7)


@pytest.mark.parametrize("dm_channel_id", [None, "D1"], ids=["no direct messages", "a direct channel that was lost"])
async def test_what_nobody_takes_is_kept_and_tried_rarely_while_the_edits_go_on(
    storage: SqliteStorage, caplog: pytest.LogCaptureFixture, dm_channel_id: str | None
) -> None:
    slack = AnsweringSlack({JOB: ARCHIVED, "open_dm": SlackRejected("cannot_dm_bot")})
    after = await delivered(storage, replace(ACCEPTED, dm_channel_id=dm_channel_id), slack)
    assert (slack.taken, after.pending_notifications, after.dm_channel_id) == ([CARD], (JOB,), None)
    assert (after.notify_attempts, after.notify_at) == (1, NOW + 60)
    (line,) = [vars(one) for one in caplog.records if one.getMessage() == "notification.undeliverable"]
    assert line["error"] == "is_archived"
    assert line.get("dm_error") == ("cannot_dm_bot" if dm_channel_id is None else None)


# the edit that a click makes at once


async def test_the_edit_of_a_confirmation_is_made_at_once_and_noted_later(storage: SqliteStorage) -> None:
    row, slack, metrics = confirmed(), AnsweringSlack(), ShownMetrics()
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    after = await notifier(storage, slack, metrics).update_card(row)
    assert (slack.taken, after.pending_notifications, metrics.shown) == ([CARD], (), 1)
    assert await storage.get(row.id) == row


@pytest.mark.parametrize("error", [AWAY, ARCHIVED])
async def test_an_edit_that_slack_did_not_take_at_once_stays_pending(storage: SqliteStorage, error: Exception) -> None:
    metrics = ShownMetrics()
    assert await notifier(storage, AnsweringSlack({CARD: error}), metrics).update_card(confirmed()) == confirmed()
    assert metrics.shown == 0


async def test_what_is_before_the_edit_is_not_overtaken(storage: SqliteStorage) -> None:
    slack = AnsweringSlack()
    assert await notifier(storage, slack).update_card(ACCEPTED) == ACCEPTED
    assert await notifier(storage, slack).update_card(in_progress()) == in_progress()
    assert slack.taken == []


# the report


def reported(**changes: Any) -> Upgrade:
    """A running upgrade whose report is due."""
    return replace(in_progress(), **{"report_at": NOW, **changes}).rescheduled()


async def report(storage: SqliteStorage, row: Upgrade, slack: AnsweringSlack, stored: Upgrade | None = None) -> Upgrade:
    """The row after its report was delivered; `stored` is what the database has when that differs."""
    assert await storage.add(stored or row, AuditEntry.of(row, T0, "requested"))
    await notifier(storage, slack).deliver_report(row)
    after = await storage.get(row.id)
    assert after is not None
    return after


@pytest.mark.parametrize(("report_ts", "kind"), [(None, "report"), ("5.0", "report_update")])
async def test_a_report_is_posted_once_and_then_edited(
    storage: SqliteStorage, report_ts: str | None, kind: str
) -> None:
    slack = AnsweringSlack()
    after = await report(storage, reported(report_ts=report_ts, report_attempts=2), slack)
    assert slack.taken == [kind]
    assert (after.report_ts, after.report_at, after.report_attempts) == (report_ts or "ts of report", None, 0)


async def test_a_report_that_another_process_is_delivering_is_left_to_it(storage: SqliteStorage) -> None:
    slack = AnsweringSlack()
    claimed = outbox.report_claimed(reported(), NOW - 3)
    after = await report(storage, reported(), slack, replace(claimed, revision=1))
    assert (slack.taken, after.report_at) == ([], NOW - 3 + LEASE_SECONDS)


async def test_a_report_is_claimed_while_it_is_delivered(storage: SqliteStorage) -> None:
    claims: list[float | None] = []

    class LookingSlack(AnsweringSlack):
        async def publish(self, upgrade: Upgrade, notification: Notification) -> str:
            stored = await storage.get(upgrade.id)
            assert stored is not None
            claims.append(stored.report_at)
            return await super().publish(upgrade, notification)

    await report(storage, reported(), LookingSlack())
    assert claims == [NOW + LEASE_SECONDS]


@pytest.mark.parametrize(
    ("error", "report_ts", "report_in", "attempts"),
    [
        (AWAY, "5.0", 2.0, 1),
        (THROTTLED, "5.0", 7.0, 1),
        (ARCHIVED, "5.0", 2.0, 1),
        (SlackRejected("message_not_found"), "5.0", None, 0),
        (SlackRejected("cant_update_message"), "5.0", None, 0),
        (SlackRejected("edit_window_closed"), "5.0", None, 0),
        (SlackRejected("message_not_found"), None, 2.0, 1),
    ],
)
async def test_a_report_is_tried_again_unless_its_message_is_gone(
    storage: SqliteStorage, error: Exception, report_ts: str | None, report_in: float | None, attempts: int
) -> None:
    slack = AnsweringSlack({"report": error, "report_update": error})
    after = await report(storage, reported(report_ts=report_ts), slack)
    assert after.report_at == (None if report_in is None else NOW + report_in)
    assert (after.report_attempts, after.report_ts) == (attempts, report_ts)


@pytest.mark.parametrize(("attempts", "level"), [(0, logging.WARNING), (1, logging.INFO)])
async def test_a_report_that_fails_for_the_first_time_is_a_warning(
    storage: SqliteStorage, caplog: pytest.LogCaptureFixture, attempts: int, level: int
) -> None:
    with caplog.at_level(logging.INFO):
        await report(storage, reported(report_attempts=attempts), AnsweringSlack({"report": AWAY}))
    assert [one.levelno for one in caplog.records if one.getMessage() == "report.undelivered"] == [level]


# two deliveries of one row


async def test_a_delivery_that_had_to_wait_does_not_publish_again(storage: SqliteStorage) -> None:
    slack = AnsweringSlack()
    assert await storage.add(ACCEPTED, AuditEntry.of(ACCEPTED, T0, "requested"))
    one = notifier(storage, slack)
    rows = await asyncio.gather(one.deliver(ACCEPTED), one.deliver(ACCEPTED))
    assert slack.taken == [JOB, CARD]
    assert rows[0] == rows[1] == await storage.get(ACCEPTED.id)


async def test_what_waits_for_a_message_keeps_its_timer_while_an_edit_fails(storage: SqliteStorage) -> None:
    """The message behind it is not held back by the edit that Slack did not take."""
    row = replace(ACCEPTED, pending_notifications=(CARD, JOB), notify_at=NOW + NOTIFY_SECONDS).rescheduled()
    after = await delivered(storage, row, AnsweringSlack({CARD: AWAY}))
    assert (after.pending_notifications, after.notify_at, after.notify_attempts) == ((CARD, JOB), row.notify_at, 0)


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELED])
async def test_every_end_is_a_message_before_the_edits(storage: SqliteStorage, state: State) -> None:
    row = replace(in_every_state()[state], job_message_edited_at=None)
    slack = AnsweringSlack()
    await delivered(storage, row, slack)
    assert slack.taken[0] == state.value
    assert set(slack.taken[1:]) == {CARD, PROGRESS}


async def test_an_open_card_is_edited_with_what_was_read(storage: SqliteStorage) -> None:
    row = all_delivered(posted(), T0 + 2).with_notifications(T0 + 3, CARD)
    slack = AnsweringSlack()
    assert (await delivered(storage, row, slack)).pending_notifications == ()
    assert slack.taken == [CARD]
