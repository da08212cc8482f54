"""The whole bot in one process, between the stand-ins: what the tests of behaviour drive, as people would."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.running import sandbox_settings
from bot.sandbox.slack import Ephemeral, Message, StandInSlack, buttons, said
from bot.settings import Settings
from bot.wiring import run

CHANNEL = "db-ops"
T = TypeVar("T")


@dataclass(slots=True)
class Replica:
    """One running bot."""

    task: asyncio.Task[None]
    stop: asyncio.Event
    address: str

    async def end(self) -> None:
        """Stop it as SIGTERM would."""
        self.stop.set()
        await self.task

    async def die(self) -> None:
        """Cut it off in the middle of whatever it does."""
        self.task.cancel()
        await asyncio.wait({self.task})


@dataclass(slots=True)
class House:
    """The stand-ins, and the bots between them."""

    slack: StandInSlack
    cloud: StandInCloud
    folder: Path
    mode: str = "socket"
    overrides: dict[str, str] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)

    async def start(self, **overrides: str) -> Replica:
        """Start a bot; settings are those of the sandbox but for the overrides (empty: not set)."""
        environ = dict(sandbox_settings(self.slack, self.cloud, self.folder)) | {"CONFIRM_TTL_SECONDS": "600"}
        if self.mode == "http":
            environ |= {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": self.slack.signing_secret, "PORT": "0"}
        settings = Settings.read(environ | self.overrides | overrides)
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(run(settings, stop, ready.set_result), name="bot")
        waited: set[asyncio.Future[Any]] = {task, ready}
        await asyncio.wait(waited, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            task.cancel()
            await task
        replica = Replica(task, stop, ready.result())
        self.replicas.append(replica)
        if self.mode == "http":
            self.slack.deliver_to(*(f"{one.address}/slack/events" for one in self.replicas if not one.task.done()))
        else:
            await self.slack.connected(sum(not one.task.done() for one in self.replicas))
        return replica

    async def ask(self, text: str, *, person: str = "sre", channel: str = CHANNEL) -> Message:
        """Type a command and wait for its question."""
        before = len(self.slack.messages(channel))
        await self.slack.command(person, channel, text)
        return (await self.slack.until(lambda: self.slack.messages(channel)[before:]))[0]

    async def confirm(self, message: Message, *, person: str = "sre") -> None:
        """Press Confirm."""
        await self.slack.click(person, message, "confirm_upgrade")

    async def told(self, message: Message, word: str, timeout: float = 15) -> Message:
        """Wait until a message of the thread says the word."""

        def found() -> Message | None:
            return next((one for one in self.thread(message) if word.lower() in said(one).lower()), None)

        return await self.until(found, timeout)

    async def whispered(self, person: str, word: str = "", timeout: float = 15) -> Ephemeral:
        """Wait until a private answer to this person says the word."""

        def found() -> Ephemeral | None:
            return next((one for one in self.slack.ephemerals(person) if word in said(one)), None)

        return await self.until(found, timeout)

    async def until(self, condition: Callable[[], T | None], timeout: float = 15) -> T:
        """Wait until the condition has a value; AssertionError with a transcript when it is late."""
        value = await self.slack.until(condition, timeout)
        assert value is not None
        return value

    async def seen(self, message: Message, word: str, timeout: float = 15) -> Message:
        """Wait until the question's message says the word."""
        return await self.until(
            lambda: card if word.lower() in said(card := self.card(message)).lower() else None, timeout
        )

    def card(self, message: Message) -> Message:
        """The question's message as it stands now."""
        return next(one for one in self.slack.messages(message.channel_id) if one.ts == message.ts)

    def thread(self, message: Message) -> list[Message]:
        """The replies under the question."""
        return list(self.slack.thread(message.channel_id, message.ts))

    def instance(self, name: str = "sr-orders") -> str:
        """The id of one of the stand-in cloud's instances."""
        return self.cloud.instances[name].id


@asynccontextmanager
async def house(folder: Path, mode: str = "socket", **overrides: str) -> AsyncIterator[House]:
    """The stand-ins, and whatever bots a test starts between them; all are ended afterwards."""
    async with StandInSlack() as slack, StandInCloud() as cloud:
        home = House(slack, cloud, folder, mode, overrides)
        try:
            yield home
        finally:
            for replica in home.replicas:
                if not replica.task.done():
                    await replica.end()


__all__ = ["CHANNEL", "House", "Message", "Replica", "buttons", "house", "said"]
