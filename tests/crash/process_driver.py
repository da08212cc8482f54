"""The stand-ins, and real processes between them, on either database and in either mode of Slack."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.run import sandbox_settings
from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud, UpgradeCall
from tests.crash.process import BotProcess
from tests.driver import BotDriver, Message, buttons, text_of

READY_SECONDS = 30.0
TURNED_AWAY = 401
LAST_LINES = 25
WIDTH = 360


@dataclass(slots=True)
class ProcessDriver(BotDriver):
    """A driver whose bots are processes."""

    database_url: str = ""
    processes: list[BotProcess] = field(default_factory=list)
    acked: list[str] = field(default_factory=list)

    @property
    def alive(self) -> list[BotProcess]:
        """The processes that have not ended."""
        return [process for process in self.processes if process.is_alive]

    def settings(self, **overrides: str) -> Mapping[str, str]:
        """The settings of a process; an empty one is not set."""
        settings = dict(sandbox_settings(self.slack, self.cloud, self.folder))
        settings |= {"CONFIRM_TTL_SECONDS": "600", "LOG_FORMAT": "json", "DATABASE_URL": self.database_url}
        if self.mode == "http":
            settings |= {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": self.slack.signing_secret, "PORT": "0"}
        return settings | self.overrides | overrides

    async def spawn(self, *arguments: str, **overrides: str) -> BotProcess:
        """Start a process and wait for nothing."""
        process = await BotProcess.start(self.settings(**overrides), self.folder, *arguments)
        self.processes.append(process)
        return process

    async def launch(self, **overrides: str) -> BotProcess:
        """Start a process and wait until Slack reaches it."""
        process = await self.spawn(**overrides)
        others = len(self.alive) - 1
        await self.until(lambda: process.has_logged("bot.ready") or not process.is_alive, READY_SECONDS)
        assert process.is_alive, self.account()
        process.is_ready()
        if self.mode == "http":
            self.spread()
        else:
            await self.until(lambda: process.has_logged("socket.connected"), READY_SECONDS)
            await self.slack.connected(others + 1 if others else 1)
        return process

    def spread(self) -> None:
        """HTTP mode: let Slack send to every process that lives, in turn."""
        self.slack.deliver_to(*(f"http://127.0.0.1:{one.port}/slack/events" for one in self.alive))

    async def killed(self, process: BotProcess) -> None:
        """Kill a process and wait until it is gone."""
        process.kill()
        await process.ended()

    def sent(self) -> list[UpgradeCall]:
        """The upgrades that arrived and could have an effect: not those that were turned away with an old token."""
        return [call for call in self.cloud.upgrades if call.status != TURNED_AWAY]

    def cards(self) -> list[Message]:
        """The bot's cards in the channel, decided or not."""
        return [one for one in self.slack.messages("db-ops") if one.thread_ts is None]

    def open_cards(self) -> list[Message]:
        """Those whose buttons can still be pressed."""
        return [one for one in self.cards() if "confirm_upgrade" in buttons(one)]

    def replies(self) -> list[Message]:
        """Everything in the threads of the cards."""
        return [reply for card in self.cards() for reply in self.thread(card)]

    def has_reply(self, *words: str) -> bool:
        """Whether one message of a thread has all these words."""
        return any(all(word.lower() in text_of(reply).lower() for word in words) for reply in self.replies())

    def shows(self, word: str) -> bool:
        """Whether a card says this word."""
        return any(word.lower() in text_of(card).lower() for card in self.cards())

    def account(self) -> str:
        """What everybody saw, for people to read."""
        logs = (
            f"process {number} ({'alive' if one.is_alive else one.process.returncode}):\n  "
            + "\n  ".join(one.lines[-LAST_LINES:])
            for number, one in enumerate(self.processes, 1)
        )
        upgrades = "\n".join(f"  POST at {one.at:.2f} effect={one.took_effect}" for one in self.cloud.upgrades)
        told = "\n".join((self.slack.transcript(), f"upgrades that arrived:\n{upgrades}", *logs))
        return "\n".join(shortened(line) for line in told.splitlines())


def shortened(line: str) -> str:
    """A long line without its middle."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH // 2]} … {line[-WIDTH // 2 :]}"


@asynccontextmanager
async def run_processes(
    folder: Path, database_url: str = "", mode: str = "socket", **overrides: str
) -> AsyncIterator[ProcessDriver]:
    """The stand-ins, and whatever processes a test starts between them; nothing of it is left afterwards."""
    url = database_url or f"sqlite:///{folder}/bot.db"
    async with StandInSlack() as slack, StandInCloud() as cloud:
        cloud.set_speed("seconds")
        one = ProcessDriver(slack, cloud, folder, mode, overrides, database_url=url)
        try:
            yield one
        finally:
            await asyncio.gather(*(process.close() for process in one.processes))


class Stopwatch:
    """How long something took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self._began
