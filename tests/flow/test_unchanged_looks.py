"""A look that shows nothing new costs no write: the claim has moved the row to its next look already."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.looks import Job, Pace
from bot.core.upgrade import LEASE_SECONDS, Upgrade
from bot.flow.following import Following
from bot.flow.hands import Hands
from bot.flow.telling import Teller
from bot.store.sqlite import SqliteStore
from tests.bench.living import living


class OneJob:
    """A cloud with one job."""

    def __init__(self, job: Job) -> None:
        self.shown = job

    async def job(self, *_: object) -> Job:
        return self.shown


class Edits:
    """A thread that takes every edit."""

    async def deliver(self, *_: object) -> None:
        return None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "bot.db")
    yield opened
    await opened.close()


async def looked_at(store: SqliteStore, row: Upgrade, shown: Job, poll_seconds: float) -> tuple[Upgrade, Upgrade]:
    """The row as it was claimed, and as it stands after one look."""
    await store.fill([row], ())
    (claimed,) = await store.claim_due(1, LEASE_SECONDS)
    unasked: Any = None  # who is not asked in a look at a job
    cloud: Any = OneJob(shown)
    thread: Any = Edits()
    following = Following(
        store=store,
        cloud=cloud,
        directory=unasked,
        teller=Teller(store, thread, time.time),
        whisper=unasked,
        hands=Hands(),
        pace=Pace(poll_seconds),
        clock=time.time,
    )
    await following.attend(claimed)
    after = await store.get(row.id)
    assert after is not None
    return claimed, after


def running(**changes: Any) -> Upgrade:
    """One that runs and is due."""
    return replace(living(0, time.time() - 1), **changes)


async def test_nothing_new_is_not_written_when_the_claim_ends_at_the_next_look(store: SqliteStore) -> None:
    claimed, after = await looked_at(store, running(), Job("j", "Running", 40), LEASE_SECONDS)
    assert after == claimed
    assert after.due_at is not None
    assert after.due_at == pytest.approx(time.time() + LEASE_SECONDS, abs=1)


@pytest.mark.parametrize("poll_seconds", [1.0, 60.0])
async def test_the_next_look_is_written_down_when_the_claim_does_not_say_it(
    store: SqliteStore, poll_seconds: float
) -> None:
    _, after = await looked_at(store, running(), Job("j", "Running", 40), poll_seconds)
    assert after.due_at == pytest.approx(time.time() + poll_seconds, abs=1)


async def test_a_job_that_went_on_is_written_down_and_told(store: SqliteStore) -> None:
    claimed, after = await looked_at(store, running(), Job("j", "Running", 41), LEASE_SECONDS)
    assert (after.percent, after.untold) == (41, ())
    assert after.revision > claimed.revision


async def test_an_answer_after_failed_looks_is_written_down(store: SqliteStore) -> None:
    _, after = await looked_at(store, running(misses=2), Job("j", "Running", 40), LEASE_SECONDS)
    assert after.misses == 0


async def test_a_job_that_is_seen_again_is_written_down(store: SqliteStore) -> None:
    lost = running(missing_since=time.time() - 30)
    _, after = await looked_at(store, lost, Job("j", "Running", 40), LEASE_SECONDS)
    assert after.missing_since is None
