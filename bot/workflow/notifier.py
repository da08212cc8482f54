"""Delivery of the outbox to Slack: in order, recorded once delivered, retried later when Slack did not take it."""

import asyncio
import logging
from collections.abc import Callable, Set
from functools import partial
from weakref import WeakValueDictionary

from bot.core import outbox
from bot.core.audit import AuditEntry
from bot.core.errors import SlackError, SlackRejected, SlackUnavailable
from bot.core.notifications import EDITS, Notification
from bot.core.ports import Publisher
from bot.core.upgrade import State, Upgrade
from bot.workflow.transitions import Step, Transitions, no_entries

log = logging.getLogger("bot.notifier")
RowUpdate = Callable[[Upgrade], Upgrade]
ALL_NOTIFICATIONS = frozenset(Notification)
GONE_ERRORS = {"message_not_found", "cant_update_message", "edit_window_closed"}
NOTHING: frozenset[Notification] = frozenset()


class Notifier:
    """Publishes what a row has pending. After a crash a message may appear twice, never not at all."""

    def __init__(self, transitions: Transitions, publisher: Publisher, clock: Callable[[], float]) -> None:
        self._transitions = transitions
        self._publisher = publisher
        self._clock = clock
        self._delivery_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._card_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def update_card(self, upgrade: Upgrade) -> Upgrade:
        """Make a pending edit of the card now; the next transition of the row records that it is made."""
        if upgrade.pending_notifications[:1] != (Notification.CARD_UPDATE,):
            return upgrade
        try:
            if not await self._edit_card(upgrade):
                return upgrade
            self._transitions.metrics.response_shown()
        except SlackError as error:
            log.warning("slack.card_not_updated", extra={"upgrade": upgrade.id, "reason": repr(error)})
            return upgrade
        return outbox.delivered(upgrade, Notification.CARD_UPDATE, self._clock(), None, upgrade)

    async def edit_and_store(self, upgrade: Upgrade, step: Step) -> None:
        """Edit the card as a transition leaves it, then store both at once.

        When another process moves the row during the edit, the card is edited again; this one's edits take turns.
        """
        after = step(upgrade)
        is_edited = after is not None and await self.update_card(after) is not after
        is_changed = False

        def step_and_edit(row: Upgrade) -> Upgrade | None:
            nonlocal is_changed
            result = step(row)
            if after is not None and is_edited and not (row.decided_at and self._transitions.is_newest_here(row)):
                result = outbox.delivered(result or row, Notification.CARD_UPDATE, self._clock(), None, after)
            is_changed = result not in (None, row)
            return result

        stored = await self._transitions.update(upgrade, step_and_edit)
        if is_changed and Notification.CARD_UPDATE in stored.pending_notifications and not stored.pending_messages:
            await self.deliver(stored)

    async def deliver(self, upgrade: Upgrade) -> Upgrade:
        """Publish everything pending, in order, until Slack does not take one; the row afterwards."""
        lock = self._delivery_locks.setdefault(upgrade.id, asyncio.Lock())
        was_locked = lock.locked()
        async with lock:  # two deliveries of one row would publish the same message twice
            if was_locked:
                upgrade = await self._transitions.storage.get(upgrade.id) or upgrade
            upgrade, edited = await self._deliver_kinds(upgrade, ALL_NOTIFICATIONS)
            while stale := edited & set(upgrade.pending_notifications):
                # The row had gone on during the edit, so what it shows is old; who moved the row delivers the rest.
                upgrade, edited = await self._deliver_kinds(upgrade, stale)
            return upgrade

    async def deliver_report(self, upgrade: Upgrade) -> None:
        """Post or edit the message in the report channel, unless another process is doing so."""
        due, claimed_at = upgrade.report_at, self._clock()

        def claim(row: Upgrade) -> Upgrade | None:
            return outbox.report_claimed(row, claimed_at) if row.report_at == due else None

        row = await self._transitions.update(upgrade, claim)
        if row.report_at != outbox.report_claimed(row, claimed_at).report_at:
            return
        fields = {"upgrade": row.id, "attempts": row.report_attempts}
        try:
            kind = Notification.REPORT if row.report_ts is None else Notification.REPORT_UPDATE
            ts = await self._publisher.publish(row, kind)
        except SlackError as error:
            is_first = not row.report_attempts
            log.log(
                logging.WARNING if is_first else logging.INFO,
                "report.undelivered",
                extra={**fields, "reason": repr(error)},
            )
            is_gone = isinstance(error, SlackRejected) and error.error in GONE_ERRORS and row.report_ts is not None
            retry_after = error.retry_after if isinstance(error, SlackUnavailable) else None
            await self._transitions.update(
                row,
                lambda row: (
                    outbox.report_dropped(row) if is_gone else outbox.report_failed(row, self._clock(), retry_after)
                ),
            )
            return
        await self._transitions.update(row, lambda newest: outbox.report_delivered(newest, row, self._clock(), ts))

    async def _deliver_kinds(self, upgrade: Upgrade, kinds: Set[Notification]) -> tuple[Upgrade, set[Notification]]:
        """Publish what is pending of these kinds; the row afterwards, and the edits that were made."""
        stored = upgrade
        edited: set[Notification] = set()
        updates: list[RowUpdate] = []  # delivered, not yet stored: edits wait for the next write
        while (pending := next((kind for kind in upgrade.pending_notifications if kind in kinds), None)) is not None:
            update, next_kinds = await self._publish(upgrade, pending)
            updates.append(update)
            kinds = kinds & next_kinds
            upgrade = update(upgrade)
            if pending not in EDITS:
                stored = upgrade = await self._store(stored, updates)
                updates = []
            elif kinds:
                edited.add(pending)
        return await self._store(stored, updates) if updates else upgrade, edited

    async def _publish(self, upgrade: Upgrade, notification: Notification) -> tuple[RowUpdate, Set[Notification]]:
        """Publish one; what its outcome does to the row, and which kinds to go on with."""
        now = self._clock()
        if outbox.is_progress_edit(upgrade, notification) and now < outbox.progress_editable_at(upgrade):
            return partial(_hold_edits, at=outbox.progress_editable_at(upgrade)), NOTHING
        ts = None
        try:
            if notification is not Notification.CARD_UPDATE:
                ts = await self._publisher.publish(upgrade, notification)
            elif not await self._edit_card(upgrade):
                return _unchanged, NOTHING
            self._transitions.metrics.response_shown()
        except SlackUnavailable as error:
            return self._retry_later(upgrade, notification, error), NOTHING
        except SlackRejected as error:
            return await self._fall_back(upgrade, notification, error)
        return (
            partial(outbox.delivered, notification=notification, at=self._clock(), ts=ts, rendered=upgrade),
            ALL_NOTIFICATIONS,
        )

    async def _edit_card(self, upgrade: Upgrade) -> bool:
        """Edit the card, one edit at a time; False when it would give a decided request its buttons back."""
        lock = self._card_locks.setdefault(upgrade.id, asyncio.Lock())
        async with lock:
            if upgrade.state is State.REQUESTED:
                newest = await self._transitions.storage.get(upgrade.id)
                if newest is not None and newest.state is not State.REQUESTED:
                    return False  # who decided it makes the edit
            await self._publisher.publish(upgrade, Notification.CARD_UPDATE)
            return True

    async def _fall_back(
        self, upgrade: Upgrade, notification: Notification, error: SlackRejected
    ) -> tuple[RowUpdate, Set[Notification]]:
        """The place does not take it. A message goes to the requester directly; if that fails, it is tried again later.

        An edit only shows what the messages tell, so it may be dropped.
        """
        fields = {"upgrade": upgrade.id, "notification": notification.value, "error": error.error}
        if notification is Notification.REQUEST_CARD:
            return lambda row: row.card_rejected(error.error, self._clock()), NOTHING
        if notification in EDITS:
            log.warning("slack.edit_dropped", extra=fields)
            return lambda row: row.without_notification(notification), ALL_NOTIFICATIONS
        if upgrade.dm_channel_id is None:
            try:
                dm_channel_id = await self._publisher.open_dm(upgrade.requested_by)
            except SlackUnavailable as unavailable:
                return self._retry_later(upgrade, notification, unavailable), NOTHING
            except SlackRejected as dm_error:
                fields["dm_error"] = dm_error.error
            else:
                log.info("notification.sent_directly", extra=fields)
                return partial(outbox.fall_back_to_dm, dm_channel_id=dm_channel_id, at=self._clock()), ALL_NOTIFICATIONS
        log.log(
            logging.INFO if upgrade.notify_attempts else logging.WARNING, "notification.undeliverable", extra=fields
        )
        return partial(outbox.undeliverable, at=self._clock()), EDITS

    def _retry_later(self, upgrade: Upgrade, notification: Notification, error: SlackUnavailable) -> RowUpdate:
        fields = {"upgrade": upgrade.id, "notification": notification.value, "reason": error.reason}
        is_throttled = error.retry_after is not None
        log.log(logging.INFO if is_throttled else logging.WARNING, "slack.unavailable", extra=fields)
        at = self._clock()

        def update(row: Upgrade) -> Upgrade:
            if notification in EDITS:
                row = outbox.maybe_applied_late(row, notification, at, upgrade)
                if row.pending_messages:
                    return row  # the timer is that of the message
            return outbox.retry_later(row, at, error.retry_after)

        return update

    async def _store(self, stored: Upgrade, updates: list[RowUpdate]) -> Upgrade:
        """Record what was delivered, on the newest row if another transition came between."""

        def step(row: Upgrade) -> Upgrade:
            for update in updates:
                row = update(row)
            return row

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            if not row.is_card_rejected:
                return no_entries(row)
            return (AuditEntry.of(row, self._clock(), "card_rejected", reason=row.error_code),)

        return await self._transitions.update(stored, step, entries)


def _hold_edits(upgrade: Upgrade, at: float) -> Upgrade:
    """Only edits are pending: they wait until then; a message has a timer of its own."""
    return upgrade if upgrade.pending_messages else outbox.hold_until(upgrade, at)


def _unchanged(upgrade: Upgrade) -> Upgrade:
    """Nothing was delivered, and nothing has to be recorded."""
    return upgrade
