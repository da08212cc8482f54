"""Bots for the tests of the flow: over Socket Mode, or over both ways where the way matters."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import House, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    """The stand-ins and one bot in Socket Mode."""
    async with house(tmp_path) as one:
        await one.start()
        yield one


@pytest.fixture(params=["socket", "http"])
async def any_home(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """The same, in Socket Mode and in HTTP mode."""
    async with house(tmp_path, request.param) as one:
        await one.start()
        yield one


@pytest.fixture
async def empty_home(tmp_path: Path) -> AsyncIterator[House]:
    """The stand-ins alone; the test starts its bots with settings of its own."""
    async with house(tmp_path) as one:
        yield one
