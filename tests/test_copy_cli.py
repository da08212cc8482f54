"""`python -m bot store copy --to URL`: everything is copied, the audit trail verified, no existing row overwritten."""

import sqlite3
from pathlib import Path

import pytest

from bot.copy_cli import run_copy
from bot.core.audit import verify_audit
from bot.storage.opening import open_storage
from tests.command_line import Result, run_command
from tests.storage.examples import new_entry, new_upgrade, run_sql


@pytest.fixture
def source_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/old.db"


async def fill(url: str) -> None:
    """Three upgrades and three audit rows."""
    storage = await open_storage(url)
    for number in range(3):
        await storage.add(new_upgrade(number), new_entry())
    await storage.close()


async def copy(folder: Path, source_url: str, target_url: str) -> Result:
    """Run it with DATABASE_URL alone."""
    return await run_command(folder, {"DATABASE_URL": source_url}, "store", "copy", "--to", target_url)


async def test_everything_is_copied_and_the_chain_is_whole(tmp_path: Path, source_url: str, database_url: str) -> None:
    await fill(source_url)
    result = await copy(tmp_path, source_url, database_url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Copied 3 upgrades and 3 rows of the audit trail." in result.stdout
    assert "whole there: 3 rows" in result.stdout
    target = await open_storage(database_url)
    assert (await verify_audit(target)).is_whole
    assert [upgrade.id async for upgrade in target.upgrades()] == ["upgrade-0", "upgrade-1", "upgrade-2"]
    await target.close()


async def test_a_database_that_has_rows_is_not_overwritten(tmp_path: Path, source_url: str, database_url: str) -> None:
    await fill(source_url)
    await fill(database_url)
    result = await copy(tmp_path, source_url, database_url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "has rows already" in result.stderr


async def test_a_broken_audit_trail_is_reported(tmp_path: Path, source_url: str) -> None:
    await fill(source_url)
    await run_sql(source_url, "DROP TRIGGER audit_no_update", "UPDATE audit SET user_id = 'U0' WHERE number = 2")
    result = await copy(tmp_path, source_url, f"sqlite:///{tmp_path}/new.db")
    assert result.exit_code == 1
    assert "broken at row 2" in result.stderr


async def test_a_trail_that_does_not_end_as_noted_is_not_taken_for_a_copy(tmp_path: Path, source_url: str) -> None:
    await fill(source_url)
    await run_sql(source_url, "UPDATE audit_head SET count = 2")
    result = await copy(tmp_path, source_url, f"sqlite:///{tmp_path}/new.db")
    assert result.exit_code == 1
    assert "was written meanwhile" in result.stderr
    assert "empty it and copy again" in result.stderr


def test_an_old_database_that_is_not_there_is_not_created(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/old.db"}
    assert run_copy(environ, f"sqlite:///{tmp_path}/new.db") == 1
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_not_copied_into_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sqlite3.connect(tmp_path / "old.db").close()
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/old.db"}
    assert run_copy(environ, f"sqlite:///{tmp_path}/../{tmp_path.name}/old.db") == 2
    assert "names the database that is to be copied" in capsys.readouterr().err


@pytest.mark.parametrize("target_url", ["new.db", "mysql://host/db", "sqlite://new.db", "sqlite:///:memory:"])
async def test_a_url_that_names_no_database(tmp_path: Path, source_url: str, target_url: str) -> None:
    await fill(source_url)
    result = await copy(tmp_path, source_url, target_url)
    assert result.exit_code == 2
    assert result.stderr.startswith("store copy: ")
    assert len(result.stderr.splitlines()) == 1


async def test_an_unreachable_server_does_not_show_the_password(tmp_path: Path, source_url: str) -> None:
    await fill(source_url)
    result = await copy(tmp_path, source_url, "postgresql://bot:a-real-password@127.0.0.1:9/bot")
    assert result.exit_code == 1
    assert "a-real-password" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
