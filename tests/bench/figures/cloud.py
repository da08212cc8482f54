"""Calls of the cloud a second: the bot's client against the official SDK with a pool of threads."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from statistics import median

from tests.bench.app_process import ROOT
from tests.bench.scale import Scale
from tests.bench.stub_services import run_stub_services
from tests.bench.table import Row, at_least, ratio_of

IN_FLIGHT = (1, 20, 100)
CALLS = 1000
SDK = "huaweicloudsdkgaussdb"


async def measure(scale: Scale) -> list[Row]:
    """Both sign with AK/SK and call the same server; interleaved rounds."""
    clients = ("bot", "sdk") if find_spec(SDK) else ("bot",)
    rates: dict[tuple[str, int], list[float]] = {(name, level): [] for name in clients for level in IN_FLIGHT}
    async with AsyncExitStack() as stack:
        processes = {name: await stack.enter_async_context(client_process(name)) for name in clients}
        for turn in range(scale.rounds):
            for in_flight in IN_FLIGHT:
                for name in clients if turn % 2 else reversed(clients):
                    calls = scale.count(CALLS)
                    rates[name, in_flight].append(calls / await _make_calls(processes[name], in_flight, calls))
    return [_row(in_flight, rates) for in_flight in IN_FLIGHT]


def _row(in_flight: int, rates: dict[tuple[str, int], list[float]]) -> Row:
    label = f"calls of the cloud a second, {in_flight} in flight, against the official SDK"
    bot, sdk = rates["bot", in_flight], rates.get(("sdk", in_flight))
    text = f"{median(bot):.0f}/s"
    if sdk is None:
        return Row(label, text, f"not measured: pip install {SDK}")
    return at_least(label, text, f"{median(sdk):.0f}/s", ratio_of(bot, sdk), 1.0)


@asynccontextmanager
async def client_process(name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that makes calls when it is told to."""
    async with run_stub_services() as services:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.apps.cloud_calls", name),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **services.environ()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()


async def _make_calls(process: asyncio.subprocess.Process, in_flight: int, calls: int) -> float:
    """Let the process make so many calls; the seconds they took."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{in_flight} {calls}\n".encode())
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the process ended; its own output is above")
    return float(line)
