"""The client connected to the stand-in cloud or to servers that behave badly."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.core.ports import NO_METRICS, Metrics
from bot.network import DIRECT, Network
from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.taurusdb.auth import IamUser, ReadyToken
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import Credentials
from tests.taurusdb.helpers import NOON, PROJECT_ID, FakeSleep, MakeClient


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def fake_sleep(clock: ManualClock) -> FakeSleep:
    return FakeSleep(clock)


@pytest.fixture
async def cloud(clock: ManualClock) -> AsyncIterator[StandInCloud]:
    async with StandInCloud(clock=clock) as cloud:
        cloud.set_speed("paused")
        yield cloud


@pytest.fixture
async def make_client(clock: ManualClock, fake_sleep: FakeSleep) -> AsyncIterator[MakeClient]:
    """Make a client for an endpoint; it is closed after the test."""
    async with contextlib.AsyncExitStack() as stack:

        def make(
            endpoint: str,
            credentials: Credentials | None = None,
            *,
            network: Network = DIRECT,
            metrics: Metrics = NO_METRICS,
            connect_seconds: float = 5.0,
            response_seconds: float = 5.0,
        ) -> TaurusDb:
            client = TaurusDb(
                endpoint,
                PROJECT_ID,
                credentials or ReadyToken("a-ready-token"),
                network=network,
                metrics=metrics,
                connect_seconds=connect_seconds,
                response_seconds=response_seconds,
                clock=clock,
                sleep=fake_sleep,
            )
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def user(cloud: StandInCloud, clock: ManualClock) -> IamUser:
    return IamUser(cloud.domain, cloud.user, cloud.password, cloud.project_id, cloud.iam_url, clock=clock)


@pytest.fixture
def taurusdb(cloud: StandInCloud, user: IamUser, make_client: MakeClient) -> TaurusDb:
    """A client of the stand-in cloud, signed in as the IAM user."""
    return make_client(cloud.endpoint, user)


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
