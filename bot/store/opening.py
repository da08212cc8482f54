"""From DATABASE_URL to a store that is ready."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bot.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from bot.store.postgres import PostgresStore

AnyStore: TypeAlias = "SqliteStore | PostgresStore"
FORMS = "sqlite:///file.db, sqlite:////folder/file.db or postgresql://user:password@host/database"


async def open_store(url: str, clock: Callable[[], float] = time.time) -> AnyStore:
    """Open `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://…`, on today's schema.

    Raises ValueError for a URL that no store is behind, `StoreAway` when the database cannot be used now. `clock` says
    what is due in SQLite; PostgreSQL goes by its own.
    """
    scheme, _, place = url.partition("://")
    if scheme == "sqlite":
        return await SqliteStore.open(_path(place), clock)
    if scheme in ("postgresql", "postgres"):
        return await _open_postgres(url)
    raise ValueError(f"a database URL is {FORMS}")


def _path(place: str) -> Path:
    """The file in a SQLite URL."""
    host, slash, path = place.partition("/")
    if host or not slash or not path or path.endswith("/"):
        raise ValueError(f"a SQLite URL names a file, with three slashes or four: {FORMS}")
    if path == ":memory:":
        raise ValueError("a database in memory would forget at every restart what has been sent: name a file")
    return Path(path)


async def _open_postgres(url: str) -> "PostgresStore":
    """asyncpg is imported only by those who use it."""
    try:
        from bot.store.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise ValueError(
            "postgresql:// needs the extra `postgres`: pip install 'starrocks-upgrade-bot[postgres]'"
        ) from None
    return await PostgresStore.open(url)
