"""The storage on PostgreSQL: any number of replicas on one database, whose clock says what is due."""

import time
from collections.abc import Mapping, Sequence, Set
from operator import itemgetter
from typing import TYPE_CHECKING

import asyncpg

from bot.core.audit import AuditEntry, AuditRow
from bot.core.errors import JobIdTaken, LiveUpgradeExists, StorageUnavailable
from bot.core.upgrade import Upgrade, replace
from bot.storage.clock import DatabaseClock
from bot.storage.copy import TargetNotEmpty
from bot.storage.migrations import ForeignTables, migrate_postgres
from bot.storage.postgres_pool import TIMEOUT_SECONDS, PostgresPool
from bot.storage.sql import (
    BROKEN_AUDIT,
    COPY_IN_PROGRESS,
    POSTGRES,
    POSTGRES_BEGIN_ATTEMPT,
    POSTGRES_CLAIM_DUE,
    POSTGRES_HEARTBEAT,
    POSTGRES_LOCK_AUDIT_HEAD,
    POSTGRES_MISSING_PRIVILEGES,
    POSTGRES_NOW,
    POSTGRES_RENEW_LEASES,
    POSTGRES_SAVE_UPGRADE,
    POSTGRES_SET_ASIDE,
    SET_ASIDE_SECONDS,
    SqlQueries,
    as_stored,
    audit_values,
    next_audit_rows,
    storable_text,
    upgrade_values,
)
from bot.storage.urls import PostgresUrl

if TYPE_CHECKING:
    from bot.storage.migrations import Connection


