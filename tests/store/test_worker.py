"""The thread behind SQLite: what has queued up is one transaction, and one failure is one failure."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.reasons import StoreAway
from bot.store.worker import Worker


class Bench:
    """A worker on a table of numbers, with a count of what it said to the database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: Counter[str] = Counter()
        self.connections = 0
        self.worker = Worker("worker", self._connect, lambda: path.stat().st_ino, "BEGIN IMMEDIATE")

    def _connect(self) -> sqlite3.Connection:
        self.connections += 1
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (n integer UNIQUE)")
        connection.set_trace_callback(lambda sentence: self.said.update([sentence]))
        return connection

    def seen(self) -> set[int]:
        """What another connection sees."""
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT n FROM numbers").fetchall()
        connection.close()
        return {n for (n,) in rows}

    async def write(self, n: int) -> None:
        await self.worker.run(lambda connection: connection.execute("INSERT INTO numbers VALUES (?)", (n,)).close())


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "numbers.db")
    yield made
    await made.worker.close()


async def test_what_queues_up_is_committed_together(bench: Bench) -> None:
    await asyncio.gather(*(bench.write(n) for n in range(1000)))
    assert bench.seen() == set(range(1000))
    assert bench.said["COMMIT"] <= 20


async def test_one_failed_job_does_not_undo_the_others(bench: Bench) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (500)")
        raise LookupError("in the middle")

    outcomes = await asyncio.gather(
        bench.write(1), bench.write(1), bench.worker.run(half), bench.write(2), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, LookupError, type(None)]
    assert bench.seen() == {1, 2}


async def test_a_result_is_handed_over_only_when_others_can_see_it(bench: Bench) -> None:
    async def write_and_look(n: int) -> bool:
        await bench.write(n)
        return n in bench.seen()

    assert all(await asyncio.gather(*(write_and_look(n) for n in range(50))))


async def test_an_error_of_the_database_fails_all_and_the_next_transaction_works(bench: Bench) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO nowhere VALUES (1)")

    await bench.write(0)
    outcomes = await asyncio.gather(bench.write(1), bench.worker.run(broken), return_exceptions=True)

    assert isinstance(outcomes[1], StoreAway)
    assert (1 in bench.seen()) == (outcomes[0] is None)
    await bench.write(2)
    assert 2 in bench.seen()
    assert bench.connections == 2


async def test_whoever_no_longer_waits_holds_up_nobody(bench: Bench) -> None:
    waiting = [asyncio.create_task(bench.write(n)) for n in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()

    await asyncio.gather(waiting[0], waiting[2])

    assert waiting[1].cancelled()
    assert bench.seen() == {0, 1, 2}


async def test_closing_finishes_what_is_queued(bench: Bench) -> None:
    waiting = [asyncio.create_task(bench.write(n)) for n in range(100)]
    await asyncio.sleep(0)

    await asyncio.gather(bench.worker.close(), bench.worker.close())

    await asyncio.gather(*waiting)
    assert bench.seen() == set(range(100))
    with pytest.raises(StoreAway, match="closed"):
        await bench.write(1000)
