"""Looking at a database without changing it: is it there, can it be written, is its schema today's?"""

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

from bot.core.reasons import StoreAway
from bot.store import schema
from bot.store.chain import BEING_FILLED
from bot.store.opening import sqlite_path

if TYPE_CHECKING:
    import asyncpg

BUSY_SECONDS = 3.0
ATTEMPT = "UPDATE pulse SET at = at"  # rolled back afterwards


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database was found; `clock_ahead` and `free_bytes` are None where they do not matter."""

    place: str
    has_tables: bool = False
    missing_steps: int = 0
    newer_steps: int = 0
    is_being_filled: bool = False
    clock_ahead: float | None = None
    free_bytes: int | None = None


async def probe(url: str) -> Condition:
    """Look at the database behind a URL. Raises ValueError for no such URL, `StoreAway` when it cannot be used."""
    scheme, _, place = url.partition("://")
    if scheme == "sqlite":
        return await asyncio.to_thread(_probe_sqlite, sqlite_path(place).absolute())
    if scheme in ("postgresql", "postgres"):
        return await _probe_postgres(url)
    raise ValueError("it begins with sqlite:// or postgresql://")


def _probe_sqlite(path: Path) -> Condition:
    """A file that is there is opened and written in a transaction that is taken back; a new one is not made."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreAway(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreAway(f"the folder {folder} cannot be written")
    free = shutil.disk_usage(folder).free
    if not path.exists():
        return Condition(str(path), free_bytes=free)
    try:
        address = f"{path.as_uri()}?mode=rw"
        connection = sqlite3.connect(address, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
        with closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "schema_steps" not in tables:
                if tables:
                    raise StoreAway(f"{path} holds another program's tables")
                return Condition(str(path), free_bytes=free)
            taken = {number for (number,) in connection.execute(schema.STEPS_TAKEN)}
            head = connection.execute("SELECT count FROM audit_head").fetchone()
            connection.execute(ATTEMPT)
            connection.execute("ROLLBACK")
    except (sqlite3.Error, OSError) as error:
        raise StoreAway(f"SQLite: {error} ({path})") from error
    return _condition(str(path), taken, head, free_bytes=free)


async def _probe_postgres(url: str) -> Condition:
    """Connect, write in a transaction that is taken back, and read the clock that will say what is due."""
    try:
        import asyncpg
    except ModuleNotFoundError:
        raise ValueError("it needs the extra `postgres`: pip install 'starrocks-upgrade-bot[postgres]'") from None
    from bot.store.postgres_pool import AWAY, CONNECT_SECONDS, away

    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
    except (ValueError, asyncpg.ClientConfigurationError):
        raise ValueError("it cannot be read; special characters are written as %XX") from None
    except AWAY as error:
        raise away(error) from error
    try:
        return await _look_at(connection)
    except AWAY as error:
        raise away(error) from error
    finally:
        connection.terminate()  # at once: there is nothing to keep


async def _look_at(connection: "asyncpg.Connection[asyncpg.Record]") -> Condition:
    """The database behind an open connection."""
    name, host, now = await connection.fetchrow(
        "SELECT current_database(), coalesce(host(inet_server_addr()), 'local'),"
        " extract(epoch FROM clock_timestamp())::double precision"
    ) or ("", "", time.time())
    place, ahead = f"{name} at {host}", now - time.time()
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise StoreAway("PostgreSQL: the database is read-only (a standby?)")
    if await connection.fetchval("SELECT to_regclass('schema_steps')") is None:
        if not await connection.fetchval("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"):
            raise StoreAway("PostgreSQL: there are no tables yet, and this user may not make any")
        return Condition(place, clock_ahead=ahead)
    transaction = connection.transaction()
    await transaction.start()
    taken = {row[0] for row in await connection.fetch(schema.STEPS_TAKEN)}
    head = await connection.fetchrow("SELECT count FROM audit_head")
    await connection.execute(ATTEMPT)
    await transaction.rollback()
    return _condition(place, taken, None if head is None else tuple(head), clock_ahead=ahead)


def _condition(
    place: str,
    taken: set[int],
    head: Iterable[object] | None,
    *,
    clock_ahead: float | None = None,
    free_bytes: int | None = None,
) -> Condition:
    """What the tables say."""
    known = {step.number for step in schema.STEPS}
    return Condition(
        place,
        has_tables=True,
        missing_steps=len(schema.missing(taken)),
        newer_steps=len(taken - known),
        is_being_filled=next(iter(head or ()), None) == BEING_FILLED,
        clock_ahead=clock_ahead,
        free_bytes=free_bytes,
    )
