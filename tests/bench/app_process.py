"""An app in a process of its own: started, measured by what the kernel counts, stopped."""

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

ROOT = Path(__file__).parents[2]
INHERITED_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR")
START_SECONDS = 60.0
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
BOT = ("-m", "bot")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB; `pss` shares out what several processes map."""

    rss: float
    pss: float


@dataclass(slots=True)
class AppProcess:
    """A process that listens on `port`, and how long it took until it did."""

    process: asyncio.subprocess.Process
    port: int
    log: Path
    ready_seconds: float = 0.0

    def memory(self) -> Memory:
        """The memory it holds now."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
        return Memory(sizes["Rss:"], sizes["Pss:"])

    def cpu_seconds(self) -> float:
        """The CPU time it has used, all threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) * TICK_SECONDS

    def last_output(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


@asynccontextmanager
async def start_app(arguments: tuple[str, ...], environ: Mapping[str, str], folder: Path) -> AsyncIterator[AppProcess]:
    """Start `python ARGUMENTS` with PORT set, wait until it listens there, stop it afterwards."""
    port = _free_port()
    inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as log:
        started_at = time.perf_counter()
        process = await _spawn(
            arguments, {**inherited, "PYTHONPATH": str(ROOT), **environ, "PORT": str(port)}, folder, log
        )
        app = AppProcess(process, port, Path(log.name))
        try:
            await _wait_until_serving(app, started_at)
            yield app
        finally:
            await _stop(process)


async def _spawn(
    arguments: tuple[str, ...], environ: Mapping[str, str], folder: Path, log: IO[bytes]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environ, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
    )


async def _wait_until_serving(app: AppProcess, started_at: float) -> None:
    """Try until the port is open, and until the app does not say that it is not ready; only the bot says so at all."""
    while not await _serves(app.port):
        if app.process.returncode is not None or time.perf_counter() - started_at > START_SECONDS:
            raise RuntimeError(f"did not start: {app.last_output()}")
        await asyncio.sleep(0.003)
    app.ready_seconds = time.perf_counter() - started_at


async def _serves(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
        return b" 503 " not in await reader.readline()
    except ConnectionError:
        return True  # an app without a web server
    finally:
        writer.transport.abort()


async def _stop(process: asyncio.subprocess.Process) -> None:
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
