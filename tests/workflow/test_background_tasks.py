"""Loops that must not end: supervised, restarted after a pause that grows, ended by what is fatal alone."""

import asyncio
import logging

import pytest

from bot.workflow.background_tasks import RareLog, supervise


class FatalError(Exception):
    """What a supervised loop may end with."""


async def test_a_loop_that_fails_is_logged_with_its_cause_and_run_again(caplog: pytest.LogCaptureFixture) -> None:
    runs = 0
    done = asyncio.Event()

    async def loop() -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise AttributeError(f"failure {runs}")
        done.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR, "bot.tasks"):
        task = asyncio.create_task(supervise("poller", loop, first_pause=0.001))
        await asyncio.wait_for(done.wait(), 5)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})
    assert [record.getMessage() for record in caplog.records] == ["loop.failed"] * 3
    assert {record.__dict__["loop"] for record in caplog.records} == {"poller"}
    assert "failure 3" in str(caplog.records[2].exc_text or caplog.records[2].exc_info)


async def test_a_loop_that_returns_is_run_again() -> None:
    runs: list[int] = []
    done = asyncio.Event()

    async def loop() -> None:
        runs.append(1)
        if len(runs) == 3:
            done.set()

    task = asyncio.create_task(supervise("poller", loop, first_pause=0.001))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.wait({task})
    assert len(runs) >= 3


async def test_a_fatal_error_ends_it_and_is_raised() -> None:
    async def loop() -> None:
        raise FatalError

    with pytest.raises(FatalError):
        await supervise("socket", loop, FatalError)


async def test_a_cancelled_loop_is_not_run_again() -> None:
    runs: list[int] = []
    started = asyncio.Event()

    async def loop() -> None:
        runs.append(1)
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(supervise("poller", loop))
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(runs) == 1


def test_what_goes_on_is_logged_ever_more_rarely_and_at_once_when_it_comes_back() -> None:
    now = 1000.0
    rare = RareLog(lambda: now, first_pause=2.0)
    logged = []
    for _ in range(400):
        if rare.is_due():
            logged.append(now - 1000.0)
        now += 1.0
    assert logged == [0, 2, 6, 14, 30, 62, 122, 182, 242, 302, 362]
    rare.over()
    assert rare.is_due()
