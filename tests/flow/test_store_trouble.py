"""The database goes away under the bot: nothing is sent without its row, nothing is lost, the loop goes on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.house import CHANNEL, House, buttons, house
from tests.postgres_server import PostgresServer


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another program holds the SQLite file for itself."""
    other = sqlite3.connect(folder / "sandbox.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.fixture
async def postgres_home(tmp_path: Path, own_server: PostgresServer) -> AsyncIterator[House]:
    """A bot whose database is that one."""
    async with house(tmp_path, DATABASE_URL=own_server.create("bot")) as home:
        await home.start()
        yield home


async def test_a_click_whose_row_cannot_be_written_sends_nothing(home: House) -> None:
    message = await home.ask(home.instance())
    with locked(home.folder):
        await home.confirm(message)
        await home.whispered("sre", "database")
        assert not home.cloud.upgrades
        assert buttons(home.card(message))
    await home.confirm(message)
    await home.seen(message, "job")
    assert len(home.cloud.upgrades) == 1


async def test_an_answer_that_cannot_be_written_yet_is_written_later(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    home.cloud.choose_mishap("slow", seconds=1)
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.cloud.until(lambda: home.cloud.upgrades)
    with locked(home.folder):
        await home.cloud.until(lambda: home.cloud.upgrades[0].answered)
        await home.until(lambda: "store.away" in caplog.text or None)
    await home.told(message, home.cloud.upgrades[0].job_id or "?", 30)
    await home.told(message, "completed", 30)
    assert len(home.cloud.upgrades) == 1


async def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(
    postgres_home: House, own_server: PostgresServer
) -> None:
    home = postgres_home
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    await asyncio.to_thread(own_server.stop)
    await home.slack.command("dba", CHANNEL, home.instance("sr-metrics"))
    await home.until(lambda: home.slack.ephemerals("dba") or None, 30)
    await asyncio.to_thread(own_server.start)
    home.cloud.finish(home.cloud.upgrades[0].job_id or "", "Completed")
    await home.told(message, "completed", 40)
    again = await home.ask(home.instance("sr-metrics"), person="dba")
    assert buttons(again)
