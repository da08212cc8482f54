"""Bots for the tests of the flow: over Socket Mode, or over both ways where the way matters."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.sqlite import SqliteStorage
from tests.driver import BotDriver, run_driver
from tests.workflow.click_driver import ClickDriver


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The stand-ins and one bot in Socket Mode."""
    async with run_driver(tmp_path) as one:
        await one.start()
        yield one


@pytest.fixture(params=["socket", "http"])
async def any_driver(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[BotDriver]:
    """The same, in Socket Mode and in HTTP mode."""
    async with run_driver(tmp_path, request.param) as one:
        await one.start()
        yield one


@pytest.fixture
async def idle_driver(tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The stand-ins alone; the test starts its bots with settings of its own."""
    async with run_driver(tmp_path) as one:
        yield one


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    """A storage without a bot, for a part of the workflow alone."""
    opened = await SqliteStorage.open(tmp_path / "bot.db")
    yield opened
    await opened.close()


@pytest.fixture
def clicks(storage: SqliteStorage) -> ClickDriver:
    """An empty storage, and a Slack and a cloud that answer clicks."""
    return ClickDriver(storage, time.time())
