"""A poll that shows nothing new costs no write: the claim has moved the row to its next poll already."""

import time
from dataclasses import replace
from typing import Any

import pytest

from bot.core.polling import Job, PollSchedule
from bot.core.ports import NO_METRICS
from bot.core.upgrade import LEASE_SECONDS, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow.background_tasks import UpgradesInProcess
from bot.workflow.notifier import Notifier
from bot.workflow.poller import Poller
from bot.workflow.transitions import Transitions
from tests.bench.live_upgrades import live_upgrade


class OneJob:
    """A cloud with one job."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def of(self, _: Upgrade) -> "OneJob":
        return self

    async def job(self, *_: object) -> Job:
        return self._job


class AcceptingPublisher:
    """A Slack that takes every edit."""

    async def publish(self, *_: object) -> None:
        return None


async def polled(storage: SqliteStorage, row: Upgrade, job: Job, poll_seconds: float) -> tuple[Upgrade, Upgrade]:
    """The row as it was claimed, and as it is after one poll."""
    await storage.copy_rows([row], ())
    (claimed,) = await storage.claim_due(1, LEASE_SECONDS)
    unused: Any = None  # not called by the poll of a job
    cloud: Any = OneJob(job)
    publisher: Any = AcceptingPublisher()
    transitions = Transitions(storage, NO_METRICS, time.time)
    poller = Poller(
        transitions=transitions,
        cloud=cloud,
        inventory=unused,
        notifier=Notifier(transitions, publisher, time.time),
        reconciler=unused,
        ephemeral=unused,
        in_process=UpgradesInProcess(),
        schedule=PollSchedule(poll_seconds),
        clock=time.time,
    )
    await poller.handle(claimed)
    after = await storage.get(row.id)
    assert after is not None
    return claimed, after


def running(**changes: Any) -> Upgrade:
    """One that runs and is due."""
    return replace(live_upgrade(0, time.time() - 1), **changes)


async def test_nothing_new_is_not_written_when_the_claim_ends_at_the_next_poll(storage: SqliteStorage) -> None:
    claimed, after = await polled(storage, running(), Job("j", "Running", 40), LEASE_SECONDS)
    assert after == claimed
    assert after.due_at is not None
    assert after.due_at == pytest.approx(time.time() + LEASE_SECONDS, abs=1)


@pytest.mark.parametrize("poll_seconds", [1.0, 60.0])
async def test_the_next_poll_is_written_down_when_the_claim_does_not_say_it(
    storage: SqliteStorage, poll_seconds: float
) -> None:
    _, after = await polled(storage, running(), Job("j", "Running", 40), poll_seconds)
    assert after.due_at == pytest.approx(time.time() + poll_seconds, abs=1)


async def test_a_job_that_went_on_is_written_down_and_told(storage: SqliteStorage) -> None:
    claimed, after = await polled(storage, running(), Job("j", "Running", 41), LEASE_SECONDS)
    assert (after.progress_percent, after.pending_notifications) == (41, ())
    assert after.revision > claimed.revision


async def test_an_answer_after_failed_polls_is_written_down(storage: SqliteStorage) -> None:
    _, after = await polled(storage, running(failed_polls=2), Job("j", "Running", 40), LEASE_SECONDS)
    assert after.failed_polls == 0


async def test_a_job_that_is_seen_again_is_written_down(storage: SqliteStorage) -> None:
    lost = running(job_missing_since=time.time() - 30)
    _, after = await polled(storage, lost, Job("j", "Running", 40), LEASE_SECONDS)
    assert after.job_missing_since is None
