"""Storing a transition with its audit entries: compare-and-set, repeated on the newest row after a conflict."""

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.core import outbox
from bot.core.actions import Origin
from bot.core.audit import AuditEntry, RefusalCounter
from bot.core.errors import Refusal, StorageUnavailable
from bot.core.ports import Metrics, Storage
from bot.core.upgrade import State, Upgrade

log = logging.getLogger("bot.storage")
end_log = logging.getLogger("bot.upgrade")
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)  # the last one is repeated

END_LEVELS = {
    State.COMPLETED: logging.INFO,
    State.CANCELED: logging.INFO,
    State.FAILED: logging.ERROR,
    State.REJECTED: logging.WARNING,
    State.NOT_SENT: logging.WARNING,
    State.UNKNOWN: logging.WARNING,
    State.UNRESOLVED: logging.WARNING,
}

change_attempted: ContextVar[bool] = ContextVar("change_attempted", default=False)
"""Whether the running interaction has begun to change something: nobody may be told then that it did nothing."""

Step = Callable[[Upgrade], Upgrade | None]
"""The row after the transition; None when the transition does not apply to this row."""
Entries = Callable[[Upgrade], tuple[AuditEntry, ...]]
"""The audit entries of the row after the transition."""


def no_entries(_: Upgrade) -> tuple[AuditEntry, ...]:
    """Bookkeeping leaves no audit entry."""
    return ()


@dataclass(slots=True, eq=False, repr=False)
class Transitions:
    """The one place in which rows of upgrades are changed.

    Changes of one row take turns and begin with the newest row that this process has stored, as long as anybody holds
    that: so a compare-and-set fails, which costs two more statements, only because of another process.
    """

    storage: Storage
    metrics: Metrics
    clock: Callable[[], float]
    has_report_channel: bool = False
    refusals: RefusalCounter = field(default_factory=RefusalCounter)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _stored: WeakValueDictionary[str, Upgrade] = field(default_factory=WeakValueDictionary)

    async def update(self, row: Upgrade, step: Step, entries: Entries = no_entries) -> Upgrade:
        """Store a transition: the row after it, or the newest row when the step returned None for it.

        Raises `StorageUnavailable`, `LiveUpgradeExists` and `JobIdTaken`. The step may run more than once: it is pure.
        """
        lock = self._locks.setdefault(row.id, asyncio.Lock())
        async with lock:
            row = max(row, self._stored.get(row.id, row), key=lambda row: row.revision)
            while True:
                after = step(row)
                if after is None or after == row:
                    return row
                if self.has_report_channel:
                    after = outbox.with_report(row, after, self.clock())
                change_attempted.set(True)
                saved = await self.storage.save(row, after, *entries(after))
                if saved is not None:
                    self._stored[row.id] = saved
                    if saved.state is not row.state:
                        self.metrics.state_entered(saved.state)
                        self._log_end(saved)
                    return saved
                newest = await self.storage.get(row.id)
                if newest is None:
                    return row
                row = newest

    def is_newest_here(self, row: Upgrade) -> bool:
        """Whether this process has stored this state of the row, and so edits the card after it."""
        return self._stored.get(row.id) is row

    def _log_end(self, row: Upgrade) -> None:
        """One line for each end of a confirmed upgrade, also for one that may have no end."""
        if row.state in END_LEVELS:
            seconds = (row.ended_at or self.clock()) - (row.decided_at or row.requested_at)
            fields = {**row.log_fields, "instance": row.instance_id, "job": row.job_id or "-"}
            level, event = END_LEVELS[row.state], f"upgrade.{row.state.value}"
            end_log.log(level, event, extra={**fields, "duration_seconds": round(seconds, 1)})

    async def update_with_retry(self, row: Upgrade, step: Step, entries: Entries = no_entries) -> Upgrade:
        """The same, retried while the database is away: an answer of the cloud must not be lost."""
        attempt = 0
        while True:
            try:
                return await self.update(row, step, entries)
            except StorageUnavailable as error:
                log.warning("storage.unavailable", extra={"upgrade": row.id, "reason": str(error)})
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1

    async def expire(self, row: Upgrade, at: float) -> Upgrade:
        """Close a request whose time is over, unless it has been decided meanwhile."""
        return await self.update(
            row,
            lambda row: row.expire(at) if row.state is State.REQUESTED and at >= row.expires_at else None,
            lambda row: (AuditEntry.of(row, at, "expired"),),
        )

    async def record_refusal(
        self, origin: Origin, refusal: Refusal, upgrade: Upgrade | None = None, instance_id: str = ""
    ) -> None:
        """Append a refused command or click to the audit trail, or count it there if it is one of many.

        The value of a forged button is not kept, only that it named no request.
        """
        entry = AuditEntry(
            at=self.clock(),
            event="refused",
            upgrade_id=upgrade.id if upgrade else "",
            instance_id=upgrade.instance_id if upgrade else instance_id,
            user_id=origin.user_id,
            team_id=origin.team_id,
            channel_id=origin.channel_id,
            reason=refusal.key,
        )
        self.metrics.refused(refusal.key)
        try:
            for due in self.refusals.due_entries(entry):
                await self.storage.record(due)
        except StorageUnavailable:
            self.refusals.forget(origin.user_id)
            raise

    async def record_counted_refusals(self) -> None:
        """Append the counts of refusals that have no row yet; never raises: the process stops."""
        try:
            for entry in self.refusals.drain(self.clock()):
                await self.storage.record(entry)
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"reason": str(error)})
