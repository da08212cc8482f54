"""The audit trail: one append-only row for each thing done or refused, in a hash chain, and its verification.

The chain shows a row that was changed, removed, added or re-ordered; the head, noted at each write, also shows that the
last rows are missing. Somebody who rewrites every row after a changed one, and the head with them, is found only by a
copy of the head that was kept elsewhere.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import astuple, dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from bot.core.upgrade import Upgrade

GENESIS = "0" * 64  # the hash before the first row
REFUSALS_SECONDS = 600.0
MAX_REFUSALS = 10  # different ones of one person in this time that get a row of their own
MAX_REFUSED_PEOPLE = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is recorded: ids only, never a secret. `at` in UNIX seconds; `reason` is a refusal's key or an error."""

    at: float
    event: str
    upgrade_id: str = ""
    instance_id: str = ""
    user_id: str = ""
    team_id: str = ""
    channel_id: str = ""
    reason: str = ""
    api_request_id: str = ""
    flags: str = ""  # of the request, as typed: `--delay --skip-validate`
    job_id: str = ""
    project: str = ""  # `region:project_id` when there are several

    @classmethod
    def of(
        cls, upgrade: Upgrade, at: float, event: str, user_id: str = "", reason: str = "", team_id: str = ""
    ) -> "AuditEntry":
        """An entry about an upgrade as it is after the transition; `user_id` is empty for the bot itself.

        `team_id` is that user's, where it may differ from the requester's.
        """
        return cls(
            at=at,
            event=event,
            upgrade_id=upgrade.id,
            instance_id=upgrade.instance_id,
            user_id=user_id,
            team_id=team_id or (upgrade.team_id if user_id else ""),
            channel_id=upgrade.channel_id,
            reason=reason,
            api_request_id=upgrade.api_request_id,
            flags=upgrade.flags,
            job_id=upgrade.job_id or "",
            project=upgrade.project,
        )


@dataclass(slots=True)
class _RefusedPerson:
    """The refusals of one person since `since`: how often each came again, without a row."""

    since: float
    entries: dict[AuditEntry, int] = field(default_factory=dict)  # by the entry without its time
    others: int = 0
    last: AuditEntry | None = None


