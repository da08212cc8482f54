"""Whole flows a second: command, request card, click, job id posted; with 1, 50 and 500 of them in flight."""

import asyncio
import time
from contextlib import AsyncExitStack
from statistics import median

from tests.bench.app_under_test import AppUnderTest, run_app
from tests.bench.scale import Scale
from tests.bench.table import Row, at_least, ratio_of

IN_FLIGHT = (1, 50, 500)
FLOWS = {1: 60, 50: 300, 500: 600}
APPS = ("bot", "bot_in_memory", "bolt_fastest", "bolt_as_documented")
# against the fastest and the documented form of bare Bolt, by flows in flight
MIN_RATIOS = {("bolt_fastest", 1): 0.45, ("bolt_fastest", 50): 0.8, ("bolt_as_documented", 1): 2.5}


async def measure(scale: Scale) -> list[Row]:
    """Each number of flows in flight in interleaved rounds."""
    rows: list[Row] = []
    for in_flight in IN_FLIGHT:
        rates: dict[str, list[float]] = {name: [] for name in APPS}
        async with AsyncExitStack() as stack:
            apps = {name: await stack.enter_async_context(run_app(name)) for name in APPS}
            for name in APPS:
                await flows_per_second(apps[name], in_flight, scale.count(FLOWS[in_flight] // 4))  # warm up
            for turn in range(scale.rounds):
                for name in APPS if turn % 2 else reversed(APPS):
                    rate = await flows_per_second(apps[name], in_flight, scale.count(FLOWS[in_flight]))
                    rates[name].append(rate)
        rows += _rows(in_flight, rates)
    return rows


def _rows(in_flight: int, rates: dict[str, list[float]]) -> list[Row]:
    texts = {name: f"{median(rates[name]):.0f}/s" for name in APPS}
    ratios = {name: ratio_of(rates["bot"], rates[name]) for name in APPS}
    labels = {
        "bot_in_memory": f"durable flows, {in_flight} in flight, against the bot with its storage in memory",
        "bolt_fastest": "the same against bare Bolt in its fastest form, which stores nothing",
        "bolt_as_documented": "the same against bare Bolt as documented, which stores nothing",
    }
    rows = []
    for name, label in labels.items():
        limit = MIN_RATIOS.get((name, in_flight))
        figures = (label, texts["bot"], texts[name], ratios[name])
        rows.append(Row(*figures) if limit is None else at_least(*figures, limit))
    return rows


async def flows_per_second(app: AppUnderTest, in_flight: int, count: int) -> float:
    """Run so many flows, `in_flight` at a time."""
    remaining = iter(range(count))

    async def worker() -> None:
        for _ in remaining:
            await app.load.run_flow()

    started_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, count)):
            group.create_task(worker())
    return count / (time.perf_counter() - started_at)
