"""Changes of one row: those of one process take turns, those of another are seen when the write misses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.audit import AuditEntry
from bot.core.ports import NO_METRICS
from bot.core.upgrade import Upgrade, replace
from bot.storage.sqlite import SqliteStorage
from bot.workflow.transitions import Transitions
from tests.core.examples import T0, posted


class CountingStorage(SqliteStorage):
    """Counts the writes that came too late."""

    missed = 0

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """The storage's own."""
        saved = await super().save(before, after, *entries)
        self.missed += saved is None
        return saved


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[CountingStorage]:
    opened = await CountingStorage.open(tmp_path / "bot.db")
    assert isinstance(opened, CountingStorage)
    yield opened
    await opened.close()


def poll(row: Upgrade) -> Upgrade:
    return replace(row, poll_count=row.poll_count + 1)


async def stored_row(storage: SqliteStorage) -> Upgrade:
    row = posted()
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    return row


async def test_changes_of_one_process_take_turns_and_none_misses(storage: CountingStorage) -> None:
    row, transitions = await stored_row(storage), Transitions(storage, NO_METRICS, lambda: T0)
    rows = await asyncio.gather(*(transitions.update(row, poll) for _ in range(20)))  # all from the same old row
    assert sorted(row.poll_count for row in rows) == list(range(1, 21))
    assert storage.missed == 0


async def test_a_change_of_another_process_is_not_overwritten(storage: CountingStorage) -> None:
    row = await stored_row(storage)
    here, there = (Transitions(storage, NO_METRICS, lambda: T0) for _ in range(2))
    ours = await here.update(row, poll)
    theirs = await there.update(ours, lambda row: replace(row, job_status="Running"))
    assert not here.is_newest_here(theirs)
    both = await here.update(ours, poll)
    assert (both.poll_count, both.job_status, both.revision) == (2, "Running", theirs.revision + 1)
    assert storage.missed == 1
    assert here.is_newest_here(both)
