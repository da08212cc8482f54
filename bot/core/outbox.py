"""The outbox of an upgrade: what a delivery to Slack, or its failure, does to the pending notifications. Pure steps."""

from bot.core.notifications import EDITS, Notification
from bot.core.upgrade import (
    LEASE_SECONDS,
    NEVER_CONFIRMED,
    NOTIFY_SECONDS,
    PENDING,
    UNAUTHORIZED,
    State,
    Upgrade,
    replace,
)

REPORT_GIVE_UP_SECONDS = 86400.0  # after the end of an upgrade, a report that nobody takes is dropped
EDIT_INTERVAL_SECONDS = 3.0  # at most one edit of the job message in so many seconds
MAX_BACKOFF_SECONDS = 60.0
MAX_UNDELIVERABLE_SECONDS = 3600.0  # between two attempts at what neither the channel nor the requester takes
MAX_RETRY_AFTER_SECONDS = 600.0  # however long Slack asks to wait: people wait for the outcome


def delivered(upgrade: Upgrade, notification: Notification, at: float, ts: str | None, rendered: Upgrade) -> Upgrade:
    """Slack took the notification as rendered from the row `rendered`; `ts` is a new message's, None for an edit.

    An edit that shows an older state than the row has now is still pending, also if another process delivered it.
    """
    is_stale = notification in EDITS and rendered_fields(upgrade) != rendered_fields(rendered)
    pending = list(upgrade.pending_notifications)
    if is_stale and notification not in pending:
        pending.append(notification)
    elif not is_stale and notification in pending:
        pending.remove(notification)
    row = replace(upgrade, pending_notifications=tuple(pending))
    is_edit_before_message = notification in EDITS and row.pending_messages and row.notify_attempts
    if not is_edit_before_message:  # else the timer is that of the message, which Slack did not take
        row = replace(row, notify_attempts=0, notify_at=at + NOTIFY_SECONDS if pending else None)
    if notification is Notification.REQUEST_CARD:
        return _card_posted(row, at, ts, rendered)
    channel_id = rendered.dm_channel_id or rendered.channel_id
    if notification in (Notification.JOB_ACCEPTED, Notification.JOB_FOUND):
        row = replace(row, job_message_ts=ts, job_message_channel_id=channel_id, job_message_edited_at=at)
    if notification is Notification.OUTCOME_UNKNOWN:
        row = replace(row, unknown_message_ts=ts, unknown_message_channel_id=channel_id)
        if row.state is not State.UNKNOWN:  # it was settled while the alarm was being posted
            row = row.with_notifications(at, Notification.OUTCOME_UNKNOWN_UPDATE)
    if notification is Notification.UNRESOLVED:
        row = replace(row, unresolved_message_ts=ts, unresolved_message_channel_id=channel_id)
        if row.state is not State.UNRESOLVED:
            row = row.with_notifications(at, Notification.UNRESOLVED_UPDATE)
    if notification in (Notification.COMPLETED, Notification.FAILED):
        row = replace(row, end_message_ts=ts, end_message_channel_id=channel_id)
        if row.end_check is not rendered.end_check:
            row = row.with_notifications(at, Notification.END_UPDATE)
    if notification is Notification.JOB_PROGRESS:
        row = replace(row, job_message_edited_at=at)
    return row.rescheduled()


def _card_posted(upgrade: Upgrade, at: float, ts: str | None, rendered: Upgrade) -> Upgrade:
    """The card is in the channel; if the row has gone on meanwhile, an edit brings the card up to date."""
    if upgrade.message_ts is not None:
        return upgrade.rescheduled()  # a click on the card was handled first; a second copy is handled when clicked
    row = replace(upgrade, message_ts=ts)
    if row.state is not State.REQUESTED:
        return row.with_notifications(at, Notification.CARD_UPDATE)
    row = replace(row, next_poll_at=row.expires_at)
    if row.instance_snapshot == rendered.instance_snapshot:
        return row.rescheduled()
    return row.with_notifications(at, Notification.CARD_UPDATE)


def retry_later(upgrade: Upgrade, at: float, retry_after: float | None = None) -> Upgrade:
    """Slack did not take a notification: exponential backoff, or what Slack's `Retry-After` says (seconds)."""
    attempts = upgrade.notify_attempts + 1
    pause = min(0.5 * 2.0 ** min(attempts, 8), MAX_BACKOFF_SECONDS) if retry_after is None else retry_after
    pause = min(max(pause, 0.0), MAX_RETRY_AFTER_SECONDS)
    return hold_until(replace(upgrade, notify_attempts=attempts), at + pause)


