"""Ten thousand live upgrades: what polling their jobs costs, and whether it slows down new requests."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.app_process import BOT, Memory, start_app
from tests.bench.app_under_test import run_app
from tests.bench.figures.flow import flows_per_second
from tests.bench.live_upgrades import insert_live_upgrades
from tests.bench.scale import Scale
from tests.bench.stub_services import run_stub_services
from tests.bench.table import Row, at_least, at_most, ratio_of

LIVE_UPGRADES = 10_000
POLL_SECONDS = 10.0
SETTLE_SECONDS, MEASURE_SECONDS = 8.0, 20.0
FLOWS, IN_FLIGHT = 300, 50
MAX_CPU_RATIO, MAX_MEMORY_RATIO, MIN_FLOW_RATIO, MAX_RSS_MIB = 0.3, 0.2, 0.9, 65.0
APPS = ("bot", "httpx", "bot_client")  # the last two: one task per job, by this client
TASK_PER_JOB = ("-m", "tests.bench.apps.task_per_job")


@dataclass(frozen=True, slots=True)
class Cost:
    """What polling costs: `cpu` is the share of one core."""

    cpu: float
    polls_per_second: float
    memory: Memory

    @property
    def cpu_seconds_per_poll(self) -> float:
        """CPU time of one poll."""
        return self.cpu / max(self.polls_per_second, 1e-9)


async def measure(scale: Scale) -> list[Row]:
    """The bot and one task per job, each with all of them and with none; then flows, with and without them."""
    count = scale.count(LIVE_UPGRADES)
    costs: dict[str, list[Cost]] = {name: [] for name in APPS}
    idle_costs: dict[str, list[Cost]] = {name: [] for name in APPS}
    for _ in range(max(1, scale.rounds // 3)):
        for name in APPS:
            idle_costs[name].append(await polling_cost(name, 0, scale))
            costs[name].append(await polling_cost(name, count, scale))
    return [*_cost_rows(count, costs, idle_costs), *await _flow_rows(count, scale)]


def _cost_rows(count: int, costs: dict[str, list[Cost]], idle_costs: dict[str, list[Cost]]) -> list[Row]:
    label, on_httpx = f"{count} live upgrades polled", "one task per job on httpx"
    cpu = {name: median(cost.cpu for cost in costs[name]) for name in costs}
    polls = {name: median(cost.polls_per_second for cost in costs[name]) for name in costs}
    poll_ms = {name: median(cost.cpu_seconds_per_poll for cost in costs[name]) * 1e3 for name in costs}
    texts = {name: f"{cpu[name]:.0%} of a core, {polls[name]:.0f} polls/s" for name in costs}
    added_mib = {
        name: median(cost.memory.pss for cost in costs[name]) - median(cost.memory.pss for cost in idle_costs[name])
        for name in costs
    }
    added, added_on_httpx = max(added_mib["bot"], 0.0), added_mib["httpx"]
    rss = median(cost.memory.rss for cost in costs["bot"])
    on_bot_client = "the same against one task per job on the bot's client"
    return [
        Row(f"{label}: CPU, against {on_httpx}", texts["bot"], texts["httpx"], cpu["bot"] / cpu["httpx"]),
        Row(on_bot_client, texts["bot"], texts["bot_client"], cpu["bot"] / cpu["bot_client"]),
        at_most(
            f"{label}: CPU for one poll, against {on_httpx}",
            f"{poll_ms['bot']:.2f} ms",
            f"{poll_ms['httpx']:.2f} ms",
            poll_ms["bot"] / poll_ms["httpx"],
            MAX_CPU_RATIO,
        ),
        Row(
            on_bot_client,
            f"{poll_ms['bot']:.2f} ms",
            f"{poll_ms['bot_client']:.2f} ms",
            poll_ms["bot"] / poll_ms["bot_client"],
        ),
        at_most(
            f"{label}: memory they add",
            f"{added:.1f} MiB",
            f"{added_on_httpx:.1f} MiB",
            added / added_on_httpx,
            MAX_MEMORY_RATIO,
        ),
        Row(
            f"{label}: the whole process, RSS",
            f"{rss:.0f} MiB",
            promise=f"≤ {MAX_RSS_MIB:.0f} MiB",
            is_met=rss <= MAX_RSS_MIB,
        ),
    ]


async def polling_cost(name: str, count: int, scale: Scale) -> Cost:
    """Run an app alone for a while, with so many live upgrades."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        services = await stack.enter_async_context(run_stub_services())
        await insert_live_upgrades(folder / "bot.db", count, POLL_SECONDS)
        settings = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "JOB_POLL_SECONDS": str(POLL_SECONDS)}
        command = BOT if name == "bot" else (*TASK_PER_JOB, str(count), name)
        app = await stack.enter_async_context(start_app(command, {**services.environ(), **settings}, folder))
        await asyncio.sleep(scale.seconds(SETTLE_SECONDS))
        polls, cpu_seconds, started_at = services.calls["job"], app.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(scale.seconds(MEASURE_SECONDS))
        seconds = time.perf_counter() - started_at
        return Cost(
            cpu=(app.cpu_seconds() - cpu_seconds) / seconds,
            polls_per_second=(services.calls["job"] - polls) / seconds,
            memory=app.memory(),
        )


async def _flow_rows(count: int, scale: Scale) -> list[Row]:
    """Flows a second with no live upgrades, with all of them waiting for their next poll, and with all being polled."""
    rates: dict[str, list[float]] = {"none": [], "waiting": [], "polled": []}
    async with AsyncExitStack() as stack:
        apps = {}
        for name in rates:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
            poll_seconds = POLL_SECONDS if name == "polled" else 3600.0
            first_polls_within = poll_seconds * 10 if name == "waiting" else poll_seconds
            await insert_live_upgrades(folder / "bot.db", 0 if name == "none" else count, first_polls_within)
            settings = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "JOB_POLL_SECONDS": str(poll_seconds)}
            apps[name] = await stack.enter_async_context(run_app("bot", **settings))
        for turn in range(scale.rounds + 1):
            for name in rates if turn % 2 else reversed(rates):
                rate = await flows_per_second(apps[name], IN_FLIGHT, scale.count(FLOWS))
                if turn:
                    rates[name].append(rate)
    texts = {name: f"{median(rates[name]):.0f}/s" for name in rates}
    label = f"flows with {count} live upgrades in the database, {IN_FLIGHT} in flight"
    waiting_ratio = ratio_of(rates["waiting"], rates["none"])
    return [
        at_least(f"{label}, against none", texts["waiting"], texts["none"], waiting_ratio, MIN_FLOW_RATIO),
        Row(f"{label}, while all are polled", texts["polled"], texts["none"], ratio_of(rates["polled"], rates["none"])),
    ]
