"""What somebody who can write the database file may do to the audit trail of six rows, and what is to be found."""

import sqlite3
from collections.abc import Callable

from bot.core.audit import AuditEntry, link

BEGAN = 1_763_884_800.0  # 2025-11-23T08:00:00Z
Tamper = Callable[[sqlite3.Connection], object]


def changed(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit SET person_id = 'U9FORGED' WHERE number = 3")


def removed(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit WHERE number = 3")


def cut_short(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit WHERE number = 6")


def emptied(connection: sqlite3.Connection) -> object:
    return connection.execute("DELETE FROM audit")


def added(connection: sqlite3.Connection) -> object:
    (last,) = connection.execute("SELECT hash FROM audit WHERE number = 6").fetchone()
    entry = AuditEntry(at=BEGAN + 99999, what="confirmed", person_id="U9FORGED")
    values = (7, entry.at, entry.what, "", "", entry.person_id, "", "", "", "", link(last, 7, entry))
    return connection.execute(f"INSERT INTO audit VALUES ({', '.join('?' * 11)})", values)


def reordered(connection: sqlite3.Connection) -> None:
    for was, becomes in ((2, 99), (3, 2), (99, 3)):
        connection.execute("UPDATE audit SET number = ? WHERE number = ?", (becomes, was))


def renumbered(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE number = 3")
    for number in (4, 5, 6):
        connection.execute("UPDATE audit SET number = number - 1 WHERE number = ?", (number,))


def with_another_head(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit_head SET hash = ?", ("f" * 64,))


def with_a_shorter_head(connection: sqlite3.Connection) -> object:
    return connection.execute("UPDATE audit_head SET count = 5")


def with_a_hash_of_its_own(connection: sqlite3.Connection) -> None:
    (before,) = connection.execute("SELECT hash FROM audit WHERE number = 5").fetchone()
    entry = AuditEntry(at=BEGAN, what="asked", person_id="U9FORGED")
    connection.execute("UPDATE audit SET at = ?, what = ?, upgrade_id = '', instance_id = '', person_id = ?,"
                       " team_id = '', channel_id = '', why = '', request_id = '', hash = ? WHERE number = 6",
                       (entry.at, entry.what, entry.person_id, link(before, 6, entry)))  # fmt: skip


TAMPERINGS: tuple[tuple[Tamper, str, int], ...] = (
    (changed, "changed", 3),
    (removed, "removed", 3),
    (renumbered, "removed", 3),
    (cut_short, "removed", 6),
    (emptied, "removed", 1),
    (added, "added", 7),
    (reordered, "re-ordered", 2),
    (with_another_head, "rewritten", 6),
    (with_a_shorter_head, "rewritten", 6),
    (with_a_hash_of_its_own, "rewritten", 6),
)
