"""The storage's clock: the database's, or this machine's as long as it is not set back."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.upgrade import State
from bot.storage.clock import DatabaseClock, SteadyClock
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
    clocks.pass_by(10)
    assert clock() == pytest.approx(start + 20)
    clocks.wall += 7200
    assert clock() == pytest.approx(start + 3620)


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


@pytest.mark.parametrize("state", [State.REQUESTED, State.IN_PROGRESS])
async def test_every_timer_moves_with_the_clock_but_not_what_has_happened(tmp_path: Path, state: State) -> None:
    clocks = Clocks()
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    at = storage.clock()
    waiting = new_upgrade(
        1, state=state, expires_at=at + 1, next_poll_at=at + 2, notify_at=at + 3, report_at=at + 4, due_at=at + 1
    )
    ended = new_upgrade(2, state=State.COMPLETED, expires_at=at)
    for row in (waiting, ended):
        await storage.add(row, new_entry())
    await storage.close()

    clocks.wall -= 3600
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    moved = await storage.get("upgrade-1")
    assert moved is not None
    expected = replace(waiting, next_poll_at=at - 3598, notify_at=at - 3597, report_at=at - 3596, due_at=at - 3599)
    if state is State.REQUESTED:
        expected = replace(expected, expires_at=at - 3599)
    assert moved.revision == 1, "whoever has read the row before writes no old timer"
    for name in ("expires_at", "next_poll_at", "notify_at", "report_at", "due_at"):
        assert getattr(moved, name) == pytest.approx(getattr(expected, name), abs=1), name
    assert await storage.get("upgrade-2") == ended
    await storage.close()


async def test_a_clock_that_is_a_little_behind_moves_nothing(tmp_path: Path) -> None:
    clocks = Clocks()
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    row = new_upgrade(1, due_at=storage.clock() + 20)
    await storage.add(row, new_entry())
    await storage.close()
    clocks.wall -= 4
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: clocks.wall)
    assert await storage.get("upgrade-1") == row
    await storage.close()


def test_the_time_of_a_server_is_carried_on_from_the_middle_of_the_question() -> None:
    clocks = Clocks()
    clock = DatabaseClock(lambda: clocks.monotonic)
    assert clock() == pytest.approx(time.time(), abs=1)
    asked_at = clocks.monotonic
    clocks.pass_by(2)
    clock.set(5000.0, asked_at)
    assert clock() == 5001.0
    clocks.pass_by(10)
    assert clock() == 5011.0


async def claimed(storage: AnyStorage) -> list[str]:
    return [upgrade.id for upgrade in await storage.claim_due(10, 60)]
