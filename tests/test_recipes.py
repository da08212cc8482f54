"""The recipes of bot/docs/operations.md: back a bot in use up and restore it, move it to PostgreSQL, add a replica."""

import asyncio
import subprocess
import sys
from pathlib import Path

from bot.core.audit import verify_audit
from bot.storage.copy import copy_storage
from bot.storage.opening import open_storage
from tests.driver import buttons, run_driver


async def is_whole(url: str) -> bool:
    """Whether the audit trail of a database verifies."""
    storage = await open_storage(url)
    try:
        return (await verify_audit(storage)).is_whole
    finally:
        await storage.close()


async def test_a_backup_made_while_the_bot_runs_can_be_restored(tmp_path: Path) -> None:
    async with run_driver(tmp_path) as driver:
        first = await driver.start()
        message = await driver.request(driver.instance())
        recipe = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
        backup = tmp_path / "backup.db"
        command = [sys.executable, "-c", recipe, str(tmp_path / "sandbox.db"), str(backup)]
        await asyncio.to_thread(subprocess.check_call, command)
        await first.stop()
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"sandbox.db{suffix}").unlink(missing_ok=True)
        backup.rename(tmp_path / "sandbox.db")
        assert await is_whole(f"sqlite:///{tmp_path}/sandbox.db")
        await driver.start()
        await driver.confirm(message)
        await driver.wait_for_card(message, "job")


async def test_a_bot_moves_from_sqlite_to_postgresql_with_its_open_requests(tmp_path: Path, postgres_url: str) -> None:
    async with run_driver(tmp_path) as driver:
        first = await driver.start()
        message = await driver.request(driver.instance())
        await first.stop()
        source, target = await open_storage(f"sqlite:///{tmp_path}/sandbox.db"), await open_storage(postgres_url)
        await copy_storage(source, target)
        await source.close()
        await target.close()
        assert await is_whole(postgres_url)
        await driver.start(DATABASE_URL=postgres_url)
        assert buttons(driver.card(message))
        await driver.confirm(message)
        await driver.wait_for_card(message, "job")


async def test_a_replica_joins_and_shares_the_work(tmp_path: Path, postgres_url: str) -> None:
    async with run_driver(tmp_path, DATABASE_URL=postgres_url) as driver:
        first = await driver.start()
        message = await driver.request(driver.instance())
        await driver.start()
        await first.stop()
        await driver.confirm(message)
        await driver.wait_for_card(message, "job")
        assert len(driver.cloud.upgrades) == 1
