"""The store on SQLite: one writer thread that commits in groups, one reader thread, nothing on the event loop."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.core.audit import AuditEntry, AuditRow
from bot.core.ports import InstanceTaken
from bot.core.reasons import StoreAway
from bot.core.upgrade import Upgrade
from bot.store.chain import BEING_FILLED, BROKEN_TRAIL, audit_values, chained, noted
from bot.store.copy import NotEmpty
from bot.store.reading import PAGE, Reading
from bot.store.rows import clean, cleaned, upgrade_of, upgrade_values
from bot.store.sql import SQLITE as SQL
from bot.store.sqlite_file import SqliteFile
from bot.store.worker import Worker


class SqliteStore(Reading):
    """A `Store` in one file, for one host; several processes may share it. `clock` says what is due."""

    sql = SQL
    before_the_first = -(2**63)

    def __init__(self, file: SqliteFile, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._writer = Worker("store-writer", file.connect_writer, file.place, "BEGIN IMMEDIATE")
        self._reader = Worker("store-reader", file.connect_reader, file.place, "BEGIN")

    @classmethod
    async def open(cls, path: Path, clock: Callable[[], float] = time.time, busy_seconds: float = 5.0) -> "SqliteStore":
        """Open or create the file and take the schema's steps."""
        store = cls(SqliteFile(path, busy_seconds), clock)
        try:
            await store.ping()
        except BaseException:
            await store.close()
            raise
        return store

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Write a new question; False when its trigger has been used."""
        row = upgrade_values(cleaned(upgrade))

        def job(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQL.add, row).fetchall():
                return False
            _write_down(connection, (entry,))
            return True

        return await self._writer.run(job)

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """Compare-and-set on `before.revision`: the stored row, or None when another was faster."""
        stored = cleaned(replace(after, id=before.id, revision=before.revision + 1))
        row = [before.id, before.revision, *upgrade_values(stored)[1:]]

        def job(connection: sqlite3.Connection) -> Upgrade | None:
            try:
                if not connection.execute(SQL.save, row).fetchall():
                    return None
            except sqlite3.IntegrityError as error:
                if "instance_id" not in str(error):
                    raise
                raise InstanceTaken(stored.instance_id) from error
            _write_down(connection, entries)
            return stored

        return await self._writer.run(job)

    async def record(self, entry: AuditEntry) -> None:
        """Write an audit entry that belongs to no step."""
        await self._writer.run(lambda connection: _write_down(connection, (entry,)))

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first, each moved ahead by the lease."""
        now = self._clock()

        def job(connection: sqlite3.Connection) -> list[Upgrade]:
            rows = [upgrade_of(row) for row in connection.execute(SQL.due, (now, limit))]
            claimed = [replace(row, due_at=now + lease_seconds) for row in rows]
            connection.executemany(SQL.lease, [(row.id, row.due_at) for row in claimed])
            return claimed

        return await self._writer.run(job)

    async def prolong(self, upgrade_ids: Sequence[str], lease_seconds: float) -> None:
        """Renew the lease of rows that are SENDING."""
        until = self._clock() + lease_seconds
        rows = [(clean(upgrade_id), until) for upgrade_id in upgrade_ids]
        await self._writer.run(lambda connection: connection.executemany(SQL.prolong, rows).close())

    async def begin_filling(self) -> None:
        """Raise `NotEmpty`, or keep every writer out while another store is copied into this one."""

        def job(connection: sqlite3.Connection) -> None:
            if connection.execute(SQL.is_empty).fetchone() != (1,):
                raise NotEmpty
            connection.execute(SQL.head_moved, (BEING_FILLED, ""))

        await self._writer.run(job)

    async def fill(self, upgrades: Sequence[Upgrade], rows: Sequence[AuditRow]) -> None:
        """Write rows as they are."""

        def job(connection: sqlite3.Connection) -> None:
            connection.executemany(SQL.fill, [upgrade_values(upgrade) for upgrade in upgrades])
            connection.executemany(SQL.audit_add, [audit_values(row) for row in rows])

        await self._writer.run(job)

    async def end_filling(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends: the store is ready."""
        await self._writer.run(lambda connection: connection.execute(SQL.head_moved, (count, last_hash)).close())

    async def ping(self) -> None:
        """Raise `StoreAway` unless the store can be written."""
        now = self._clock()
        await self._writer.run(lambda connection: connection.execute(SQL.ping, (now,)).close())

    async def close(self) -> None:
        """Finish what is queued and let go."""
        await self._reader.close()  # first: the last connection to close also folds the log into the file
        await self._writer.close()

    async def _rows(self, sentence: str, *values: object) -> list[Any]:
        return await self._reader.run(lambda connection: connection.execute(sentence, values).fetchall())

    async def _audit_page(self, last: int) -> list[Any]:
        """Text that is none, by whoever changed it, is read too: `verify` is to name its row."""

        def job(connection: sqlite3.Connection) -> list[Any]:
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            try:
                return connection.execute(SQL.audit_page, (last, PAGE)).fetchall()
            finally:
                connection.text_factory = str

        return await self._reader.run(job)


def _write_down(connection: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    """Append the entries to the chain; the transaction keeps every other writer out."""
    if entries:
        rows = chained(*noted(connection.execute(SQL.head).fetchone()), entries)
        try:
            connection.executemany(SQL.audit_add, [audit_values(row) for row in rows])
        except sqlite3.IntegrityError as error:
            raise StoreAway(BROKEN_TRAIL) from error
        connection.execute(SQL.head_moved, (rows[-1].number, rows[-1].hash))
