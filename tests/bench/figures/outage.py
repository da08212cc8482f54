"""Fifty commands a second, each confirmed as soon as its card is posted, while the cloud hangs: do people notice?"""

import asyncio
import time
from collections.abc import Sequence
from statistics import median, quantiles

from tests.bench.app_under_test import AppUnderTest, run_app
from tests.bench.load_generator import Flow
from tests.bench.scale import Scale
from tests.bench.table import Row

COMMANDS_PER_SECOND = 50
HANG_SECONDS = 60.0
MAX_SECONDS = 0.5


async def measure(scale: Scale) -> list[Row]:
    """One outage; its first seconds count as well as its last."""
    seconds = scale.seconds(HANG_SECONDS)
    async with run_app("bot") as app:
        app.services.answers_upgrades.clear()
        flows, late = await steady_load(app, seconds)
        memory = app.process.memory()
    acks = [ack for flow in flows for ack in flow.ack_seconds]
    removals = [flow.buttons_removed_at - flow.clicked_at for flow in flows if flow.buttons_removed_at]
    label = f"{COMMANDS_PER_SECOND} commands a second while the cloud hangs for {seconds:.0f} s"
    never = f", {late} never" if late else ""
    return [
        _row(f"{label}: ack, p50 / p99", acks, 99),
        _row(f"{label}: from the click to no buttons, p50 / p95", removals, 95, late, never),
        Row(f"{label}: memory at its end, RSS", f"{memory.rss:.0f} MiB"),
    ]


def _row(label: str, seconds: Sequence[float], percent: int, late: int = 0, suffix: str = "") -> Row:
    tail = quantiles(seconds, n=100)[percent - 1] if len(seconds) > 1 else max(seconds, default=0.0)
    text = f"{median(seconds) * 1e3:.0f} / {tail * 1e3:.0f} ms ({len(seconds)}{suffix})"
    promise = f"p{percent} < {MAX_SECONDS * 1e3:.0f} ms"
    return Row(label, text, promise=promise, is_met=tail < MAX_SECONDS and not late)


async def steady_load(app: AppUnderTest, seconds: float) -> tuple[list[Flow], int]:
    """Commands at a constant rate, whatever becomes of them; the flows, and how many cards kept their buttons."""
    flows: list[Flow] = []

    async def request_and_confirm() -> None:
        flow = await app.load.request()
        flows.append(flow)
        await app.load.confirm(flow)

    started_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(max(2, round(seconds * COMMANDS_PER_SECOND))):
            await asyncio.sleep(max(0.0, started_at + number / COMMANDS_PER_SECOND - time.perf_counter()))
            group.create_task(request_and_confirm())
    edits: list[asyncio.Future[object]] = [asyncio.ensure_future(flow.card_without_buttons) for flow in flows]
    _, late = await asyncio.wait(edits, timeout=5)
    for flow in flows:
        flow.job_message.cancel()  # nobody waits for what is told when the cloud goes away
    return flows, len(late)
