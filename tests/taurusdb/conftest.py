"""The client before the stand-in cloud and before servers that behave badly."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.sandbox.cloud import HandClock, StandInCloud
from bot.taurusdb.auth import ReadyToken, SignIn
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.iam import IamUser
from tests.taurusdb.asking import NOON, PROJECT_ID, Connect, Naps


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def naps(clock: HandClock) -> Naps:
    return Naps(clock)


@pytest.fixture
async def cloud(clock: HandClock) -> AsyncIterator[StandInCloud]:
    async with StandInCloud(clock=clock) as cloud:
        cloud.set_speed("paused")
        yield cloud


@pytest.fixture
async def connect(clock: HandClock, naps: Naps) -> AsyncIterator[Connect]:
    """Make a client for an endpoint; it is closed after the test."""
    async with contextlib.AsyncExitStack() as stack:
        made: list[TaurusDb] = []

        def make(
            endpoint: str,
            sign_in: SignIn | None = None,
            connect_seconds: float = 5.0,
            answer_seconds: float = 5.0,
        ) -> TaurusDb:
            client = TaurusDb(
                endpoint,
                PROJECT_ID,
                sign_in or ReadyToken("a-ready-token"),
                connect_seconds=connect_seconds,
                answer_seconds=answer_seconds,
                clock=clock,
                sleep=naps,
            )
            made.append(client)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def user(cloud: StandInCloud, clock: HandClock) -> IamUser:
    return IamUser(cloud.domain, cloud.user, cloud.password, cloud.project_id, cloud.iam_url, clock=clock)


@pytest.fixture
def taurusdb(cloud: StandInCloud, user: IamUser, connect: Connect) -> TaurusDb:
    """The client before the stand-in cloud, signed in as the IAM user."""
    return connect(cloud.endpoint, user)


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full: connecting takes for ever."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])