def maybe_applied_late(upgrade: Upgrade, notification: Notification, at: float, rendered: Upgrade) -> Upgrade:
    """An edit without an answer may be applied by Slack later: if the row has gone on, its own edit is made again."""
    if rendered_fields(upgrade) == rendered_fields(rendered):
        return upgrade
    return upgrade.with_notifications(at, notification)


def hold_until(upgrade: Upgrade, at: float) -> Upgrade:
    """Pending notifications wait until then."""
    if not upgrade.pending_notifications:
        return upgrade.rescheduled()
    return replace(upgrade, notify_at=at).rescheduled()


def fall_back_to_dm(upgrade: Upgrade, dm_channel_id: str, at: float) -> Upgrade:
    """The channel takes no message: new ones go to the requester directly; edits stay where the messages are."""
    return hold_until(replace(upgrade, dm_channel_id=dm_channel_id), at + NOTIFY_SECONDS)


def undeliverable(upgrade: Upgrade, at: float) -> Upgrade:
    """Neither the channel nor the requester takes it: tried again, the channel first, more and more rarely."""
    attempts = upgrade.notify_attempts + 1
    pause = min(30.0 * 2.0 ** min(attempts, 8), MAX_UNDELIVERABLE_SECONDS)
    return hold_until(replace(upgrade, dm_channel_id=None, notify_attempts=attempts), at + pause)


def is_progress_edit(upgrade: Upgrade, notification: Notification) -> bool:
    """Whether it only shows how far the job is: such edits keep an interval, and give way to all others."""
    is_card = notification is Notification.CARD_UPDATE and upgrade.running_percent is not None
    return is_card or notification is Notification.JOB_PROGRESS


def progress_editable_at(upgrade: Upgrade) -> float:
    """From when on the progress may be edited again: the job message, and the card together with it."""
    return (upgrade.job_message_edited_at or 0.0) + EDIT_INTERVAL_SECONDS


# The report has a timer of its own: a report channel that takes nothing changes nothing for the thread.


def with_report(before: Upgrade, after: Upgrade, at: float) -> Upgrade:
    """The row after a transition, with its report due if that shows something else now."""
    is_same = report_fields(before) == report_fields(after) and before.state not in NEVER_CONFIRMED
    if is_same or after.state in NEVER_CONFIRMED:
        return after
    report_at = at if after.report_at is None or not after.report_attempts else after.report_at
    return replace(after, report_at=report_at).rescheduled()


def report_claimed(upgrade: Upgrade, at: float) -> Upgrade:
    """Somebody is delivering the report now: others try again when the lease is over."""
    return replace(upgrade, report_at=at + LEASE_SECONDS).rescheduled()


def report_delivered(upgrade: Upgrade, rendered: Upgrade, at: float, ts: str | None) -> Upgrade:
    """The report channel took it as rendered from the row `rendered`; `ts` is a new message's."""
    is_stale = report_fields(upgrade) != report_fields(rendered)
    row = replace(upgrade, report_ts=upgrade.report_ts or ts, report_at=at if is_stale else None, report_attempts=0)
    return row.rescheduled()


def report_failed(upgrade: Upgrade, at: float, retry_after: float | None = None) -> Upgrade:
    """The report channel did not take it: tried again more and more rarely, for a day after the end."""
    if upgrade.next_poll_at is None and at - (upgrade.ended_at or upgrade.decided_at or at) > REPORT_GIVE_UP_SECONDS:
        return replace(upgrade, report_at=None).rescheduled()
    attempts = upgrade.report_attempts + 1
    pause = min(2.0 ** min(attempts, 12), MAX_UNDELIVERABLE_SECONDS) if retry_after is None else retry_after
    pause = min(max(pause, 0.0), MAX_UNDELIVERABLE_SECONDS)
    return replace(upgrade, report_attempts=attempts, report_at=at + pause).rescheduled()


def report_dropped(upgrade: Upgrade) -> Upgrade:
    """The message in the report channel cannot be edited any more."""
    return replace(upgrade, report_at=None, report_attempts=0).rescheduled()


def report_fields(upgrade: Upgrade) -> tuple[object, ...]:
    """The fields that the report shows and that change after the confirmation."""
    is_waiting = upgrade.job_status if upgrade.job_status in (PENDING, UNAUTHORIZED) else ""
    return (upgrade.state, upgrade.job_id, is_waiting, upgrade.started_at, upgrade.canceled_by, upgrade.end_check)


def rendered_fields(upgrade: Upgrade) -> tuple[object, ...]:
    """The fields that an edit shows."""
    return (
        upgrade.state,
        upgrade.job_id,
        upgrade.job_status,
        upgrade.progress_percent,
        upgrade.instance_snapshot,
        upgrade.started_at,
        upgrade.checked_at,
        upgrade.end_check,
    )
