"""The store on PostgreSQL: any number of replicas on one database, whose clock says what is due."""

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

import asyncpg

from bot.core.audit import AuditEntry, AuditRow
from bot.core.ports import InstanceTaken
from bot.core.reasons import StoreAway
from bot.core.upgrade import Upgrade
from bot.store import schema
from bot.store.chain import BEING_FILLED, BROKEN_TRAIL, audit_values, chained, noted
from bot.store.copy import NotEmpty
from bot.store.postgres_pool import PostgresPool
from bot.store.reading import Reading
from bot.store.rows import clean, cleaned, upgrade_of, upgrade_values
from bot.store.sql import CLAIM, HEAD_LOCKED, PING, PROLONG_ALL
from bot.store.sql import POSTGRES as SQL

if TYPE_CHECKING:
    from bot.store.postgres_pool import Connection

STEPS_LOCK = 5_170_017  # any number, as long as nothing else in this database locks it
PATIENCE_SECONDS = 10.0


class PostgresStore(Reading):
    """A `Store` in a PostgreSQL database."""

    sql = SQL
    before_the_first = -(2**31)

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str, patience_seconds: float = PATIENCE_SECONDS) -> "PostgresStore":
        """Connect and take the schema's steps."""
        pool = await PostgresPool.open(url, patience_seconds)
        try:
            await pool.transaction(_take_steps)
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Write a new question; False when its trigger has been used."""
        row = upgrade_values(cleaned(upgrade))

        async def job(connection: "Connection") -> bool:
            if await connection.fetchrow(SQL.add, *row) is None:
                return False
            await _write_down(connection, (entry,))
            return True

        return await self._pool.transaction(job)

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """Compare-and-set on `before.revision`: the stored row, or None when another was faster."""
        stored = cleaned(replace(after, id=before.id, revision=before.revision + 1))
        row = [before.id, before.revision, *upgrade_values(stored)[1:]]

        async def job(connection: "Connection") -> Upgrade | None:
            try:
                if await connection.fetchrow(SQL.save, *row) is None:
                    return None
            except asyncpg.UniqueViolationError as error:
                if error.constraint_name != "upgrades_live":
                    raise
                raise InstanceTaken(stored.instance_id) from error
            await _write_down(connection, entries)
            return stored

        return await (self._pool.transaction(job) if entries else self._pool.run(job))

    async def record(self, entry: AuditEntry) -> None:
        """Write an audit entry that belongs to no step."""
        await self._pool.transaction(lambda connection: _write_down(connection, (entry,)))

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first, each moved ahead by the lease; rows others claim now are left out."""
        rows = await self._pool.run(lambda connection: connection.fetch(CLAIM, limit, lease_seconds))
        return [upgrade_of(tuple(row)[:-1]) for row in sorted(rows, key=itemgetter("was_due_at"))]

    async def prolong(self, upgrade_ids: Sequence[str], lease_seconds: float) -> None:
        """Renew the lease of rows that are SENDING."""
        ids = sorted(clean(upgrade_id) for upgrade_id in upgrade_ids)
        await self._pool.run(lambda connection: connection.execute(PROLONG_ALL, ids, lease_seconds))

    async def begin_filling(self) -> None:
        """Raise `NotEmpty`, or keep every writer out while another store is copied into this one."""

        async def job(connection: "Connection") -> None:
            await connection.fetchrow(HEAD_LOCKED)
            if not await connection.fetchval(SQL.is_empty):
                raise NotEmpty
            await connection.execute(SQL.head_moved, BEING_FILLED, "")

        await self._pool.transaction(job)

    async def fill(self, upgrades: Sequence[Upgrade], rows: Sequence[AuditRow]) -> None:
        """Write rows as they are."""

        async def job(connection: "Connection") -> None:
            await connection.executemany(SQL.fill, [upgrade_values(upgrade) for upgrade in upgrades])
            await connection.executemany(SQL.audit_add, [audit_values(row) for row in rows])

        await self._pool.transaction(job)

    async def end_filling(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends: the store is ready."""
        await self._pool.run(lambda connection: connection.execute(SQL.head_moved, count, last_hash))

    async def ping(self) -> None:
        """Raise `StoreAway` unless the store can be written."""
        await self._pool.run(lambda connection: connection.execute(PING))

    async def close(self) -> None:
        """Finish what is queued and let go."""
        await self._pool.close()

    async def _rows(self, sentence: str, *values: object) -> "list[asyncpg.Record]":
        return await self._pool.run(lambda connection: connection.fetch(sentence, *values))


async def _write_down(connection: "Connection", entries: Sequence[AuditEntry]) -> None:
    """Append the entries to the chain; the lock on its head lets the writers of all replicas in one after the other."""
    if entries:
        head = await connection.fetchrow(HEAD_LOCKED)
        rows = chained(*noted(None if head is None else tuple(head)), entries)
        try:
            await connection.executemany(SQL.audit_add, [audit_values(row) for row in rows])
        except asyncpg.UniqueViolationError as error:
            raise StoreAway(BROKEN_TRAIL) from error
        await connection.execute(SQL.head_moved, rows[-1].number, rows[-1].hash)


async def _take_steps(connection: "Connection") -> None:
    """Take the steps of the schema that were not taken yet; the lock keeps other replicas out meanwhile."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", STEPS_LOCK)
    if await connection.fetchval("SELECT to_regclass('schema_steps')") is None:
        await connection.execute(schema.STEPS_TABLE)
    taken = {row["number"] for row in await connection.fetch(schema.STEPS_TAKEN)}
    for step in schema.missing(taken):
        for statement in (*step.both, *step.postgres, schema.STEP_TAKEN.format(step.number)):
            await connection.execute(statement)
