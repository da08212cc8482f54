"""What both databases share beside the statements: the reading methods of `Storage`, and the next rows of the audit."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bot.core.audit import AuditEntry, AuditRow, row_hash
from bot.core.errors import StorageUnavailable
from bot.core.ports import QueueStats
from bot.core.upgrade import Upgrade
from bot.storage.sql import Statements, as_stored, audit_row_from_values, storable_text, upgrade_from_values

PAGE_ROWS = 1000  # rows in memory at once while a whole table is streamed
COPY_IN_PROGRESS = -1  # the count in audit_head while another database is copied into this one: nothing may be written
MISSING_HEAD = (0, "")  # read when somebody has deleted the row of audit_head
BROKEN_AUDIT = "the audit trail does not end where it was noted to end: see `audit --verify`"


class SqlQueries(ABC):
    """The reading half of a `Storage`; a subclass adds how rows are fetched from its database."""

    statements: ClassVar[Statements]
    min_audit_number: ClassVar[int]  # the least value of the column: forged rows may have numbers below 1

    @abstractmethod
    async def _fetch(self, statement: str, *values: object) -> Sequence[Any]:
        """The rows of a query."""

    async def get(self, upgrade_id: str) -> Upgrade | None:
        """The row as it is."""
        return await self._fetch_upgrade(self.statements.get, storable_text(upgrade_id))

    async def live_upgrade(self, instance_id: str) -> Upgrade | None:
        """The live upgrade of an instance."""
        return await self._fetch_upgrade(self.statements.live_upgrade, storable_text(instance_id))

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        """The upgrade whose request card is this message."""
        values = (storable_text(channel_id), storable_text(message_ts))
        return await self._fetch_upgrade(self.statements.find_by_message, *values)

    async def latest(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """Upgrades of one instance or of all, the newest first."""
        if instance_id is None:
            return await self._fetch_upgrades(self.statements.latest, limit)
        return await self._fetch_upgrades(self.statements.latest_of_instance, storable_text(instance_id), limit)

    async def open_upgrades(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """What waits for a confirmation or is live, of one instance or of all, the newest first."""
        if instance_id is None:
            return await self._fetch_upgrades(self.statements.open_upgrades, limit)
        return await self._fetch_upgrades(self.statements.open_upgrades_of_instance, storable_text(instance_id), limit)

    async def queue_stats(self, now: float) -> Sequence[QueueStats]:
        """How much is waiting, by state."""
        return [QueueStats(*row) for row in await self._fetch(self.statements.queue_stats, now)]

    async def upgrades(self) -> AsyncIterator[Upgrade]:
        """Every upgrade, streamed."""
        last_id = ""
        while page := await self._fetch_upgrades(self.statements.upgrades_page, last_id, PAGE_ROWS):
            for upgrade in page:
                yield upgrade
            last_id = page[-1].id

    async def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        last_number = self.min_audit_number
        while page := await self._fetch_audit_page(last_number):
            for values in page:
                yield audit_row_from_values(values)
            last_number = page[-1][0]

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each write."""
        count, last_hash = next(iter(await self._fetch(self.statements.audit_head)), MISSING_HEAD)
        return count, last_hash

    async def _fetch_audit_page(self, last_number: int) -> Sequence[Any]:
        return await self._fetch(self.statements.audit_page, last_number, PAGE_ROWS)

    async def _fetch_upgrade(self, statement: str, *values: object) -> Upgrade | None:
        return next(iter(await self._fetch_upgrades(statement, *values)), None)

    async def _fetch_upgrades(self, statement: str, *values: object) -> list[Upgrade]:
        return [upgrade_from_values(row) for row in await self._fetch(statement, *values)]


def next_audit_rows(head: Sequence[Any] | None, entries: Iterable[AuditEntry]) -> list[AuditRow]:
    """The entries as the rows that follow in the hash chain; `head` is the row of audit_head: count and last hash.

    Raises `StorageUnavailable` when there is no head to continue from, or the database is being copied into.
    """
    if head is None:
        raise StorageUnavailable(BROKEN_AUDIT)
    count, last_hash = head
    if count == COPY_IN_PROGRESS:
        raise StorageUnavailable("another database is being copied into this one, or such a copy was broken off")
    rows = []
    for number, entry in enumerate(entries, count + 1):
        stored_entry = as_stored(replace(entry, at=float(entry.at)))
        last_hash = row_hash(last_hash, number, stored_entry)
        rows.append(AuditRow(number, stored_entry, last_hash))
    return rows
