"""A bot in HTTP mode, and a client of its events endpoint."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.driver import BotDriver, run_driver
from tests.events_client import EventsClient


@pytest.fixture
async def idle_driver(tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The stand-ins alone, in HTTP mode; the test starts its bots with settings of its own."""
    async with run_driver(tmp_path, "http") as idle_driver:
        yield idle_driver


@pytest.fixture
async def driver(idle_driver: BotDriver) -> BotDriver:
    """The stand-ins and one bot in HTTP mode."""
    await idle_driver.start()
    return idle_driver


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to a bot."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(driver: BotDriver, session: aiohttp.ClientSession) -> EventsClient:
    """A client of that bot that knows the signing secret."""
    return EventsClient(session, driver.replicas[0].url, driver.slack.signing_secret)
