"""What is posted or edited in Slack for an upgrade: one table of all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Notification(StrEnum):
    """A kind of notification; a row keeps the ones that Slack has not taken yet."""

    REQUEST_CARD = "request_card"
    CARD_UPDATE = "card_update"
    JOB_ACCEPTED = "job_accepted"
    JOB_FOUND = "job_found"
    JOB_PROGRESS = "job_progress"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OUTCOME_UNKNOWN_UPDATE = "outcome_unknown_update"
    AUTHORIZATION_NEEDED = "authorization_needed"
    POLLS_FAILING = "polls_failing"
    UNRESOLVED = "unresolved"
    UNRESOLVED_UPDATE = "unresolved_update"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    END_UPDATE = "end_update"
    END_ALARM = "end_alarm"
    REPORT = "report"
    REPORT_UPDATE = "report_update"


class Target(StrEnum):
    """Where a notification goes."""

    NEW_CARD = "new_card"  # chat.postMessage in the channel
    CARD = "card"  # chat.update of that message
    THREAD = "thread"  # chat.postMessage in its thread
    JOB_MESSAGE = "job_message"  # chat.update of the thread message that shows the job
    UNKNOWN_MESSAGE = "unknown_message"  # chat.update of the one that said the outcome is unknown
    UNRESOLVED_MESSAGE = "unresolved_message"  # chat.update of the one that said it stays unknown
    END_MESSAGE = "end_message"  # chat.update of the one that told the end
    REPORT_CHANNEL = "report_channel"  # chat.postMessage in the report channel
    REPORT = "report"  # chat.update of that message


class Renderer(StrEnum):
    """Which view shows it (bot/slack/blocks)."""

    REQUEST_CARD = "request_card"
    JOB = "job"
    NO_JOB = "no_job"
    AUTHORIZATION_NEEDED = "authorization_needed"
    POLLS_FAILING = "polls_failing"
    UNRESOLVED = "unresolved"
    SETTLED = "settled"
    END = "end"
    END_ALARM = "end_alarm"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class NotificationSpec:
    """How one kind is delivered; kinds of a lower `order` go first, equal ones in the order they came up."""

    target: Target
    renderer: Renderer
    order: int
    broadcast: bool = False  # also shown in the channel (reply_broadcast)

    @property
    def is_edit(self) -> bool:
        """Whether it edits a message: an edit shows the row as it is, so one pending edit of a kind is enough."""
        return self.target not in (Target.NEW_CARD, Target.THREAD, Target.REPORT_CHANNEL)


# New messages before edits: chat.update has a rate limit of its own, and an outcome must not wait for it.
NOTIFICATIONS: Mapping[Notification, NotificationSpec] = {
    Notification.REQUEST_CARD: NotificationSpec(Target.NEW_CARD, Renderer.REQUEST_CARD, order=0),
    Notification.JOB_ACCEPTED: NotificationSpec(Target.THREAD, Renderer.JOB, order=1),
    Notification.JOB_FOUND: NotificationSpec(Target.THREAD, Renderer.JOB, order=1),
    Notification.REJECTED: NotificationSpec(Target.THREAD, Renderer.NO_JOB, order=1),
    Notification.NOT_SENT: NotificationSpec(Target.THREAD, Renderer.NO_JOB, order=1),
    Notification.OUTCOME_UNKNOWN: NotificationSpec(Target.THREAD, Renderer.NO_JOB, order=1, broadcast=True),
    Notification.AUTHORIZATION_NEEDED: NotificationSpec(
        Target.THREAD, Renderer.AUTHORIZATION_NEEDED, order=1, broadcast=True
    ),
    Notification.POLLS_FAILING: NotificationSpec(Target.THREAD, Renderer.POLLS_FAILING, order=1),
    Notification.UNRESOLVED: NotificationSpec(Target.THREAD, Renderer.UNRESOLVED, order=1, broadcast=True),
    Notification.COMPLETED: NotificationSpec(Target.THREAD, Renderer.END, order=1),
    Notification.FAILED: NotificationSpec(Target.THREAD, Renderer.END, order=1, broadcast=True),
    Notification.CANCELED: NotificationSpec(Target.THREAD, Renderer.END, order=1, broadcast=True),
    Notification.END_ALARM: NotificationSpec(Target.THREAD, Renderer.END_ALARM, order=1, broadcast=True),
    Notification.CARD_UPDATE: NotificationSpec(Target.CARD, Renderer.REQUEST_CARD, order=2),
    # An alarm in the channel must not outlive its cause.
    Notification.OUTCOME_UNKNOWN_UPDATE: NotificationSpec(Target.UNKNOWN_MESSAGE, Renderer.SETTLED, order=2),
    Notification.UNRESOLVED_UPDATE: NotificationSpec(Target.UNRESOLVED_MESSAGE, Renderer.SETTLED, order=2),
    Notification.END_UPDATE: NotificationSpec(Target.END_MESSAGE, Renderer.END, order=2),
    Notification.JOB_PROGRESS: NotificationSpec(Target.JOB_MESSAGE, Renderer.JOB, order=3),
    # Never pending with the others: a report channel that takes nothing must not hold up the thread (`report_at`).
    Notification.REPORT: NotificationSpec(Target.REPORT_CHANNEL, Renderer.REPORT, order=1),
    Notification.REPORT_UPDATE: NotificationSpec(Target.REPORT, Renderer.REPORT, order=3),
}
EDITS = frozenset(kind for kind, spec in NOTIFICATIONS.items() if spec.is_edit)


def in_order(*notifications: Notification) -> tuple[Notification, ...]:
    """Pending notifications in the order of their delivery, an edit of a kind only once."""
    unique: list[Notification] = []
    for notification in notifications:
        if notification not in unique or notification not in EDITS:
            unique.append(notification)
    return tuple(sorted(unique, key=lambda notification: NOTIFICATIONS[notification].order))
