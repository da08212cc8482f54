"""SQLite that cannot be used now says so, and works again by itself when the cause is gone."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.reasons import StoreAway
from bot.store.sqlite import SqliteStore
from bot.store.verify import verify
from tests.store.examples import entry, question

HOME = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A store that waits for a lock no longer than 50 ms."""
    opened = await SqliteStore.open(path, busy_seconds=0.05)
    await opened.add(question(1), entry())
    yield opened
    await opened.close()


async def works(store: SqliteStore) -> bool:
    await store.ping()
    await store.record(entry())
    return await store.get("upgrade-1") == question(1) and (await verify(store)).is_whole


async def test_only_its_owner_may_read_the_file(store: SqliteStore, path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        assert stat.S_IMODE(name.stat().st_mode) == 0o600


async def test_a_file_that_is_locked_by_another(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreAway, match="locked"):
            await store.add(question(2), entry())
        with pytest.raises(StoreAway, match="locked"):
            await store.ping()
        assert await store.get("upgrade-1") == question(1)  # reading goes on
        other.execute("ROLLBACK")

    assert await works(store)
    assert await store.get("upgrade-2") is None


async def test_a_lock_never_blocks_the_event_loop(path: Path) -> None:
    store = await SqliteStore.open(path, busy_seconds=0.3)
    turns = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.ping())
        while not waiting.done():
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(StoreAway):
            await waiting
    assert turns > 10
    await store.close()


async def test_a_file_that_was_moved_away_and_comes_back(store: SqliteStore, path: Path) -> None:
    await store.close()  # so that all is in the one file
    store = await SqliteStore.open(path)
    away = path.with_name("away.db")
    os.rename(path, away)

    for _ in range(2):
        with pytest.raises(StoreAway):
            await store.add(question(2), entry())
        with pytest.raises(StoreAway):
            await store.get("upgrade-1")
    assert "bot.db" not in os.listdir(path.parent), "an empty file in its place would forget what was sent"

    os.rename(away, path)
    assert await works(store)
    await store.close()


async def test_a_file_that_is_no_database(path: Path) -> None:
    _write(path)
    with pytest.raises(StoreAway, match="not a database"):
        await SqliteStore.open(path)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreAway, match="No such file"):
        await SqliteStore.open(tmp_path / "nowhere" / "bot.db")


async def test_a_database_that_may_grow_no_more(store: SqliteStore, path: Path) -> None:
    await store._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 1").close())
    with pytest.raises(StoreAway, match="full"):
        await asyncio.gather(*(store.add(question(n, error_msg="x" * 9000), entry()) for n in range(2, 50)))
    assert await works(store)


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from bot.core.reasons import StoreAway
from bot.store.sqlite import SqliteStore
from bot.store.verify import verify
from tests.store.examples import entry, question

async def main(path):
    store = await SqliteStore.open(path)
    stored = set()
    async def fill(first):
        for n in range(first, first + 1000):
            try:
                await store.add(question(n, error_msg="x" * 5000), entry())
            except StoreAway:
                return n
            stored.add(question(n).id)
    none = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, none[1]))
    failed = await fill(0)
    assert failed, "the disk was not full"
    try:
        await store.add(question(5000, error_msg="x" * 600_000), entry())
    except StoreAway:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, none)
    assert await fill(1000) is None
    assert {upgrade.id async for upgrade in store.upgrades()} == stored
    assert (await verify(store)).is_whole and (await store.audit_head())[0] == len(stored)
    await store.close()
    print("recovered after", failed)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_disk_that_is_full_and_has_room_again(path: Path) -> None:
    """The limit of a file's size stands for the disk: writing fails in the middle, for real."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL_DISK, path],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "recovered" in done.stdout


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.close()
    await store.close()
    with pytest.raises(StoreAway, match="closed"):
        await store.get("upgrade-1")


def _write(path: Path) -> None:
    path.write_bytes(b"something else" * 1000)
