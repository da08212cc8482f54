"""A bench for the tests that start processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.bench import Bench, bench


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Bench]:
    """The stand-ins, for processes on SQLite over Socket Mode."""
    async with bench(tmp_path) as one:
        yield one
