"""SQLite: an outage is reported and ends without a restart; what was queued is committed together."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from bot.core.audit import verify_audit
from bot.core.errors import StorageUnavailable
from bot.core.upgrade import replace
from bot.storage import sqlite
from bot.storage.sqlite import ConnectionThread, SqliteFile, SqliteStorage
from tests.storage.examples import PAST, new_entry, new_upgrade, run_sql

REPOSITORY = Path(__file__).parents[2]
FULL = "PRAGMA synchronous = FULL"
WAITS = {FULL: True, "PRAGMA synchronous = NORMAL": False}
T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    """A storage that waits for a lock no longer than 50 ms."""
    opened = await SqliteStorage.open(path, busy_seconds=0.05)
    await opened.add(new_upgrade(1), new_entry())
    yield opened
    await opened.close()


async def works(storage: SqliteStorage) -> bool:
    """Whether it can be written and read, and the audit trail is whole."""
    await storage.ping()
    await storage.record(new_entry())
    return await storage.get("upgrade-1") == new_upgrade(1) and (await verify_audit(storage)).is_whole


async def test_only_its_owner_may_read_the_file(storage: SqliteStorage, path: Path) -> None:
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_commit_waits_for_the_disk(storage: SqliteStorage) -> None:
    async def pragma(name: str) -> object:
        return await storage._writer.run(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0])

    assert (await pragma("synchronous"), await pragma("journal_mode")) == (2, "wal")


async def test_what_would_only_be_done_once_more_does_not_wait_for_the_disk(storage: SqliteStorage) -> None:
    settings = [FULL]  # the connection's, in their order
    await storage._writer.run(
        lambda connection: connection.set_trace_callback(lambda text: settings.append(text) if text in WAITS else None)
    )

    async def waits(operation: Awaitable[T]) -> tuple[bool, T]:
        result = await operation
        return WAITS[settings[-1]], result

    row = new_upgrade(1)
    is_durable, saved = await waits(storage.save(row, replace(row, due_at=PAST)))
    assert saved is not None
    assert not is_durable
    assert (await waits(storage.save(saved, replace(saved, notify_attempts=1), new_entry())))[0]
    assert not (await waits(storage.claim_due(10, 10.0)))[0]
    assert (await waits(storage.add(new_upgrade(2), new_entry())))[0]
    assert not (await waits(storage.begin_attempt("upgrade-1", "sender", 10.0)))[0]
    assert (await waits(storage.record(new_entry())))[0]
    assert not (await waits(storage.renew_leases({"upgrade-1": "sender"}, 10.0)))[0]

    is_queued = threading.Event()

    async def release() -> None:
        is_queued.set()

    blocker = storage._writer.run(lambda _: is_queued.wait(), is_durable=False)
    one_transaction = asyncio.gather(blocker, storage.claim_due(10, 10.0), storage.record(new_entry()), release())
    assert (await waits(one_transaction))[0]


async def test_the_disk_has_what_did_not_wait_for_it_soon_after(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(os, "fsync", lambda _: loop.call_soon_threadsafe(synced.set))
    await storage.save(new_upgrade(1), new_upgrade(1, notify_attempts=1))
    async with asyncio.timeout(10):
        await synced.wait()

    synced.clear()
    monkeypatch.setattr(sqlite, "SYNC_SECONDS", 3600.0)
    await storage.claim_due(10, 10.0)
    await storage.close()
    assert synced.is_set()


async def test_what_reads_cannot_write(storage: SqliteStorage) -> None:
    with pytest.raises(StorageUnavailable, match="readonly"):
        await storage._fetch("UPDATE heartbeat SET at = 1")


async def test_a_file_that_is_locked_by_another(storage: SqliteStorage, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            await storage.add(new_upgrade(2), new_entry())
        with pytest.raises(StorageUnavailable, match="locked"):
            await storage.ping()
        assert await storage.get("upgrade-1") == new_upgrade(1)  # reading goes on
        other.execute("ROLLBACK")

    assert await works(storage)
    assert await storage.get("upgrade-2") is None


async def test_a_new_file_that_another_process_is_writing_is_waited_for(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            await SqliteStorage.open(path, busy_seconds=0.05)

        opening = asyncio.create_task(SqliteStorage.open(path))
        asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
        opened = await opening
        assert await opened.add(new_upgrade(1), new_entry())
        assert await works(opened)
        await opened.close()


async def test_a_lock_never_blocks_the_event_loop(path: Path) -> None:
    storage = await SqliteStorage.open(path, busy_seconds=0.3)
    turns = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(storage.ping())
        while not task.done():
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(StorageUnavailable):
            await task
    assert turns > 10
    await storage.close()


async def test_a_file_that_was_moved_away_and_comes_back(storage: SqliteStorage, path: Path) -> None:
    await storage.close()  # so that the WAL is written back into the one file
    storage = await SqliteStorage.open(path)
    moved_path = path.with_name("moved.db")
    os.rename(path, moved_path)

    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await storage.add(new_upgrade(2), new_entry())
        with pytest.raises(StorageUnavailable):
            await storage.get("upgrade-1")
    assert "bot.db" not in os.listdir(path.parent), "an empty file in its place would forget what was sent"

    os.rename(moved_path, path)
    assert await works(storage)
    await storage.close()


async def test_a_file_that_is_no_database(path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, b"something else" * 1000)
    with pytest.raises(ValueError, match="no SQLite database"):
        await SqliteStorage.open(path)
    left_over = [thread for thread in threading.enumerate() if thread.name.startswith("storage-")]
    for thread in left_over:
        await asyncio.to_thread(thread.join, 5)
    assert not [thread for thread in left_over if thread.is_alive()]


@pytest.mark.parametrize("column", ["requested_by", "project", "message_ts", "id"])
async def test_a_row_with_bytes_for_a_text_is_set_aside(storage: SqliteStorage, path: Path, column: str) -> None:
    for number in (2, 3):
        await storage.add(new_upgrade(number, due_at=PAST), new_entry())
    await run_sql(f"sqlite:///{path}", f"UPDATE upgrades SET {column} = X'FF00' WHERE id = 'upgrade-2'")
    assert [upgrade.id for upgrade in await storage.claim_due(10, 60)] == ["upgrade-3"]
    assert {upgrade.id for upgrade in await storage.latest(None, 10)} == {"upgrade-1", "upgrade-3"}


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="No such file"):
        await SqliteStorage.open(tmp_path / "nowhere" / "bot.db")


async def test_a_database_that_may_grow_no_more(storage: SqliteStorage, path: Path) -> None:
    await storage._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 1").close())
    with pytest.raises(StorageUnavailable, match="full"):
        await asyncio.gather(*(storage.add(new_upgrade(n, error_msg="x" * 9000), new_entry()) for n in range(2, 50)))
    assert await works(storage)


FILL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from bot.core.audit import AuditEntry, verify_audit
from bot.core.errors import StorageUnavailable
from bot.storage.sqlite import SqliteStorage
from tests.storage.examples import PAST, new_entry, new_upgrade, run_sql

async def main(path):
    storage = await SqliteStorage.open(path)
    stored_ids = set()
    async def add_until_full(first):
        for number in range(first, first + 1000):
            try:
                await storage.add(new_upgrade(number, error_msg="x" * 5000), new_entry())
            except StorageUnavailable:
                return number
            stored_ids.add(new_upgrade(number).id)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    failed_at = await add_until_full(0)
    assert failed_at, "the disk was not full"
    try:
        await storage.add(new_upgrade(5000, error_msg="x" * 600_000), new_entry())
    except StorageUnavailable:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await add_until_full(1000) is None
    assert {upgrade.id async for upgrade in storage.upgrades()} == stored_ids
    assert (await verify_audit(storage)).is_whole and (await storage.audit_head())[0] == len(stored_ids)
    await storage.close()
    print("recovered after", failed_at)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_disk_that_is_full_and_has_room_again(path: Path) -> None:
    """A limit of the file size stands for the full disk: a write fails in the middle, for real."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", FILL_DISK, path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "recovered" in process.stdout


