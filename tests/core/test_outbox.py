"""The book of what Slack has taken: nothing is told out of turn, and nothing is forgotten."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core import outbox, polling
from bot.core.notifications import Notification
from bot.core.outbox import (
    EDIT_INTERVAL_SECONDS,
    MAX_BACKOFF_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    MAX_UNDELIVERABLE_SECONDS,
    REPORT_GIVE_UP_SECONDS,
)
from bot.core.polling import Job
from bot.core.upgrade import LEASE_SECONDS, NOTIFY_SECONDS, EndCheck, State, Upgrade
from tests.core.examples import (
    BACK,
    SCHEDULE,
    T0,
    TTL,
    all_delivered,
    check_invariants,
    confirmed,
    in_progress,
    new_upgrade,
    posted,
    unknown,
)

AT = T0 + 100


def started() -> Upgrade:
    """Accepted, nothing told yet: CARD, then STARTED."""
    return confirmed().accepted("job-1", T0 + 12, T0 + 22)


def test_what_was_told_leaves_the_book_and_the_rest_waits_its_turn() -> None:
    step = outbox.delivered(started(), Notification.CARD_UPDATE, T0 + 13, None, started())
    assert (step.pending_notifications, step.notify_at) == ((Notification.JOB_ACCEPTED,), T0 + 13 + NOTIFY_SECONDS)
    check_invariants(step)
    step = outbox.delivered(step, Notification.JOB_ACCEPTED, T0 + 14, "2.0", step)
    assert (step.pending_notifications, step.notify_at, step.due_at) == ((), None, step.next_poll_at)
    check_invariants(step)


def test_one_telling_takes_one_of_two_equal_messages_out_of_the_book() -> None:
    twice = (
        in_progress()
        .with_notifications(AT, Notification.POLLS_FAILING)
        .with_notifications(AT, Notification.POLLS_FAILING)
    )
    assert outbox.delivered(twice, Notification.POLLS_FAILING, AT, "3.0", twice).pending_notifications == (
        Notification.POLLS_FAILING,
    )


def test_news_told_again_after_a_crash_changes_nothing_but_the_timers() -> None:
    done = all_delivered(started(), T0 + 14)
    again = outbox.delivered(done, Notification.CARD_UPDATE, T0 + 15, None, done)
    assert again == done


def test_news_waits_for_whoever_made_the_step_before_others_tell_it() -> None:
    step = in_progress().with_notifications(T0 + 50, Notification.POLLS_FAILING)
    assert step.notify_at == T0 + 50 + NOTIFY_SECONDS


def test_more_news_does_not_move_the_time_of_what_waits_already() -> None:
    waiting = in_progress().with_notifications(T0 + 50, Notification.POLLS_FAILING)
    assert waiting.with_notifications(T0 + 55, Notification.COMPLETED).notify_at == waiting.notify_at


def test_an_edit_is_queued_once_and_a_message_every_time() -> None:
    step = (
        in_progress()
        .with_notifications(T0 + 50, Notification.CARD_UPDATE, Notification.POLLS_FAILING)
        .with_notifications(T0 + 51, Notification.POLLS_FAILING, Notification.CARD_UPDATE)
    )
    assert step.pending_notifications == (
        Notification.POLLS_FAILING,
        Notification.POLLS_FAILING,
        Notification.CARD_UPDATE,
    )


# the request


def test_a_request_that_was_posted_is_known_by_its_message_and_waits_to_expire() -> None:
    step = posted()
    assert (step.message_ts, step.pending_notifications, step.next_poll_at, step.due_at) == (
        "1.0",
        (),
        T0 + TTL,
        T0 + TTL,
    )


def test_a_request_that_was_closed_while_slack_took_it_loses_its_buttons() -> None:
    asked = new_upgrade()
    closed = asked.expire(T0 + TTL)
    assert closed.due_at is None
    step = outbox.delivered(closed, Notification.REQUEST_CARD, T0 + TTL + 1, "1.0", asked)
    assert (step.state, step.message_ts, step.pending_notifications) == (
        State.EXPIRED,
        "1.0",
        (Notification.CARD_UPDATE,),
    )
    check_invariants(step)


def test_a_request_posted_twice_stays_where_it_was_answered() -> None:
    sending = confirmed()
    step = outbox.delivered(sending, Notification.REQUEST_CARD, T0 + 11, "1.5", new_upgrade())
    assert step.message_ts == "1.0"
    assert (step.state, step.pending_notifications, step.next_poll_at) == (
        sending.state,
        sending.pending_notifications,
        sending.next_poll_at,
    )
    check_invariants(step)


# edits


@pytest.mark.parametrize("news", [Notification.CARD_UPDATE, Notification.JOB_PROGRESS])
def test_an_edit_that_showed_an_older_state_is_made_again(news: Notification) -> None:
    shown = in_progress().with_notifications(AT, news)
    newer = polling.job_polled(shown, Job("job-1", "Completed"), AT + 1, SCHEDULE)
    step = outbox.delivered(newer, news, AT + 2, None, shown)
    assert step.pending_notifications.count(news) == 1
    assert step.notify_at == AT + 2 + NOTIFY_SECONDS
    check_invariants(step)


def test_an_old_edit_that_lands_after_a_newer_one_is_made_good() -> None:
    """A teller that was slow overwrote what another had shown and written down already."""
    shown = in_progress().with_notifications(AT, Notification.CARD_UPDATE)
    newer = all_delivered(polling.job_polled(shown, Job("job-1", "Completed"), AT + 1, SCHEDULE, BACK), AT + 2)
    assert newer.due_at is None
    step = outbox.delivered(newer, Notification.CARD_UPDATE, AT + 3, None, shown)
    assert (step.pending_notifications, step.due_at) == ((Notification.CARD_UPDATE,), AT + 3 + NOTIFY_SECONDS)
    check_invariants(step)


def test_an_edit_without_an_answer_is_made_again_only_if_the_row_has_gone_on() -> None:
    shown = in_progress()
    assert outbox.maybe_applied_late(shown, Notification.CARD_UPDATE, AT, shown) == shown
    newer = all_delivered(polling.job_polled(shown, Job("job-1", "Failed"), AT, SCHEDULE), AT + 1)
    step = outbox.maybe_applied_late(newer, Notification.CARD_UPDATE, AT + 2, shown)
    assert (step.pending_notifications, step.notify_at) == ((Notification.CARD_UPDATE,), AT + 2 + NOTIFY_SECONDS)
    check_invariants(step)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": State.FAILED},
        {"job_id": "job-2"},
        {"job_status": "Pending"},
        {"progress_percent": 41},
        {"instance_snapshot": "-"},
        {"started_at": AT},
        {"checked_at": AT},
        {"end_check": EndCheck.NORMAL},
    ],
)
def test_an_edit_is_made_again_for_whatever_it_shows(changes: dict[str, Any]) -> None:
    shown = in_progress().with_notifications(AT, Notification.CARD_UPDATE)
    step = outbox.delivered(replace(shown, **changes), Notification.CARD_UPDATE, AT + 1, None, shown)
    assert step.pending_notifications == (Notification.CARD_UPDATE,)


def test_an_edit_that_shows_how_things_stand_is_done_even_if_timers_moved() -> None:
    shown = in_progress().with_notifications(AT, Notification.CARD_UPDATE)
    moved = replace(shown, next_poll_at=AT + 50, poll_count=9, revision=9)
    assert outbox.delivered(moved, Notification.CARD_UPDATE, AT + 1, None, shown).pending_notifications == ()


def test_a_message_told_is_told_even_if_the_state_has_moved_on() -> None:
    shown = started()
    newer = polling.job_polled(shown, Job("job-1", "Completed"), AT, SCHEDULE)
    assert (
        Notification.JOB_ACCEPTED
        not in outbox.delivered(newer, Notification.JOB_ACCEPTED, AT, "2.0", shown).pending_notifications
    )


@pytest.mark.parametrize("news", [Notification.JOB_ACCEPTED, Notification.JOB_FOUND])
def test_the_message_with_the_job_is_the_one_whose_progress_is_edited(news: Notification) -> None:
    upgrade = started() if news is Notification.JOB_ACCEPTED else unknown().accepted("job-1", AT, AT + 10)
    step = outbox.delivered(upgrade, news, AT, "2.0", upgrade)
    assert (step.job_message_ts, outbox.progress_editable_at(step)) == ("2.0", AT + EDIT_INTERVAL_SECONDS)


def test_progress_is_edited_at_most_once_in_three_seconds() -> None:
    upgrade = in_progress().with_notifications(AT, Notification.JOB_PROGRESS)
    step = outbox.delivered(upgrade, Notification.JOB_PROGRESS, AT, None, upgrade)
    assert (step.job_message_ts, outbox.progress_editable_at(step)) == (upgrade.job_message_ts, AT + 3)
    held = outbox.hold_until(upgrade, outbox.progress_editable_at(step))
    assert (held.notify_at, held.pending_notifications) == (AT + 3, (Notification.JOB_PROGRESS,))
    check_invariants(held)


def test_an_edit_of_the_card_is_one_of_the_progress_only_while_the_job_runs_and_its_percent_is_known() -> None:
    row = polling.job_polled(in_progress(), Job("job-1", "Running", 40), AT, SCHEDULE)
    assert outbox.is_progress_edit(row, Notification.CARD_UPDATE)
    for other in (Job("job-1", "Running"), Job("job-1", "Completed", 100), Job("job-1", "Unauthorized", 40)):
        moved = polling.job_polled(row, other, AT + 1, SCHEDULE)
        assert not outbox.is_progress_edit(moved, Notification.CARD_UPDATE)
        assert outbox.is_progress_edit(moved, Notification.JOB_PROGRESS)
    assert not outbox.is_progress_edit(row, Notification.COMPLETED)


def test_progress_that_was_never_shown_may_be_shown_at_once() -> None:
    assert outbox.progress_editable_at(confirmed()) <= T0


# Slack does not take it


def test_slack_that_is_away_is_asked_more_and_more_slowly() -> None:
    upgrade, waits = started(), []
    for _ in range(12):
        upgrade = outbox.retry_later(upgrade, AT)
        assert upgrade.notify_at is not None
        waits.append(upgrade.notify_at - AT)
        check_invariants(upgrade)
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == MAX_BACKOFF_SECONDS
    assert upgrade.pending_notifications == started().pending_notifications


def test_the_pauses_stay_the_longest_however_often_it_was_tried() -> None:
    tried = replace(started(), notify_attempts=5000, report_attempts=5000)
    assert outbox.retry_later(tried, AT).notify_at == AT + MAX_BACKOFF_SECONDS
    assert outbox.undeliverable(tried, AT).notify_at == AT + MAX_UNDELIVERABLE_SECONDS
    assert outbox.report_failed(tried, AT).report_at == AT + MAX_UNDELIVERABLE_SECONDS


def test_where_nothing_waits_there_is_no_timer_to_hold() -> None:
    assert outbox.hold_until(in_progress(), AT) == in_progress()


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (7.0, 7.0),
        (0.0, 0.0),
        (300.0, 300.0),
        (1e9, MAX_RETRY_AFTER_SECONDS),
        (float("inf"), MAX_RETRY_AFTER_SECONDS),
        (-5.0, 0.0),
    ],
)
def test_slack_says_when_to_come_back_but_not_never(said: float, wait: float) -> None:
    assert outbox.retry_later(started(), AT, said).notify_at == AT + wait


def test_a_telling_that_worked_ends_the_slowness() -> None:
    slow = outbox.retry_later(outbox.retry_later(started(), AT), AT)
    assert slow.notify_attempts == 2
    assert outbox.delivered(slow, Notification.JOB_ACCEPTED, AT, "2.0", slow).notify_attempts == 0


# this place will never take it


def test_an_edit_without_a_message_is_dropped_and_the_rest_stays() -> None:
    step = started().without_notification(Notification.CARD_UPDATE)
    assert (step.pending_notifications, step.notify_at) == ((Notification.JOB_ACCEPTED,), started().notify_at)
    check_invariants(step)
    last = step.without_notification(Notification.JOB_ACCEPTED)
    assert (last.pending_notifications, last.notify_at) == ((), None)
    check_invariants(last)


def test_a_channel_that_takes_nothing_sends_the_messages_to_the_requester_and_keeps_the_edits() -> None:
    upgrade = in_progress().with_notifications(
        AT, Notification.CARD_UPDATE, Notification.POLLS_FAILING, Notification.JOB_PROGRESS, Notification.COMPLETED
    )
    step = outbox.fall_back_to_dm(outbox.retry_later(upgrade, AT), "D1", AT)
    assert (step.dm_channel_id, step.job_message_ts, step.notify_attempts) == ("D1", upgrade.job_message_ts, 1)
    assert (step.pending_notifications, step.notify_at) == (upgrade.pending_notifications, AT + NOTIFY_SECONDS)
    check_invariants(step)


def test_a_job_message_is_edited_where_it_was_posted() -> None:
    direct = outbox.fall_back_to_dm(started(), "D1", AT)
    step = outbox.delivered(direct, Notification.JOB_ACCEPTED, AT, "9.0", direct)
    assert (step.job_message_channel_id, step.job_message_ts) == ("D1", "9.0")
    before = outbox.delivered(started(), Notification.JOB_ACCEPTED, AT, "9.0", started())
    step = outbox.fall_back_to_dm(before.with_notifications(AT, Notification.COMPLETED), "D1", AT)
    assert (step.job_message_channel_id, step.job_message_ts) == (started().channel_id, "9.0")


def test_what_nobody_takes_is_never_dropped_but_tried_ever_more_rarely() -> None:
    upgrade, pauses = started(), []
    for _ in range(12):
        upgrade = outbox.fall_back_to_dm(upgrade, "D1", AT)
        upgrade = outbox.undeliverable(upgrade, AT)
        assert upgrade.notify_at is not None
        pauses.append(upgrade.notify_at - AT)
        assert upgrade.pending_notifications == started().pending_notifications
        assert upgrade.dm_channel_id is None, "the channel may be back"
        check_invariants(upgrade)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (60, MAX_UNDELIVERABLE_SECONDS)


def test_an_edit_does_not_hasten_a_message_that_waits() -> None:
    upgrade = outbox.undeliverable(started(), AT)
    step = outbox.delivered(upgrade, Notification.CARD_UPDATE, AT, None, upgrade)
    assert (step.notify_at, step.notify_attempts) == (upgrade.notify_at, upgrade.notify_attempts)
    assert step.pending_notifications == (Notification.JOB_ACCEPTED,)


def test_a_new_message_does_not_wait_with_the_edits() -> None:
    throttled = outbox.retry_later(in_progress().with_notifications(AT, Notification.CARD_UPDATE), AT, 300.0)
    ended = polling.job_polled(throttled, Job("job-1", "Failed"), AT + 1, SCHEDULE)
    assert ended.notify_at == AT + 1 + NOTIFY_SECONDS
    assert ended.pending_notifications[0] is Notification.FAILED
    check_invariants(ended)


@pytest.mark.parametrize(
    ("notification", "state", "field"),
    [
        (Notification.JOB_ACCEPTED, State.IN_PROGRESS, "job_message"),
        (Notification.JOB_FOUND, State.IN_PROGRESS, "job_message"),
        (Notification.OUTCOME_UNKNOWN, State.UNKNOWN, "unknown_message"),
        (Notification.UNRESOLVED, State.UNRESOLVED, "unresolved_message"),
        (Notification.COMPLETED, State.COMPLETED, "end_message"),
        (Notification.FAILED, State.FAILED, "end_message"),
    ],
)
def test_a_message_that_is_edited_later_is_remembered_with_its_channel(
    notification: Notification, state: State, field: str
) -> None:
    row = replace(all_delivered(confirmed(), AT), state=state)
    in_channel = outbox.delivered(row, notification, AT, "3.0", row)
    assert (getattr(in_channel, f"{field}_ts"), getattr(in_channel, f"{field}_channel_id")) == ("3.0", row.channel_id)
    assert in_channel.pending_notifications == ()
    direct = replace(row, dm_channel_id="D1")
    assert getattr(outbox.delivered(direct, notification, AT, "3.0", direct), f"{field}_channel_id") == "D1"


@pytest.mark.parametrize(
    ("alarm", "edit"),
    [
        (Notification.OUTCOME_UNKNOWN, Notification.OUTCOME_UNKNOWN_UPDATE),
        (Notification.UNRESOLVED, Notification.UNRESOLVED_UPDATE),
    ],
)
def test_an_alarm_that_was_settled_while_it_was_posted_is_edited(alarm: Notification, edit: Notification) -> None:
    row = outbox.delivered(in_progress(), alarm, AT, "3.0", unknown())
    assert row.pending_notifications == (edit,)


# the report channel


def test_nothing_is_reported_before_somebody_confirms() -> None:
    for row in (posted(), posted().expire(AT)):
        assert outbox.with_report(new_upgrade(), row, AT).report_at is None
    assert outbox.with_report(posted(), confirmed(), AT).report_at == AT


@pytest.mark.parametrize(
    "changes",
    [
        {"state": State.FAILED},
        {"job_id": "job-2"},
        {"job_status": "Unauthorized"},
        {"job_status": "Pending"},
        {"started_at": AT},
        {"canceled_by": "UBOB"},
        {"end_check": EndCheck.NOT_NORMAL},
    ],
)
def test_what_the_report_shows_makes_it_due_and_nothing_else_does(changes: dict[str, Any]) -> None:
    row = in_progress()
    assert outbox.with_report(row, replace(row, **changes), AT).report_at == AT
    unchanged = replace(row, job_status="Running", progress_percent=50, poll_count=9)
    assert outbox.with_report(row, unchanged, AT).report_at is None


def test_a_report_that_failed_keeps_its_pause_when_there_is_more_to_show() -> None:
    failed = outbox.report_failed(replace(in_progress(), report_at=AT), AT)
    assert (failed.report_attempts, failed.report_at) == (1, AT + 2)
    assert outbox.with_report(failed, replace(failed, state=State.FAILED), AT + 1).report_at == AT + 2
    assert [outbox.report_failed(replace(failed, report_attempts=n), AT).report_at for n in (1, 4, 30)] == [
        AT + 4,
        AT + 32,
        AT + MAX_UNDELIVERABLE_SECONDS,
    ]
    assert outbox.report_failed(failed, AT, retry_after=7.0).report_at == AT + 7
    assert outbox.report_failed(failed, AT, retry_after=-7.0).report_at == AT


def test_a_day_after_the_end_a_report_that_nobody_takes_is_given_up() -> None:
    ended = replace(in_progress(), state=State.FAILED, ended_at=T0, next_poll_at=None, report_at=AT)
    assert outbox.report_failed(ended, T0 + REPORT_GIVE_UP_SECONDS).report_at is not None
    given_up = outbox.report_failed(ended, T0 + REPORT_GIVE_UP_SECONDS + 1)
    assert (given_up.report_at, given_up.due_at) == (None, None)
    running = replace(in_progress(), report_at=AT)
    assert outbox.report_failed(running, T0 + 2 * REPORT_GIVE_UP_SECONDS).report_at is not None


def test_a_report_is_edited_again_if_the_row_went_on_while_it_was_posted() -> None:
    row = outbox.report_claimed(replace(in_progress(), report_at=AT, report_attempts=3), AT)
    assert row.report_at == AT + LEASE_SECONDS
    same = outbox.report_delivered(row, row, AT + 1, "9.0")
    assert (same.report_ts, same.report_at, same.report_attempts) == ("9.0", None, 0)
    moved = outbox.report_delivered(replace(row, state=State.FAILED), row, AT + 1, "9.0")
    assert (moved.report_ts, moved.report_at) == ("9.0", AT + 1)
    assert outbox.report_delivered(same, same, AT + 2, None).report_ts == "9.0"
    dropped = outbox.report_dropped(row)
    assert (dropped.report_at, dropped.report_attempts) == (None, 0)


def test_an_end_that_was_checked_while_it_was_posted_is_edited() -> None:
    ended = replace(in_progress(), state=State.COMPLETED, end_check=EndCheck.CHECKING)
    row = outbox.delivered(replace(ended, end_check=EndCheck.NORMAL), Notification.COMPLETED, AT, "3.0", ended)
    assert row.pending_notifications == (Notification.END_UPDATE,)
    assert outbox.delivered(ended, Notification.COMPLETED, AT, "3.0", ended).pending_notifications == ()
