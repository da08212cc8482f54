"""How long the process takes until it serves, and its memory when nothing happens."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.app_process import Memory, start_app
from tests.bench.app_under_test import COMMANDS
from tests.bench.scale import Scale
from tests.bench.stub_services import run_stub_services
from tests.bench.table import Row, at_most, ratio_of

APPS = ("bot", "bolt_fastest")
REST_SECONDS = 2.0
MAX_START_RATIO, MAX_MEMORY_RATIO = 1.25, 1.12


async def measure(scale: Scale) -> list[Row]:
    """Each started anew in every round, in turns; the first, which fills caches and makes the database, is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in APPS}
    memory: dict[str, list[Memory]] = {name: [] for name in APPS}
    with TemporaryDirectory(prefix="bench-") as folder:
        for turn in range(scale.rounds + 1):
            for name in APPS if turn % 2 else reversed(APPS):
                ready_seconds, at_rest = await start(name, Path(folder), scale.seconds(REST_SECONDS))
                if turn:
                    seconds[name].append(ready_seconds)
                    memory[name].append(at_rest)
    texts = {name: f"{median(seconds[name]):.2f} s" for name in APPS}
    rows = [
        at_most(
            "start until it serves, against bare Bolt + httpx",
            texts["bot"],
            texts["bolt_fastest"],
            ratio_of(seconds["bot"], seconds["bolt_fastest"]),
            MAX_START_RATIO,
        )
    ]
    rss = {name: [at_rest.rss for at_rest in memory[name]] for name in APPS}
    pss = {name: [at_rest.pss for at_rest in memory[name]] for name in APPS}
    for kind, mebibytes in (("RSS", rss), ("PSS", pss)):
        texts = {name: f"{median(mebibytes[name]):.1f} MiB" for name in APPS}
        ratio = ratio_of(mebibytes["bot"], mebibytes["bolt_fastest"])
        rows.append(at_most(f"memory at rest, {kind}", texts["bot"], texts["bolt_fastest"], ratio, MAX_MEMORY_RATIO))
    return rows


async def start(name: str, folder: Path, rest_seconds: float) -> tuple[float, Memory]:
    """Start it alone, leave it at rest; how long the start took, and its memory."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(run_stub_services())
        environ = {**services.environ(), "DATABASE_URL": f"sqlite:///{folder}/bot.db"}
        app = await stack.enter_async_context(start_app(COMMANDS[name], environ, folder))
        await asyncio.sleep(rest_seconds)
        return app.ready_seconds, app.memory()
