"""The sandbox of the doctor's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.doctor.helpers import Sandbox, running_sandbox


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path) as sandbox:
        yield sandbox
