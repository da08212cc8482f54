"""What the cloud says of an instance reaches the question whenever it comes, and never reopens a decided one."""

from dataclasses import replace

from bot.core import looks, telling
from bot.core.instances import Instance
from bot.core.upgrade import News
from tests.core.upgrades import ID, T0, all_told, check, confirmed, following, posted, question

ABOUT = Instance(ID, "sr-orders").written()


def test_facts_that_came_while_the_question_was_posted_are_added_by_an_edit() -> None:
    shown = question()
    step = telling.told(replace(shown, about=ABOUT), News.QUESTION, T0 + 1, "1.0", shown)
    assert step.untold == (News.CARD,)
    check(step)


def test_facts_that_stood_in_the_post_need_no_edit() -> None:
    asked = question(about=ABOUT)
    assert telling.told(asked, News.QUESTION, T0 + 1, "1.0", asked).untold == ()


def test_an_edit_without_the_newest_facts_is_made_again() -> None:
    shown = posted().with_news(T0 + 2, News.CARD)
    step = telling.told(replace(shown, about=ABOUT), News.CARD, T0 + 3, None, shown)
    assert step.untold == (News.CARD,)


def test_an_edit_that_may_still_be_made_late_is_made_good() -> None:
    shown = posted().with_news(T0 + 2, News.CARD)
    decided = all_told(confirmed(), T0 + 11)
    step = telling.postponed(telling.spoilt(decided, News.CARD, T0 + 12, shown), T0 + 12)
    assert step.untold == (News.CARD,)
    check(step)
    assert telling.spoilt(shown, News.CARD, T0 + 12, shown) == shown


def test_what_is_told_is_not_postponed() -> None:
    done = all_told(following(), T0 + 20)
    assert telling.postponed(done, T0 + 30).tell_at is None
    check(telling.postponed(done, T0 + 30))


def test_a_scheduled_upgrade_that_is_lost_loses_its_cancel_button() -> None:
    assert News.PROGRESS in looks.unresolved(following(delay=True), T0 + 700).untold
    assert News.PROGRESS not in looks.unresolved(following(), T0 + 700).untold
