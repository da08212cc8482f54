"""The table of notifications: every kind has its row, and the order of delivery follows from it."""

from itertools import product

from bot.core.notifications import EDITS, NOTIFICATIONS, Notification, Target, in_order


def test_every_kind_has_its_row() -> None:
    assert set(NOTIFICATIONS) == set(Notification)


def test_the_card_is_posted_first_and_new_messages_never_wait_behind_edits() -> None:
    pending = in_order(*reversed(Notification))
    assert pending[0] is Notification.REQUEST_CARD
    is_edit = [notification in EDITS for notification in pending]
    assert is_edit == sorted(is_edit)


def test_progress_is_edited_after_all_else() -> None:
    for other in set(Notification) - {Notification.JOB_PROGRESS, Notification.REPORT_UPDATE}:
        assert in_order(Notification.JOB_PROGRESS, other) == (other, Notification.JOB_PROGRESS)


def test_every_message_goes_before_every_edit() -> None:
    for message, edit in product(set(Notification) - EDITS, EDITS):
        assert in_order(edit, message) == (message, edit)


def test_messages_are_delivered_in_the_order_in_which_they_came_up() -> None:
    kinds = (Notification.OUTCOME_UNKNOWN, Notification.JOB_FOUND, Notification.COMPLETED)
    assert in_order(*kinds) == kinds
    assert in_order(*reversed(kinds)) == tuple(reversed(kinds))


def test_an_edit_is_made_once_and_a_message_each_time() -> None:
    twice = (Notification.POLLS_FAILING, Notification.CARD_UPDATE) * 2
    assert in_order(*twice) == (Notification.POLLS_FAILING, Notification.POLLS_FAILING, Notification.CARD_UPDATE)


def test_only_messages_of_the_thread_are_shown_in_the_channel_too() -> None:
    broadcast = {notification for notification, spec in NOTIFICATIONS.items() if spec.broadcast}
    assert {NOTIFICATIONS[notification].target for notification in broadcast} == {Target.THREAD}
    assert broadcast == {
        Notification.AUTHORIZATION_NEEDED,
        Notification.END_ALARM,
        Notification.OUTCOME_UNKNOWN,
        Notification.UNRESOLVED,
        Notification.FAILED,
        Notification.CANCELED,
    }
