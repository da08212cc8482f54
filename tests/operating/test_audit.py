"""`python -m bot audit` as a real process: it prints the trail, and finds whatever was done to it."""

import csv
import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.audit import AuditEntry
from bot.store import open_store
from tests.crash.process import BotProcess
from tests.operating.tampering import BEGAN, TAMPERINGS, Tamper

INSTANCE, OTHER = "a" * 32 + "in17", "b" * 32 + "in17"
ROWS = 6


@pytest.fixture
async def trail(store_url: str) -> str:
    """A store of either kind with six rows."""
    store = await open_store(store_url)
    for number in range(ROWS):
        await store.record(
            AuditEntry(
                at=BEGAN + 3600 * number,
                what="asked" if number % 2 else "denied",
                upgrade_id=f"upgrade-{number}",
                instance_id=INSTANCE if number < 4 else OTHER,
                person_id=f"U{number % 3}PERSON",
                team_id="T0HOME0001",
                channel_id="C0DBOPS001",
                why="line\nbreak \x1b[31m" if number == 5 else "",
                request_id=f"request-{number}",
            )
        )
    await store.close()
    return store_url


async def audit(folder: Path, url: str, *arguments: str) -> tuple[int, str, list[str]]:
    """Run it with DATABASE_URL alone: exit code, standard output, lines on standard error."""
    process = await BotProcess.start({"DATABASE_URL": url} if url else {}, folder, "audit", *arguments)
    code = await process.ended()
    return code, "\n".join(process.out), process.err


async def test_the_whole_trail_verifies(tmp_path: Path, trail: str) -> None:
    code, out, err = await audit(tmp_path, trail, "--verify")
    assert (code, out, err) == (0, "The audit trail is whole: 6 rows.", [])


async def test_json_is_one_array_with_every_column(tmp_path: Path, trail: str) -> None:
    code, out, _ = await audit(tmp_path, trail, "--format", "json")
    rows = json.loads(out)
    assert code == 0
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["time"] == "2025-11-23T08:00:00.000Z"
    assert set(rows[0]) >= {"what", "upgrade_id", "person_id", "team_id", "channel_id", "why", "request_id", "hash"}
    assert len(out.splitlines()) == ROWS + 2


async def test_csv_is_read_back_as_it_was(tmp_path: Path, trail: str) -> None:
    _, out, _ = await audit(tmp_path, trail, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[5]["why"] == "line\nbreak \x1b[31m"


async def test_the_table_has_a_line_a_row_and_nothing_that_a_terminal_obeys(tmp_path: Path, trail: str) -> None:
    _, out, _ = await audit(tmp_path, trail)
    assert len(out.splitlines()) == ROWS + 1
    assert "\x1b" not in out
    assert "2025-11-23T09:00:00Z" in out


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("--instance", OTHER), [5, 6]),
        (("--instance", OTHER.upper()), [5, 6]),
        (("--user", "U1PERSON"), [2, 5]),
        (("--since", "2025-11-23T10:00:00Z"), [3, 4, 5, 6]),
        (("--since", "2025-11-23T18:00:00+08:00"), [3, 4, 5, 6]),
        (("--since", "2025-11-24"), []),
        (("--user", "U1PERSON", "--instance", INSTANCE, "--since", "2025-11-23"), [2]),
    ],
)
async def test_filters_narrow_it_together(
    tmp_path: Path, trail: str, arguments: tuple[str, ...], numbers: list[int]
) -> None:
    code, out, _ = await audit(tmp_path, trail, "--format", "json", *arguments)
    assert (code, [row["number"] for row in json.loads(out)]) == (0, numbers)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)  # PostgreSQL: see tests/store/test_audit.py
@pytest.mark.parametrize(("tamper", "what", "number"), TAMPERINGS)
async def test_whatever_was_done_to_the_file_is_found_and_named(
    tmp_path: Path, trail: str, tamper: Tamper, what: str, number: int
) -> None:
    with closing(sqlite3.connect(trail.removeprefix("sqlite:///"))) as connection, connection:
        for act in ("update", "delete"):
            connection.execute(f"DROP TRIGGER audit_no_{act}")
        tamper(connection)
    code, out, err = await audit(tmp_path, trail, "--verify")
    assert (code, err) == (1, [])
    assert f"broken at row {number}: {what}" in out
    code, out, _ = await audit(tmp_path, trail, "--verify", "--format", "json")
    verdict = json.loads(out)
    assert (code, verdict["whole"], verdict["broken"], verdict["row"]) == (1, False, what, number)


@pytest.mark.parametrize(
    ("url", "arguments", "word"),
    [
        ("sqlite:///nothing.db", (), "nothing.db"),
        ("", (), "starrocks-upgrade-bot.db"),
        ("sqlite:///nothing.db", ("--since", "yesterday"), "--since"),
        ("postgresql://bot:hunter2@127.0.0.1:1/bot", ("--verify",), "PostgreSQL"),
        ("oracle://bot:hunter2@host/bot", (), "DATABASE_URL"),
        ("sqlite:///:memory:", (), "memory"),
    ],
)
async def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, url: str, arguments: tuple[str, ...], word: str
) -> None:
    code, out, err = await audit(tmp_path, url, *arguments)
    assert (code, out, len(err)) == (2, "", 1)
    assert word in err[0]
    assert "hunter2" not in err[0]
    assert not os.listdir(tmp_path), "nothing was created"


async def test_a_file_that_is_no_store_is_said_in_one_line_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    file.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    before = file.read_bytes()
    code, _, err = await audit(tmp_path, f"sqlite:///{file}", "--verify")
    assert (code, len(err)) == (2, 1)
    assert file.read_bytes() == before


async def test_an_empty_file_gets_no_tables_by_being_read(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    code, _, err = await audit(tmp_path, f"sqlite:///{tmp_path}/empty.db")
    assert (code, len(err)) == (2, 1)
    assert (tmp_path / "empty.db").read_bytes() == b""
