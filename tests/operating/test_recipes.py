"""The README's recipes for moving a living bot: backed up and restored, moved to PostgreSQL, joined by a replica."""

import asyncio
import subprocess
import sys
from pathlib import Path

from bot.store import open_store
from bot.store.copy import copy_store
from bot.store.verify import verify
from tests.house import buttons, house


async def is_whole(url: str) -> bool:
    """Whether the audit chain of a database is what it was."""
    store = await open_store(url)
    try:
        return (await verify(store)).is_whole
    finally:
        await store.close()


async def test_a_backup_made_while_the_bot_runs_can_be_restored(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first = await home.start()
        message = await home.ask(home.instance())
        recipe = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
        backup = tmp_path / "backup.db"
        command = [sys.executable, "-c", recipe, str(tmp_path / "sandbox.db"), str(backup)]
        await asyncio.to_thread(subprocess.check_call, command)
        await first.end()
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"sandbox.db{ending}").unlink(missing_ok=True)
        backup.rename(tmp_path / "sandbox.db")
        assert await is_whole(f"sqlite:///{tmp_path}/sandbox.db")
        await home.start()
        await home.confirm(message)
        await home.seen(message, "job")


async def test_a_bot_moves_from_sqlite_to_postgresql_with_its_open_questions(tmp_path: Path, postgres_url: str) -> None:
    async with house(tmp_path) as home:
        first = await home.start()
        message = await home.ask(home.instance())
        await first.end()
        source, target = await open_store(f"sqlite:///{tmp_path}/sandbox.db"), await open_store(postgres_url)
        await copy_store(source, target)
        await source.close()
        await target.close()
        assert await is_whole(postgres_url)
        await home.start(DATABASE_URL=postgres_url)
        assert buttons(home.card(message))
        await home.confirm(message)
        await home.seen(message, "job")


async def test_a_replica_joins_and_shares_the_work(tmp_path: Path, postgres_url: str) -> None:
    async with house(tmp_path, DATABASE_URL=postgres_url) as home:
        first = await home.start()
        message = await home.ask(home.instance())
        await home.start()
        await first.end()
        await home.confirm(message)
        await home.seen(message, "job")
        assert len(home.cloud.upgrades) == 1
