"""Whole flows a second: command, question, click, job id told; with 1, 50 and 500 of them in flight."""

import asyncio
import time
from contextlib import AsyncExitStack
from statistics import median

from tests.bench.effort import Effort
from tests.bench.rivals import Rival, rival
from tests.bench.table import Row, at_least, ratio_of

IN_FLIGHT = (1, 50, 500)
FLOWS = {1: 60, 50: 300, 500: 600}
NAMES = ("bot", "forgetful", "fastest", "documented")
LIMIT = 0.75


async def measure(effort: Effort) -> list[Row]:
    """Each level in interleaved rounds."""
    rows: list[Row] = []
    for level in IN_FLIGHT:
        speeds: dict[str, list[float]] = {name: [] for name in NAMES}
        async with AsyncExitStack() as stack:
            rivals = {name: await stack.enter_async_context(rival(name)) for name in NAMES}
            for name in NAMES:
                await flows(rivals[name], level, effort.many(FLOWS[level] // 4))  # warm
            for turn in range(effort.rounds):
                for name in NAMES if turn % 2 else reversed(NAMES):
                    speeds[name].append(await flows(rivals[name], level, effort.many(FLOWS[level])))
        rows += _rows(level, speeds)
    return rows


def _rows(level: int, speeds: dict[str, list[float]]) -> list[Row]:
    said = {name: f"{median(speeds[name]):.0f}/s" for name in NAMES}
    ratios = {name: ratio_of(speeds["bot"], speeds[name]) for name in NAMES}
    what = f"durable flows, {level} in flight, against the bot on a store that forgets"
    first = (
        at_least(what, said["bot"], said["forgetful"], ratios["forgetful"], LIMIT)
        if level == 50
        else Row(what, said["bot"], said["forgetful"], ratios["forgetful"])
    )
    others = {"fastest": "in its fastest form", "documented": "as documented"}
    return [first] + [
        Row(f"the same against bare Bolt {form}, which remembers nothing", said["bot"], said[name], ratios[name])
        for name, form in others.items()
    ]


async def flows(one: Rival, level: int, many: int) -> float:
    """So many flows, `level` at a time; how many a second."""
    left = iter(range(many))

    async def worker() -> None:
        for _ in left:
            await one.people.errand()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(level, many)):
            group.create_task(worker())
    return many / (time.perf_counter() - began)
