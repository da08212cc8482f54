"""A bot behind its HTTP door, and whoever knocks."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.house import House, house
from tests.slack.posting import Poster


@pytest.fixture
async def empty_home(tmp_path: Path) -> AsyncIterator[House]:
    """The stand-ins alone, in HTTP mode; the test starts its bots with settings of its own."""
    async with house(tmp_path, "http") as one:
        yield one


@pytest.fixture
async def home(empty_home: House) -> House:
    """The stand-ins and one bot in HTTP mode."""
    await empty_home.start()
    return empty_home


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to a door."""
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
def poster(home: House, session: aiohttp.ClientSession) -> Poster:
    """Somebody who can reach that bot's door, and knows the signing secret."""
    return Poster(session, home.replicas[0].address, home.slack.signing_secret)
