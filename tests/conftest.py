"""What many tests use: a PostgreSQL server for the session, and a storage on a fresh database of either kind."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest

from bot.storage.opening import AnyStorage, open_storage
from tests.network_parts import Authority
from tests.postgres_server import PostgresServer

hypothesis.settings.register_profile("any machine", deadline=None)  # how long one example takes is the machine's load
hypothesis.settings.load_profile("any machine")
_database_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server; a test that stops it starts it again."""
    yield from _running_server()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server of its own for a test that stops it."""
    yield from _running_server()


def _running_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    name = f"test{next(_database_numbers)}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of either kind: a test that uses this runs once for each."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[AnyStorage]:
    """An open storage of either kind."""
    opened = await open_storage(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority that nobody trusts by default."""
    return Authority(tmp_path)
