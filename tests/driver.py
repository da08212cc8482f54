"""The whole bot in one process, between the stand-ins: tests drive it as people do, and wait for what people see."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bot.app import run
from bot.sandbox.run import sandbox_settings
from bot.sandbox.slack import Ephemeral, Message, StandInSlack, buttons, text_of
from bot.sandbox.taurusdb import StandInCloud
from bot.settings import Settings

CHANNEL = "db-ops"
T = TypeVar("T")


@dataclass(slots=True)
class Replica:
    """One running bot; `url` is its web server's, empty without one."""

    task: asyncio.Task[None]
    stop_event: asyncio.Event
    url: str

    async def stop(self) -> None:
        """Stop it as SIGTERM would."""
        self.stop_event.set()
        await self.task

    async def kill(self) -> None:
        """Cut it off in the middle of whatever it does."""
        self.task.cancel()
        await asyncio.wait({self.task})


@dataclass(slots=True)
class BotDriver:
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
        stop_event = asyncio.Event()
        task = asyncio.create_task(run(settings, stop_event, ready.set_result), name="bot")
        started: set[asyncio.Future[Any]] = {task, ready}
        await asyncio.wait(started, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            task.cancel()
            await task
        replica = Replica(task, stop_event, ready.result())
        self.replicas.append(replica)
        running = [other for other in self.replicas if not other.task.done()]
        if self.mode == "http":
            self.slack.deliver_to(*(f"{other.url}/slack/events" for other in running))
        else:
            await self.slack.connected(len(running))
        return replica

    async def request(self, text: str, *, person: str = "sre", channel: str = CHANNEL) -> Message:
        """Type a command and wait for its request card."""
        before = len(self.slack.messages(channel))
        await self.slack.command(person, channel, text)
        return (await self.slack.until(lambda: self.slack.messages(channel)[before:]))[0]

    async def request_anyway(self, text: str, warning: str, *, person: str = "sre", channel: str = CHANNEL) -> Message:
        """Type a command, read the warning, press the button that requests it all the same, wait for the card."""
        before = len(self.slack.messages(channel))
        await self.slack.command(person, channel, text)
        await self.slack.click(person, await self.wait_for_ephemeral(person, warning), "request_anyway")
        return (await self.slack.until(lambda: self.slack.messages(channel)[before:]))[0]

    async def confirm(self, message: Message, *, person: str = "sre") -> None:
        """Press Confirm."""
        await self.slack.click(person, message, "confirm_upgrade")

    async def wait_for_reply(self, message: Message, word: str, timeout: float = 15) -> Message:
        """Wait until a message of the card's thread contains the word."""

        def reply() -> Message | None:
            replies = self.thread(message)
            return next((reply for reply in replies if word.lower() in text_of(reply).lower()), None)

        return await self.until(reply, timeout)

    async def wait_for_ephemeral(self, person: str, word: str = "", timeout: float = 15) -> Ephemeral:
        """Wait until an ephemeral message to this person contains the word."""

        def ephemeral() -> Ephemeral | None:
            return next((message for message in self.slack.ephemerals(person) if word in text_of(message)), None)

        return await self.until(ephemeral, timeout)

    async def until(self, condition: Callable[[], T | None], timeout: float = 15) -> T:
        """Wait until the condition has a value; AssertionError with a transcript when it is late."""
        value = await self.slack.until(condition, timeout)
        assert value is not None
        return value

    async def wait_for_card(self, message: Message, word: str, timeout: float = 15) -> Message:
        """Wait until the request card contains the word."""

        def card() -> Message | None:
            return current if word.lower() in text_of(current := self.card(message)).lower() else None

        return await self.until(card, timeout)

    def card(self, message: Message) -> Message:
        """The request card as it is now."""
        return next(card for card in self.slack.messages(message.channel_id) if card.ts == message.ts)

    def thread(self, message: Message) -> list[Message]:
        """The replies under the request card."""
        return list(self.slack.thread(message.channel_id, message.ts))

    def instance(self, name: str = "sr-orders") -> str:
        """The id of one of the stand-in cloud's instances."""
        return self.cloud.instances[name].id


@asynccontextmanager
async def run_driver(folder: Path, mode: str = "socket", **overrides: str) -> AsyncIterator[BotDriver]:
    """The stand-ins, and whatever bots a test starts between them; all are stopped afterwards."""
    async with StandInSlack() as slack, StandInCloud() as cloud:
        driver = BotDriver(slack, cloud, folder, mode, overrides)
        try:
            yield driver
        finally:
            for replica in driver.replicas:
                if not replica.task.done():
                    await replica.stop()


__all__ = ["CHANNEL", "BotDriver", "Message", "Replica", "buttons", "run_driver", "text_of"]
