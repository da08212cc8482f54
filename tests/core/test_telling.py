"""The book of what Slack has taken: nothing is told out of turn, and nothing is forgotten."""

from dataclasses import replace

import pytest

from bot.core import looks, telling
from bot.core.looks import Job
from bot.core.telling import EDIT_SECONDS, LONGEST_ASKED_FOR, LONGEST_WAIT
from bot.core.upgrade import TELL_SECONDS, News, State, Upgrade
from tests.core.upgrades import PACE, T0, TTL, all_told, check, confirmed, following, posted, question, unknown

AT = T0 + 100


def started() -> Upgrade:
    """Accepted, nothing told yet: CARD, then STARTED."""
    return confirmed().accepted("job-1", T0 + 12, T0 + 22)


def test_what_was_told_leaves_the_book_and_the_rest_waits_its_turn() -> None:
    step = telling.told(started(), News.CARD, T0 + 13, None, started())
    assert (step.untold, step.tell_at) == ((News.STARTED,), T0 + 13 + TELL_SECONDS)
    check(step)
    step = telling.told(step, News.STARTED, T0 + 14, "2.0", step)
    assert (step.untold, step.tell_at, step.due_at) == ((), None, step.look_at)
    check(step)


def test_one_telling_takes_one_of_two_equal_messages_out_of_the_book() -> None:
    twice = following().with_news(AT, News.TROUBLE).with_news(AT, News.TROUBLE)
    assert telling.told(twice, News.TROUBLE, AT, "3.0", twice).untold == (News.TROUBLE,)


def test_news_told_again_after_a_crash_changes_nothing_but_the_timers() -> None:
    done = all_told(started(), T0 + 14)
    again = telling.told(done, News.CARD, T0 + 15, None, done)
    assert again == done


def test_news_waits_for_whoever_made_the_step_before_others_tell_it() -> None:
    step = following().with_news(T0 + 50, News.TROUBLE)
    assert step.tell_at == T0 + 50 + TELL_SECONDS


def test_more_news_does_not_move_the_time_of_what_waits_already() -> None:
    waiting = following().with_news(T0 + 50, News.TROUBLE)
    assert waiting.with_news(T0 + 55, News.COMPLETED).tell_at == waiting.tell_at


def test_an_edit_is_queued_once_and_a_message_every_time() -> None:
    step = following().with_news(T0 + 50, News.CARD, News.TROUBLE).with_news(T0 + 51, News.TROUBLE, News.CARD)
    assert step.untold == (News.CARD, News.TROUBLE, News.TROUBLE)


# the question


def test_a_question_that_was_posted_is_known_by_its_message_and_waits_to_expire() -> None:
    step = posted()
    assert (step.message_ts, step.untold, step.look_at, step.due_at) == ("1.0", (), T0 + TTL, T0 + TTL)


def test_a_question_that_was_closed_while_slack_took_it_loses_its_buttons() -> None:
    asked = question()
    closed = asked.expire(T0 + TTL)
    assert closed.due_at is None
    step = telling.told(closed, News.QUESTION, T0 + TTL + 1, "1.0", asked)
    assert (step.state, step.message_ts, step.untold) == (State.EXPIRED, "1.0", (News.CARD,))
    check(step)


def test_a_question_posted_twice_stays_where_it_was_answered() -> None:
    sending = confirmed()
    step = telling.told(sending, News.QUESTION, T0 + 11, "1.5", question())
    assert step.message_ts == "1.0"
    assert (step.state, step.untold, step.look_at) == (sending.state, sending.untold, sending.look_at)
    check(step)


# edits


@pytest.mark.parametrize("news", [News.CARD, News.PROGRESS])
def test_an_edit_that_showed_an_older_state_is_made_again(news: News) -> None:
    shown = following().with_news(AT, news)
    newer = looks.seen(shown, Job("job-1", "Completed"), AT + 1, PACE)
    step = telling.told(newer, news, AT + 2, None, shown)
    assert step.untold.count(news) == 1
    assert step.tell_at == AT + 2 + TELL_SECONDS
    check(step)


def test_an_old_edit_that_lands_after_a_newer_one_is_made_good() -> None:
    """A teller that was slow overwrote what another had shown and written down already."""
    shown = following().with_news(AT, News.CARD)
    newer = all_told(looks.seen(shown, Job("job-1", "Completed"), AT + 1, PACE), AT + 2)
    assert newer.due_at is None
    step = telling.told(newer, News.CARD, AT + 3, None, shown)
    assert (step.untold, step.due_at) == ((News.CARD,), AT + 3 + TELL_SECONDS)
    check(step)


