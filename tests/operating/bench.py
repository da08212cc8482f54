"""The doctor between the stand-ins: settings as a person would have made them, and what it found, by name."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.checkup.check import Check, Verdict
from bot.checkup.examination import examine
from bot.sandbox.cloud import StandInCloud
from bot.sandbox.running import sandbox_settings
from bot.sandbox.slack import StandInSlack
from bot.settings import Settings

CHANNEL, GROUP, PERSON = "C0DBOPS001", "S0DBOPS", "U0SRE00001"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Bench:
    """The stand-ins and a folder."""

    slack: StandInSlack
    cloud: StandInCloud
    folder: Path

    def environ(self, **overrides: str) -> Mapping[str, str]:
        """Settings with which the bot can work, but for the overrides."""
        named = {"ALLOWED_CHANNELS": CHANNEL, "ALLOWED_USERS": PERSON, "ALLOWED_USERGROUPS": GROUP}
        return {**sandbox_settings(self.slack, self.cloud, self.folder), **named, **overrides}

    def http(self, **overrides: str) -> Mapping[str, str]:
        """The same in HTTP mode, on any free port."""
        secret = self.slack.signing_secret
        return self.environ(**{"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": secret, "PORT": "0", **overrides})

    async def look(self, **overrides: str) -> dict[str, Check]:
        """What the examination finds, by name."""
        return await self.look_at(self.environ(**overrides))

    async def look_at(self, environ: Mapping[str, str], clock_ahead: float = 0) -> dict[str, Check]:
        """The same with these settings, on a machine whose clock is off."""
        checks = await examine(Settings.read(environ), clock=lambda: time.time() + clock_ahead)
        assert len({check.name for check in checks}) == len(checks), "a name stands for one thing"
        return {check.name: check for check in checks}

    async def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
        """Run `python -m bot …` as a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            cwd=self.folder,
            env=self.process_environ(self.environ() if environ is None else environ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(40):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The command line of a bot's process."""
        return (sys.executable, "-m", "bot", *arguments)

    def process_environ(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """What such a process finds: the project, these settings, and nothing of ours."""
        return {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(Path(__file__).parents[2]), **environ}


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """The stand-ins for one test."""
    async with StandInSlack() as slack, StandInCloud() as cloud:
        yield Bench(slack, cloud, folder)


def wrong(found: Mapping[str, Check]) -> dict[str, Verdict]:
    """What failed or is worth a word."""
    return {name: one.verdict for name, one in found.items() if one.verdict in (Verdict.FAIL, Verdict.WARN)}


def failing(found: Mapping[str, Check]) -> set[str]:
    """What failed."""
    return {name for name, one in found.items() if one.verdict is Verdict.FAIL}