async def test_a_closed_storage_says_so(path: Path) -> None:
    storage = await SqliteStorage.open(path)
    await storage.close()
    await storage.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await storage.get("upgrade-1")


class NumbersTable:
    """A `ConnectionThread` on a table of unique numbers; counts the statements and connections it makes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements: Counter[str] = Counter()
        self.connections = 0
        self.thread = ConnectionThread("numbers", SqliteFile(path, 0.0), self._connect, "BEGIN IMMEDIATE")

    def _connect(self) -> sqlite3.Connection:
        self.connections += 1
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (n integer UNIQUE)")
        connection.set_trace_callback(lambda statement: self.statements.update([statement]))
        return connection

    def committed(self) -> set[int]:
        """The numbers that another connection sees."""
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT n FROM numbers").fetchall()
        connection.close()
        return {n for (n,) in rows}

    async def insert(self, n: int) -> None:
        await self.thread.run(lambda connection: connection.execute("INSERT INTO numbers VALUES (?)", (n,)).close())


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[NumbersTable]:
    table = NumbersTable(tmp_path / "numbers.db")
    yield table
    await table.thread.close()


async def test_what_queues_up_is_committed_together(numbers: NumbersTable) -> None:
    await asyncio.gather(*(numbers.insert(n) for n in range(1000)))
    assert numbers.committed() == set(range(1000))
    assert numbers.statements["COMMIT"] <= 20


async def test_one_failed_statement_does_not_undo_the_others(numbers: NumbersTable) -> None:
    async def insert(n: int) -> None:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO numbers VALUES (?)", (n,))

        await numbers.thread.run(job, is_durable=False, is_one_statement=True)

    outcomes = await asyncio.gather(insert(1), insert(1), numbers.insert(2), insert(3), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, type(None), type(None)]
    with pytest.raises(sqlite3.IntegrityError):
        await insert(1)
    await insert(4)
    assert numbers.committed() == {1, 2, 3, 4}
    assert numbers.connections == 1


async def test_one_failed_job_does_not_undo_the_others(numbers: NumbersTable) -> None:
    def fail_halfway(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (500)")
        raise LookupError("after an insert")

    outcomes = await asyncio.gather(
        numbers.insert(1),
        numbers.insert(1),
        numbers.thread.run(fail_halfway),
        numbers.insert(2),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, LookupError, type(None)]
    assert numbers.committed() == {1, 2}


JOB_ERRORS = [sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.NotSupportedError]


@pytest.mark.parametrize("error", JOB_ERRORS)
@pytest.mark.parametrize("others", [set(), {1}, {1, 2}], ids=["alone", "one of two", "one of three"])
async def test_an_error_in_what_one_job_asks_for_is_its_own(
    numbers: NumbersTable, error: type[sqlite3.Error], others: set[int]
) -> None:
    is_busy, is_queued = threading.Event(), threading.Event()

    def keep_busy(_: sqlite3.Connection) -> None:
        is_busy.set()
        is_queued.wait()

    def fail_halfway(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (500)")
        raise error("of this job")

    async def begin() -> None:
        is_queued.set()

    first = asyncio.create_task(numbers.thread.run(keep_busy))
    await asyncio.to_thread(is_busy.wait)
    jobs = [numbers.thread.run(fail_halfway), *(numbers.insert(n) for n in others)]
    outcomes = await asyncio.gather(*jobs, begin(), return_exceptions=True)
    await first
    assert [type(outcome) for outcome in outcomes] == [error, *[type(None)] * len(others), type(None)]
    await numbers.insert(3)
    assert numbers.committed() == {*others, 3}
    assert numbers.connections == 1


async def test_a_result_is_handed_over_only_when_others_can_see_it(numbers: NumbersTable) -> None:
    async def insert_and_check(n: int) -> bool:
        await numbers.insert(n)
        return n in numbers.committed()

    assert all(await asyncio.gather(*(insert_and_check(n) for n in range(50))))


async def test_an_error_of_the_database_fails_all_and_the_next_transaction_works(numbers: NumbersTable) -> None:
    def fail_in_database(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO nowhere VALUES (1)")

    await numbers.insert(0)
    outcomes = await asyncio.gather(numbers.insert(1), numbers.thread.run(fail_in_database), return_exceptions=True)

    assert isinstance(outcomes[1], StorageUnavailable)
    assert (1 in numbers.committed()) == (outcomes[0] is None)
    await numbers.insert(2)
    assert 2 in numbers.committed()
    assert numbers.connections == 2


async def test_whoever_no_longer_waits_holds_up_nobody(numbers: NumbersTable) -> None:
    tasks = [asyncio.create_task(numbers.insert(n)) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()

    await asyncio.gather(tasks[0], tasks[2])

    assert tasks[1].cancelled()
    assert numbers.committed() == {0, 1, 2}


async def test_closing_finishes_what_is_queued(numbers: NumbersTable) -> None:
    tasks = [asyncio.create_task(numbers.insert(n)) for n in range(100)]
    await asyncio.sleep(0)

    await asyncio.gather(numbers.thread.close(), numbers.thread.close())

    await asyncio.gather(*tasks)
    assert numbers.committed() == set(range(100))
    with pytest.raises(StorageUnavailable, match="closed"):
        await numbers.insert(1000)
