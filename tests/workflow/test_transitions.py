"""A transition is stored once, on the newest row, with its audit entries; an answer waits for the database."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import LiveUpgradeExists, PermissionDenied, StorageUnavailable
from bot.core.ports import NO_METRICS, NullMetrics
from bot.core.upgrade import State, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow import transitions as module
from bot.workflow.transitions import Transitions, change_attempted
from tests.core.examples import T0, TTL, all_delivered, confirmed, in_every_state, in_progress, posted
from tests.storage.examples import run_sql


class CountingMetrics(NullMetrics):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.refusals: list[str] = []

    def state_entered(self, state: State) -> None:
        self.states.append(state)

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)


class FlakyStorage:
    """A storage whose first writes fail."""

    def __init__(self, storage: SqliteStorage, failures: int) -> None:
        self._storage = storage
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def save(self, *args: Any) -> Upgrade | None:
        self._fail()
        return await self._storage.save(*args)

    async def record(self, entry: AuditEntry) -> None:
        self._fail()
        await self._storage.record(entry)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("away")


async def added(storage: SqliteStorage, row: Upgrade) -> Upgrade:
    """The row as it is in the database."""
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    return row


async def audited(storage: SqliteStorage) -> list[AuditEntry]:
    """What was written after the request."""
    return [row.entry async for row in storage.audit()][1:]


def named(row: Upgrade) -> Upgrade:
    return replace(row, instance_snapshot='{"id":"x"}')


async def test_a_transition_is_stored_with_its_audit_entries_and_counted(storage: SqliteStorage) -> None:
    row, metrics = await added(storage, posted()), CountingMetrics()
    transitions = Transitions(storage, metrics, lambda: T0)
    change_attempted.set(False)
    after = await transitions.update(row, lambda row: row.expire(T0), lambda row: (AuditEntry.of(row, T0, "expired"),))
    assert (after.state, after.revision) == (State.EXPIRED, 1)
    assert await storage.get(row.id) == after
    assert [entry.event for entry in await audited(storage)] == ["expired"]
    assert metrics.states == [State.EXPIRED]
    assert change_attempted.get()


async def test_bookkeeping_is_no_new_state_and_leaves_no_entry(storage: SqliteStorage) -> None:
    row, metrics = await added(storage, posted()), CountingMetrics()
    after = await Transitions(storage, metrics, lambda: T0).update(row, named)
    assert await storage.get(row.id) == after == replace(named(row), revision=1)
    assert metrics.states == []
    assert await audited(storage) == []


@pytest.mark.parametrize("step", [lambda row: None, lambda row: row], ids=["does not apply", "changes nothing"])
async def test_what_changes_nothing_is_not_written(storage: SqliteStorage, step: module.Step) -> None:
    row = await added(storage, posted())
    change_attempted.set(False)
    entry = AuditEntry.of(row, T0, "never")
    assert await Transitions(storage, CountingMetrics(), lambda: T0).update(row, step, lambda _: (entry,)) == row
    stored = await storage.get(row.id)
    assert stored is not None
    assert stored.revision == 0
    assert await audited(storage) == []
    assert not change_attempted.get()


async def test_after_a_conflict_the_step_is_made_on_the_newest_row(storage: SqliteStorage) -> None:
    old = await added(storage, posted())
    newest = await storage.save(old, named(old))
    after = await Transitions(storage, CountingMetrics(), lambda: T0).update(old, lambda row: row.expire(T0))
    assert newest is not None
    assert (after.state, after.instance_snapshot) == (State.EXPIRED, newest.instance_snapshot)


async def test_a_row_that_is_gone_stays_as_it_was_known(storage: SqliteStorage, tmp_path: Path) -> None:
    row = await added(storage, posted())
    await run_sql(f"sqlite:///{tmp_path}/bot.db", "DELETE FROM upgrades")
    assert await Transitions(storage, CountingMetrics(), lambda: T0).update(row, lambda row: row.expire(T0)) == row


@pytest.mark.parametrize("has_report_channel", [True, False])
async def test_a_report_is_due_only_where_there_is_a_channel_for_it(
    storage: SqliteStorage, has_report_channel: bool
) -> None:
    row = await added(storage, confirmed())
    transitions = Transitions(storage, CountingMetrics(), lambda: T0 + 5, has_report_channel)
    after = await transitions.update(row, lambda row: row.accepted("job-1", T0, T0 + 10))
    assert after.report_at == (T0 + 5 if has_report_channel else None)


END_LEVELS = {
    State.COMPLETED: logging.INFO,
    State.CANCELED: logging.INFO,
    State.FAILED: logging.ERROR,
    State.REJECTED: logging.WARNING,
    State.NOT_SENT: logging.WARNING,
    State.UNKNOWN: logging.WARNING,
    State.UNRESOLVED: logging.WARNING,
}


@pytest.mark.parametrize("state", State)
async def test_each_end_is_one_line_with_how_long_it_took(
    storage: SqliteStorage, caplog: pytest.LogCaptureFixture, state: State
) -> None:
    row = await added(storage, posted() if state is not State.REQUESTED else confirmed())
    end = replace(in_every_state()[state], decided_at=T0 + 10)
    with caplog.at_level(logging.INFO, "bot.upgrade"):
        await Transitions(storage, CountingMetrics(), lambda: T0 + 20).update(
            row, lambda row: replace(end, revision=row.revision)
        )
    lines = [record for record in caplog.records if record.name == "bot.upgrade"]
    assert [line.levelno for line in lines] == ([END_LEVELS[state]] if state in END_LEVELS else [])
    for line in lines:
        assert line.getMessage() == f"upgrade.{state.value}"
        assert vars(line)["duration_seconds"] == (end.ended_at or T0 + 20) - (T0 + 10)
        assert vars(line)["job"] == (end.job_id or "-")


# the database is away


async def test_an_answer_is_stored_however_often_the_database_was_away(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0, 0.001, 0.002))
    row = await added(storage, confirmed())
    flaky: Any = FlakyStorage(storage, failures=8)
    after = await Transitions(flaky, CountingMetrics(), lambda: T0).update_with_retry(
        row, lambda row: row.accepted("job-1", T0, T0 + 10), lambda row: (AuditEntry.of(row, T0, "in_progress"),)
    )
    assert (after.state, flaky.failures) == (State.IN_PROGRESS, 0)
    assert await storage.get(row.id) == after
    assert [entry.event for entry in await audited(storage)] == ["in_progress"]


async def test_the_pauses_grow_and_the_last_is_repeated(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    row = await added(storage, confirmed())
    flaky: Any = FlakyStorage(storage, failures=len(module.RETRY_SECONDS) + 2)
    await Transitions(flaky, CountingMetrics(), lambda: T0).update_with_retry(row, named)
    assert pauses == [*module.RETRY_SECONDS, module.RETRY_SECONDS[-1], module.RETRY_SECONDS[-1]]
    assert pauses == sorted(pauses)


async def test_what_is_no_outage_is_not_tried_again(storage: SqliteStorage) -> None:
    live = await added(storage, in_progress())
    row = await added(storage, posted(id="u-2", trigger_id="t-2"))
    step = replace(confirmed(), id=row.id, trigger_id=row.trigger_id)
    with pytest.raises(LiveUpgradeExists):
        await Transitions(storage, CountingMetrics(), lambda: T0).update_with_retry(row, lambda _: step)
    assert await storage.live_upgrade(row.instance_id) == live


# the time of a request is over


@pytest.mark.parametrize(("at", "state"), [(T0 + TTL - 1, State.REQUESTED), (T0 + TTL, State.EXPIRED)])
async def test_a_request_expires_when_its_time_is_over(storage: SqliteStorage, at: float, state: State) -> None:
    row = await added(storage, posted())
    assert (await Transitions(storage, CountingMetrics(), lambda: at).expire(row, at)).state is state
    assert [(entry.event, entry.at, entry.user_id) for entry in await audited(storage)] == (
        [("expired", at, "")] if state is State.EXPIRED else []
    )


async def test_a_request_that_was_decided_does_not_expire(storage: SqliteStorage) -> None:
    old = await added(storage, posted())
    decided = await storage.save(old, all_delivered(confirmed(), T0))
    after = await Transitions(storage, CountingMetrics(), lambda: T0).expire(old, T0 + TTL)
    assert after == decided
    assert await audited(storage) == []


# refusals

ORIGIN = Origin("USTRANGER", "T9", "C9")
REFUSAL = PermissionDenied("user_not_allowed")


@pytest.mark.parametrize("is_of_a_row", [True, False])
async def test_a_refusal_is_written_with_who_where_and_what(storage: SqliteStorage, is_of_a_row: bool) -> None:
    row, metrics = await added(storage, posted()), CountingMetrics()
    await Transitions(storage, metrics, lambda: T0 + 3).record_refusal(
        ORIGIN, REFUSAL, row if is_of_a_row else None, "typed"
    )
    (entry,) = await audited(storage)
    assert entry == AuditEntry(
        at=T0 + 3,
        event="refused",
        upgrade_id=row.id if is_of_a_row else "",
        instance_id=row.instance_id if is_of_a_row else "typed",
        user_id="USTRANGER",
        team_id="T9",
        channel_id="C9",
        reason="user_not_allowed",
    )
    assert metrics.refusals == ["user_not_allowed"]


async def test_a_refusal_that_could_not_be_written_is_written_when_it_comes_again(storage: SqliteStorage) -> None:
    await added(storage, posted())
    flaky: Any = FlakyStorage(storage, failures=1)
    transitions = Transitions(flaky, CountingMetrics(), lambda: T0)
    with pytest.raises(StorageUnavailable):
        await transitions.record_refusal(ORIGIN, REFUSAL)
    for _ in range(2):
        await transitions.record_refusal(ORIGIN, REFUSAL)
    assert [entry.event for entry in await audited(storage)] == ["refused"]


# changes of one row: those of one process take turns, those of another are seen when the write misses


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
