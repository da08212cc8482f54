"""Each step of an upgrade, and when it does not apply."""

from dataclasses import fields, replace

import pytest

from bot.core import polling
from bot.core.errors import (
    CloudError,
    NotSent,
    OutcomeUnknown,
    Rejected,
    TooLate,
)
from bot.core.messages import Console, Person, Time
from bot.core.notifications import Notification
from bot.core.upgrade import LEASE_SECONDS, LIVE_STATES, NOTIFY_SECONDS, Operation, SearchResult, State, Upgrade
from tests.core.examples import (
    FINAL,
    ID,
    ORDERS,
    T0,
    TRANSITIONS,
    TTL,
    all_delivered,
    check_invariants,
    confirmed,
    in_every_state,
    in_progress,
    new_upgrade,
    posted,
    unknown,
)

EXPIRED = TooLate("already_expired", at=Time(T0 + TTL))


@pytest.mark.parametrize("state", State)
def test_every_stand_has_its_timers_right(state: State) -> None:
    upgrade = in_every_state()[state]
    assert upgrade.state is state
    check_invariants(upgrade)
    check_invariants(all_delivered(upgrade, T0 + 300))


def test_a_new_request_is_due_to_be_posted_and_to_expire() -> None:
    asked = new_upgrade()
    assert asked.pending_notifications == (Notification.REQUEST_CARD,)
    assert (asked.notify_at, asked.next_poll_at, asked.due_at) == (T0 + NOTIFY_SECONDS, T0 + TTL, T0 + NOTIFY_SECONDS)
    assert posted().due_at == T0 + TTL


# the decision on the request


def test_a_confirmation_names_who_and_when_and_holds_the_row_for_a_lease() -> None:
    step = confirmed(T0 + 10)
    assert (step.state, step.decided_by, step.decided_at) == (State.SUBMITTING, "UBOB", T0 + 10)
    assert step.next_poll_at == T0 + 10 + LEASE_SECONDS == T0 + 20
    assert step.pending_notifications == (Notification.CARD_UPDATE,)
    check_invariants(step)


def test_a_cancellation_ends_it_and_leaves_only_the_card_to_show() -> None:
    step = posted().withdraw("UEVE", T0 + 10)
    assert isinstance(step, Upgrade)
    assert (step.state, step.decided_by, step.pending_notifications) == (
        State.WITHDRAWN,
        "UEVE",
        (Notification.CARD_UPDATE,),
    )
    check_invariants(step)


@pytest.mark.parametrize("at", [T0 + TTL, T0 + TTL + 0.001, T0 + 10 * TTL])
def test_a_click_after_the_time_is_late_even_if_nobody_closed_the_request_yet(at: float) -> None:
    assert posted().confirm("UBOB", at, "sender-2") == EXPIRED
    assert posted().withdraw("UBOB", at) == EXPIRED


def test_a_click_in_the_last_moment_counts() -> None:
    assert isinstance(posted().confirm("UBOB", T0 + TTL - 0.001, "sender-2"), Upgrade)


@pytest.mark.parametrize("state", [state for state in State if state is not State.REQUESTED])
def test_a_click_that_comes_second_is_told_what_came_first(state: State) -> None:
    upgrade = in_every_state()[state]
    truth = {
        State.EXPIRED: EXPIRED,
        State.WITHDRAWN: TooLate("already_withdrawn", by=Person("UBOB")),
        State.SUPERSEDED: TooLate("already_superseded", by=Person("UBOB")),
    }
    said = truth.get(state, TooLate("already_confirmed", by=Person("UBOB")))
    for at in (T0 + 20, T0 + 10 * TTL):
        assert upgrade.confirm("UEVE", at, "sender-2") == said
        assert upgrade.withdraw("UEVE", at) == said


def test_an_expired_request_that_nobody_closed_says_so_whoever_clicks() -> None:
    closed = posted().expire(T0 + TTL)
    assert (closed.state, closed.decided_by, closed.decided_at) == (State.EXPIRED, None, T0 + TTL)
    assert closed.pending_notifications == (Notification.CARD_UPDATE,)
    assert closed.confirm("UANN", T0 + TTL + 1, "sender-2") == EXPIRED


def test_a_request_that_was_never_posted_expires_with_nothing_to_tell() -> None:
    gone = new_upgrade().expire(T0 + TTL)
    assert (gone.state, gone.pending_notifications, gone.due_at) == (State.EXPIRED, (), None)


def test_a_request_slack_refuses_is_over_and_says_why() -> None:
    gone = new_upgrade().card_rejected("is_archived", T0 + 1)
    assert (gone.state, gone.error_code, gone.decided_by) == (State.WITHDRAWN, "is_archived", None)
    assert (gone.pending_notifications, gone.due_at) == ((), None)
    assert gone.confirm("UANN", T0 + 2, "sender-2") == gone.withdraw("UANN", T0 + 2) == TooLate("unknown_request")


