"""The audit trail in its rows: entries linked to the row before, and where the trail was noted to end."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from bot.core.audit import AuditEntry, AuditRow, link
from bot.core.reasons import StoreAway
from bot.store.rows import with_clean_texts

ENTRY_COLUMNS = tuple(field.name for field in fields(AuditEntry))
AUDIT_COLUMNS = ("number", *ENTRY_COLUMNS, "hash")
BEING_FILLED = -1  # noted as the number of rows while another store is copied into this one: nothing may be written
NO_HEAD = (0, "")  # somebody deleted the note
BROKEN_TRAIL = "the audit trail does not end where it was noted to end: see `audit --verify`"


def noted(head: Sequence[Any] | None) -> tuple[int, str]:
    """Where the trail ends: how many rows and the last hash; the trail is not written on from anywhere else."""
    if head is None:
        raise StoreAway(BROKEN_TRAIL)
    count, hash_ = head
    if count == BEING_FILLED:
        raise StoreAway("another store is being copied into this one, or such a copy was broken off")
    return count, hash_


def chained(count: int, previous: str, entries: Iterable[AuditEntry]) -> list[AuditRow]:
    """The entries as the rows that follow a chain of `count` rows whose last hash is `previous`."""
    rows = []
    for number, entry in enumerate(entries, count + 1):
        written = with_clean_texts(replace(entry, at=float(entry.at)), ENTRY_COLUMNS)
        previous = link(previous, number, written)
        rows.append(AuditRow(number, written, previous))
    return rows


def audit_values(row: AuditRow) -> list[Any]:
    """The values of an audit row, in the order of `AUDIT_COLUMNS`."""
    return [row.number, *(getattr(row.entry, name) for name in ENTRY_COLUMNS), row.hash]


def audit_of(values: Sequence[Any]) -> AuditRow:
    """The audit row whose columns are `AUDIT_COLUMNS`, as they are: a wrong value is for `verify` to find."""
    number, *entry, hash_ = values
    return AuditRow(number, AuditEntry(*entry), hash_)