class RefusalCounter:
    """Keeps the chain from growing with every refused click: within ten minutes a refusal that comes again is counted.

    So is whatever a person is refused beyond ten different things. The counts follow in rows after the ten minutes,
    with the next refusal of anybody, or when the process stops.
    """

    def __init__(self) -> None:
        self._people: dict[str, _RefusedPerson] = {}  # in the order of `since`

    def due_entries(self, entry: AuditEntry) -> list[AuditEntry]:
        """What is to be written for this refusal: counts that are due, and itself unless it is only counted."""
        due = self._expired(entry.at)
        person = self._people.get(entry.user_id)
        if person is None:
            if len(self._people) >= MAX_REFUSED_PEOPLE:
                due += self._counts(self._people.pop(next(iter(self._people))), entry.at)
            person = self._people[entry.user_id] = _RefusedPerson(entry.at)
        key = replace(entry, at=0.0)
        if key in person.entries:
            person.entries[key] += 1
        elif len(person.entries) < MAX_REFUSALS:
            person.entries[key] = 0
            due.append(entry)
        else:
            person.others, person.last = person.others + 1, key
        return due

    def forget(self, user_id: str) -> None:
        """What was to be written was not: the person's next refusal gets a row."""
        self._people.pop(user_id, None)

    def drain(self, now: float) -> list[AuditEntry]:
        """All counts that have no row yet: the process ends."""
        people, self._people = self._people, {}
        return [entry for person in people.values() for entry in self._counts(person, now)]

    def _expired(self, now: float) -> list[AuditEntry]:
        due: list[AuditEntry] = []
        while self._people:
            user_id, person = next(iter(self._people.items()))
            if person.since <= now < person.since + REFUSALS_SECONDS:
                break
            due += self._counts(self._people.pop(user_id), now)
        return due

    def _counts(self, person: _RefusedPerson, now: float) -> list[AuditEntry]:
        counted = [(entry, f"{entry.reason} ({count} more)") for entry, count in person.entries.items() if count]
        if person.last is not None:
            counted.append((replace(person.last, upgrade_id="", instance_id=""), f"others ({person.others} more)"))
        return [replace(entry, at=now, reason=reason) for entry, reason in counted]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry in its place in the chain: `number` counts from 1, `hash` covers the entry and the hash before it."""

    number: int
    entry: AuditEntry
    hash: str


def row_hash(previous: str, number: int, entry: AuditEntry) -> str:
    """SHA-256 (hex) over the hash before, the row's number and every field of the entry, in order."""
    body = json.dumps([previous, number, *astuple(entry)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


class AuditBreak(StrEnum):
    """What happened to the first row that does not fit."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    REORDERED = "re-ordered"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """`rows` counts the rows that hold from the first on, `head` is the last one's hash; `broken` at row `number`, None
    when the trail is whole.

    REWRITTEN: every row fits the one before, but the last is not the one that was noted; no other row can be named.
    """

    rows: int
    broken: AuditBreak | None = None
    number: int | None = None
    head: str = field(default="", compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether every row holds."""
        return self.broken is None


class AuditSource(Protocol):
    """The part of a `Storage` that verification reads."""

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each write."""


async def verify_audit(source: AuditSource) -> AuditVerdict:
    """Recompute the whole chain in one pass; rows that are written meanwhile are checked too."""
    noted_count, noted_hash = await source.audit_head()
    count, last_hash = 0, GENESIS
    fits_head = noted_count > 0 or (noted_count, noted_hash) == (0, GENESIS)
    rows = source.audit()
    async for row in rows:
        if not _fits(row, last_hash, count + 1):
            return AuditVerdict(count, *await _break_at(source, row, rows, last_hash, count + 1))
        count, last_hash = row.number, row.hash
        if count == noted_count:
            fits_head = last_hash == noted_hash
    latest_count, latest_hash = await source.audit_head()
    if count < noted_count:
        return AuditVerdict(count, AuditBreak.REMOVED, count + 1)
    if not fits_head or (count == latest_count and last_hash != latest_hash):
        return AuditVerdict(count, AuditBreak.REWRITTEN, count)
    if count > latest_count:
        return AuditVerdict(latest_count, AuditBreak.ADDED, latest_count + 1)
    return AuditVerdict(count, head=last_hash)


def _fits(row: AuditRow, previous_hash: str, number: int) -> bool:
    """Whether the row is the one that was written under this number after that hash."""
    try:
        return row.number == number and row.hash == row_hash(previous_hash, number, row.entry)
    except TypeError:  # a value of a type that no row is written with
        return False


async def _break_at(
    source: AuditSource, row: AuditRow, following: AsyncIterator[AuditRow], previous_hash: str, number: int
) -> tuple[AuditBreak, int]:
    """Why `row` is not the one that belongs at `number`; reads the rest of the trail to tell."""
    if row.number < number:
        return AuditBreak.ADDED, row.number
    noted_count, _ = await source.audit_head()
    is_gap = row.number > number
    highest = row.number
    is_elsewhere = _fits(_renumbered(row, number), previous_hash, number)
    async for later_row in following:
        highest = later_row.number
        is_elsewhere = is_elsewhere or _fits(_renumbered(later_row, number), previous_hash, number)
    latest_count, _ = await source.audit_head()
    if not is_gap and highest > latest_count:
        return AuditBreak.ADDED, number
    if is_elsewhere:
        return AuditBreak.REORDERED, number
    return (AuditBreak.REMOVED if is_gap or highest < noted_count else AuditBreak.CHANGED), number


def _renumbered(row: AuditRow, number: int) -> AuditRow:
    return AuditRow(number, row.entry, row.hash)
