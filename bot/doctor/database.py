"""Checks of the database: it is opened, migrated and written as the start does it, and left as it was."""

import asyncio
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bot.core.errors import StorageUnavailable
from bot.doctor.report import Reporter, failed, passed, warned
from bot.storage.migrations import (
    MIGRATIONS,
    ForeignTables,
    migrate_postgres,
    migrate_sqlite,
    missing_migrations,
    postgres_versions,
    sqlite_versions,
)
from bot.storage.opening import check_place, open_readonly
from bot.storage.sql import COPY_IN_PROGRESS, SQLITE
from bot.storage.sqlite import SqliteFile, SqliteStorage
from bot.storage.urls import database_scheme, sqlite_path

if TYPE_CHECKING:
    from bot.storage.migrations import Connection

BUSY_SECONDS = 3.0
MIN_FREE_BYTES = 100 * 1024 * 1024
MAX_CLOCK_SKEW_SECONDS = 30.0
DURABILITY_SETTINGS = ("synchronous_commit", "fsync", "full_page_writes", "synchronous_standby_names")
TRIAL_WRITE = "UPDATE heartbeat SET at = at"
TRIAL_LOCK_SECONDS = 1  # how long a trial of migrations may stand in the way of a running bot


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The state of a database; `name` is shown to people.

    `clock_skew_seconds` is how far the database's clock is ahead of ours, None for SQLite; `free_bytes` is None for
    PostgreSQL. `durability_settings` are PostgreSQL's as they hold in a transaction of the bot; `is_pooled`: it is
    reached through a pooler; `unreadable_rows` have a timer and something in them that this version does not know.
    """

    name: str
    has_tables: bool = False
    missing_migrations: int = 0
    newer_migrations: int = 0
    copy_in_progress: bool = False
    clock_skew_seconds: float | None = None
    free_bytes: int | None = None
    durability_settings: Mapping[str, str] = field(default_factory=dict)
    is_pooled: bool = False
    unreadable_rows: int = 0


async def check_database(report: Reporter, url: str) -> None:
    """Check the database behind DATABASE_URL."""
    try:
        database = await inspect_database(url)
    except (StorageUnavailable, ValueError) as error:
        detail = f"DATABASE_URL: {error}" if isinstance(error, ValueError) else str(error)
        report(failed("database.connection", detail, _unavailable_remedy(url)))
        return
    pooler = ", through a pooler" if database.is_pooled else ""
    report(passed("database.connection", f"{database.name} can be reached and written{pooler}"))
    _check_migrations(report, database)
    _check_durability(report, database.durability_settings)
    if database.unreadable_rows:
        detail = f"{database.unreadable_rows} row(s) that this version cannot read are set aside"
        report(
            warned("database.rows", detail, "bring this replica to the version of the others; the log has their ids")
        )
    if database.free_bytes is not None and database.free_bytes < MIN_FREE_BYTES:
        detail = f"only {database.free_bytes // 1024**2} MiB are free on its disk"
        report(warned("database.disk_space", detail, "make room: a full disk stops every upgrade"))
    if database.clock_skew_seconds is not None and abs(database.clock_skew_seconds) > MAX_CLOCK_SKEW_SECONDS:
        detail = f"the database's clock is {database.clock_skew_seconds:+.0f} s off this machine's"
        report(warned("database.clock", detail, "set both clocks (NTP): the database's says what is due"))


def _check_migrations(report: Reporter, database: DatabaseState) -> None:
    if not database.has_tables:
        report(passed("database.schema", "there are no tables yet: the first start makes them"))
    elif database.copy_in_progress:
        remedy = "let `store copy` end; if it was broken off, empty the database and copy again"
        report(
            failed("database.schema", "another database is being copied into it, or such a copy was broken off", remedy)
        )
    elif database.missing_migrations:
        remedy = "start the bot: it applies the missing migrations by itself"
        report(warned("database.schema", f"{database.missing_migrations} migration(s) behind this version", remedy))
    elif database.newer_migrations:
        remedy = "bring this replica to the version of the others"
        report(warned("database.schema", f"{database.newer_migrations} migration(s) of a newer version", remedy))
    else:
        report(passed("database.schema", "up to date"))


def _check_durability(report: Reporter, settings: Mapping[str, str]) -> None:
    """What PostgreSQL forgets in a crash or a failover, a second confirmation could send again."""
    if not settings:
        return
    commit = settings["synchronous_commit"]
    if commit in ("off", "local"):
        remedy = "whatever stands between the bot and the database must let it set synchronous_commit"
        report(failed("database.durability", f"a transaction of the bot has synchronous_commit {commit}", remedy))
        return
    switched_off = [name for name in ("fsync", "full_page_writes") if settings[name] != "on"]
    if switched_off:
        detail = f"{' and '.join(switched_off)} off: a crash of the server can lose or damage what was committed"
        report(warned("database.durability", detail, "switch it on in postgresql.conf"))
        return
    standbys = settings["synchronous_standby_names"]
    detail = (
        f"commits wait for the synchronous standbys {standbys}"
        if standbys
        else "commits are on this server's disk; no standby is synchronous: do not fail over to one by force"
    )
    report(passed("database.durability", detail))


def _unavailable_remedy(url: str) -> str:
    if url.startswith("sqlite"):
        return "DATABASE_URL: a file in a folder that the bot's user may write, on a disk with room"
    return "DATABASE_URL: check host, port, user, password and database, and that the user may write there"


async def inspect_database(url: str) -> DatabaseState:
    """Inspect the database behind a URL.

    Raises ValueError for a URL that names no database, `StorageUnavailable` when it cannot be used.
    """
    if database_scheme(url) == "sqlite":
        return await asyncio.to_thread(_inspect_sqlite, sqlite_path(url).absolute())
    return await _inspect_postgres(url)


def _inspect_sqlite(path: Path) -> DatabaseState:
    """Migrate and write an existing file in a transaction that is rolled back; instead of a missing one, a trial file.

    What was there already is committed once more: that only shows whether the disk has room for it.
    """
    check_place(path)
    free_bytes = shutil.disk_usage(path.parent).free
    state = DatabaseState(str(path), free_bytes=free_bytes)
    try:
        if not os.path.lexists(path):
            _try_new_file(path.parent)
            return state
        with closing(SqliteFile(path, BUSY_SECONDS).connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            applied_versions = sqlite_versions(connection)
            migrate_sqlite(connection)
            head = connection.execute("SELECT count FROM audit_head").fetchone()
            unreadable_rows = sum(row[-1] for row in connection.execute(SQLITE.queue_stats, (0,)))
            connection.execute(TRIAL_WRITE)
            connection.execute("ROLLBACK")
            if applied_versions is None:
                _try_new_file(path.parent)
                return state
            if not missing_migrations(applied_versions):
                connection.execute(TRIAL_WRITE)
    except ForeignTables as error:
        raise StorageUnavailable(f"{path} {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise StorageUnavailable(f"SQLite: {error} ({path})") from error
    return _state_of_tables(replace(state, unreadable_rows=unreadable_rows), applied_versions, head)


def _try_new_file(folder: Path) -> None:
    """Make and remove a database there, as the first start makes one."""
    try:
        trial = TemporaryDirectory(prefix=".doctor-", dir=folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageUnavailable(f"the folder {folder} cannot be written") from error
    with trial as name:
        SqliteFile(Path(name) / "trial.db", BUSY_SECONDS).connect_writer().close()


async def _inspect_postgres(url: str) -> DatabaseState:
    """Open it as the bot does but for the migrations, and write in a transaction that is rolled back."""
    storage = await open_readonly(url)
    assert not isinstance(storage, SqliteStorage)
    try:
        state = await storage.pool.transaction(_inspect_connection)
        stats = await storage.queue_stats(time.time()) if state.has_tables else ()
    finally:
        await storage.close()
    return replace(state, is_pooled=storage.pool.is_pooled, unreadable_rows=sum(row.unreadable for row in stats))


async def _inspect_connection(connection: "Connection") -> DatabaseState:
    """What the start does, in a savepoint: nothing is left of it."""
    row = await connection.fetchrow(
        "SELECT current_database(), coalesce(host(inet_server_addr()), 'local'),"
        " extract(epoch FROM clock_timestamp())::double precision,"
        " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    )
    database, host, database_now, may_create = tuple(row or ())
    settings = {name: str(await connection.fetchval(f"SHOW {name}")) for name in DURABILITY_SETTINGS}
    state = DatabaseState(
        f"{database} at {host}", clock_skew_seconds=database_now - time.time(), durability_settings=settings
    )
    applied_versions = await postgres_versions(connection)
    if applied_versions is None:
        if await connection.fetchval("SHOW transaction_read_only") == "on":
            raise StorageUnavailable("PostgreSQL: the database is read-only (a standby?)")
        if not may_create:
            raise StorageUnavailable("PostgreSQL: there are no tables yet, and this user may not make any")
    await connection.execute("SAVEPOINT trial")
    if missing_migrations(applied_versions or set()):
        await connection.execute(f"SET LOCAL lock_timeout = '{TRIAL_LOCK_SECONDS}s'")
    from bot.storage.postgres import require_writable

    await migrate_postgres(connection)
    await require_writable(connection)
    head = await connection.fetchrow("SELECT count FROM audit_head")
    await connection.execute(TRIAL_WRITE)
    await connection.execute("ROLLBACK TO trial")
    return state if applied_versions is None else _state_of_tables(state, applied_versions, tuple(head or ()))


def _state_of_tables(state: DatabaseState, applied_versions: set[int], head: Iterable[object] | None) -> DatabaseState:
    known_versions = {migration.version for migration in MIGRATIONS}
    return replace(
        state,
        has_tables=True,
        missing_migrations=len(missing_migrations(applied_versions)),
        newer_migrations=len(applied_versions - known_versions),
        copy_in_progress=next(iter(head or ()), None) == COPY_IN_PROGRESS,
    )
