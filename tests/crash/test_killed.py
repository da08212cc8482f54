"""kill -9 at every kill point and at random moments, over both databases: sent at most once, and people are told."""

import asyncio
import os
import random
import tempfile
import traceback
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import pytest

from tests.crash.kill_points import KILL_POINTS, KillPoint, at_random
from tests.crash.kill_run import Run
from tests.crash.process_driver import Stopwatch, run_processes
from tests.postgres_server import PostgresServer

RUNS = int(os.environ.get("CRASH_RUNS", "50"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
ONLY = os.environ.get("CRASH_ONLY", "")
AT_ONCE = int(os.environ.get("CRASH_AT_ONCE", "6"))
SHORT = 50  # a longer suite also waits for the end of one search that finds nothing
UNSENT = "the card is edited, nothing is sent"


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of the plan."""

    number: int
    store: str
    mode: str
    kill_point: KillPoint

    @property
    def name(self) -> str:
        """For the report."""
        return f"{self.number} {self.store} {self.mode}: {self.kill_point.name}"


def plan() -> list[Planned]:
    """Every kill point over both databases in turn, then random moments; every third run is in HTTP mode."""
    rng = random.Random(SEED)
    stores = ("sqlite", "postgresql")
    named = [(store, point) for point in KILL_POINTS for store in stores]
    random_ones = ((stores[number % 2], at_random(rng)) for number in count())
    chosen = [*named, *islice(random_ones, max(RUNS - len(named), 0))][:RUNS]
    runs = [Planned(n, store, ("socket", "socket", "http")[n % 3], point) for n, (store, point) in enumerate(chosen)]
    return [run for run in runs if ONLY in run.name]


@pytest.mark.timeout(900)
async def test_a_killed_process_sends_nothing_twice_and_leaves_nothing_untold(postgres_server: PostgresServer) -> None:
    print(f"CRASH_SEED={SEED} CRASH_RUNS={RUNS}")
    turns = asyncio.Semaphore(AT_ONCE)
    planned = plan()
    # what takes longest goes first: looking for what was never sent takes two minutes
    planned.sort(key=lambda run: run.kill_point.name != UNSENT)

    async def played(run: Planned) -> str:
        async with turns:
            return await play(
                run, postgres_server, patient=run.number % 4 > 1, to_the_end=run is planned[0] and RUNS > SHORT
            )

    failures = [report for report in await asyncio.gather(*map(played, planned)) if report]
    assert not failures, f"{len(failures)} of {len(planned)} (CRASH_SEED={SEED}):\n" + "\n\n".join(failures)


async def play(run: Planned, server: PostgresServer, *, patient: bool, to_the_end: bool) -> str:
    """Play one run; what went wrong, or nothing."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        database = f"crash{run.number}"
        url = await asyncio.to_thread(server.create, database) if run.store == "postgresql" else ""
        try:
            async with run_processes(Path(folder), url, run.mode) as one:
                waits = to_the_end and run.kill_point.name == UNSENT
                await Run(one, run.kill_point, patient, waits).play()
        except Exception as error:
            return f"=== {run.name}: {type(error).__name__}: {error or traceback.format_exc()}"
        finally:
            print(f"{watch.seconds:6.1f} s  {run.name}", flush=True)
    return ""
