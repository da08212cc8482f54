"""Checks of the database: reachable, writable, with the tables of this version; nothing in it is changed."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import StorageUnavailable
from bot.doctor.report import Reporter, failed, passed, warned
from bot.storage.migrations import APPLIED_VERSIONS, MIGRATIONS, missing_migrations
from bot.storage.opening import sqlite_path
from bot.storage.sql import COPY_IN_PROGRESS

if TYPE_CHECKING:
    import asyncpg

BUSY_SECONDS = 3.0
MIN_FREE_BYTES = 100 * 1024 * 1024
MAX_CLOCK_SKEW_SECONDS = 30.0
TRIAL_WRITE = "UPDATE heartbeat SET at = at"  # rolled back afterwards


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The state of a database; `name` is shown to people.

    `clock_skew_seconds` is how far the database's clock is ahead of ours, None for SQLite; `free_bytes` is None for
    PostgreSQL.
    """

    name: str
    has_tables: bool = False
    missing_migrations: int = 0
    newer_migrations: int = 0
    copy_in_progress: bool = False
    clock_skew_seconds: float | None = None
    free_bytes: int | None = None


async def check_database(report: Reporter, url: str) -> None:
    """Check the database behind DATABASE_URL."""
    try:
        database = await inspect_database(url)
    except ValueError as error:
        report(
            failed("database.connection", f"DATABASE_URL: {error}", "DATABASE_URL: sqlite:///file.db or postgresql://…")
        )
        return
    except StorageUnavailable as error:
        report(failed("database.connection", str(error), _unavailable_remedy(url)))
        return
    report(passed("database.connection", f"{database.name} can be reached and written"))
    _check_migrations(report, database)
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


def _unavailable_remedy(url: str) -> str:
    if url.startswith("sqlite"):
        return "DATABASE_URL: a file in a folder that the bot's user may write, on a disk with room"
    return "DATABASE_URL: check host, port, user, password and database, and that the user may write there"


async def inspect_database(url: str) -> DatabaseState:
    """Inspect the database behind a URL.

    Raises ValueError for a URL that names no database, `StorageUnavailable` when it cannot be used.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        return await asyncio.to_thread(_inspect_sqlite, sqlite_path(url).absolute())
    if scheme in ("postgresql", "postgres"):
        return await _inspect_postgres(url)
    raise ValueError("it begins with sqlite:// or postgresql://")


def _inspect_sqlite(path: Path) -> DatabaseState:
    """An existing file is opened and written in a transaction that is rolled back; a missing one is not created."""
    folder = path.parent
    if not folder.is_dir():
        raise StorageUnavailable(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageUnavailable(f"the folder {folder} cannot be written")
    free_bytes = shutil.disk_usage(folder).free
    if not path.exists():
        return DatabaseState(str(path), free_bytes=free_bytes)
    try:
        uri = f"{path.as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
        with closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "schema_migrations" not in tables:
                if tables:
                    raise StorageUnavailable(f"{path} holds another program's tables")
                return DatabaseState(str(path), free_bytes=free_bytes)
            applied_versions = {version for (version,) in connection.execute(APPLIED_VERSIONS)}
            head = connection.execute("SELECT count FROM audit_head").fetchone()
            connection.execute(TRIAL_WRITE)
            connection.execute("ROLLBACK")
    except (sqlite3.Error, OSError) as error:
        raise StorageUnavailable(f"SQLite: {error} ({path})") from error
    return _state_of_tables(str(path), applied_versions, head, free_bytes=free_bytes)


async def _inspect_postgres(url: str) -> DatabaseState:
    """Connect, write in a transaction that is rolled back, and read the clock that says what is due."""
    try:
        import asyncpg
    except ModuleNotFoundError:
        raise ValueError("it needs the extra `postgres`: pip install 'starrocks-upgrade-bot[postgres]'") from None
    from bot.storage.postgres import CONNECT_SECONDS, UNAVAILABLE_ERRORS, unavailable

    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
    except (ValueError, asyncpg.ClientConfigurationError):
        raise ValueError("it cannot be read; special characters are written as %XX") from None
    except UNAVAILABLE_ERRORS as error:
        raise unavailable(error) from error
    try:
        return await _inspect_connection(connection)
    except UNAVAILABLE_ERRORS as error:
        raise unavailable(error) from error
    finally:
        connection.terminate()  # close() could wait for a database that no longer answers


async def _inspect_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> DatabaseState:
    database, host, database_now = await connection.fetchrow(
        "SELECT current_database(), coalesce(host(inet_server_addr()), 'local'),"
        " extract(epoch FROM clock_timestamp())::double precision"
    ) or ("", "", time.time())
    name, clock_skew_seconds = f"{database} at {host}", database_now - time.time()
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise StorageUnavailable("PostgreSQL: the database is read-only (a standby?)")
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        if not await connection.fetchval("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"):
            raise StorageUnavailable("PostgreSQL: there are no tables yet, and this user may not make any")
        return DatabaseState(name, clock_skew_seconds=clock_skew_seconds)
    transaction = connection.transaction()
    await transaction.start()
    applied_versions = {row[0] for row in await connection.fetch(APPLIED_VERSIONS)}
    head = await connection.fetchrow("SELECT count FROM audit_head")
    await connection.execute(TRIAL_WRITE)
    await transaction.rollback()
    head_values = None if head is None else tuple(head)
    return _state_of_tables(name, applied_versions, head_values, clock_skew_seconds=clock_skew_seconds)


def _state_of_tables(
    name: str,
    applied_versions: set[int],
    head: Iterable[object] | None,
    *,
    clock_skew_seconds: float | None = None,
    free_bytes: int | None = None,
) -> DatabaseState:
    known_versions = {migration.version for migration in MIGRATIONS}
    return DatabaseState(
        name,
        has_tables=True,
        missing_migrations=len(missing_migrations(applied_versions)),
        newer_migrations=len(applied_versions - known_versions),
        copy_in_progress=next(iter(head or ()), None) == COPY_IN_PROGRESS,
        clock_skew_seconds=clock_skew_seconds,
        free_bytes=free_bytes,
    )
