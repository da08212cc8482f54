"""Ten thousand live upgrades: what following them costs, and whether anybody who asks for one more notices."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.counterpart import counterpart
from tests.bench.effort import Effort
from tests.bench.figures.flow import flows
from tests.bench.living import fill
from tests.bench.processes import BOT, Memory, contender
from tests.bench.rivals import rival
from tests.bench.table import Row, at_least, at_most, ratio_of

LIVE = 10_000
POLL_SECONDS = 10.0
SETTLE_SECONDS, WATCH_SECONDS = 8.0, 20.0
FLOWS, IN_FLIGHT = 300, 50
HALF, A_FIFTH, LEAN, MOST_MIB = 0.5, 0.2, 0.9, 200.0
POLLING = ("-m", "tests.bench.contenders.polling")


@dataclass(frozen=True, slots=True)
class Cost:
    """What following costs: the share of one processor, looks made a second, and memory."""

    cpu: float
    looks: float
    memory: Memory

    @property
    def a_look(self) -> float:
        """Processor seconds for one look."""
        return self.cpu / max(self.looks, 1e-9)


async def measure(effort: Effort) -> list[Row]:
    """The bot and one task a job, each with all of them and with none; then the flow, with and without them."""
    many = effort.many(LIVE)
    names = ("bot", "httpx", "ours")
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    rest: dict[str, list[Cost]] = {name: [] for name in names}
    for _ in range(max(1, effort.rounds // 3)):
        for name in names:
            rest[name].append(await following(name, 0, effort))
            costs[name].append(await following(name, many, effort))
    return [*_rows(many, costs, rest), *await _speeds(many, effort)]


def _rows(many: int, costs: dict[str, list[Cost]], rest: dict[str, list[Cost]]) -> list[Row]:
    what = f"{many} live upgrades followed"
    cpu = {name: median(one.cpu for one in costs[name]) for name in costs}
    look = {name: median(one.a_look for one in costs[name]) * 1e3 for name in costs}
    said = {
        name: f"{cpu[name]:.0%} of a core, {median(one.looks for one in costs[name]):.0f} looks/s" for name in costs
    }
    grown = {
        name: median(one.memory.pss for one in costs[name]) - median(one.memory.pss for one in rest[name])
        for name in costs
    }
    added, theirs = max(grown["bot"], 0.0), grown["httpx"]
    held = median(one.memory.rss for one in costs["bot"])
    task = "one task per job on httpx"
    return [
        at_most(f"{what}: CPU, against {task}", said["bot"], said["httpx"], cpu["bot"] / cpu["httpx"], HALF),
        Row(
            "the same against one task per job on the bot's client", said["bot"], said["ours"], cpu["bot"] / cpu["ours"]
        ),
        _a_look(f"{what}: CPU for one look, against {task}", look["bot"], look["httpx"]),
        _a_look("the same against one task per job on the bot's client", look["bot"], look["ours"]),
        at_most(f"{what}: memory they add", f"{added:.1f} MiB", f"{theirs:.1f} MiB", added / theirs, A_FIFTH),
        Row(
            f"{what}: the whole process, RSS", f"{held:.0f} MiB", promise=f"≤ {MOST_MIB:.0f} MiB", met=held <= MOST_MIB
        ),
    ]


def _a_look(what: str, ours: float, other: float) -> Row:
    return Row(what, f"{ours:.2f} ms", f"{other:.2f} ms", ours / other)


async def following(name: str, many: int, effort: Effort) -> Cost:
    """Follow so many alone for a while."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        other = await stack.enter_async_context(counterpart())
        await fill(folder / "bot.db", many, POLL_SECONDS)
        settings = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "JOB_POLL_SECONDS": str(POLL_SECONDS)}
        command = BOT if name == "bot" else (*POLLING, str(many), name)
        one = await stack.enter_async_context(contender(command, {**other.environ(), **settings}, folder))
        await asyncio.sleep(effort.seconds(SETTLE_SECONDS))
        looks, cpu, began = other.calls["job"], one.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(effort.seconds(WATCH_SECONDS))
        seconds = time.perf_counter() - began
        return Cost((one.cpu_seconds() - cpu) / seconds, (other.calls["job"] - looks) / seconds, one.memory())


async def _speeds(many: int, effort: Effort) -> list[Row]:
    """Flows a second with none, with all of them waiting for their next look, and with all of them being followed."""
    speeds: dict[str, list[float]] = {"none": [], "waiting": [], "followed": []}
    async with AsyncExitStack() as stack:
        rivals = {}
        for name in speeds:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
            poll = POLL_SECONDS if name == "followed" else 3600.0
            await fill(folder / "bot.db", 0 if name == "none" else many, poll * 10 if name == "waiting" else poll)
            settings = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "JOB_POLL_SECONDS": str(poll)}
            rivals[name] = await stack.enter_async_context(rival("bot", **settings))
        for turn in range(effort.rounds + 1):
            for name in speeds if turn % 2 else reversed(speeds):
                speed = await flows(rivals[name], IN_FLIGHT, effort.many(FLOWS))
                if turn:
                    speeds[name].append(speed)
    said = {name: f"{median(speeds[name]):.0f}/s" for name in speeds}
    what = f"flows with {many} live upgrades in the store, {IN_FLIGHT} in flight"
    return [
        at_least(
            f"{what}, against none", said["waiting"], said["none"], ratio_of(speeds["waiting"], speeds["none"]), LEAN
        ),
        Row(
            f"{what}, while all are followed",
            said["followed"],
            said["none"],
            ratio_of(speeds["followed"], speeds["none"]),
        ),
    ]
