"""The doctor between the stand-ins: settings with which the bot can work, and the results of the checks by name."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.doctor.report import Check, CheckStatus
from bot.doctor.runner import run_checks
from bot.sandbox.run import sandbox_settings
from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.settings import Settings
from tests.command_line import Result, run_command

CHANNEL_ID, GROUP_ID, USER_ID = "C0DBOPS001", "S0DBOPS", "U0SRE00001"


@dataclass(slots=True)
class Sandbox:
    """The stand-ins and a folder."""

    slack: StandInSlack
    cloud: StandInCloud
    folder: Path

    def environ(self, **overrides: str) -> Mapping[str, str]:
        """Settings with which the bot can work, but for the overrides."""
        ids = {"ALLOWED_CHANNELS": CHANNEL_ID, "ALLOWED_USERS": USER_ID, "ALLOWED_USERGROUPS": GROUP_ID}
        return {**sandbox_settings(self.slack, self.cloud, self.folder), **ids, **overrides}

    def http_environ(self, **overrides: str) -> Mapping[str, str]:
        """The same in HTTP mode, on any free port."""
        secret = self.slack.signing_secret
        return self.environ(**{"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": secret, "PORT": "0", **overrides})

    async def check(self, **overrides: str) -> dict[str, Check]:
        """The results of all checks, by name."""
        return await self.check_with(self.environ(**overrides))

    async def check_with(self, environ: Mapping[str, str], clock_ahead: float = 0) -> dict[str, Check]:
        """The same with these settings, on a machine whose clock is ahead by so many seconds."""
        checks = await run_checks(Settings.read(environ), clock=lambda: time.time() + clock_ahead)
        assert len({check.name for check in checks}) == len(checks), "every check has a name of its own"
        return {check.name: check for check in checks}

    async def run_doctor(self, *options: str, environ: Mapping[str, str] | None = None) -> Result:
        """Run `python -m bot doctor` as a process."""
        return await run_command(self.folder, self.environ() if environ is None else environ, "doctor", *options)


@asynccontextmanager
async def running_sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    """The stand-ins for one test."""
    async with StandInSlack() as slack, StandInCloud() as cloud:
        yield Sandbox(slack, cloud, folder)


def problems(checks: Mapping[str, Check]) -> dict[str, CheckStatus]:
    """Failures and warnings."""
    return {
        name: check.status for name, check in checks.items() if check.status in (CheckStatus.FAIL, CheckStatus.WARN)
    }


def failures(checks: Mapping[str, Check]) -> set[str]:
    """The names of the failures."""
    return {name for name, check in checks.items() if check.status is CheckStatus.FAIL}
