"""What the tests of the client share."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from bot.core.messages import Language
from bot.sandbox.taurusdb import ManualClock
from bot.taurusdb.client import TaurusDb
from tests.taurusdb.raw_server import Connection, RawServer

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC
INSTANCE_ID = "8b6a5f2cf1b94b1fa6e3b0c1d2e3f4a5in17"
PARENT_ID = "9a7d3c1b2e4f4a5b8c6d7e8f90a1b2c3in07"
PROJECT_ID = "0483b6b16e954cb88930a360d2c4e663"


class FakeSleep:
    """Moves the clock instead of sleeping, and remembers the durations."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.durations: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.durations.append(seconds)
        self.clock.advance(seconds)


MakeClient = Callable[..., TaurusDb]


async def always() -> bool:
    """A fence that lets everything through."""
    return True


async def send(
    client: TaurusDb,
    instance_id: str = INSTANCE_ID,
    *,
    delay: bool = False,
    skip_validate: bool = False,
    language: Language = Language.EN,
    may_send: Callable[[], Awaitable[bool]] = always,
) -> str:
    """Send an upgrade, by default an immediate one; its job id."""
    accepted = await client.upgrade(
        instance_id, delay=delay, skip_validate=skip_validate, language=language, may_send=may_send
    )
    return accepted.job_id


@asynccontextmanager
async def cloud_with(answers: Mapping[str, object]) -> AsyncIterator[str]:
    """The endpoint of a cloud that answers 200 with the JSON chosen by the last segment of the path."""

    async def cloud(connection: Connection) -> None:
        while True:
            path = (await connection.read_request()).split()[1].partition("?")[0]
            connection.answer(json.dumps(answers[path.rpartition("/")[2]]))

    async with RawServer(cloud) as server:
        yield server.endpoint
