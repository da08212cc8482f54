"""The storage on SQLite: one writer thread that commits in groups, one reader thread, nothing on the event loop."""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from bot.core.audit import AuditEntry, AuditRow
from bot.core.errors import JobIdTaken, LiveUpgradeExists, StorageUnavailable
from bot.core.upgrade import Upgrade, replace
from bot.storage.clock import SteadyClock
from bot.storage.copy import TargetNotEmpty
from bot.storage.migrations import ForeignTables, migrate_sqlite
from bot.storage.sql import (
    BROKEN_AUDIT,
    COPY_IN_PROGRESS,
    PAGE_ROWS,
    SET_ASIDE_SECONDS,
    SQLITE,
    SQLITE_BEGIN_ATTEMPT,
    SQLITE_CLAIM,
    SQLITE_DUE,
    SQLITE_HEARTBEAT,
    SQLITE_LAST_HEARTBEAT,
    SQLITE_MOVE_TIMERS_BACK,
    SQLITE_RENEW_LEASE,
    SqlQueries,
    as_stored,
    audit_values,
    next_audit_rows,
    save_upgrade,
    storable_text,
    upgrade_values,
)

log = logging.getLogger("bot.storage")
T = TypeVar("T")
Job: TypeAlias = Callable[[sqlite3.Connection], T]

BUSY_SECONDS = 5.0  # how long a transaction waits for a lock that another process holds
WAL_RETRY_SECONDS = 0.01  # pause between attempts to switch a new file to WAL
OWNER_ONLY = 0o600
HEARTBEAT_SECONDS = 60.0  # how often the time is noted while nothing is written
SET_BACK_SECONDS = 5.0  # a clock that is so far behind the last noted time was set back
MAX_GROUP_SIZE = 1000  # jobs in one transaction
SYNC_SECONDS = 0.2  # until the disk has what did not wait for it

# Errors of one job, after which the transaction can go on; any other error of SQLite fails the whole transaction.
_JOB_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.NotSupportedError)


