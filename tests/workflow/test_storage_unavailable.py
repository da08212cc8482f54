"""The database goes away under the bot: nothing is sent without its row, nothing is lost, the loop goes on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.driver import CHANNEL, BotDriver, buttons, run_driver
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
async def postgres_home(tmp_path: Path, own_server: PostgresServer) -> AsyncIterator[BotDriver]:
    """A bot whose database is that one."""
    async with run_driver(tmp_path, DATABASE_URL=own_server.create("bot")) as driver:
        await driver.start()
        yield driver


async def test_a_click_whose_row_cannot_be_written_sends_nothing(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    with locked(driver.folder):
        await driver.confirm(message)
        await driver.wait_for_ephemeral("sre", "database")
        assert not driver.cloud.upgrades
        assert buttons(driver.card(message))
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    assert len(driver.cloud.upgrades) == 1


async def test_a_request_that_may_have_been_written_is_not_told_as_not_made(driver: BotDriver) -> None:
    with locked(driver.folder):
        await driver.slack.command("sre", CHANNEL, driver.instance())
        await driver.wait_for_ephemeral("sre", "not known yet", 20)
    assert not driver.slack.messages(CHANNEL)


async def test_an_answer_that_cannot_be_written_yet_is_written_later(
    driver: BotDriver, caplog: pytest.LogCaptureFixture
) -> None:
    driver.cloud.inject_fault("slow", seconds=1)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    with locked(driver.folder):
        await driver.cloud.until(lambda: driver.cloud.upgrades[0].answered)
        await driver.until(lambda: "storage.unavailable" in caplog.text or None)
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?", 30)
    await driver.wait_for_reply(message, "completed", 30)
    assert len(driver.cloud.upgrades) == 1


@pytest.mark.parametrize(("person", "word"), [("sre", "not known yet"), ("dba", "暂时无法确定")])
async def test_after_the_request_was_sent_nobody_is_told_that_nothing_was_done(
    driver: BotDriver, person: str, word: str
) -> None:
    message = await driver.request(driver.instance(), person=person)
    with ExitStack() as locks:

        def lock_when_told() -> None:
            if driver.thread(message):
                stop()
                locks.enter_context(locked(driver.folder))

        stop = driver.slack.on_change(lock_when_told)
        await driver.confirm(message, person=person)
        await driver.wait_for_ephemeral(person, word, 20)
    await driver.wait_for_card(message, driver.cloud.jobs[0].id, 30)
    assert len(driver.cloud.upgrades) == 1


async def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(
    postgres_home: BotDriver, own_server: PostgresServer
) -> None:
    driver = postgres_home
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    await asyncio.to_thread(own_server.stop)
    await driver.slack.command("dba", CHANNEL, driver.instance("sr-metrics"))
    await driver.until(lambda: driver.slack.ephemerals("dba") or None, 30)
    await asyncio.to_thread(own_server.start)
    driver.cloud.finish(driver.cloud.upgrades[0].job_id or "", "Completed")
    await driver.wait_for_reply(message, "completed", 40)
    again = await driver.request(driver.instance("sr-metrics"), person="dba")
    assert buttons(again)
