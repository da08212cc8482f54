"""Is the audit trail whole? Every row's hash is computed again, in one pass, however long the trail is.

The chain finds a row that was changed, removed, added or re-ordered; the noted head also finds that the last rows are
missing. Whoever can rewrite every row after the one they changed, and the head with them, is found only by a copy of
the head that was kept elsewhere.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from bot.core.audit import GENESIS, AuditRow, link
from bot.core.ports import Store


class Break(StrEnum):
    """What happened to the first row that does not fit."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    REORDERED = "re-ordered"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The number of rows that hold, counted from the first; what broke at `number`, or None when the trail is whole.

    REWRITTEN: every row fits the one before, but the last is not the one that was noted; no row can be named but it.
    """

    rows: int
    broken: Break | None = None
    number: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.broken is None


async def verify(store: Store) -> Verdict:
    """Check the whole trail; rows that are written meanwhile are checked too."""
    noted_count, noted_hash = await store.audit_head()
    holds, last = 0, GENESIS
    fits_note = noted_count > 0 or (noted_count, noted_hash) == (0, GENESIS)
    rows = store.audit()
    async for row in rows:
        if not _fits(row, last, holds + 1):
            return Verdict(holds, *await _what_broke(store, row, rows, last, holds + 1))
        holds, last = row.number, row.hash
        if holds == noted_count:
            fits_note = last == noted_hash
    latest_count, latest_hash = await store.audit_head()
    if holds < noted_count:
        return Verdict(holds, Break.REMOVED, holds + 1)
    if not fits_note or (holds == latest_count and last != latest_hash):
        return Verdict(holds, Break.REWRITTEN, holds)
    if holds > latest_count:
        return Verdict(latest_count, Break.ADDED, latest_count + 1)
    return Verdict(holds)


def _fits(row: AuditRow, last: str, number: int) -> bool:
    """Whether the row is the one that was written as this number after the hash before."""
    try:
        return row.number == number and row.hash == link(last, number, row.entry)
    except TypeError:  # a value of a kind that no row is written with
        return False


async def _what_broke(
    store: Store, row: AuditRow, rest: AsyncIterator[AuditRow], last: str, number: int
) -> tuple[Break, int]:
    """Why `row` is not the one that belongs at `number`: the rest of the trail is read for the answer."""
    if row.number < number:
        return Break.ADDED, row.number
    noted_count, _ = await store.audit_head()
    gap = row.number > number
    highest = row.number
    is_elsewhere = _fits(_as(row, number), last, number)
    async for other in rest:
        highest = other.number
        is_elsewhere = is_elsewhere or _fits(_as(other, number), last, number)
    latest_count, _ = await store.audit_head()
    if not gap and highest > latest_count:
        return Break.ADDED, number
    if is_elsewhere:
        return Break.REORDERED, number
    return (Break.REMOVED if gap or highest < noted_count else Break.CHANGED), number


def _as(row: AuditRow, number: int) -> AuditRow:
    """The row as if it stood at another place."""
    return AuditRow(number, row.entry, row.hash)