class SqliteStorage(SqlQueries):
    """A `Storage` in one file, for one host; several processes may share it. `clock` says what is due."""

    statements = SQLITE
    min_audit_number = -(2**63)

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, busy_seconds: float = BUSY_SECONDS) -> None:
        file = SqliteFile(path, busy_seconds)
        self._clock = SteadyClock(clock)
        self._heartbeat_at = 0.0
        self._unreadable_ids = set()
        self._writer = ConnectionThread("storage-writer", file, file.connect_writer, "BEGIN IMMEDIATE")
        self._reader = ConnectionThread("storage-reader", file, file.connect_reader, "BEGIN")

    @classmethod
    async def open(
        cls, path: Path, clock: Callable[[], float] = time.time, busy_seconds: float = BUSY_SECONDS
    ) -> "SqliteStorage":
        """Open or create the file and apply the missing migrations.

        Raises ValueError for what can never be the bot's database, `StorageUnavailable` for all else.
        """
        storage = cls(path, clock, busy_seconds)
        try:
            await storage._writer.run(_move_timers_with_the_clock(storage.clock()))
            await storage.ping()
        except StorageUnavailable as error:
            await storage.close()
            if reason := _why_never(error.__cause__):
                raise ValueError(f"{path} {reason}") from None
            raise
        except BaseException:
            await storage.close()
            raise
        return storage

    def clock(self) -> float:
        """Now (UNIX seconds): this machine's clock, which is not seen to go back while the process runs."""
        return self._clock()

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Insert a request; False when its trigger id has been used."""
        values = upgrade_values(as_stored(upgrade))

        def job(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE.add_upgrade, values).fetchall():
                return False
            _append_audit(connection, (entry,))
            return True

        return await self._writer.run(job)

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """Compare-and-set on `before.revision`: the stored row, or None when another writer was first.

        What leaves no audit entry does not wait for the disk: after a power failure it would be done once more, as
        after a crash in between (a message delivered again, a job read again).
        """
        stored = as_stored(replace(after, id=before.id, revision=before.revision + 1))
        statement, values = save_upgrade(before, stored)

        def job(connection: sqlite3.Connection) -> Upgrade | None:
            try:
                if not connection.execute(statement, values).rowcount:
                    return None
            except sqlite3.IntegrityError as error:
                match str(error).rpartition(".")[2]:  # SQLite names the columns of the index alone
                    case "instance_id":
                        raise LiveUpgradeExists(stored.instance_id) from error
                    case "job_id":
                        raise JobIdTaken(stored.job_id) from error
                raise
            _append_audit(connection, entries)
            return stored

        return await self._writer.run(job, is_durable=bool(entries), is_one_statement=not entries)

    async def record(self, entry: AuditEntry) -> None:
        """Append an audit entry that belongs to no change of a row."""
        await self._writer.run(lambda connection: _append_audit(connection, (entry,)))

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first, each moved ahead by the lease."""
        now = self._clock()
        if now - self._heartbeat_at > HEARTBEAT_SECONDS:
            await self.ping()

        def job(connection: sqlite3.Connection) -> list[Upgrade]:
            rows = connection.execute(SQLITE_DUE, (now, limit)).fetchall()
            due = [(row[0], self.readable_upgrade(row)) for row in rows]
            seconds = [SET_ASIDE_SECONDS if upgrade is None else lease_seconds for _, upgrade in due]
            connection.executemany(
                SQLITE_CLAIM,
                [(now + ahead, upgrade_id) for (upgrade_id, _), ahead in zip(due, seconds, strict=True)],
            )
            return [replace(upgrade, due_at=now + lease_seconds) for _, upgrade in due if upgrade is not None]

        return await self._writer.run(job, is_durable=False)  # no claim outlives the machine

    async def begin_attempt(self, upgrade_id: str, sender: str, lease_seconds: float) -> Upgrade | None:
        """The fence before each POST: the row with its lease renewed, None when this sender's lease is over."""
        now = self._clock()
        values = (now + lease_seconds, storable_text(upgrade_id), sender, now)

        def job(connection: sqlite3.Connection) -> Upgrade | None:
            row = next(iter(connection.execute(SQLITE_BEGIN_ATTEMPT, values).fetchall()), None)
            return self.readable_upgrade(row) if row else None

        # Not durable: no sender outlives the machine, and the confirmation, which does, was durable.
        return await self._writer.run(job, is_durable=False, is_one_statement=True)

    async def renew_leases(self, senders: Mapping[str, str], lease_seconds: float) -> Set[str]:
        """Renew the leases that these senders (by upgrade id) still hold; the ids that were renewed."""
        now = self._clock()

        def is_renewed(connection: sqlite3.Connection, upgrade_id: str, sender: str) -> bool:
            values = (now + lease_seconds, storable_text(upgrade_id), sender, now)
            return connection.execute(SQLITE_RENEW_LEASE, values).rowcount == 1

        def job(connection: sqlite3.Connection) -> set[str]:
            return {id for id, sender in senders.items() if is_renewed(connection, id, sender)}

        return await self._writer.run(job, is_durable=False)

    async def begin_copy(self) -> None:
        """Keep every other writer out while another database is copied into this one; raises `TargetNotEmpty`."""

        def job(connection: sqlite3.Connection) -> None:
            if connection.execute(SQLITE.is_empty).fetchone() != (1,):
                raise TargetNotEmpty
            connection.execute(SQLITE.set_audit_head, (COPY_IN_PROGRESS, ""))

        await self._writer.run(job)

    async def copy_rows(self, upgrades: Sequence[Upgrade], audit_rows: Sequence[AuditRow]) -> None:
        """Insert rows as they are."""

        def job(connection: sqlite3.Connection) -> None:
            connection.executemany(SQLITE.copy_upgrade, [upgrade_values(upgrade) for upgrade in upgrades])
            connection.executemany(SQLITE.add_audit_row, [audit_values(row) for row in audit_rows])

        await self._writer.run(job)

    async def end_copy(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends, which lets writers in."""
        await self._writer.run(lambda connection: connection.execute(SQLITE.set_audit_head, (count, last_hash)).close())

    async def ping(self) -> None:
        """Raise `StorageUnavailable` unless the database can be written."""
        now = self._heartbeat_at = self._clock()
        await self._writer.run(lambda connection: connection.execute(SQLITE_HEARTBEAT, (now,)).close())

    async def close(self) -> None:
        """Finish what is queued and close both connections."""
        await self._reader.close()  # first: the last connection to close also writes the WAL back into the file
        await self._writer.close()

    async def _fetch(self, statement: str, *values: object) -> list[Any]:
        return await self._reader.run(
            lambda connection: connection.execute(statement, values).fetchall(), is_one_statement=True
        )

    async def _fetch_audit_page(self, last_number: int) -> list[Any]:
        """Reads text that somebody made invalid UTF-8, too, so that `verify_audit` can name its row."""

        def job(connection: sqlite3.Connection) -> list[Any]:
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            try:
                return connection.execute(SQLITE.audit_page, (last_number, PAGE_ROWS)).fetchall()
            finally:
                connection.text_factory = str

        return await self._reader.run(job)


def _move_timers_with_the_clock(now: float) -> Job[None]:
    """What to do at the start: when the clock is behind the last heartbeat, it was set back, and the timers with it.

    Otherwise whatever is due would wait until the clock is again where it was.
    """

    def job(connection: sqlite3.Connection) -> None:
        (heartbeat_at,) = connection.execute(SQLITE_LAST_HEARTBEAT).fetchone() or (0.0,)
        seconds = heartbeat_at - now
        if seconds > SET_BACK_SECONDS:
            log.warning("storage.clock_set_back", extra={"seconds": round(seconds)})
            connection.execute(SQLITE_MOVE_TIMERS_BACK, (seconds,) * 5)

    return job


def _why_never(error: BaseException | None) -> str:
    """Why a file that failed so cannot be used however often it is tried; empty when it may be."""
    if isinstance(error, ForeignTables):
        return str(error)
    is_text = isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
    return "is no SQLite database" if is_text else ""


def _append_audit(connection: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    """Append the entries to the hash chain; the transaction keeps every other writer out."""
    if entries:
        rows = next_audit_rows(connection.execute(SQLITE.audit_head).fetchone(), entries)
        try:
            connection.executemany(SQLITE.add_audit_row, [audit_values(row) for row in rows])
        except sqlite3.IntegrityError as error:
            raise StorageUnavailable(BROKEN_AUDIT) from error
        connection.execute(SQLITE.set_audit_head, (rows[-1].number, rows[-1].hash))


@dataclass(slots=True, eq=False, repr=False)
class SqliteFile:
    """The database file: how it is created, opened and recognised."""

    path: Path
    busy_seconds: float
    _was_opened: bool = field(default=False, init=False)

    def connect_writer(self) -> sqlite3.Connection:
        """A connection for writing, after the missing migrations have been applied.

        A missing file is created at the start only, never again: when it vanishes under a running bot, an empty one in
        its place would forget what has been sent.
        """
        if not self._was_opened:
            # Only a new file is opened here: closing a file drops the locks that this process holds on it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
        connection = self.connect()
        try:
            self._switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")  # else a power failure could undo a confirmation
            connection.execute("BEGIN IMMEDIATE")
            migrate_sqlite(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        self._was_opened = True
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        connection = self.connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def identity(self) -> tuple[int, int]:
        """Device and inode of the file that is there now; raises OSError when there is none."""
        status = os.stat(self.path)
        return status.st_dev, status.st_ino

    def sync(self) -> None:
        """Wait until the disk holds what has been committed; it does so anyway after each commit that is durable."""
        wal = os.open(f"{self.path}-wal", os.O_RDONLY)
        try:
            os.fsync(wal)
        finally:
            os.close(wal)

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        """Set the journal mode, which the file keeps.

        SQLite waits for readers of a new file here, but not for a writer: that one is answered with "locked" at once.
        """
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() >= deadline:
                    raise
            time.sleep(WAL_RETRY_SECONDS)  # in the writer's own thread

    def connect(self) -> sqlite3.Connection:
        """A connection to the file as it is; sqlite3.OperationalError when there is none."""
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, timeout=self.busy_seconds, isolation_level=None, uri=True)


@dataclass(frozen=True, slots=True)
class _QueuedJob(Generic[T]):
    job: Job[T]
    future: "asyncio.Future[T]"
    is_durable: bool
    is_one_statement: bool  # which is atomic by itself


@dataclass(frozen=True, slots=True)
class _JobResult:
    future: "asyncio.Future[Any]"
    value: Any = None
    error: Exception | None = None

    def resolve(self) -> None:
        """Wake the caller, unless it was cancelled meanwhile."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


def _resolve_all(results: Sequence[_JobResult]) -> None:
    for result in results:
        result.resolve()


class ConnectionThread:
    """A thread that owns one SQLite connection and runs jobs on it in their order, with group commit.

    All jobs that were queued while the thread was busy become one transaction. Each of several runs in its own
    savepoint, so that one that fails does not undo the others. Results reach the event loop only after COMMIT. An
    error of the database itself fails the whole transaction, and the next one gets a new connection: once a lock is
    released, a full disk has room or a file is back, no restart is needed.

    A transaction waits for the disk if one of its jobs is durable, and with it the disk has all that was committed
    before. Otherwise the disk has it within SYNC_SECONDS.

    `begin` is the statement that starts a transaction.
    """

    def __init__(self, name: str, file: SqliteFile, connect: Callable[[], sqlite3.Connection], begin: str) -> None:
        self._file = file
        self._connect = connect
        self._opened_file: object = None
        self._begin = begin
        self._connection: sqlite3.Connection | None = None
        self._waits_for_disk = True  # the connection's present setting
        self._sync_at: float | None = None  # when the disk has to have what was committed without waiting for it
        self._queue: SimpleQueue[_QueuedJob[Any] | None] = SimpleQueue()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        threading.Thread(target=self._run_thread, name=name, daemon=True).start()

    async def run(self, job: Job[T], *, is_durable: bool = True, is_one_statement: bool = False) -> T:
        """The job's result, once it is committed; raises `StorageUnavailable`, or what the job itself raised.

        What is not durable may be undone by a power failure, though not if something durable was committed after it.
        One statement needs no transaction around it: each statement more waits for the interpreter once more.
        """
        if self._closed:
            raise StorageUnavailable("the storage is closed")
        queued: _QueuedJob[T] = _QueuedJob(job, self._loop.create_future(), is_durable, is_one_statement)
        self._queue.put(queued)
        return await queued.future

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.shield(self._ended)

    def _run_thread(self) -> None:
        while True:
            group, is_last = self._next_group()
            if group:
                results = self._run_group(group)
                self._call_in_loop(partial(_resolve_all, results))
            self._sync(is_last=is_last)
            if is_last:
                break
        self._close_connection()
        self._call_in_loop(_JobResult(self._ended).resolve)

    def _next_group(self) -> tuple[list[_QueuedJob[Any]], bool]:
        """Wait for one job, take all that are queued behind it; True when the thread ends after these.

        No job when it is time to sync.
        """
        timeout = None if self._sync_at is None else max(0.0, self._sync_at - time.monotonic())
        try:
            queued = self._queue.get(timeout=timeout)
        except Empty:
            return [], False
        group = []
        while queued is not None:
            group.append(queued)
            if len(group) == MAX_GROUP_SIZE:
                break
            try:
                queued = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, queued is None

    def _run_group(self, group: Sequence[_QueuedJob[Any]]) -> list[_JobResult]:
        """Run all jobs in one transaction; if that fails, none of them has happened."""
        try:
            connection = self._current_connection()
            self._wait_for_disk(connection, any(queued.is_durable for queued in group))
            if len(group) == 1 and group[0].is_one_statement:
                return [self._run_job(connection, group[0])]
            connection.execute(self._begin)
            run = self._run_job if len(group) == 1 else self._run_in_savepoint
            results = [run(connection, queued) for queued in group]
            connection.execute("ROLLBACK" if len(group) == 1 and results[0].error else "COMMIT")
        except Exception as error:  # of whatever kind: the callers have to be told, and the thread has to live on
            self._close_connection()
            if not isinstance(error, sqlite3.Error | OSError | StorageUnavailable):
                log.exception("storage.failed")
            unavailable = StorageUnavailable(f"SQLite: {error}")
            unavailable.__cause__ = error
            return [_JobResult(queued.future, error=unavailable) for queued in group]
        return results

    def _run_job(self, connection: sqlite3.Connection, queued: _QueuedJob[Any]) -> _JobResult:
        """Run one job; raises what fails the whole transaction."""
        try:
            return _JobResult(queued.future, queued.job(connection))
        except Exception as error:
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _JOB_ERRORS):
                raise
            return _JobResult(queued.future, error=error)

    def _run_in_savepoint(self, connection: sqlite3.Connection, queued: _QueuedJob[Any]) -> _JobResult:
        """Run one job of several: what it has done is undone when it fails."""
        if queued.is_one_statement:
            return self._run_job(connection, queued)
        connection.execute("SAVEPOINT job")
        result = self._run_job(connection, queued)
        if result.error is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return result

    def _wait_for_disk(self, connection: sqlite3.Connection, waits: bool) -> None:
        """Set whether commits wait for the disk."""
        if waits != self._waits_for_disk:
            connection.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
            self._waits_for_disk = waits
        if not waits and self._sync_at is None:
            self._sync_at = time.monotonic() + SYNC_SECONDS

    def _sync(self, *, is_last: bool) -> None:
        """Have the disk hold what was committed without waiting for it, if it is time."""
        if self._sync_at is not None and (is_last or time.monotonic() >= self._sync_at):
            self._sync_at = None
            with suppress(OSError):  # the file is gone, or the next durable commit fails as well, and tells its caller
                self._file.sync()

    def _current_connection(self) -> sqlite3.Connection:
        """The connection; a new one when the file was removed or replaced: nobody else sees what the old one writes."""
        if self._connection is not None and self._file.identity() != self._opened_file:
            self._close_connection()
        if self._connection is None:
            self._connection, self._waits_for_disk = self._connect(), True
            self._opened_file = self._file.identity()
        return self._connection

    def _close_connection(self) -> None:
        """Close the connection, which rolls an open transaction back."""
        if self._connection is not None:
            with suppress(sqlite3.Error):  # it is closed because it failed; a second failure adds nothing
                self._connection.close()
            self._connection = None

    def _call_in_loop(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)
