"""Only who holds the lease sends, and what the cloud has answered is never dropped, whatever has become of the row."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected, StorageUnavailable
from bot.core.notifications import Notification
from bot.core.polling import AcceptedUpgrade, PollSchedule
from bot.core.ports import NO_METRICS
from bot.core.upgrade import LEASE_SECONDS, Operation, SearchMiss, SearchResult, State, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow import reconcile, submit
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import Reconciler
from bot.workflow.submit import Fence, Submitter
from bot.workflow.transitions import Transitions
from tests.core.examples import TTL, all_delivered, confirmed, in_every_state
from tests.storage.examples import run_sql

ACCEPTED = AcceptedUpgrade("job-late", "r-1")
REVERTED = [State.REQUESTED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED]  # the commit of the confirmation is lost


class AnsweringCloud:
    """A cloud whose answer comes after the row has been changed by somebody else."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]], outcome: AcceptedUpgrade | Exception) -> None:
        self._meanwhile = meanwhile
        self._outcome = outcome

        self.searches = 0
        self.search_result: SearchMiss | Exception = SearchMiss(SearchResult.BUSY, (Operation("BACKUP", 1.0),))

    def of(self, _: Upgrade) -> "AnsweringCloud":
        return self

    async def upgrade(self, *_: object, **__: object) -> AcceptedUpgrade:
        await self._meanwhile()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    async def find_upgrade(self, *_: object) -> SearchMiss:
        self.searches += 1
        if isinstance(self.search_result, Exception):
            raise self.search_result
        return self.search_result


class AcceptingPublisher:
    """A Slack that takes everything, and keeps what it was."""

    def __init__(self) -> None:
        self.published: list[Notification] = []

    async def publish(self, _: Upgrade, notification: Notification) -> str:
        self.published.append(notification)
        return "9.0"


class NoConflict:
    """Describes nothing."""

    async def describe_conflict(self, upgrade: Upgrade) -> Upgrade:
        return upgrade


async def submitted(
    storage: SqliteStorage,
    meanwhile: Upgrade,
    outcome: AcceptedUpgrade | Exception,
    publisher: AcceptingPublisher | None = None,
) -> Upgrade:
    """The row after a submission during whose POST it has become `meanwhile`."""
    row = confirmed()

    async def change() -> None:
        current = await storage.get(row.id)
        assert current is not None
        changed = replace(meanwhile, id=row.id, trigger_id=row.trigger_id)
        assert await storage.save(current, changed) is not None

    return await submitted_during(storage, row, change, outcome, publisher)


async def submitted_during(
    storage: SqliteStorage,
    row: Upgrade,
    change: Callable[[], Awaitable[None]],
    outcome: AcceptedUpgrade | Exception,
    publisher: AcceptingPublisher | None = None,
) -> Upgrade:
    """The row after a submission during whose POST the database changes."""
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    await submitter(storage, AnsweringCloud(change, outcome), publisher).submit(row)
    after = await storage.get(row.id)
    assert after is not None
    return after


def submitter(storage: SqliteStorage, cloud: Any, slack: AcceptingPublisher | None = None) -> Submitter:
    """The submission with this cloud and this Slack."""
    publisher: Any = slack or AcceptingPublisher()
    preflight: Any = NoConflict()
    transitions = Transitions(storage, NO_METRICS, time.time)
    notifier = Notifier(transitions, publisher, time.time)
    reconciler = Reconciler(transitions, cloud, publisher, notifier, PollSchedule(), time.time)
    return Submitter(transitions, cloud, notifier, preflight, reconciler, PollSchedule(), time.time, time.monotonic)


@pytest.mark.parametrize("state", [state for state, row in in_every_state().items() if row.job_id is None])
async def test_an_accepted_upgrade_is_in_progress_from_every_state(storage: SqliteStorage, state: State) -> None:
    interval, before = PollSchedule().poll_seconds, time.time()
    after = await submitted(storage, in_every_state()[state], ACCEPTED)
    assert (after.state, after.job_id, after.api_request_id) == (State.IN_PROGRESS, "job-late", "r-1")
    assert after.decided_by == "UBOB"
    assert before + interval <= (after.next_poll_at or 0.0) <= time.time() + interval
    entries = [row.entry async for row in storage.audit()]
    assert (entries[-1].event, entries[-1].reason) == ("in_progress", "job-late")


@pytest.mark.parametrize("state", [state for state, row in in_every_state().items() if row.job_id is None])
async def test_a_job_is_told_as_accepted_unless_its_request_was_told_to_have_ended_or_to_be_lost(
    storage: SqliteStorage, state: State
) -> None:
    publisher = AcceptingPublisher()
    await submitted(storage, in_every_state()[state], ACCEPTED, publisher)
    is_news = state in {State.SUBMITTING, *REVERTED}
    told = {Notification.JOB_ACCEPTED, Notification.JOB_FOUND}.intersection(publisher.published)
    assert told == {Notification.JOB_ACCEPTED if is_news else Notification.JOB_FOUND}


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