class PostgresStorage(SqlQueries):
    """A `Storage` in a PostgreSQL database."""

    statements = POSTGRES
    min_audit_number = -(2**31)

    def __init__(self, pool: "PostgresPool") -> None:
        self._pool = pool
        self._clock = DatabaseClock()
        self._unreadable_ids = set()

    @classmethod
    async def open(
        cls, url: str, timeout_seconds: float = TIMEOUT_SECONDS, *, migrate: bool = True
    ) -> "PostgresStorage":
        """Connect, apply the missing migrations, and see that everything can be written.

        Raises ValueError for a URL or a database that can never be used, `StorageUnavailable` for one that cannot now.
        """
        pool = await PostgresPool.open(PostgresUrl.parse(url), timeout_seconds)
        storage = cls(pool)
        try:
            if migrate:
                await pool.transaction(migrate_postgres)
                await pool.run(require_writable)
            await pool.run(storage._read_clock)
        except BaseException as error:
            await pool.close()
            if isinstance(error, ForeignTables):
                raise ValueError(str(error)) from None
            raise
        return storage

    def clock(self) -> float:
        """Now (UNIX seconds) by the database's clock, as of the last claim of due rows."""
        return self._clock()

    async def _read_clock(self, connection: "Connection") -> None:
        asked_at = time.monotonic()
        self._clock.set(await connection.fetchval(POSTGRES_NOW), asked_at)

    @property
    def pool(self) -> PostgresPool:
        """For checks that are none of a `Storage`."""
        return self._pool

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Insert a request; False when its trigger id has been used."""
        values = upgrade_values(as_stored(upgrade))

        async def job(connection: "Connection") -> bool:
            if await connection.fetchrow(POSTGRES.add_upgrade, *values) is None:
                return False
            await _append_audit(connection, (entry,))
            return True

        return await self._pool.transaction(job)

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """Compare-and-set on `before.revision`: the stored row, or None when another writer was first."""
        stored = as_stored(replace(after, id=before.id, revision=before.revision + 1))
        values = [*upgrade_values(stored)[1:], before.id, before.revision]

        async def job(connection: "Connection") -> Upgrade | None:
            try:
                if await connection.fetchrow(POSTGRES_SAVE_UPGRADE, *values) is None:
                    return None
            except asyncpg.UniqueViolationError as error:
                match error.constraint_name:
                    case "one_live_upgrade_per_instance":
                        raise LiveUpgradeExists(stored.instance_id) from error
                    case "one_upgrade_per_job":
                        raise JobIdTaken(stored.job_id) from error
                raise
            await _append_audit(connection, entries)
            return stored

        return await (self._pool.transaction(job) if entries else self._pool.run(job))

    async def record(self, entry: AuditEntry) -> None:
        """Append an audit entry that belongs to no change of a row."""
        await self._pool.transaction(lambda connection: _append_audit(connection, (entry,)))

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first, each moved ahead by the lease; rows others are claiming are skipped."""

        async def job(connection: "Connection") -> "list[asyncpg.Record]":
            await self._read_clock(connection)
            return await connection.fetch(POSTGRES_CLAIM_DUE, limit, lease_seconds)

        rows = await self._pool.run(job)
        claimed = [
            (row["id"], self.readable_upgrade(tuple(row)[:-1])) for row in sorted(rows, key=itemgetter("was_due_at"))
        ]
        if unreadable_ids := [upgrade_id for upgrade_id, upgrade in claimed if upgrade is None]:
            values = (unreadable_ids, SET_ASIDE_SECONDS)
            await self._pool.run(lambda connection: connection.execute(POSTGRES_SET_ASIDE, *values))
        return [upgrade for _, upgrade in claimed if upgrade is not None]

    async def begin_attempt(self, upgrade_id: str, sender: str, lease_seconds: float) -> Upgrade | None:
        """The fence before each POST: the row with its lease renewed, None when this sender's lease is over."""
        values = (storable_text(upgrade_id), sender, lease_seconds)
        row = await self._pool.run(lambda connection: connection.fetchrow(POSTGRES_BEGIN_ATTEMPT, *values))
        return None if row is None else self.readable_upgrade(row)

    async def renew_leases(self, senders: Mapping[str, str], lease_seconds: float) -> Set[str]:
        """Renew the leases that these senders (by upgrade id) still hold; the ids that were renewed."""
        ids = sorted(senders)  # two replicas that lock rows in the same order never wait for each other
        values = ([storable_text(upgrade_id) for upgrade_id in ids], [senders[upgrade_id] for upgrade_id in ids])
        rows = await self._pool.run(lambda connection: connection.fetch(POSTGRES_RENEW_LEASES, *values, lease_seconds))
        return {row["id"] for row in rows}

    async def begin_copy(self) -> None:
        """Keep every other writer out while another database is copied into this one; raises `TargetNotEmpty`."""

        async def job(connection: "Connection") -> None:
            await connection.fetchrow(POSTGRES_LOCK_AUDIT_HEAD)
            if not await connection.fetchval(POSTGRES.is_empty):
                raise TargetNotEmpty
            await connection.execute(POSTGRES.set_audit_head, COPY_IN_PROGRESS, "")

        await self._pool.transaction(job)

    async def copy_rows(self, upgrades: Sequence[Upgrade], audit_rows: Sequence[AuditRow]) -> None:
        """Insert rows as they are."""

        async def job(connection: "Connection") -> None:
            await connection.executemany(POSTGRES.copy_upgrade, [upgrade_values(upgrade) for upgrade in upgrades])
            await connection.executemany(POSTGRES.add_audit_row, [audit_values(row) for row in audit_rows])

        await self._pool.transaction(job)

    async def end_copy(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends, which lets writers in."""
        await self._pool.run(lambda connection: connection.execute(POSTGRES.set_audit_head, count, last_hash))

    async def ping(self) -> None:
        """Raise `StorageUnavailable` unless the database can be written."""
        await self._pool.run(lambda connection: connection.execute(POSTGRES_HEARTBEAT))

    async def close(self) -> None:
        """Finish what is running and close every connection."""
        await self._pool.close()

    async def _fetch(self, statement: str, *values: object) -> "list[asyncpg.Record]":
        return await self._pool.run(lambda connection: connection.fetch(statement, *values))


async def require_writable(connection: "Connection") -> None:
    """Raise `StorageUnavailable` unless this user may write every table here and now."""
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise StorageUnavailable("PostgreSQL: the database is read-only (a standby, or default_transaction_read_only)")
    if missing := await connection.fetchval(POSTGRES_MISSING_PRIVILEGES):
        raise StorageUnavailable(f"PostgreSQL: this user needs these privileges: {missing}")


async def _append_audit(connection: "Connection", entries: Sequence[AuditEntry]) -> None:
    """Append the entries to the hash chain; the lock on its head lets the writers of all replicas in one by one."""
    if entries:
        head = await connection.fetchrow(POSTGRES_LOCK_AUDIT_HEAD)
        rows = next_audit_rows(None if head is None else tuple(head), entries)
        try:
            await connection.executemany(POSTGRES.add_audit_row, [audit_values(row) for row in rows])
        except asyncpg.UniqueViolationError as error:
            raise StorageUnavailable(BROKEN_AUDIT) from error
        await connection.execute(POSTGRES.set_audit_head, rows[-1].number, rows[-1].hash)
