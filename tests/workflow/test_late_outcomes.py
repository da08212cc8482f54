"""What the cloud has answered is never dropped, whatever has become of the row meanwhile."""

import time
from collections.abc import Awaitable, Callable
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
from tests.storage.examples import run_sql

ACCEPTED = AcceptedUpgrade("job-late", "r-1")


class AnsweringCloud:
    """A cloud whose answer comes after the row has been changed by somebody else."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]], outcome: AcceptedUpgrade | Exception) -> None:
        self._meanwhile = meanwhile
        self._outcome = outcome

    def of(self, _: Upgrade) -> "AnsweringCloud":
        return self

    async def upgrade(self, *_: object, **__: object) -> AcceptedUpgrade:
        await self._meanwhile()
        if isinstance(self._outcome, Exception):
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


async def submitted(storage: SqliteStorage, meanwhile: Upgrade, outcome: AcceptedUpgrade | Exception) -> Upgrade:
    """The row after a submission during whose POST it has become `meanwhile`."""
    row = confirmed()

    async def change() -> None:
        current = await storage.get(row.id)
        assert current is not None
        changed = replace(meanwhile, id=row.id, trigger_id=row.trigger_id)
        assert await storage.save(current, changed) is not None

    return await submitted_during(storage, row, change, outcome)


async def submitted_during(
    storage: SqliteStorage,
    row: Upgrade,
    change: Callable[[], Awaitable[None]],
    outcome: AcceptedUpgrade | Exception,
) -> Upgrade:
    """The row after a submission during whose POST the database changes."""
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    cloud: Any = AnsweringCloud(change, outcome)
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


@pytest.mark.parametrize("unforeseen", [RuntimeError("bug"), KeyError("job_id"), TimeoutError()])
async def test_an_unforeseen_error_while_it_is_sent_is_an_unknown_outcome(
    storage: SqliteStorage, unforeseen: Exception
) -> None:
    assert (await submitted(storage, confirmed(), unforeseen)).state is State.UNKNOWN


@pytest.mark.parametrize("state", [State.UNKNOWN, State.UNRESOLVED])
async def test_a_lost_answer_changes_nothing_once_the_row_is_taken_for_lost(
    storage: SqliteStorage, state: State
) -> None:
    assert (await submitted(storage, in_every_state()[state], OutcomeUnknown())).state is state


# the database has lost commits: the confirmation, or the whole request

REVERTED = [State.REQUESTED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED]


@pytest.mark.parametrize("reverted", REVERTED)
@pytest.mark.parametrize(
    ("outcome", "state"), [(Rejected(403, "APIGW.0302"), State.REJECTED), (OutcomeUnknown(), State.UNKNOWN)]
)
async def test_a_row_without_its_confirmation_gets_what_was_answered_to_it(
    storage: SqliteStorage, outcome: CloudError, state: State, reverted: State
) -> None:
    after = await submitted(storage, in_every_state()[reverted], outcome)
    assert (after.state, after.decided_by, after.sender) == (state, "UBOB", "sender-1")


async def test_a_row_without_its_confirmation_stays_open_when_nothing_was_sent(storage: SqliteStorage) -> None:
    assert (await submitted(storage, in_every_state()[State.REQUESTED], NotSent())).state is State.REQUESTED


@pytest.mark.parametrize(("outcome", "state"), [(ACCEPTED, State.IN_PROGRESS), (OutcomeUnknown(), State.UNKNOWN)])
async def test_a_row_that_is_gone_is_written_again(
    storage: SqliteStorage, tmp_path: Path, outcome: AcceptedUpgrade | CloudError, state: State
) -> None:
    async def delete() -> None:
        await run_sql(f"sqlite:///{tmp_path}/bot.db", "DELETE FROM upgrades")

    after = await submitted_during(storage, confirmed(), delete, outcome)
    assert (after.state, after.decided_by, after.message_ts) == (state, "UBOB", "1.0")
    assert after.pending_notifications == ()


async def test_a_job_id_that_another_request_has_is_no_answer_to_this_one(storage: SqliteStorage) -> None:
    other = replace(
        in_every_state()[State.COMPLETED], id="u-2", trigger_id="t-2", instance_id="elsewhere", job_id="job-late"
    )
    assert await storage.add(other, AuditEntry.of(other, other.requested_at, "requested"))
    after = await submitted(storage, in_every_state()[State.UNKNOWN], ACCEPTED)
    assert (after.state, after.job_id) == (State.UNKNOWN, None)


async def test_a_job_id_that_comes_while_another_upgrade_of_the_instance_is_live_is_told(
    storage: SqliteStorage,
) -> None:
    row = confirmed()

    async def request_another() -> None:
        current = await storage.get(row.id)
        assert current is not None
        unresolved = replace(in_every_state()[State.UNRESOLVED], id=row.id, trigger_id=row.trigger_id)
        assert await storage.save(current, unresolved) is not None
        live = replace(row, id="u-2", trigger_id="t-2")
        assert await storage.add(live, AuditEntry.of(live, live.requested_at, "requested"))

    after = await submitted_during(storage, row, request_another, ACCEPTED)
    assert (after.state, after.job_id, after.job_message_ts) == (State.UNRESOLVED, "job-late", "9.0")
