"""A job id that the cloud has given is never dropped, whatever state the row has come to meanwhile."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected
from bot.core.polling import AcceptedUpgrade, PollSchedule
from bot.core.ports import NO_METRICS
from bot.core.upgrade import State, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import Reconciler
from bot.workflow.submit import Submitter
from bot.workflow.transitions import Transitions
from tests.core.examples import confirmed, in_every_state

ACCEPTED = AcceptedUpgrade("job-late", "r-1")


class AnsweringCloud:
    """A cloud whose answer comes after the row has been changed by somebody else."""

    def __init__(self, storage: SqliteStorage, row: Upgrade, outcome: AcceptedUpgrade | CloudError) -> None:
        self._storage = storage
        self._row = row
        self._outcome = outcome

    async def upgrade(self, *_: object, **__: object) -> AcceptedUpgrade:
        current = await self._storage.get(self._row.id)
        assert current is not None
        assert await self._storage.save(current, self._row) is not None
        if isinstance(self._outcome, CloudError):
            raise self._outcome
        return self._outcome


class AcceptingPublisher:
    """A Slack that takes everything."""

    async def publish(self, *_: object) -> str:
        return "9.0"


class NoConflict:
    """Describes nothing."""

    async def describe_conflict(self, upgrade: Upgrade) -> Upgrade:
        return upgrade


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    opened = await SqliteStorage.open(tmp_path / "bot.db")
    yield opened
    await opened.close()


async def submitted(storage: SqliteStorage, meanwhile: Upgrade, outcome: AcceptedUpgrade | CloudError) -> Upgrade:
    """The row after a submission during whose POST it has become `meanwhile`."""
    row = confirmed()
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    cloud: Any = AnsweringCloud(storage, replace(meanwhile, id=row.id, trigger_id=row.trigger_id), outcome)
    publisher: Any = AcceptingPublisher()
    preflight: Any = NoConflict()
    transitions = Transitions(storage, NO_METRICS, time.time)
    notifier = Notifier(transitions, publisher, time.time)
    reconciler = Reconciler(transitions, cloud, publisher, notifier, PollSchedule(), time.time)
    submitter = Submitter(
        transitions, cloud, notifier, preflight, reconciler, PollSchedule(), time.time, time.monotonic
    )
    await submitter.submit(row)
    after = await storage.get(row.id)
    assert after is not None
    return after


@pytest.mark.parametrize("state", [state for state, row in in_every_state().items() if row.job_id is None])
async def test_an_accepted_upgrade_is_in_progress_from_every_state(storage: SqliteStorage, state: State) -> None:
    after = await submitted(storage, in_every_state()[state], ACCEPTED)
    assert (after.state, after.job_id, after.api_request_id) == (State.IN_PROGRESS, "job-late", "r-1")
    assert after.decided_by == "UBOB"
    entries = [row.entry async for row in storage.audit()]
    assert (entries[-1].event, entries[-1].reason) == ("in_progress", "job-late")


async def test_a_job_that_a_search_has_found_is_kept(storage: SqliteStorage) -> None:
    after = await submitted(storage, in_every_state()[State.IN_PROGRESS], ACCEPTED)
    assert (after.state, after.job_id) == (State.IN_PROGRESS, "job-1")


@pytest.mark.parametrize(
    ("outcome", "state"), [(Rejected(409, "DBS.200019"), State.REJECTED), (NotSent(), State.NOT_SENT)]
)
@pytest.mark.parametrize("waiting", [State.SUBMITTING, State.UNKNOWN, State.UNRESOLVED])
async def test_a_definite_error_ends_every_state_that_waits_for_an_outcome(
    storage: SqliteStorage, outcome: CloudError, state: State, waiting: State
) -> None:
    assert (await submitted(storage, in_every_state()[waiting], outcome)).state is state


@pytest.mark.parametrize("state", [State.UNKNOWN, State.UNRESOLVED])
async def test_a_lost_answer_changes_nothing_once_the_row_is_taken_for_lost(
    storage: SqliteStorage, state: State
) -> None:
    assert (await submitted(storage, in_every_state()[state], OutcomeUnknown())).state is state
