"""`python -m bot store copy --to URL`: everything moves, its chain is checked, nothing there is ever written over."""

import sqlite3
from pathlib import Path

import pytest

from bot.operating.copying import run_copy
from bot.store import open_store
from bot.store.verify import verify
from tests.operating.bench import Bench
from tests.store.examples import entry, question, run_in


@pytest.fixture
def old(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/old.db"


async def fill(url: str) -> None:
    """Some upgrades and some audit rows."""
    store = await open_store(url)
    for number in range(3):
        await store.add(question(number), entry())
    await store.close()


async def test_everything_moves_and_the_chain_is_whole(at: Bench, old: str, store_url: str) -> None:
    await fill(old)
    ran = await at.run("store", "copy", "--to", store_url, environ={"DATABASE_URL": old})
    assert (ran.code, ran.err) == (0, "")
    assert "Copied 3 upgrades and 3 rows of the audit trail." in ran.out
    assert "whole there: 3 rows" in ran.out
    new = await open_store(store_url)
    assert (await verify(new)).is_whole
    assert [one.id async for one in new.upgrades()] == ["upgrade-0", "upgrade-1", "upgrade-2"]
    await new.close()


async def test_a_database_that_has_rows_is_not_written_over(at: Bench, old: str, store_url: str) -> None:
    await fill(old)
    await fill(store_url)
    ran = await at.run("store", "copy", "--to", store_url, environ={"DATABASE_URL": old})
    assert (ran.code, ran.out) == (1, "")
    assert "has rows already" in ran.err


async def test_an_audit_trail_that_was_changed_is_told(at: Bench, old: str, tmp_path: Path) -> None:
    await fill(old)
    await run_in(old, "DROP TRIGGER audit_no_update", "UPDATE audit SET person_id = 'U0' WHERE number = 2")
    ran = await at.run("store", "copy", "--to", f"sqlite:///{tmp_path}/new.db", environ={"DATABASE_URL": old})
    assert ran.code == 1
    assert "broken at row 2" in ran.err


async def test_a_trail_that_does_not_end_as_noted_is_not_taken_for_a_copy(at: Bench, old: str, tmp_path: Path) -> None:
    await fill(old)
    await run_in(old, "UPDATE audit_head SET count = 2")
    ran = await at.run("store", "copy", "--to", f"sqlite:///{tmp_path}/new.db", environ={"DATABASE_URL": old})
    assert ran.code == 1
    assert "was written meanwhile" in ran.err
    assert "empty it and copy again" in ran.err


def test_an_old_database_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = {"DATABASE_URL": f"sqlite:///{tmp_path}/old.db"}
    assert run_copy(urls, f"sqlite:///{tmp_path}/new.db") == 1
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_not_copied_into_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sqlite3.connect(tmp_path / "old.db").close()
    urls = {"DATABASE_URL": f"sqlite:///{tmp_path}/old.db"}
    assert run_copy(urls, f"sqlite:///{tmp_path}/../{tmp_path.name}/old.db") == 2
    assert "names the database that is to be copied" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["new.db", "mysql://host/db", "sqlite://new.db", "sqlite:///:memory:"])
async def test_a_url_that_names_no_database(old: str, url: str, at: Bench) -> None:
    await fill(old)
    ran = await at.run("store", "copy", "--to", url, environ={"DATABASE_URL": old})
    assert ran.code == 2
    assert ran.err.startswith("store copy: ")
    assert len(ran.err.splitlines()) == 1


async def test_a_server_that_is_away_does_not_tell_the_password(old: str, at: Bench) -> None:
    await fill(old)
    url = "postgresql://bot:a-real-password@127.0.0.1:9/bot"
    ran = await at.run("store", "copy", "--to", url, environ={"DATABASE_URL": old})
    assert ran.code == 1
    assert "a-real-password" not in ran.out + ran.err
    assert "Traceback" not in ran.err
