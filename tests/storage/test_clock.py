"""The storage's clock: the database's, or this machine's as long as it is not set back."""

import time
from pathlib import Path

import pytest

from bot.storage.clock import SteadyClock
from bot.storage.opening import AnyStorage, open_storage
from bot.storage.sqlite import SqliteStorage
from tests.storage.examples import new_entry, new_upgrade


class Clocks:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall = time.time()
        self.monotonic = 100.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def test_a_clock_that_is_set_back_is_carried_on() -> None:
    clocks = Clocks()
    clock = SteadyClock(lambda: clocks.wall, lambda: clocks.monotonic)
    start = clock()
    clocks.wall -= 3600
    clocks.pass_by(10)
    assert clock() == pytest.approx(start + 10)
    clocks.wall += 7200
    assert clock() == pytest.approx(start + 3610)


async def test_the_time_is_that_of_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now, real_time = time.time(), time.time
    monkeypatch.setattr(time, "time", lambda: real_time() + 45)
    storage = await open_storage(database_url)
    assert storage.clock() == pytest.approx(now, abs=3)
    await storage.close()


async def test_what_is_due_does_not_wait_until_a_clock_that_was_set_back_has_come_so_far_again(tmp_path: Path) -> None:
    clocks = Clocks()
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    due_at = storage.clock() + 20
    upgrade = new_upgrade(1, due_at=due_at, next_poll_at=due_at, expires_at=due_at)
    await storage.add(upgrade, new_entry())
    clocks.wall -= 3600
    assert await claimed(storage) == []
    await storage.close()

    clocks.wall += 30
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    assert (await storage.open_upgrades(None, 1))[0].expires_at == pytest.approx(storage.clock() + 20, abs=2)
    clocks.wall += 25
    assert await claimed(storage) == ["upgrade-1"]
    await storage.close()


async def claimed(storage: AnyStorage) -> list[str]:
    return [upgrade.id for upgrade in await storage.claim_due(10, 60)]
