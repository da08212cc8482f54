"""What a look at the cloud means, and when the next one is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core import polling
from bot.core.instances import Instance
from bot.core.notifications import Notification
from bot.core.polling import (
    END_CHECK_LIMIT_SECONDS,
    END_CHECK_SECONDS,
    FAILED_POLLS_NOTIFIED,
    JOB_GONE_SECONDS,
    SEARCH_SECONDS,
    Job,
    PollSchedule,
)
from bot.core.upgrade import EndCheck, Operation, SearchMiss, SearchResult, State, Upgrade
from tests.core.examples import (
    BACK,
    ORDERS,
    SCHEDULE,
    T0,
    all_delivered,
    check_invariants,
    in_progress,
    searched,
    unknown,
)

RUNNING = Job("job-1", "Running", 40)
AT = T0 + 100
Miss = Callable[[Upgrade, float, PollSchedule], Upgrade]


def running() -> Upgrade:
    """A job seen at 40 %, everything told."""
    return all_delivered(polling.job_polled(in_progress(), RUNNING, T0 + 90, SCHEDULE), T0 + 91)


# a job that is seen


def test_a_job_that_goes_on_is_shown_and_looked_at_again() -> None:
    step = polling.job_polled(in_progress(), RUNNING, AT, SCHEDULE)
    assert (step.state, step.job_status, step.progress_percent) == (State.IN_PROGRESS, "Running", 40)
    edits = (Notification.CARD_UPDATE, Notification.JOB_PROGRESS)
    assert (step.pending_notifications, step.next_poll_at) == (edits, AT + 10)
    check_invariants(step)


def test_a_job_that_did_not_change_is_not_shown_again() -> None:
    step = polling.job_polled(running(), RUNNING, AT, SCHEDULE)
    assert (step.pending_notifications, step.due_at) == ((), AT + 10)


@pytest.mark.parametrize(("percent", "is_on_card"), [(41, False), (49, False), (50, True), (100, True), (39, True)])
def test_the_card_shows_each_tenth_of_the_progress(percent: int, is_on_card: bool) -> None:
    step = polling.job_polled(running(), Job("job-1", "Running", percent), AT, SCHEDULE)
    card = (Notification.CARD_UPDATE,) if is_on_card else ()
    assert step.pending_notifications == (*card, Notification.JOB_PROGRESS)


@pytest.mark.parametrize("job", [Job("job-1", "Running", 41), Job("job-1", "Pending", 40), Job("job-1", "Running")])
def test_any_change_is_shown_once(job: Job) -> None:
    step = polling.job_polled(running(), job, AT, SCHEDULE)
    assert step.pending_notifications == (Notification.JOB_PROGRESS,)
    again = polling.job_polled(step, RUNNING, AT + 10, SCHEDULE).pending_notifications
    assert again.count(Notification.JOB_PROGRESS) == 1


@pytest.mark.parametrize(
    ("status", "state", "end"),
    [
        ("Completed", State.COMPLETED, Notification.COMPLETED),
        ("Failed", State.FAILED, Notification.FAILED),
        ("Canceled", State.CANCELED, Notification.CANCELED),
    ],
)
def test_a_job_that_ended_is_over_and_told(status: str, state: State, end: Notification) -> None:
    step = polling.job_polled(running(), Job("job-1", status, None, "disk full"), AT, SCHEDULE, BACK)
    assert (step.state, step.ended_at, step.fail_reason, step.next_poll_at) == (state, AT, "disk full", None)
    assert step.pending_notifications == (end, Notification.CARD_UPDATE, Notification.JOB_PROGRESS)
    check_invariants(step)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Pending|PENDING| pending |Waiting|queued|QUEUING|待执行|等待执行|等待中", "Pending"),
        ("Running|running|RUNNING|In Progress|IN_PROGRESS|Processing|executing|执行中|运行中", "Running"),
        ("completed|Complete|SUCCESS|Succeeded|succeed|SUCCESSFUL|FINISHED|finish|done|ＳＵＣＣＥＳＳ", "Completed"),
        ("已完成|完成|成功|执行成功", "Completed"),
        ("FAIL|Failed|failed|FAILURE|ERROR|失败|执行失败", "Failed"),
        ("Cancelled|CANCELED|cancelled|Canceled|Cancel|已取消|取消", "Canceled"),
        ("UNAUTHORIZED|unauthorised|待授权", "Unauthorized"),
        ("Paused", "Paused"),
        ("Canceling", "Canceling"),
        ("not failed", "not failed"),
        ("", ""),
    ],
)
def test_a_status_is_known_in_other_words(words: str, status: str) -> None:
    assert {word: polling.job_status(word) for word in words.split("|")} == dict.fromkeys(words.split("|"), status)


def test_a_status_nobody_documented_is_no_end_and_is_looked_at_rarely() -> None:
    step = polling.job_polled(running(), Job("job-1", "Paused"), AT, SCHEDULE)
    assert (step.state, step.job_status, step.next_poll_at) == (State.IN_PROGRESS, "Paused", AT + 60)
    assert step.pending_notifications == (Notification.JOB_PROGRESS,)
    assert polling.job_polled(running(), Job("job-1", "Paused"), AT, PollSchedule(90)).next_poll_at == AT + 90


def test_a_status_nobody_understands_for_a_day_ends_without_a_result() -> None:
    row = running()
    for minute in range(24 * 60):
        job = Job("job-1", "Paused" if minute % 2 else "Suspended")
        row = polling.job_polled(row, job, AT + minute * 60, SCHEDULE).without_notification(Notification.JOB_PROGRESS)
        if minute % 7 == 0:
            row = polling.poll_failed(row, AT + minute * 60 + 1, SCHEDULE)
        assert row.state is State.IN_PROGRESS
        check_invariants(row)
    last = polling.job_polled(row, Job("job-1", "Paused"), AT + 24 * 3600, SCHEDULE)
    assert (last.state, last.next_poll_at) == (State.UNRESOLVED, None)
    check_invariants(last)
    again = polling.job_polled(row, Job("job-1", "Running", 40), AT + 24 * 3600, SCHEDULE)
    assert (again.state, again.job_missing_since) == (State.IN_PROGRESS, None)


def test_a_job_that_disappears_from_an_unknown_status_is_missed_from_then_on() -> None:
    row = polling.job_polled(running(), Job("job-1", "Paused"), AT, SCHEDULE)
    row = polling.job_missing(row, AT + 3600, SCHEDULE)
    assert (row.state, row.job_missing_since) == (State.IN_PROGRESS, AT + 3600)
    row = polling.job_missing(row, AT + 3600 + JOB_GONE_SECONDS, SCHEDULE)
    assert row.state is State.UNRESOLVED


@pytest.mark.parametrize(
    ("delay", "status", "polls"),
    [
        (False, "Pending", 1),
        (True, "Pending", 12),
        (True, "Running", 1),
        (True, "Unauthorized", 12),
        (False, "Unauthorized", 12),
    ],
)
def test_what_waits_for_its_window_or_for_a_person_is_looked_at_rarely(delay: bool, status: str, polls: int) -> None:
    step = polling.job_polled(in_progress(delay=delay), Job("job-1", status), AT, PollSchedule(10.0))
    assert step.next_poll_at == AT + 10 * polls


# a job that is not seen


def test_a_job_not_visible_in_the_first_minute_is_no_trouble() -> None:
    upgrade = in_progress()
    for second in (15, 25, 35, 45, 55, 69):
        upgrade = polling.job_missing(upgrade, T0 + second, SCHEDULE)
        assert (upgrade.state, upgrade.failed_polls, upgrade.pending_notifications) == (State.IN_PROGRESS, 0, ())
        assert upgrade.next_poll_at == T0 + second + 10
        check_invariants(upgrade)
    assert polling.job_missing(upgrade, T0 + 10 + 60, SCHEDULE).failed_polls == 1


def test_a_job_unseen_for_ten_minutes_is_gone() -> None:
    upgrade = polling.job_missing(running(), AT, SCHEDULE)
    assert polling.job_missing(upgrade, AT + JOB_GONE_SECONDS - 1, SCHEDULE).state is State.IN_PROGRESS
    gone = polling.job_missing(upgrade, AT + JOB_GONE_SECONDS, SCHEDULE)
    assert (gone.state, gone.ended_at, gone.pending_notifications) == (
        State.UNRESOLVED,
        AT + JOB_GONE_SECONDS,
        (Notification.UNRESOLVED, Notification.CARD_UPDATE),
    )
    check_invariants(gone)


def test_a_job_that_was_seen_in_between_has_not_been_gone() -> None:
    upgrade = polling.job_polled(polling.job_missing(running(), AT, SCHEDULE), RUNNING, AT + 60, SCHEDULE)
    assert (upgrade.job_missing_since, upgrade.failed_polls) == (None, 0)
    assert polling.job_missing(upgrade, AT + JOB_GONE_SECONDS + 1, SCHEDULE).state is State.IN_PROGRESS


@pytest.mark.parametrize("miss", [polling.job_missing, polling.poll_failed])
def test_three_failed_looks_in_a_row_are_told_once_and_looking_slows_down(miss: Miss) -> None:
    upgrade, waits, told = running(), [], 0
    for _ in range(8):
        at = upgrade.next_poll_at
        assert at is not None
        upgrade = miss(upgrade, at, SCHEDULE)
        if upgrade.state is State.UNRESOLVED:
            break
        assert upgrade.next_poll_at is not None
        waits.append(upgrade.next_poll_at - at)
        told += upgrade.pending_notifications.count(Notification.POLLS_FAILING)
        assert upgrade.failed_polls == len(waits)
        assert bool(upgrade.pending_notifications) == (upgrade.failed_polls == FAILED_POLLS_NOTIFIED)
        upgrade = all_delivered(upgrade, at)
    assert told == 1
    assert waits[:4] == [20, 40, 60, 60]
    assert max(waits) == 60


def test_a_job_that_shows_again_after_trouble_can_be_in_trouble_again() -> None:
    upgrade = running()
    for _ in range(FAILED_POLLS_NOTIFIED):
        upgrade = polling.poll_failed(upgrade, AT, SCHEDULE)
    upgrade = all_delivered(polling.job_polled(upgrade, RUNNING, AT + 1, SCHEDULE), AT + 2)
    for _ in range(FAILED_POLLS_NOTIFIED):
        upgrade = polling.poll_failed(upgrade, AT + 3, SCHEDULE)
    assert upgrade.pending_notifications == (Notification.POLLS_FAILING,)


def test_however_slowly_one_is_told_to_look_trouble_does_not_make_it_faster() -> None:
    slow = PollSchedule(900.0)
    upgrade = polling.poll_failed(running(), AT, slow)
    assert upgrade.next_poll_at == AT + 900


def test_after_a_month_the_cloud_has_forgotten_the_job() -> None:
    upgrade = running()
    assert upgrade.decided_at is not None
    month = upgrade.decided_at + 30 * 24 * 3600
    assert polling.poll_failed(upgrade, month, SCHEDULE).state is State.IN_PROGRESS
    for step in (polling.poll_failed(upgrade, month + 1, SCHEDULE), polling.job_missing(upgrade, month + 1, SCHEDULE)):
        assert (step.state, step.pending_notifications) == (
            State.UNRESOLVED,
            (Notification.UNRESOLVED, Notification.CARD_UPDATE),
        )
        check_invariants(step)


def test_a_job_that_is_still_seen_after_a_month_is_still_followed() -> None:
    assert polling.job_polled(running(), RUNNING, T0 + 60 * 24 * 3600, SCHEDULE).state is State.IN_PROGRESS


# an upgrade that is looked for


def test_a_lost_upgrade_is_looked_for_again_and_again_over_two_minutes() -> None:
    upgrade, times = unknown(T0 + 70), []
    while upgrade.state is State.UNKNOWN:
        assert upgrade.next_poll_at is not None
        times.append(upgrade.next_poll_at - (T0 + 70))
        upgrade = searched(upgrade, SearchResult.BUSY)
        check_invariants(upgrade)
    assert times == list(SEARCH_SECONDS)
    assert times[-1] == 120


@pytest.mark.parametrize("sight", SearchResult)
def test_what_the_last_search_saw_is_told_when_it_is_given_up(sight: SearchResult) -> None:
    upgrade = unknown()
    while upgrade.state is State.UNKNOWN:
        upgrade = searched(upgrade, sight)
    assert (upgrade.state, upgrade.search_result) == (State.UNRESOLVED, sight.value)
    edits = (Notification.CARD_UPDATE, Notification.OUTCOME_UNKNOWN_UPDATE)
    assert upgrade.pending_notifications == (Notification.UNRESOLVED, *edits)
    assert upgrade.ended_at == T0 + 70 + 120


@pytest.mark.parametrize(
    ("results", "together"),
    [
        ([SearchResult.IDLE, SearchResult.IDLE], SearchResult.IDLE),
        ([SearchResult.BUSY, SearchResult.IDLE], SearchResult.BUSY),
        ([SearchResult.IDLE, SearchResult.BUSY], SearchResult.BUSY),
        ([SearchResult.INCONCLUSIVE, SearchResult.IDLE], SearchResult.INCONCLUSIVE),
        ([SearchResult.IDLE, SearchResult.INCONCLUSIVE], SearchResult.INCONCLUSIVE),
        ([SearchResult.BUSY, SearchResult.INCONCLUSIVE, SearchResult.IDLE], SearchResult.BUSY),
        ([SearchResult.INCONCLUSIVE, SearchResult.BUSY], SearchResult.BUSY),
    ],
)
def test_an_instance_was_idle_only_if_every_search_saw_it_idle(
    results: list[SearchResult], together: SearchResult
) -> None:
    upgrade = unknown()
    for result in results:
        upgrade = searched(upgrade, result)
    assert upgrade.search_result == together


def test_the_searches_of_another_loss_start_anew() -> None:
    busy = searched(unknown(), SearchResult.BUSY)
    assert replace(busy, state=State.SUBMITTING).outcome_lost(T0 + 900).search_result == ""


def test_a_search_that_comes_late_gives_up_no_earlier_than_after_all_its_looks() -> None:
    upgrade = polling.search_missed(unknown(T0 + 70), SearchMiss(SearchResult.INCONCLUSIVE), T0 + 5000)
    assert (upgrade.state, upgrade.poll_count) == (State.UNKNOWN, 1)
    assert upgrade.next_poll_at == T0 + 5000 + SEARCH_SECONDS[1] - SEARCH_SECONDS[0]


@pytest.mark.parametrize("clock", [-3600.0, 0.0, 3600.0])
def test_a_clock_that_jumps_between_two_looks_leaves_a_next_look(clock: float) -> None:
    for step in (
        polling.job_polled(running(), RUNNING, AT + clock, SCHEDULE),
        polling.job_missing(running(), AT + clock, SCHEDULE),
        polling.poll_failed(running(), AT + clock, SCHEDULE),
        polling.search_missed(unknown(), SearchMiss(SearchResult.IDLE), AT + clock),
        polling.job_missing(replace(running(), job_missing_since=AT + 7200), AT + clock, SCHEDULE),
    ):
        check_invariants(step)
        assert step.next_poll_at is not None
        assert step.next_poll_at > AT + clock


# the instance after the end


OLD_VERSION, NO_VERSION = replace(BACK, version="3.1.15"), replace(BACK, version="")
RESTARTING, ONE_DOWN = replace(BACK, running_actions=("RESTARTING",)), replace(BACK, normal_node_count=2)


def completed(instance: Instance | None) -> Upgrade:
    """A job that a poll at `AT` showed completed, and the instance as it was then."""
    row = replace(running(), instance_snapshot=ORDERS.to_json())
    return polling.job_polled(row, Job("job-1", "Completed", 100), AT, SCHEDULE, instance)


def test_an_instance_that_is_back_with_another_version_ends_the_check_at_once() -> None:
    row = completed(BACK)
    assert (row.end_check, row.normal_at, row.next_poll_at) == (EndCheck.NORMAL, AT, None)


@pytest.mark.parametrize("instance", [None, OLD_VERSION, RESTARTING, ONE_DOWN, NO_VERSION])
def test_any_other_instance_is_read_again(instance: Instance | None) -> None:
    row = completed(instance)
    assert (row.end_check, row.next_poll_at) == (EndCheck.CHECKING, AT + END_CHECK_SECONDS)
    again = polling.end_checked(row, RESTARTING, AT + 15)
    assert (again.end_check, again.next_poll_at, again.due_at is None) == (
        EndCheck.CHECKING,
        AT + 15 + END_CHECK_SECONDS,
        False,
    )
    back = polling.end_checked(again, BACK, AT + 30)
    assert (back.end_check, back.next_poll_at) == (EndCheck.NORMAL, None)
    assert Notification.END_ALARM not in back.pending_notifications
    assert {Notification.CARD_UPDATE, Notification.END_UPDATE} <= set(back.pending_notifications)


def test_since_when_the_instance_was_normal_is_the_first_time_that_it_was_read_so() -> None:
    row = polling.end_checked(completed(RESTARTING), OLD_VERSION, AT + 15)
    assert (row.end_check, row.normal_at) == (EndCheck.CHECKING, AT + 15)
    assert polling.end_checked(row, BACK, AT + 30).normal_at == AT + 15


def test_the_instance_after_the_end_is_kept_as_last_read() -> None:
    assert completed(None).end_snapshot == "-"
    row = polling.end_checked(completed(RESTARTING), OLD_VERSION, AT + 15)
    assert row.instance_after == OLD_VERSION
    assert polling.end_checked(row, None, AT + 30).instance_after == OLD_VERSION


def test_an_instance_that_fell_out_of_normal_is_normal_since_it_came_back() -> None:
    row = polling.end_checked(completed(OLD_VERSION), replace(ONE_DOWN, status="abnormal"), AT + 15)
    assert row.normal_at is None
    row = polling.end_checked(row, None, AT + 30)
    assert polling.end_checked(row, BACK, AT + 45).normal_at == AT + 45


@pytest.mark.parametrize("listed", [2, 0])
def test_a_node_that_is_not_listed_any_more_is_not_normal(listed: int) -> None:
    fewer = replace(BACK, node_count=listed, normal_node_count=listed)
    row = completed(fewer)
    assert row.end_check is EndCheck.CHECKING
    again = polling.end_checked(row, fewer, AT + 15)
    last = polling.end_checked(again, fewer, AT + END_CHECK_LIMIT_SECONDS)
    assert (again.end_check, last.end_check) == (EndCheck.CHECKING, EndCheck.NOT_NORMAL)
    assert last.instance_after is not None
    assert (last.instance_after.normal_node_count, last.instance_after.node_count) == (listed, 3)
    assert polling.end_checked(again, BACK, AT + 30).end_check is EndCheck.NORMAL
    more = replace(BACK, node_count=4, normal_node_count=4)
    assert completed(more).end_check is EndCheck.NORMAL
    failed = polling.job_polled(
        replace(running(), instance_snapshot=ORDERS.to_json()), Job("job-1", "Failed"), AT, SCHEDULE, fewer
    )
    assert failed.instance_after is not None
    assert failed.instance_after.node_count == 3


def test_the_old_version_at_two_reads_of_a_normal_instance_is_an_alarm() -> None:
    row = polling.end_checked(completed(OLD_VERSION), OLD_VERSION, AT + 15)
    assert (row.end_check, row.next_poll_at) == (EndCheck.VERSION_UNCHANGED, None)
    assert Notification.END_ALARM in row.pending_notifications


@pytest.mark.parametrize(
    ("first", "last", "result", "is_alarm"),
    [
        (None, None, EndCheck.NOT_READ, False),
        (RESTARTING, None, EndCheck.NOT_NORMAL, True),
        (None, ONE_DOWN, EndCheck.NOT_NORMAL, True),
        (None, OLD_VERSION, EndCheck.VERSION_UNCHANGED, True),
        (None, NO_VERSION, EndCheck.NORMAL, False),
        (None, replace(BACK, running_actions=None), EndCheck.NORMAL, False),
        (None, replace(OLD_VERSION, running_actions=None), EndCheck.VERSION_UNCHANGED, True),
        (None, replace(BACK, status=""), EndCheck.NOT_READ, False),
        (None, replace(ONE_DOWN, status=""), EndCheck.NOT_NORMAL, True),
        (None, replace(BACK, status="creating"), EndCheck.NOT_NORMAL, True),
        (replace(RESTARTING, status=""), None, EndCheck.NOT_NORMAL, True),
    ],
)
def test_after_ten_minutes_what_was_seen_last_is_told(
    first: Instance | None, last: Instance | None, result: EndCheck, is_alarm: bool
) -> None:
    early = polling.end_checked(completed(first), last, AT + END_CHECK_LIMIT_SECONDS - 1)
    assert early.end_check is EndCheck.CHECKING
    row = polling.end_checked(completed(first), last, AT + END_CHECK_LIMIT_SECONDS)
    assert (row.end_check, row.next_poll_at) == (result, None)
    assert (Notification.END_ALARM in row.pending_notifications) == is_alarm


def test_every_poll_is_counted() -> None:
    first = polling.job_polled(in_progress(), RUNNING, AT, SCHEDULE)
    assert polling.job_polled(first, RUNNING, AT + 10, SCHEDULE).poll_count == first.poll_count + 1


@pytest.mark.parametrize(("failures", "seconds"), [(1, 20), (2, 40), (3, 60), (9, 60)])
def test_failed_polls_double_the_pause(failures: int, seconds: float) -> None:
    assert SCHEDULE.next_poll_at(replace(in_progress(), failed_polls=failures), AT) == AT + seconds


def test_a_job_that_waits_for_an_authorization_alarms_once() -> None:
    waiting = Job("job-1", "Unauthorized")
    step = polling.job_polled(running(), waiting, AT, SCHEDULE)
    assert step.pending_messages == (Notification.AUTHORIZATION_NEEDED,)
    again = polling.job_polled(all_delivered(step, AT + 1), Job("job-1", "Unauthorized", 50), AT + 10, SCHEDULE)
    assert Notification.AUTHORIZATION_NEEDED not in again.pending_notifications


def test_what_an_earlier_search_saw_is_kept_until_a_later_one_sees_something() -> None:
    backup, restart = (Operation("Backup", T0),), (Operation("Restart", T0 + 80),)
    busy = polling.search_missed(unknown(), SearchMiss(SearchResult.BUSY, backup), AT)
    assert polling.search_missed(busy, SearchMiss(SearchResult.IDLE), AT + 10).operations == backup
    assert polling.search_missed(busy, SearchMiss(SearchResult.BUSY, restart), AT + 10).operations == restart
    found = busy.accepted("job-1", AT + 10, AT + 20)
    assert (found.operations, found.search_result) == ((), "")


def test_a_persons_look_that_saw_more_takes_back_that_nothing_started() -> None:
    row = replace(polling.unresolved(unknown(), AT), search_result="idle", unresolved_message_ts="5.0")
    restart = (Operation("Restart", T0 + 80),)
    busy = polling.checked_in_vain(row, SearchMiss(SearchResult.BUSY, restart), AT + 60)
    assert (busy.search_result, busy.operations, busy.checked_at) == ("busy", restart, AT + 60)
    assert Notification.UNRESOLVED_UPDATE in busy.pending_notifications
    assert polling.checked_in_vain(row, SearchMiss(SearchResult.INCONCLUSIVE), AT + 60).search_result == "inconclusive"
    assert polling.checked_in_vain(row, SearchMiss(SearchResult.IDLE), AT + 60).search_result == "idle"


def test_a_job_runs_since_the_first_poll_that_showed_it_running() -> None:
    waiting = polling.job_polled(in_progress(), Job("job-1", "Pending"), AT, SCHEDULE)
    assert (waiting.started_at, waiting.progress_at) == (None, AT)
    step = polling.job_polled(waiting, RUNNING, AT + 10, SCHEDULE)
    assert (step.started_at, step.progress_at) == (AT + 10, AT + 10)
    same = polling.job_polled(step, RUNNING, AT + 20, SCHEDULE)
    assert (same.started_at, same.progress_at) == (AT + 10, AT + 10)
    more = polling.job_polled(same, Job("job-1", "Running", 50), AT + 30, SCHEDULE)
    assert (more.started_at, more.progress_at) == (AT + 10, AT + 30)


def test_a_lost_upgrade_is_looked_for_at_these_times_after_the_loss() -> None:
    row, times = unknown(), [1.0]
    while row.state is State.UNKNOWN:
        row = polling.search_missed(row, SearchMiss(SearchResult.IDLE), T0 + times[-1])
        times += [(row.next_poll_at or 0.0) - T0] if row.next_poll_at else []
    assert times == [1, 3, 6, 12, 24, 40, 60, 85, 120]
