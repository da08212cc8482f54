"""What the cloud says of an instance reaches the request whenever it comes, and never reopens a decided one."""

from dataclasses import replace

from bot.core import outbox, polling
from bot.core.instances import Instance
from bot.core.notifications import Notification
from tests.core.examples import ID, T0, all_delivered, check_invariants, confirmed, in_progress, new_upgrade, posted

ABOUT = Instance(ID, "sr-orders").to_json()


def test_facts_that_came_while_the_request_was_posted_are_added_by_an_edit() -> None:
    shown = new_upgrade()
    step = outbox.delivered(replace(shown, instance_snapshot=ABOUT), Notification.REQUEST_CARD, T0 + 1, "1.0", shown)
    assert step.pending_notifications == (Notification.CARD_UPDATE,)
    check_invariants(step)


def test_facts_that_stood_in_the_post_need_no_edit() -> None:
    asked = new_upgrade(instance_snapshot=ABOUT)
    assert outbox.delivered(asked, Notification.REQUEST_CARD, T0 + 1, "1.0", asked).pending_notifications == ()


def test_an_edit_without_the_newest_facts_is_made_again() -> None:
    shown = posted().with_notifications(T0 + 2, Notification.CARD_UPDATE)
    step = outbox.delivered(replace(shown, instance_snapshot=ABOUT), Notification.CARD_UPDATE, T0 + 3, None, shown)
    assert step.pending_notifications == (Notification.CARD_UPDATE,)


def test_an_edit_that_may_still_be_made_late_is_made_good() -> None:
    shown = posted().with_notifications(T0 + 2, Notification.CARD_UPDATE)
    decided = all_delivered(confirmed(), T0 + 11)
    step = outbox.retry_later(outbox.maybe_applied_late(decided, Notification.CARD_UPDATE, T0 + 12, shown), T0 + 12)
    assert step.pending_notifications == (Notification.CARD_UPDATE,)
    check_invariants(step)
    assert outbox.maybe_applied_late(shown, Notification.CARD_UPDATE, T0 + 12, shown) == shown


def test_what_is_told_is_not_postponed() -> None:
    done = all_delivered(in_progress(), T0 + 20)
    assert outbox.retry_later(done, T0 + 30).notify_at is None
    check_invariants(outbox.retry_later(done, T0 + 30))


def test_a_scheduled_upgrade_that_is_lost_loses_its_cancel_button() -> None:
    assert Notification.JOB_PROGRESS in polling.unresolved(in_progress(delay=True), T0 + 700).pending_notifications
    assert Notification.JOB_PROGRESS not in polling.unresolved(in_progress(), T0 + 700).pending_notifications