@pytest.mark.parametrize("state", State)
def test_a_refusal_of_the_request_changes_nothing_once_it_stands_in_a_message(state: State) -> None:
    """Two replicas may post it; a click on the one that worked counts more than the failure of the other."""
    upgrade = in_every_state()[state]
    assert upgrade.card_rejected("is_archived", T0 + 300) == upgrade


# the answer of the cloud


def test_an_accepted_upgrade_is_followed_and_its_job_told() -> None:
    step = confirmed().accepted("job-1", T0 + 12, T0 + 22)
    assert (step.state, step.job_id, step.next_poll_at) == (State.IN_PROGRESS, "job-1", T0 + 22)
    assert step.pending_notifications == (Notification.JOB_ACCEPTED, Notification.CARD_UPDATE)
    check_invariants(step)


def test_a_job_that_turns_up_later_is_told_as_found() -> None:
    lost = replace(unknown(), search_result="inconclusive", poll_count=3, operations=(Operation("RESTARTING"),))
    lost = replace(lost, failed_polls=2, job_missing_since=T0 + 75)
    step = lost.accepted("job-1", T0 + 80, T0 + 90)
    assert (step.state, step.search_result, step.poll_count, step.pending_notifications) == (
        State.IN_PROGRESS,
        "",
        0,
        (Notification.JOB_FOUND, Notification.CARD_UPDATE, Notification.OUTCOME_UNKNOWN_UPDATE),
    )
    assert (step.operations, step.failed_polls, step.job_missing_since) == ((), 0, None)


def test_a_job_that_a_person_finds_takes_back_what_was_said_and_not_yet_told() -> None:
    given_up = polling.unresolved(unknown(), T0 + 200)
    edits = (Notification.CARD_UPDATE, Notification.OUTCOME_UNKNOWN_UPDATE)
    assert given_up.pending_notifications == (Notification.UNRESOLVED, *edits)
    step = given_up.accepted("job-1", T0 + 300, T0 + 310)
    assert step.pending_notifications == (Notification.JOB_FOUND, *edits)
    assert step.ended_at is None
    check_invariants(step)


@pytest.mark.parametrize(
    ("kind", "state", "notification"),
    [
        (Rejected, State.REJECTED, Notification.REJECTED),
        (NotSent, State.NOT_SENT, Notification.NOT_SENT),
        (OutcomeUnknown, State.UNKNOWN, Notification.OUTCOME_UNKNOWN),
        (CloudError, State.UNKNOWN, Notification.OUTCOME_UNKNOWN),
    ],
)
def test_a_fault_is_kept_as_data_and_decides_the_state(
    kind: type[CloudError], state: State, notification: Notification
) -> None:
    step = confirmed().submission_failed(kind(409, "DBS.200019", "busy", "r-1"), T0 + 12)
    assert (step.state, step.pending_notifications) == (state, (notification, Notification.CARD_UPDATE))
    assert (step.http_status, step.error_code, step.error_msg, step.api_request_id) == (
        409,
        "DBS.200019",
        "busy",
        "r-1",
    )
    check_invariants(step)


def test_a_send_that_nobody_answered_for_is_looked_for_and_told_at_once() -> None:
    step = confirmed().outcome_lost(T0 + 20)
    assert (step.state, step.next_poll_at, step.poll_count) == (State.UNKNOWN, T0 + 21, 0)
    assert step.pending_notifications == (Notification.OUTCOME_UNKNOWN, Notification.CARD_UPDATE)
    check_invariants(step)


def test_each_lost_answer_is_searched_for_from_the_beginning() -> None:
    searched = replace(unknown(), poll_count=3, search_result="busy", operations=(Operation("RESTARTING"),))
    step = searched.outcome_lost(T0 + 90)
    assert (step.next_poll_at, step.poll_count, step.search_result, step.operations) == (T0 + 91, 0, "", ())


@pytest.mark.parametrize(("kind", "state"), [(Rejected, State.REJECTED), (NotSent, State.NOT_SENT)])
def test_an_answer_that_comes_late_still_ends_an_unknown_upgrade(kind: type[CloudError], state: State) -> None:
    step = unknown().submission_failed(kind(), T0 + 80)
    assert step.state is state
    check_invariants(step)


def test_steps_leave_the_request_itself_as_it_was() -> None:
    asked = posted()
    request = [field.name for field in fields(Upgrade)][
        : [field.name for field in fields(Upgrade)].index("revision") + 1
    ]
    for upgrade in in_every_state().values():
        assert [getattr(upgrade, name) for name in request] == [getattr(asked, name) for name in request]


def test_live_is_what_is_sent_or_runs_or_is_looked_for() -> None:
    assert {state for state, upgrade in in_every_state().items() if upgrade.is_live} == LIVE_STATES
    assert not LIVE_STATES & FINAL
    assert set(TRANSITIONS) == (LIVE_STATES | {State.REQUESTED, State.UNRESOLVED})


