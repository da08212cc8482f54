"""A driver for the tests that start processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.process_driver import ProcessDriver, run_processes


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[ProcessDriver]:
    """The stand-ins, for processes on SQLite over Socket Mode."""
    async with run_processes(tmp_path) as one:
        yield one