def test_an_edit_that_shows_how_things_stand_is_done_even_if_timers_moved() -> None:
    shown = following().with_news(AT, News.CARD)
    moved = replace(shown, look_at=AT + 50, looks=9, revision=9)
    assert telling.told(moved, News.CARD, AT + 1, None, shown).untold == ()


def test_a_message_told_is_told_even_if_the_state_has_moved_on() -> None:
    shown = started()
    newer = looks.seen(shown, Job("job-1", "Completed"), AT, PACE)
    assert News.STARTED not in telling.told(newer, News.STARTED, AT, "2.0", shown).untold


@pytest.mark.parametrize("news", [News.STARTED, News.FOUND])
def test_the_message_with_the_job_is_the_one_whose_progress_is_edited(news: News) -> None:
    upgrade = started() if news is News.STARTED else unknown().accepted("job-1", AT, AT + 10)
    step = telling.told(upgrade, news, AT, "2.0", upgrade)
    assert (step.progress_ts, telling.may_edit_at(step)) == ("2.0", AT + EDIT_SECONDS)


def test_progress_is_edited_at_most_once_in_three_seconds() -> None:
    upgrade = following().with_news(AT, News.PROGRESS)
    step = telling.told(upgrade, News.PROGRESS, AT, None, upgrade)
    assert (step.progress_ts, telling.may_edit_at(step)) == (upgrade.progress_ts, AT + 3)
    held = telling.held(upgrade, telling.may_edit_at(step))
    assert (held.tell_at, held.untold) == (AT + 3, (News.PROGRESS,))
    check(held)


def test_progress_that_was_never_shown_may_be_shown_at_once() -> None:
    assert telling.may_edit_at(confirmed()) <= T0


# Slack does not take it


def test_slack_that_is_away_is_asked_more_and_more_slowly() -> None:
    upgrade, waits = started(), []
    for _ in range(12):
        upgrade = telling.postponed(upgrade, AT)
        assert upgrade.tell_at is not None
        waits.append(upgrade.tell_at - AT)
        check(upgrade)
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT
    assert upgrade.untold == started().untold


@pytest.mark.parametrize(
    ("said", "wait"),
    [(7.0, 7.0), (0.0, 0.0), (300.0, 300.0), (1e9, LONGEST_ASKED_FOR), (float("inf"), LONGEST_ASKED_FOR), (-5.0, 0.0)],
)
def test_slack_says_when_to_come_back_but_not_never(said: float, wait: float) -> None:
    assert telling.postponed(started(), AT, said).tell_at == AT + wait


def test_a_telling_that_worked_ends_the_slowness() -> None:
    slow = telling.postponed(telling.postponed(started(), AT), AT)
    assert slow.tell_attempts == 2
    assert telling.told(slow, News.CARD, AT, None, slow).tell_attempts == 0


# this place will never take it


def test_an_edit_without_a_message_is_dropped_and_the_rest_stays() -> None:
    step = telling.dropped(started(), News.CARD)
    assert (step.untold, step.tell_at) == ((News.STARTED,), started().tell_at)
    check(step)
    last = telling.dropped(step, News.STARTED)
    assert (last.untold, last.tell_at) == ((), None)
    check(last)


def test_a_channel_that_is_gone_sends_the_messages_to_the_requester_without_the_edits() -> None:
    upgrade = following().with_news(AT, News.CARD, News.TROUBLE, News.PROGRESS, News.COMPLETED)
    step = telling.redirected(telling.postponed(upgrade, AT), "D1", AT)
    assert (step.direct_channel, step.progress_ts, step.tell_attempts) == ("D1", None, 0)
    assert (step.untold, step.tell_at) == ((News.TROUBLE, News.COMPLETED), AT + TELL_SECONDS)
    check(step)


def test_a_channel_that_is_gone_with_only_edits_left_leaves_nothing_to_tell() -> None:
    step = telling.redirected(following().with_news(AT, News.CARD), "D1", AT)
    assert (step.untold, step.tell_at) == ((), None)
    check(step)


def test_a_job_told_directly_is_edited_there_from_then_on() -> None:
    direct = telling.redirected(started(), "D1", AT)
    assert telling.told(direct, News.STARTED, AT, "9.0", direct).progress_ts == "9.0"


def test_what_nobody_takes_leaves_the_book_and_the_upgrade_goes_on() -> None:
    step = telling.untellable(started())
    assert (step.state, step.untold, step.tell_at, step.due_at) == (State.FOLLOWING, (), None, step.look_at)
    check(step)
