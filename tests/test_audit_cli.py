"""`python -m bot audit` as a process: it prints the trail, and finds whatever was done to it."""

import csv
import io
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.audit import AuditEntry, row_hash
from bot.storage.opening import open_readonly, open_storage
from tests.command_line import Result, run_command

INSTANCE_ID, OTHER_INSTANCE_ID = "a" * 32 + "in17", "b" * 32 + "in17"
ROWS = 6
FIRST_AT = 1_763_884_800.0  # 2025-11-23T08:00:00Z


@pytest.fixture
async def audit_url(database_url: str) -> str:
    """A database of either kind with six rows."""
    storage = await open_storage(database_url)
    for number in range(ROWS):
        await storage.record(
            AuditEntry(
                at=FIRST_AT + 3600 * number,
                event="requested" if number % 2 else "refused",
                upgrade_id=f"upgrade-{number}",
                instance_id=INSTANCE_ID if number < 4 else OTHER_INSTANCE_ID,
                user_id=f"U{number % 3}PERSON",
                team_id="T0HOME0001",
                channel_id="C0DBOPS001",
                reason="line\nbreak \x1b[31m" if number == 5 else "",
                api_request_id=f"request-{number}",
            )
        )
    await storage.close()
    return database_url


# What somebody who can write the database file can do to it.

Tamper = Callable[[sqlite3.Connection], object]


