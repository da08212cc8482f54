"""From DATABASE_URL to a storage that is ready."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bot.core.errors import StorageUnavailable
from bot.storage.sqlite import SqliteStorage
from bot.storage.urls import database_scheme, sqlite_path

if TYPE_CHECKING:
    from bot.storage.postgres import PostgresStorage

AnyStorage: TypeAlias = "SqliteStorage | PostgresStorage"


async def open_storage(url: str, clock: Callable[[], float] = time.time) -> AnyStorage:
    """Open `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://…` and apply the missing migrations.

    Raises ValueError for a URL that names no database, or one that can never be used (its folder, its encoding, a
    certificate that is missing), `StorageUnavailable` when the database cannot be used now.
    `clock` says what is due in SQLite; PostgreSQL goes by its own.
    """
    if database_scheme(url) == "sqlite":
        path = sqlite_path(url)
        check_place(path)
        return await SqliteStorage.open(path, clock)
    return await _open_postgres(url)


async def open_readonly(url: str) -> AnyStorage:
    """Open for the reading methods alone: no file is created, no migration applied; raises as `open_storage` does."""
    if database_scheme(url) == "sqlite":
        path = sqlite_path(url)
        check_place(path)
        if not path.is_file():
            raise StorageUnavailable(f"SQLite: there is no file {path}")
        return SqliteStorage(path)
    return await _open_postgres(url, migrate=False)


def check_place(path: Path) -> None:
    """Raise ValueError for a path where no database can ever be, `StorageUnavailable` when that cannot be seen now.

    A folder that is missing, or is where the file should be, stays so, however long it is waited for.
    """
    folder = path.absolute().parent
    try:
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file")
    except PermissionError as error:
        raise StorageUnavailable(f"SQLite: {error}") from error
    except OSError as error:  # a name that is too long
        raise ValueError(f"no file can have this name: {error.strerror}") from None


async def _open_postgres(url: str, *, migrate: bool = True) -> "PostgresStorage":
    """Imports asyncpg here, because an installation without the extra `postgres` has none."""
    try:
        from bot.storage.postgres import PostgresStorage
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise ValueError(
            "postgresql:// needs the extra `postgres`: pip install 'starrocks-upgrade-bot[postgres]'"
        ) from None
    return await PostgresStorage.open(url, migrate=migrate)
