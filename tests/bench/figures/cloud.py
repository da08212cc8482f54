"""Calls of the cloud a second: the bot's client against the official SDK with a pool of threads."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from statistics import median

from tests.bench.counterpart import counterpart
from tests.bench.effort import Effort
from tests.bench.processes import HOME
from tests.bench.table import Row, at_least, ratio_of

IN_FLIGHT = (1, 20, 100)
CALLS = 1000
SDK = "huaweicloudsdkgaussdb"


async def measure(effort: Effort) -> list[Row]:
    """Both sign with AK/SK and call the same server; interleaved rounds."""
    names = ("ours", "sdk") if find_spec(SDK) else ("ours",)
    speeds: dict[tuple[str, int], list[float]] = {(name, level): [] for name in names for level in IN_FLIGHT}
    async with AsyncExitStack() as stack:
        callers = {name: await stack.enter_async_context(caller(name)) for name in names}
        for turn in range(effort.rounds):
            for level in IN_FLIGHT:
                for name in names if turn % 2 else reversed(names):
                    calls = effort.many(CALLS)
                    speeds[name, level].append(calls / await _ask(callers[name], level, calls))
    return [_row(level, speeds) for level in IN_FLIGHT]


def _row(level: int, speeds: dict[tuple[str, int], list[float]]) -> Row:
    what = f"calls of the cloud a second, {level} in flight, against the official SDK"
    ours, theirs = speeds["ours", level], speeds.get(("sdk", level))
    said = f"{median(ours):.0f}/s"
    if theirs is None:
        return Row(what, said, f"not measured: pip install {SDK}")
    return at_least(what, said, f"{median(theirs):.0f}/s", ratio_of(ours, theirs), 1.0)


@asynccontextmanager
async def caller(name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that calls when it is told to."""
    async with counterpart() as other:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.contenders.calling", name),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOME), **other.environ()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()


async def _ask(process: asyncio.subprocess.Process, level: int, calls: int) -> float:
    """Let it make so many calls; the seconds they took."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{level} {calls}\n".encode())
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the caller ended; its own words are above")
    return float(line)
