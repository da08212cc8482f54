"""What a look at the cloud means, and when the next one is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core import looks
from bot.core.looks import FORGOTTEN_AFTER, GONE_AFTER, SEARCH_SECONDS, TROUBLE_AFTER, Job, Pace
from bot.core.upgrade import News, Sight, State, Upgrade
from tests.core.upgrades import PACE, T0, all_told, check, following, searched, unknown

RUNNING = Job("job-1", "Running", 40)
AT = T0 + 100
Miss = Callable[[Upgrade, float, Pace], Upgrade]


def running() -> Upgrade:
    """A job seen at 40 %, everything told."""
    return all_told(looks.seen(following(), RUNNING, T0 + 90, PACE), T0 + 91)


# a job that is seen


def test_a_job_that_goes_on_is_shown_and_looked_at_again() -> None:
    step = looks.seen(following(), RUNNING, AT, PACE)
    assert (step.state, step.job_status, step.percent) == (State.FOLLOWING, "Running", 40)
    assert (step.untold, step.look_at) == ((News.PROGRESS,), AT + 10)
    check(step)


def test_a_job_that_did_not_change_is_not_shown_again() -> None:
    step = looks.seen(running(), RUNNING, AT, PACE)
    assert (step.untold, step.due_at) == ((), AT + 10)


@pytest.mark.parametrize("job", [Job("job-1", "Running", 41), Job("job-1", "Pending", 40), Job("job-1", "Running")])
def test_any_change_is_shown_once(job: Job) -> None:
    step = looks.seen(running(), job, AT, PACE)
    assert step.untold == (News.PROGRESS,)
    assert looks.seen(step, RUNNING, AT + 10, PACE).untold == (News.PROGRESS,)


@pytest.mark.parametrize(
    ("status", "state", "news"),
    [
        ("Completed", State.COMPLETED, News.COMPLETED),
        ("Failed", State.FAILED, News.FAILED),
        ("Canceled", State.CANCELED, News.CANCELED),
    ],
)
def test_a_job_that_ended_is_over_and_told(status: str, state: State, news: News) -> None:
    step = looks.seen(running(), Job("job-1", status, None, "disk full"), AT, PACE)
    assert (step.state, step.ended_at, step.fail_reason, step.look_at) == (state, AT, "disk full", None)
    assert step.untold == (News.CARD, news, News.PROGRESS)
    check(step)


@pytest.mark.parametrize("status", ["", "Paused", "completed", "FAILED"])
def test_a_status_nobody_documented_is_no_end(status: str) -> None:
    step = looks.seen(running(), Job("job-1", status), AT, PACE)
    assert step.state is State.FOLLOWING
    assert step.look_at == AT + 10


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
    step = looks.seen(following(delay=delay), Job("job-1", status), AT, Pace(10.0))
    assert step.look_at == AT + 10 * polls


# a job that is not seen


def test_a_job_not_visible_in_the_first_minute_is_no_trouble() -> None:
    upgrade = following()
    for second in (15, 25, 35, 45, 55, 69):
        upgrade = looks.unseen(upgrade, T0 + second, PACE)
        assert (upgrade.state, upgrade.misses, upgrade.untold) == (State.FOLLOWING, 0, ())
        assert upgrade.look_at == T0 + second + 10
        check(upgrade)
    assert looks.unseen(upgrade, T0 + 10 + 60, PACE).misses == 1


def test_a_job_unseen_for_ten_minutes_is_gone() -> None:
    upgrade = looks.unseen(running(), AT, PACE)
    assert looks.unseen(upgrade, AT + GONE_AFTER - 1, PACE).state is State.FOLLOWING
    gone = looks.unseen(upgrade, AT + GONE_AFTER, PACE)
    assert (gone.state, gone.ended_at, gone.untold) == (State.UNRESOLVED, AT + GONE_AFTER, (News.UNRESOLVED, News.CARD))
    check(gone)


def test_a_job_that_was_seen_in_between_has_not_been_gone() -> None:
    upgrade = looks.seen(looks.unseen(running(), AT, PACE), RUNNING, AT + 60, PACE)
    assert (upgrade.missing_since, upgrade.misses) == (None, 0)
    assert looks.unseen(upgrade, AT + GONE_AFTER + 1, PACE).state is State.FOLLOWING


@pytest.mark.parametrize("miss", [looks.unseen, looks.unanswered])
def test_three_failed_looks_in_a_row_are_told_once_and_looking_slows_down(miss: Miss) -> None:
    upgrade, waits, told = running(), [], 0
    for _ in range(8):
        at = upgrade.look_at
        assert at is not None
        upgrade = miss(upgrade, at, PACE)
        if upgrade.state is State.UNRESOLVED:
            break
        assert upgrade.look_at is not None
        waits.append(upgrade.look_at - at)
        told += upgrade.untold.count(News.TROUBLE)
        assert upgrade.misses == len(waits)
        assert bool(upgrade.untold) == (upgrade.misses == TROUBLE_AFTER)
        upgrade = all_told(upgrade, at)
    assert told == 1
    assert waits[:4] == [20, 40, 80, 160]
    assert max(waits) <= 300


def test_a_job_that_shows_again_after_trouble_can_be_in_trouble_again() -> None:
    upgrade = running()
    for _ in range(TROUBLE_AFTER):
        upgrade = looks.unanswered(upgrade, AT, PACE)
    upgrade = all_told(looks.seen(upgrade, RUNNING, AT + 1, PACE), AT + 2)
    for _ in range(TROUBLE_AFTER):
        upgrade = looks.unanswered(upgrade, AT + 3, PACE)
    assert upgrade.untold == (News.TROUBLE,)


def test_however_slowly_one_is_told_to_look_trouble_does_not_make_it_faster() -> None:
    slow = Pace(900.0)
    upgrade = looks.unanswered(running(), AT, slow)
    assert upgrade.look_at == AT + 900


def test_after_a_month_the_cloud_has_forgotten_the_job() -> None:
    upgrade = running()
    assert upgrade.decided_at is not None
    month = upgrade.decided_at + FORGOTTEN_AFTER
    assert looks.unanswered(upgrade, month, PACE).state is State.FOLLOWING
    for step in (looks.unanswered(upgrade, month + 1, PACE), looks.unseen(upgrade, month + 1, PACE)):
        assert (step.state, step.untold) == (State.UNRESOLVED, (News.UNRESOLVED, News.CARD))
        check(step)


def test_a_job_that_is_still_seen_after_a_month_is_still_followed() -> None:
    assert looks.seen(running(), RUNNING, T0 + 2 * FORGOTTEN_AFTER, PACE).state is State.FOLLOWING


# an upgrade that is looked for


def test_a_lost_upgrade_is_looked_for_again_and_again_over_two_minutes() -> None:
    upgrade, times = unknown(T0 + 70), []
    while upgrade.state is State.UNKNOWN:
        assert upgrade.look_at is not None
        times.append(upgrade.look_at - (T0 + 70))
        upgrade = searched(upgrade, Sight.BUSY)
        check(upgrade)
    assert times == list(SEARCH_SECONDS)
    assert times[-1] == 120


@pytest.mark.parametrize("sight", Sight)
def test_what_the_last_search_saw_is_told_when_it_is_given_up(sight: Sight) -> None:
    upgrade = unknown()
    while upgrade.state is State.UNKNOWN:
        upgrade = searched(upgrade, sight)
    assert (upgrade.state, upgrade.sight) == (State.UNRESOLVED, sight.value)
    assert upgrade.untold == (News.UNRESOLVED, News.CARD)
    assert upgrade.ended_at == T0 + 70 + 120


def test_a_search_that_comes_late_gives_up_no_earlier_than_after_all_its_looks() -> None:
    upgrade = looks.not_found(unknown(T0 + 70), Sight.BLIND, T0 + 5000)
    assert (upgrade.state, upgrade.looks) == (State.UNKNOWN, 1)
    assert upgrade.look_at == T0 + 5000 + SEARCH_SECONDS[1] - SEARCH_SECONDS[0]


@pytest.mark.parametrize("clock", [-3600.0, 0.0, 3600.0])
def test_a_clock_that_jumps_between_two_looks_leaves_a_next_look(clock: float) -> None:
    for step in (
        looks.seen(running(), RUNNING, AT + clock, PACE),
        looks.unseen(running(), AT + clock, PACE),
        looks.unanswered(running(), AT + clock, PACE),
        looks.not_found(unknown(), Sight.IDLE, AT + clock),
        looks.unseen(replace(running(), missing_since=AT + 7200), AT + clock, PACE),
    ):
        check(step)
        assert step.look_at is not None
        assert step.look_at > AT + clock