@pytest.mark.parametrize("reverted", REVERTED)
@pytest.mark.parametrize(
    ("outcome", "state"), [(Rejected(403, "APIGW.0302"), State.REJECTED), (OutcomeUnknown(), State.UNKNOWN)]
)
async def test_a_row_without_its_confirmation_gets_what_was_answered_to_it(
    storage: SqliteStorage, outcome: CloudError, state: State, reverted: State
) -> None:
    after = await submitted(storage, in_every_state()[reverted], outcome)
    assert (after.state, after.decided_by, after.sender) == (state, "UBOB", "sender-1")
    assert after.decided_at == confirmed().decided_at


@pytest.mark.parametrize(("stored", "known"), [(None, "1.0"), ("2.0", "2.0")])
async def test_a_row_without_its_confirmation_keeps_its_card(
    storage: SqliteStorage, stored: str | None, known: str
) -> None:
    reverted = replace(in_every_state()[State.REQUESTED], message_ts=stored)
    assert (await submitted(storage, reverted, ACCEPTED)).message_ts == known


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


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNKNOWN])
async def test_a_job_id_that_another_request_has_is_no_answer_to_this_one(storage: SqliteStorage, state: State) -> None:
    other = replace(
        in_every_state()[State.COMPLETED], id="u-2", trigger_id="t-2", instance_id="elsewhere", job_id="job-late"
    )
    assert await storage.add(other, AuditEntry.of(other, other.requested_at, "requested"))
    after = await submitted(storage, in_every_state()[state], ACCEPTED)
    assert (after.state, after.job_id) == (State.UNKNOWN, None)
    assert after.api_request_id == ("r-1" if state is State.SUBMITTING else "")


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


@pytest.mark.parametrize("outcome", [ACCEPTED, OutcomeUnknown()])
async def test_a_reverted_row_beside_a_live_upgrade_is_unresolved_with_what_was_answered(
    storage: SqliteStorage, outcome: AcceptedUpgrade | CloudError
) -> None:
    row = confirmed()

    async def revert_and_request_another() -> None:
        current = await storage.get(row.id)
        assert current is not None
        assert await storage.save(current, replace(in_every_state()[State.REQUESTED], id=row.id)) is not None
        live = replace(row, id="u-2", trigger_id="t-2")
        assert await storage.add(live, AuditEntry.of(live, live.requested_at, "requested"))

    after = await submitted_during(storage, row, revert_and_request_another, outcome)
    assert (after.state, after.decided_by, after.sender) == (State.UNRESOLVED, "UBOB", "sender-1")
    assert (after.job_id, after.api_request_id) == (("job-late", "r-1") if outcome is ACCEPTED else (None, ""))
    assert (after.job_message_ts is not None) == (outcome is ACCEPTED)
    last = [row.entry async for row in storage.audit()][-1]
    assert (last.event, last.reason) == ("unresolved", "job-late" if outcome is ACCEPTED else "unknown")


# a refusal because of another operation


@pytest.mark.parametrize("code", ["DBS.200019", "DBS.201014"])
@pytest.mark.parametrize("failure", [RuntimeError("bug"), StorageUnavailable("away"), OutcomeUnknown(), None])
async def test_a_conflict_that_could_not_be_looked_into_stays_one_that_is_not_explained(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch, failure: Exception | None, code: str
) -> None:
    monkeypatch.setattr(reconcile, "CONFLICT_SEARCH_PAUSES", (0.0, 0.0))
    row = confirmed()
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    cloud = AnsweringCloud(nothing_happens, Rejected(409 if code == "DBS.200019" else 400, code))
    if failure is not None:
        cloud.search_result = failure
    await submitter(storage, cloud).submit(row)
    after = await storage.get(row.id)
    assert after is not None
    assert (after.state, after.error_code) == (State.REJECTED, code)
    assert after.is_unexplained_conflict == (failure is not None)
    assert cloud.searches


async def test_any_other_refusal_is_final_without_a_search(storage: SqliteStorage) -> None:
    row = confirmed()
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    cloud = AnsweringCloud(nothing_happens, Rejected(400, "DBS.280001"))
    await submitter(storage, cloud).submit(row)
    after = await storage.get(row.id)
    assert after is not None
    assert (after.state, after.search_result, cloud.searches) == (State.REJECTED, "", 0)


async def nothing_happens() -> None:
    """Nothing changes while the POST is on its way."""


