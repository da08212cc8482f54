"""From DATABASE_URL to a store that is ready."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bot.core.reasons import StoreAway
from bot.store.sqlite import SqliteStore
from bot.store.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from bot.store.postgres import PostgresStore

AnyStore: TypeAlias = "SqliteStore | PostgresStore"
BUSY_SECONDS = 5.0
FORMS = "sqlite:///file.db, sqlite:////folder/file.db or postgresql://user:password@host/database"


async def open_store(url: str, clock: Callable[[], float] = time.time) -> AnyStore:
    """Open `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://…`, on today's schema.

    Raises ValueError for a URL that no store is behind, `StoreAway` when the database cannot be used now. `clock` says
    what is due in SQLite; PostgreSQL goes by its own.
    """
    scheme, _, place = url.partition("://")
    if scheme == "sqlite":
        return await SqliteStore.open(sqlite_path(place), clock)
    if scheme in ("postgresql", "postgres"):
        return await _open_postgres(url)
    raise ValueError(f"a database URL is {FORMS}")


async def open_to_read(url: str) -> AnyStore:
    """The store for reading alone: nothing is created and no step of the schema taken; raises as `open_store` does."""
    scheme, _, place = url.partition("://")
    if scheme in ("postgresql", "postgres"):
        return await _open_postgres(url, for_reading=True)
    if scheme != "sqlite":
        raise ValueError(f"a database URL is {FORMS}")
    path = sqlite_path(place)
    if not path.is_file():
        raise StoreAway(f"SQLite: there is no file {path}")
    return SqliteStore(SqliteFile(path, BUSY_SECONDS), time.time)


def sqlite_path(place: str) -> Path:
    """The file in a SQLite URL."""
    host, slash, path = place.partition("/")
    if host or not slash or not path or path.endswith("/"):
        raise ValueError(f"a SQLite URL names a file, with three slashes or four: {FORMS}")
    if path == ":memory:":
        raise ValueError("a database in memory would forget at every restart what has been sent: name a file")
    return Path(path)


async def _open_postgres(url: str, *, for_reading: bool = False) -> "PostgresStore":
    """asyncpg is imported only by those who use it."""
    try:
        from bot.store.postgres import PATIENCE_SECONDS, PostgresStore
        from bot.store.postgres_pool import PostgresPool
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise ValueError(
            "postgresql:// needs the extra `postgres`: pip install 'starrocks-upgrade-bot[postgres]'"
        ) from None
    if for_reading:
        return PostgresStore(await PostgresPool.open(url, PATIENCE_SECONDS))
    return await PostgresStore.open(url)
