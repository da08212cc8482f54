"""Fifty commands a second, each confirmed as soon as it is asked, while the cloud hangs: do people notice?"""

import asyncio
import time
from collections.abc import Sequence
from statistics import median, quantiles

from tests.bench.effort import Effort
from tests.bench.people import Errand
from tests.bench.rivals import Rival, rival
from tests.bench.table import Row

COMMANDS_A_SECOND = 50
HANG_SECONDS = 60.0
LIMIT = 0.5


async def measure(effort: Effort) -> list[Row]:
    """One storm; the first seconds count as well as the last."""
    seconds = effort.seconds(HANG_SECONDS)
    async with rival("bot") as one:
        one.other.gate.clear()
        errands, late = await storm(one, seconds)
        memory = one.contender.memory()
    acks = [ack for errand in errands for ack in errand.acks]
    bare = [errand.bare_at - errand.clicked_at for errand in errands if errand.bare_at]
    what = f"{COMMANDS_A_SECOND} commands a second while the cloud hangs for {seconds:.0f} s"
    unbare = f", {late} never" if late else ""
    return [
        _row(f"{what}: ack, p50 / p99", acks, 99),
        _row(f"{what}: from the click to no buttons, p50 / p95", bare, 95, late, unbare),
        Row(f"{what}: memory at its end, RSS", f"{memory.rss:.0f} MiB"),
    ]


def _row(what: str, seconds: Sequence[float], percent: int, late: int = 0, more: str = "") -> Row:
    tail = quantiles(seconds, n=100)[percent - 1] if len(seconds) > 1 else max(seconds, default=0.0)
    said = f"{median(seconds) * 1e3:.0f} / {tail * 1e3:.0f} ms ({len(seconds)}{more})"
    return Row(what, said, promise=f"p{percent} < {LIMIT * 1e3:.0f} ms", met=tail < LIMIT and not late)


async def storm(one: Rival, seconds: float) -> tuple[list[Errand], int]:
    """Commands at a steady rate whatever becomes of them; the errands, and how many kept their buttons."""
    errands: list[Errand] = []

    async def errand() -> None:
        one_errand = await one.people.ask()
        errands.append(one_errand)
        await one.people.confirm(one_errand)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(max(2, round(seconds * COMMANDS_A_SECOND))):
            await asyncio.sleep(max(0.0, began + number / COMMANDS_A_SECOND - time.perf_counter()))
            group.create_task(errand())
    waiting: list[asyncio.Future[object]] = [asyncio.ensure_future(one.bare) for one in errands]
    _, late = await asyncio.wait(waiting, timeout=5)
    return errands, len(late)