class BrokenCardPublisher(AcceptingPublisher):
    """A Slack client with a fault in it: editing the card raises what nobody foresaw, for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self._failed = False

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str:
        if not self._failed:
            self._failed = True
            raise AttributeError("no such field")
        return await super().publish(upgrade, notification)


async def test_whatever_goes_wrong_with_the_card_does_not_keep_the_request_from_being_sent(
    storage: SqliteStorage,
) -> None:
    row = confirmed()
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    await submitter(storage, AnsweringCloud(nothing_happens, ACCEPTED), BrokenCardPublisher()).submit(row)
    after = await storage.get(row.id)
    assert after is not None
    assert (after.state, after.pending_notifications) == (State.IN_PROGRESS, ())


# the lease: who holds it may send


def confirmed_now() -> Upgrade:
    """A confirmation whose lease begins now."""
    now = time.time()
    return confirmed(now, requested_at=now - 1, expires_at=now + TTL)


async def fence(storage: SqliteStorage, row: Upgrade, seconds: float = 0.0) -> Fence:
    """The fence of a row; the database takes so many seconds to answer it."""
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))
    return Fence(storage, row, iter((100.0, 100.0 + seconds)).__next__)


async def test_each_attempt_renews_the_lease_of_its_sender(storage: SqliteStorage) -> None:
    row = replace(confirmed_now(), next_poll_at=time.time() + 1)
    one = await fence(storage, row)
    assert await one.may_send()
    stored = await storage.get(row.id)
    assert stored is not None
    assert stored.next_poll_at == pytest.approx(time.time() + LEASE_SECONDS, abs=1)
    assert (one.upgrade.revision, one.upgrade.next_poll_at) == (stored.revision, stored.next_poll_at)


async def test_another_sender_may_not_send(storage: SqliteStorage) -> None:
    one = await fence(storage, confirmed_now())
    one.upgrade = replace(one.upgrade, sender="another")
    assert not await one.may_send()


@pytest.mark.parametrize(("seconds", "may_send"), [(LEASE_SECONDS - 0.1, True), (LEASE_SECONDS, False)])
async def test_a_lease_that_was_over_when_its_renewal_was_answered_lets_nothing_through(
    storage: SqliteStorage, seconds: float, may_send: bool
) -> None:
    one = await fence(storage, confirmed_now(), seconds)
    assert await one.may_send() == may_send


async def test_an_edit_that_was_made_before_the_attempt_stays_noted(storage: SqliteStorage) -> None:
    row = confirmed_now()
    one = await fence(storage, row)
    one.upgrade = all_delivered(row, time.time())
    assert await one.may_send()
    assert one.upgrade.pending_notifications == ()
    assert one.upgrade.due_at == one.upgrade.next_poll_at


async def test_what_another_has_changed_before_the_attempt_is_kept(storage: SqliteStorage) -> None:
    row = confirmed_now()
    one = await fence(storage, row)
    one.upgrade = all_delivered(row, time.time())
    assert await storage.save(row, replace(row, instance_snapshot="{}")) is not None
    assert await one.may_send()
    assert one.upgrade == await storage.get(row.id)
    assert one.upgrade.instance_snapshot == "{}"
    assert one.upgrade.pending_notifications == (Notification.CARD_UPDATE,)


async def test_without_the_database_nothing_is_sent(storage: SqliteStorage) -> None:
    one = await fence(storage, confirmed_now())
    await storage.close()
    with pytest.raises(NotSent):
        await one.may_send()


async def test_a_lease_is_renewed_while_the_answer_is_awaited_also_after_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(submit, "RENEW_SECONDS", 0.01)
    storage = await SqliteStorage.open(tmp_path / "bot.db", busy_seconds=0.01)
    row, answered = confirmed_now(), asyncio.Event()
    assert await storage.add(row, AuditEntry.of(row, row.requested_at, "requested"))

    async def wait_for_answer() -> None:
        await answered.wait()

    async def lease() -> float:
        current = await storage.get(row.id)
        assert current is not None
        return current.next_poll_at or 0.0

    submission = submitter(storage, AnsweringCloud(wait_for_answer, ACCEPTED))
    renewing = asyncio.create_task(submission.renew_leases())
    submitting = asyncio.create_task(submission.submit(row))
    try:
        async with asyncio.timeout(10):
            before = row.next_poll_at or 0.0
            while await lease() <= before:
                pass
            other = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            while "storage.unavailable" not in caplog.text:
                await lease()
            other.execute("ROLLBACK")
            other.close()
            before = await lease()
            while await lease() <= before:
                pass
            answered.set()
            await submitting
        assert not renewing.done()
    finally:
        renewing.cancel()
        submitting.cancel()
        await storage.close()
