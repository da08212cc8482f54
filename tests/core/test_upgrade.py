"""Each step of an upgrade, and when it does not apply."""

from dataclasses import fields, replace

import pytest

from bot.core import looks
from bot.core.reasons import (
    AlreadyConfirmed,
    AlreadyExpired,
    AlreadyWithdrawn,
    Fault,
    NotSent,
    Refused,
    UnknownRequest,
    Unsure,
)
from bot.core.sentence import Moment, Person
from bot.core.upgrade import LEASE_SECONDS, LIVE, TELL_SECONDS, News, Sight, State, Upgrade
from tests.core.upgrades import (
    ARROWS,
    FINAL,
    T0,
    TTL,
    all_told,
    check,
    confirmed,
    posted,
    question,
    stands,
    unknown,
)

EXPIRED = AlreadyExpired(Moment(T0 + TTL))


@pytest.mark.parametrize("state", State)
def test_every_stand_has_its_timers_right(state: State) -> None:
    upgrade = stands()[state]
    assert upgrade.state is state
    check(upgrade)
    check(all_told(upgrade, T0 + 300))


def test_a_new_question_is_due_to_be_posted_and_to_expire() -> None:
    asked = question()
    assert asked.untold == (News.QUESTION,)
    assert (asked.tell_at, asked.look_at, asked.due_at) == (T0 + TELL_SECONDS, T0 + TTL, T0 + TELL_SECONDS)
    assert posted().due_at == T0 + TTL


# the answer to the question


def test_a_confirmation_names_who_and_when_and_holds_the_row_for_a_lease() -> None:
    step = confirmed(T0 + 10)
    assert (step.state, step.decided_by, step.decided_at) == (State.SENDING, "UBOB", T0 + 10)
    assert step.look_at == T0 + 10 + LEASE_SECONDS
    assert step.untold == (News.CARD,)
    check(step)


def test_a_cancellation_ends_it_and_leaves_only_the_card_to_show() -> None:
    step = posted().withdraw("UEVE", T0 + 10)
    assert isinstance(step, Upgrade)
    assert (step.state, step.decided_by, step.untold) == (State.WITHDRAWN, "UEVE", (News.CARD,))
    check(step)


@pytest.mark.parametrize("at", [T0 + TTL, T0 + TTL + 0.001, T0 + 10 * TTL])
def test_a_click_after_the_time_is_late_even_if_nobody_closed_the_question_yet(at: float) -> None:
    assert posted().confirm("UBOB", at) == EXPIRED
    assert posted().withdraw("UBOB", at) == EXPIRED


def test_a_click_in_the_last_moment_counts() -> None:
    assert isinstance(posted().confirm("UBOB", T0 + TTL - 0.001), Upgrade)


@pytest.mark.parametrize("state", [state for state in State if state is not State.ASKED])
def test_a_click_that_comes_second_is_told_what_came_first(state: State) -> None:
    upgrade = stands()[state]
    truth = {State.EXPIRED: EXPIRED, State.WITHDRAWN: AlreadyWithdrawn(Person("UBOB"))}
    said = truth.get(state, AlreadyConfirmed(Person("UBOB")))
    for at in (T0 + 20, T0 + 10 * TTL):
        assert upgrade.confirm("UEVE", at) == said
        assert upgrade.withdraw("UEVE", at) == said


def test_an_expired_question_that_nobody_closed_says_so_whoever_clicks() -> None:
    closed = posted().expire(T0 + TTL)
    assert (closed.state, closed.decided_by, closed.decided_at) == (State.EXPIRED, None, T0 + TTL)
    assert closed.untold == (News.CARD,)
    assert closed.confirm("UANN", T0 + TTL + 1) == EXPIRED


def test_a_question_that_was_never_posted_expires_with_nothing_to_tell() -> None:
    gone = question().expire(T0 + TTL)
    assert (gone.state, gone.untold, gone.due_at) == (State.EXPIRED, (), None)


