"""The real process, `python -m bot`: started, watched from outside, killed, frozen, stopped."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bot

HOME = Path(bot.__file__).parents[1]
KEPT_FROM_HERE = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")


@dataclass(slots=True, eq=False)
class BotProcess:
    """One process and every line it wrote."""

    process: Process
    started_at: float
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    _readers: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def start(cls, settings: Mapping[str, str], folder: Path, *arguments: str) -> "BotProcess":
        """Start it in a folder of its own with these settings and nothing else."""
        environ = {name: os.environ[name] for name in KEPT_FROM_HERE if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *arguments),
            cwd=folder,
            env={**environ, "PYTHONPATH": str(HOME), **{name: value for name, value in settings.items() if value}},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        started = cls(process, time.monotonic())
        assert process.stdout
        assert process.stderr
        for pipe, lines in ((process.stdout, started.out), (process.stderr, started.err)):
            started._readers.append(asyncio.create_task(_read(pipe, lines), name="reads what the bot writes"))
        return started

    @property
    def age(self) -> float:
        """Seconds since it was ready: how long Python takes to start says more of the machine than of the bot."""
        return time.monotonic() - self.started_at

    def is_ready(self) -> None:
        """Its start is over."""
        self.started_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    @property
    def lines(self) -> list[str]:
        """Everything it wrote."""
        return [*self.out, *self.err]

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """Its log's events of this name (LOG_FORMAT=json)."""
        for line in tuple(self.err):
            if f'"event": "{name}"' in line:
                yield json.loads(line)

    def has_logged(self, name: str) -> bool:
        """Whether the log has such an event."""
        return any(True for _ in self.events(name))

    async def until_logged(self, name: str, seconds: float = 30) -> None:
        """Wait for such an event."""
        async with asyncio.timeout(seconds):
            while not self.has_logged(name):
                assert self.is_alive, self.lines
                await asyncio.wait(self._readers, timeout=0.05)

    @property
    def port(self) -> int:
        """Where its web server listens; 0 while it does not."""
        return next((int(event["port"]) for event in self.events("http.listening")), 0)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it stand still."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def ended(self, seconds: float = 30) -> int:
        """Wait for its end and its last line; the exit code, -9 when it was killed."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code

    async def close(self) -> None:
        """Make sure that nothing is left of it."""
        self.kill()
        await self.ended()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.process.pid, number)  # Popen's own way could take the exit code away from asyncio


async def _read(pipe: asyncio.StreamReader, lines: list[str]) -> None:
    """Keep every line; one that is longer than the pipe's limit is kept in pieces."""
    rest = b""
    while chunk := await pipe.read(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        lines += [line.decode(errors="replace") for line in whole]
    if rest:
        lines.append(rest.decode(errors="replace"))
