"""How long the process takes until it serves, and what it holds when nothing happens."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.counterpart import counterpart
from tests.bench.effort import Effort
from tests.bench.processes import Memory, contender
from tests.bench.rivals import COMMANDS
from tests.bench.table import Row, at_most, ratio_of

NAMES = ("bot", "fastest")
REST_SECONDS = 2.0
SLOWER, LARGER = 1.35, 1.25


async def measure(effort: Effort) -> list[Row]:
    """Each started anew in every round, in turn; the first, which fills caches and makes the database, is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    held: dict[str, list[Memory]] = {name: [] for name in NAMES}
    with TemporaryDirectory(prefix="bench-") as folder:
        for turn in range(effort.rounds + 1):
            for name in NAMES if turn % 2 else reversed(NAMES):
                ready, memory = await start(name, Path(folder), effort.seconds(REST_SECONDS))
                if turn:
                    seconds[name].append(ready)
                    held[name].append(memory)
    took = {name: f"{median(seconds[name]):.2f} s" for name in NAMES}
    rows = [
        at_most(
            "start until it serves, against bare Bolt + httpx",
            took["bot"],
            took["fastest"],
            ratio_of(seconds["bot"], seconds["fastest"]),
            SLOWER,
        )
    ]
    rss, pss = ({name: [getattr(one, kind) for one in held[name]] for name in NAMES} for kind in ("rss", "pss"))
    for kind, sizes in (("RSS", rss), ("PSS", pss)):
        said = {name: f"{median(sizes[name]):.1f} MiB" for name in NAMES}
        ratio = ratio_of(sizes["bot"], sizes["fastest"])
        rows.append(at_most(f"memory at rest, {kind}", said["bot"], said["fastest"], ratio, LARGER))
    return rows


async def start(name: str, folder: Path, rest_seconds: float) -> tuple[float, Memory]:
    """Start it alone, let it rest, look, end it."""
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(counterpart())
        environ = {**other.environ(), "DATABASE_URL": f"sqlite:///{folder}/bot.db"}
        one = await stack.enter_async_context(contender(COMMANDS[name], environ, folder))
        await asyncio.sleep(rest_seconds)
        return one.ready_seconds, one.memory()
