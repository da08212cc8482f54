"""A contender: one process of its own, started, watched by what the kernel says of it, ended."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HOME = Path(__file__).parents[2]
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
START_SECONDS = 60.0
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
BOT = ("-m", "bot")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB; `pss` shares out what several processes map."""

    rss: float
    pss: float


@dataclass(slots=True)
class Contender:
    """A process that listens on `port`, and how long it took until it did."""

    process: asyncio.subprocess.Process
    port: int
    log: Path
    ready_seconds: float = 0.0

    def memory(self) -> Memory:
        """What it holds now."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
        return Memory(sizes["Rss:"], sizes["Pss:"])

    def cpu_seconds(self) -> float:
        """What it has used of a processor, all threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) * TICK_SECONDS

    def last_words(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


@asynccontextmanager
async def contender(arguments: tuple[str, ...], environ: Mapping[str, str], folder: Path) -> AsyncIterator[Contender]:
    """Start `python ARGUMENTS` with PORT set, wait until it listens there, end it afterwards."""
    port = _free_port()
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as log:
        began = time.perf_counter()
        process = await _spawn(arguments, {**kept, "PYTHONPATH": str(HOME), **environ, "PORT": str(port)}, folder, log)
        one = Contender(process, port, Path(log.name))
        try:
            await _listens(one, began)
            yield one
        finally:
            await _end(process)


async def _spawn(
    arguments: tuple[str, ...], environ: Mapping[str, str], folder: Path, log: IO[bytes]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environ, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
    )


async def _listens(one: Contender, began: float) -> None:
    """Knock until the port is open."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", one.port)
        except OSError:
            if one.process.returncode is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError(f"did not start: {one.last_words()}") from None
            await asyncio.sleep(0.003)
        else:
            one.ready_seconds = time.perf_counter() - began
            writer.close()
            await writer.wait_closed()
            return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
