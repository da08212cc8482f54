"""The bench of the doctor's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operating.bench import Bench, bench


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as made:
        yield made
