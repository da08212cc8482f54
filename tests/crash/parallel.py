"""Tests that mostly wait, run at the same time: a scenario with its own driver for every mode and case."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.crash.process_driver import run_processes
from tests.postgres_server import PostgresServer

Scenario = Callable[..., Awaitable[None]]
Test = Callable[[pytest.FixtureRequest, Path], Awaitable[None]]
NO_CASES: Mapping[str, tuple[Any, ...]] = {"": ()}


def in_parallel(
    *modes: str, cases: Mapping[str, tuple[Any, ...]] = NO_CASES, postgresql: bool = False
) -> Callable[[Scenario], Test]:
    """Play `scenario(driver, *case)` for every mode of Slack and every case; each failure says for which it was."""

    def decorate(scenario: Scenario) -> Test:
        async def test(request: pytest.FixtureRequest, tmp_path: Path) -> None:
            server = request.getfixturevalue("postgres_server") if postgresql else None
            plays = [
                _play(
                    scenario, mode, name, case, Path(tempfile.mkdtemp(prefix=f"{mode}{number}_", dir=tmp_path)), server
                )
                for mode in modes
                for number, (name, case) in enumerate(cases.items())
            ]
            errors = [error for error in await asyncio.gather(*plays, return_exceptions=True) if error is not None]
            if errors:
                raise BaseExceptionGroup(f"{len(errors)} of {len(plays)}", errors)

        test.__name__, test.__doc__ = getattr(scenario, "__name__", ""), scenario.__doc__
        return test

    return decorate


async def _play(
    scenario: Scenario, mode: str, name: str, case: tuple[Any, ...], folder: Path, server: PostgresServer | None
) -> None:
    """Play one, with a note on it when it fails."""
    url = await asyncio.to_thread(server.create, f"{folder.parent.name[-40:]}_{folder.name}".lower()) if server else ""
    async with run_processes(folder, url, mode) as one:
        try:
            await scenario(one, *case)
        except Exception as error:
            error.add_note(f"over {mode}, {name or 'the only case'}\n{one.account()}")
            raise