def change_a_row(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit SET user_id = 'U9FORGED' WHERE number = 3")


def remove_a_row(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit WHERE number = 3")


def remove_and_renumber(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE number = 3")
    for number in (4, 5, 6):
        connection.execute("UPDATE audit SET number = number - 1 WHERE number = ?", (number,))


def remove_the_last_row(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit WHERE number = 6")


def remove_all_rows(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit")


def add_a_row(connection: sqlite3.Connection) -> object:
    (last_hash,) = connection.execute("SELECT hash FROM audit WHERE number = 6").fetchone()
    entry = AuditEntry(at=FIRST_AT + 99999, event="confirmed", user_id="U9FORGED")
    return connection.execute(
        "INSERT INTO audit (number, at, event, upgrade_id, instance_id, user_id, team_id, channel_id, reason,"
        " api_request_id, hash) VALUES (7, ?, ?, '', '', ?, '', '', '', '', ?)",
        (entry.at, entry.event, entry.user_id, row_hash(last_hash, 7, entry)),
    )


def swap_two_rows(connection: sqlite3.Connection) -> None:
    for number, new_number in ((2, 99), (3, 2), (99, 3)):
        connection.execute("UPDATE audit SET number = ? WHERE number = ?", (new_number, number))


def change_the_hash_of_the_head(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit_head SET hash = ?", ("f" * 64,))


def change_the_count_of_the_head(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit_head SET count = 5")


def rewrite_the_last_row_with_its_hash(connection: sqlite3.Connection) -> object:
    (hash_before,) = connection.execute("SELECT hash FROM audit WHERE number = 5").fetchone()
    entry = AuditEntry(at=FIRST_AT, event="requested", user_id="U9FORGED")
    return connection.execute(
        "UPDATE audit SET at = ?, event = ?, upgrade_id = '', instance_id = '', user_id = ?, team_id = '',"
        " channel_id = '', reason = '', api_request_id = '', hash = ? WHERE number = 6",
        (entry.at, entry.event, entry.user_id, row_hash(hash_before, 6, entry)),
    )


TAMPERING: tuple[tuple[Tamper, str, int], ...] = (
    (change_a_row, "changed", 3),
    (remove_a_row, "removed", 3),
    (remove_and_renumber, "removed", 3),
    (remove_the_last_row, "removed", 6),
    (remove_all_rows, "removed", 1),
    (add_a_row, "added", 7),
    (swap_two_rows, "re-ordered", 2),
    (change_the_hash_of_the_head, "rewritten", 6),
    (change_the_count_of_the_head, "rewritten", 6),
    (rewrite_the_last_row_with_its_hash, "rewritten", 6),
)


async def audit(folder: Path, url: str, *options: str) -> Result:
    """Run it with DATABASE_URL alone."""
    return await run_command(folder, {"DATABASE_URL": url} if url else {}, "audit", *options)


async def test_the_whole_trail_verifies(tmp_path: Path, audit_url: str) -> None:
    result = await audit(tmp_path, audit_url, "--verify")
    storage = await open_readonly(audit_url)
    _, head = await storage.audit_head()
    await storage.close()
    text = "The audit trail is whole: 6 rows.\nIts head, to be kept elsewhere and compared: 6 "
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{text}{head}\n"


async def test_json_is_one_array_with_every_column(tmp_path: Path, audit_url: str) -> None:
    result = await audit(tmp_path, audit_url, "--format", "json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["time"] == "2025-11-23T08:00:00.000Z"
    columns = {"event", "upgrade_id", "user_id", "team_id", "channel_id", "reason", "api_request_id", "hash"}
    assert set(rows[0]) >= columns
    assert len(result.stdout.splitlines()) == ROWS + 2


async def test_csv_is_read_back_as_it_was(tmp_path: Path, audit_url: str) -> None:
    result = await audit(tmp_path, audit_url, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[5]["reason"] == "line\nbreak \x1b[31m"


async def test_the_table_has_a_line_a_row_and_no_control_characters(tmp_path: Path, audit_url: str) -> None:
    result = await audit(tmp_path, audit_url)
    assert len(result.stdout.splitlines()) == ROWS + 1
    assert "\x1b" not in result.stdout
    assert "2025-11-23T09:00:00Z" in result.stdout


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--instance", OTHER_INSTANCE_ID), [5, 6]),
        (("--instance", OTHER_INSTANCE_ID.upper()), [5, 6]),
        (("--user", "U1PERSON"), [2, 5]),
        (("--since", "2025-11-23T10:00:00Z"), [3, 4, 5, 6]),
        (("--since", "2025-11-23T18:00:00+08:00"), [3, 4, 5, 6]),
        (("--since", "2025-11-24"), []),
        (("--user", "U1PERSON", "--instance", INSTANCE_ID, "--since", "2025-11-23"), [2]),
    ],
)
async def test_filters_are_combined(
    tmp_path: Path, audit_url: str, options: tuple[str, ...], numbers: list[int]
) -> None:
    result = await audit(tmp_path, audit_url, "--format", "json", *options)
    assert (result.exit_code, [row["number"] for row in json.loads(result.stdout)]) == (0, numbers)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL: tests/storage/test_audit_trail.py
@pytest.mark.parametrize(("tamper", "audit_break", "number"), TAMPERING)
async def test_whatever_was_done_to_the_file_is_found_and_named(
    tmp_path: Path, audit_url: str, tamper: Tamper, audit_break: str, number: int
) -> None:
    with closing(sqlite3.connect(audit_url.removeprefix("sqlite:///"))) as connection, connection:
        for statement in ("update", "delete"):
            connection.execute(f"DROP TRIGGER audit_no_{statement}")
        tamper(connection)
    result = await audit(tmp_path, audit_url, "--verify")
    assert (result.exit_code, result.stderr) == (1, "")
    assert f"broken at row {number}: {audit_break}" in result.stdout
    result = await audit(tmp_path, audit_url, "--verify", "--format", "json")
    verdict = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (verdict["is_whole"], verdict["broken"], verdict["number"]) == (False, audit_break, number)


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("sqlite:///nothing.db", (), "nothing.db"),
        ("", (), "starrocks-upgrade-bot.db"),
        ("sqlite:///nothing.db", ("--since", "yesterday"), "--since"),
        ("postgresql://bot:hunter2@127.0.0.1:1/bot", ("--verify",), "PostgreSQL"),
        ("oracle://bot:hunter2@host/bot", (), "DATABASE_URL"),
        ("sqlite:///:memory:", (), "memory"),
    ],
)
async def test_what_cannot_be_read_is_one_line_on_stderr(
    tmp_path: Path, url: str, options: tuple[str, ...], text: str
) -> None:
    result = await audit(tmp_path, url, *options)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert text in result.stderr
    assert "hunter2" not in result.stderr
    assert not os.listdir(tmp_path), "nothing was created"


async def test_a_file_that_is_no_database_is_one_line_on_stderr_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    file.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    before = file.read_bytes()
    result = await audit(tmp_path, f"sqlite:///{file}", "--verify")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert file.read_bytes() == before


async def test_an_empty_file_gets_no_tables_by_being_read(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    result = await audit(tmp_path, f"sqlite:///{tmp_path}/empty.db")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert (tmp_path / "empty.db").read_bytes() == b""