def test_every_state_news_and_sight_is_written_as_its_own_name() -> None:
    """The words are columns in databases that outlive the code."""
    for kind in (State, Notification, SearchResult):
        assert all(one.value == one.name.lower() for one in kind)


# what a row says of itself


@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize(("status", "is_before_start"), [("", True), ("Pending", True), ("Running", False)])
def test_only_a_delayed_upgrade_waits_for_its_window(delay: bool, status: str, is_before_start: bool) -> None:
    assert in_progress(delay=delay, job_status=status).awaits_window == (delay and is_before_start)
    assert not confirmed(delay=delay, job_status=status).awaits_window


@pytest.mark.parametrize(
    ("delay", "skip_validate", "flags"),
    [
        (False, False, ""),
        (True, False, "--delay"),
        (False, True, "--skip-validate"),
        (True, True, "--delay --skip-validate"),
    ],
)
def test_the_flags_are_those_of_the_command(delay: bool, skip_validate: bool, flags: str) -> None:
    assert posted(delay=delay, skip_validate=skip_validate).flags == flags


def test_a_delayed_upgrade_starts_when_the_window_opens_after_its_confirmation() -> None:
    opens_at = ORDERS.next_window(T0)
    assert opens_at is not None
    described = {"instance_snapshot": ORDERS.to_json(), "requested_at": T0}
    assert posted(delay=True, **described).starts_at == opens_at
    later = replace(posted(delay=True, **described), decided_at=opens_at + 5 * 3600)
    assert later.starts_at == opens_at + 24 * 3600
    assert replace(later, decided_at=opens_at).starts_at is None  # the window is open
    assert posted(delay=False, **described).starts_at is None
    assert posted(delay=True).starts_at is None


def test_the_percentage_is_that_of_a_running_job() -> None:
    running = replace(in_progress(), job_status="Running", progress_percent=40)
    assert running.running_percent == 40
    assert replace(running, progress_percent=None).running_percent is None
    assert replace(running, job_status="Pending").running_percent is None
    assert replace(running, state=State.FAILED).running_percent is None


def test_the_name_is_known_once_the_cloud_has_told_one() -> None:
    assert posted(instance_snapshot=ORDERS.to_json()).is_named
    assert not posted(instance_snapshot=replace(ORDERS, name=" ").to_json()).is_named
    assert not posted().is_named


def test_a_log_line_names_the_project_where_there_are_several() -> None:
    assert posted().log_fields == {"upgrade": "u-1"}
    assert posted(project="cn-north-4:abc").log_fields == {"upgrade": "u-1", "project": "cn-north-4:abc"}
    assert posted(project="cn-north-4:abc").console == Console("cn-north-4")


def test_a_conflict_is_unexplained_only_when_the_cloud_did_not_show_what_runs() -> None:
    row = replace(confirmed(), state=State.REJECTED, http_status=409)
    assert replace(row, search_result=SearchResult.INCONCLUSIVE).is_unexplained_conflict
    assert not replace(row, search_result=SearchResult.BUSY).is_unexplained_conflict
    assert not replace(row, http_status=400, search_result=SearchResult.INCONCLUSIVE).is_unexplained_conflict


def test_the_instance_before_is_the_one_described_in_detail() -> None:
    assert posted(instance_snapshot=ORDERS.to_json()).instance_before == ORDERS
    listed = replace(ORDERS, upgrade_available=None)
    assert posted(instance_snapshot=listed.to_json()).instance_before is None
    assert posted(instance_snapshot="-").instance_before is None
    assert posted().instance_before is None


def test_a_card_was_rejected_by_slack_only_if_nobody_withdrew_the_request() -> None:
    rejected = new_upgrade().card_rejected("is_archived", T0 + 1)
    assert (rejected.is_card_rejected, rejected.decided_at, rejected.error_code) == (True, T0 + 1, "is_archived")
    withdrawn = posted().withdraw("UBOB", T0 + 1)
    assert isinstance(withdrawn, Upgrade)
    assert not withdrawn.is_card_rejected
    assert not posted().is_card_rejected


@pytest.mark.parametrize(
    ("status", "code", "is_conflict"),
    [
        (409, "", True),
        (409, "DBS.200019", True),
        (400, "DBS.200086", True),
        (403, "DBS.201014", True),
        (400, "DBS.212033", True),
        (400, "DBS.280001", False),
        (403, "", False),
        (None, "", False),
    ],
)
def test_a_conflict_is_told_by_its_status_or_its_code(status: int | None, code: str, is_conflict: bool) -> None:
    row = replace(confirmed(), state=State.REJECTED, http_status=status, error_code=code)
    assert row.is_conflict == is_conflict
    assert not replace(row, state=State.NOT_SENT).is_conflict


def test_an_instance_without_a_name_is_called_by_the_ends_of_its_id() -> None:
    assert posted().instance_name == f"{ID[:8]}…in17"
    assert posted(instance_snapshot=ORDERS.to_json()).instance_name == "sr-orders"