def test_a_question_slack_refuses_is_over_and_says_why() -> None:
    gone = question().unasked("is_archived", T0 + 1)
    assert (gone.state, gone.error_code, gone.decided_by) == (State.WITHDRAWN, "is_archived", None)
    assert (gone.untold, gone.due_at) == ((), None)
    assert gone.confirm("UANN", T0 + 2) == gone.withdraw("UANN", T0 + 2) == UnknownRequest()


@pytest.mark.parametrize("state", State)
def test_a_refusal_of_the_question_changes_nothing_once_it_stands_in_a_message(state: State) -> None:
    """Two replicas may post it; a click on the one that worked counts more than the failure of the other."""
    upgrade = stands()[state]
    assert upgrade.unasked("is_archived", T0 + 300) == upgrade


# the answer of the cloud


def test_an_accepted_upgrade_is_followed_and_its_job_told() -> None:
    step = confirmed().accepted("job-1", T0 + 12, T0 + 22)
    assert (step.state, step.job_id, step.look_at) == (State.FOLLOWING, "job-1", T0 + 22)
    assert step.untold == (News.CARD, News.STARTED)
    check(step)


def test_a_job_that_turns_up_later_is_told_as_found() -> None:
    lost = replace(unknown(), sight="blind", looks=3)
    step = lost.accepted("job-1", T0 + 80, T0 + 90)
    assert (step.state, step.sight, step.looks, step.untold) == (State.FOLLOWING, "", 0, (News.FOUND, News.CARD))


def test_a_job_that_a_person_finds_takes_back_what_was_said_and_not_yet_told() -> None:
    given_up = looks.unresolved(unknown(), T0 + 200)
    assert given_up.untold == (News.UNRESOLVED, News.CARD)
    step = given_up.accepted("job-1", T0 + 300, T0 + 310)
    assert step.untold == (News.CARD, News.FOUND)
    assert step.ended_at is None
    check(step)


@pytest.mark.parametrize(
    ("kind", "state", "news"),
    [
        (Refused, State.REFUSED, News.REFUSED),
        (NotSent, State.NOT_SENT, News.NOT_SENT),
        (Unsure, State.UNKNOWN, News.UNSURE),
        (Fault, State.UNKNOWN, News.UNSURE),
    ],
)
def test_a_fault_is_kept_as_data_and_decides_the_state(kind: type[Fault], state: State, news: News) -> None:
    step = confirmed().faulted(kind(409, "DBS.200019", "busy", "r-1"), T0 + 12)
    assert (step.state, step.untold) == (state, (News.CARD, news))
    assert (step.http_status, step.error_code, step.error_msg, step.request_id) == (409, "DBS.200019", "busy", "r-1")
    check(step)


def test_a_send_that_nobody_answered_for_is_looked_for_and_told_at_once() -> None:
    step = confirmed().lost(T0 + 20)
    assert (step.state, step.look_at, step.looks) == (State.UNKNOWN, T0 + 21, 0)
    assert step.untold == (News.CARD, News.UNSURE)
    check(step)


@pytest.mark.parametrize(("kind", "state"), [(Refused, State.REFUSED), (NotSent, State.NOT_SENT)])
def test_an_answer_that_comes_late_still_ends_an_unknown_upgrade(kind: type[Fault], state: State) -> None:
    step = unknown().faulted(kind(), T0 + 80)
    assert step.state is state
    check(step)


def test_steps_leave_the_request_itself_as_it_was() -> None:
    asked = posted()
    request = [field.name for field in fields(Upgrade)][
        : [field.name for field in fields(Upgrade)].index("revision") + 1
    ]
    for upgrade in stands().values():
        assert [getattr(upgrade, name) for name in request] == [getattr(asked, name) for name in request]


def test_live_is_what_is_sent_or_runs_or_is_looked_for() -> None:
    assert {state for state, upgrade in stands().items() if upgrade.is_live} == LIVE
    assert not LIVE & FINAL
    assert set(ARROWS) == (LIVE | {State.ASKED, State.UNRESOLVED})


def test_every_state_news_and_sight_is_written_as_its_own_name() -> None:
    """The words are columns in databases that outlive the code."""
    for kind in (State, News, Sight):
        assert all(one.value == one.name.lower() for one in kind)
