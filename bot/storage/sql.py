"""What both databases share: columns, rows as values, every SQL statement, the queries, the next rows of the audit.

Statements that both databases share are written for PostgreSQL (`$1`), their parameters numbered in the order in which
they occur, so that SQLite's (`?`) can be derived. Numbered placeholders in SQLite (`?1`) make Python 3.12.0 to 3.12.3
warn when they are given a sequence.
"""

import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, ClassVar, TypeVar

from bot.core.audit import AuditEntry, AuditRow, row_hash
from bot.core.errors import StorageUnavailable
from bot.core.messages import Language
from bot.core.notifications import Notification
from bot.core.ports import QueueStats
from bot.core.upgrade import LIVE_STATES, NEVER_CONFIRMED, EarlierRequest, EndCheck, Operation, State, Upgrade

log = logging.getLogger("bot.storage")
MAX_TIME = 2.5e11  # in UNIX seconds the year 9892
StoredRow = TypeVar("StoredRow", Upgrade, AuditEntry)

UPGRADE_COLUMNS = tuple(field.name for field in fields(Upgrade))
AUDIT_ENTRY_COLUMNS = tuple(field.name for field in fields(AuditEntry))
AUDIT_COLUMNS = ("number", *AUDIT_ENTRY_COLUMNS, "hash")


def storable_text(text: str) -> str:
    """Text that both databases take: PostgreSQL has no NUL, UTF-8 no lone surrogate; answers of the cloud may."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def as_stored(row: StoredRow) -> StoredRow:
    """The upgrade or audit entry exactly as it will be read again."""
    changes: dict[str, Any] = {}
    for name in _TEXT_COLUMNS[type(row)]:
        text = getattr(row, name)
        if text is not None and (stored := storable_text(text)) != text:
            changes[name] = stored
    return replace(row, **changes) if changes else row


def upgrade_values(upgrade: Upgrade) -> list[object]:
    """The values of a row, in the order of `UPGRADE_COLUMNS`."""
    values = list(_columns_of(upgrade))
    for number, convert in _TO_COLUMNS:
        values[number] = convert(values[number])
    return values


def upgrade_from_values(values: Iterable[Any]) -> Upgrade:
    """The upgrade in a row whose columns are `UPGRADE_COLUMNS`; raises `UnreadableRow`."""
    row = list(values)
    try:
        if bytes in set(map(type, row)) or row[0] is None:
            raise ValueError("a value is no text")
        for number, convert in _FROM_COLUMNS:
            row[number] = convert(row[number])
        return Upgrade(*row)
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableRow(str(row[0]), error) from error


class UnreadableRow(Exception):
    """A row with a value that this version does not know, written by a newer one or by hand."""

    def __init__(self, upgrade_id: str, reason: object) -> None:
        super().__init__(f"the row of {upgrade_id} cannot be read: {reason}")
        self.upgrade_id = upgrade_id


def audit_values(row: AuditRow) -> list[object]:
    """The values of an audit row, in the order of `AUDIT_COLUMNS`."""
    return [row.number, *(getattr(row.entry, name) for name in AUDIT_ENTRY_COLUMNS), row.hash]


def audit_row_from_values(values: Iterable[Any]) -> AuditRow:
    """The audit row whose columns are `AUDIT_COLUMNS`, unchecked: a wrong value is for `verify_audit` to report."""
    number, *entry_values, row_hash = values
    return AuditRow(number, AuditEntry(*entry_values), row_hash)


def _join_notifications(notifications: tuple[Notification, ...]) -> str:
    return ",".join(notifications)


def _split_notifications(text: str) -> tuple[Notification, ...]:
    return tuple(Notification(kind) for kind in text.split(",") if kind)


def _operations_to_json(operations: tuple[Operation, ...]) -> str:
    return json.dumps([astuple(operation) for operation in operations]) if operations else ""


def _operations_from_json(text: str) -> tuple[Operation, ...]:
    return tuple(Operation(name, started_at) for name, started_at in json.loads(text)) if text else ()


def _earlier_to_json(earlier: EarlierRequest | None) -> str:
    return json.dumps(astuple(earlier)) if earlier else ""


def _earlier_from_json(text: str) -> EarlierRequest | None:
    return EarlierRequest(*json.loads(text)) if text else None


def _number(value: Any) -> Any:
    """SQLite keeps any value in any column."""
    if value is None or isinstance(value, int | float):
        return value
    raise ValueError(f"{value!r:.40} is no number")


def _time(value: Any) -> Any:
    """A time that no calendar has would break whatever shows it."""
    if value is None or (isinstance(value, int | float) and abs(value) < MAX_TIME):
        return value
    raise ValueError(f"{value!r:.40} is no time")


_TO_COLUMN: dict[str, Callable[[Any], Any]] = {
    "language": str,
    "state": str,
    "end_check": str,
    "pending_notifications": _join_notifications,
    "operations": _operations_to_json,
    "earlier_unresolved": _earlier_to_json,
}
_FROM_COLUMN: dict[str, Callable[[Any], Any]] = {
    **{field.name: _number for field in fields(Upgrade) if field.type in (int, int | None)},
    **{field.name: _time for field in fields(Upgrade) if field.type in (float, float | None)},
    "delay": bool,  # SQLite returns 0 and 1
    "skip_validate": bool,
    "is_sign_in_failure": bool,
    "language": Language,
    "state": State,
    "end_check": EndCheck,
    "pending_notifications": _split_notifications,
    "operations": _operations_from_json,
    "earlier_unresolved": _earlier_from_json,
}
_TO_COLUMNS, _FROM_COLUMNS = (
    tuple((number, table[name]) for number, name in enumerate(UPGRADE_COLUMNS) if name in table)
    for table in (_TO_COLUMN, _FROM_COLUMN)
)
_TEXT_COLUMNS = {
    kind: tuple(field.name for field in fields(kind) if field.type in (str, str | None))
    for kind in (Upgrade, AuditEntry)
}
_columns_of = attrgetter(*UPGRADE_COLUMNS)


def _sql_list(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _other_than(words: Iterable[str], column: str) -> str:
    """An expression: whether a list separated by commas has anything but these words."""
    rest = column
    for word in sorted(words, key=len, reverse=True):
        rest = f"replace({rest}, '{word}', '')"
    return f"replace({rest}, ',', '') <> ''"


_IS_UNREADABLE = (
    f"state NOT IN ({_sql_list(State)}) OR language NOT IN ({_sql_list(Language)})"
    f" OR {_other_than(Notification, 'pending_notifications')}"
    + "".join(f" OR {column} >= {MAX_TIME}" for column in ("requested_at", "expires_at", "decided_at", "ended_at"))
)
LIVE_STATE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE_STATES))
NEVER_CONFIRMED_LIST = ", ".join(f"'{state}'" for state in sorted(NEVER_CONFIRMED))
NOT_STARTED_STATE_LIST = f"{NEVER_CONFIRMED_LIST}, '{State.REJECTED}', '{State.NOT_SENT}'"
OPEN_STATE_LIST = f"'{State.REQUESTED}', {LIVE_STATE_LIST}, '{State.UNRESOLVED}'"
# An unresolved upgrade stays open until a later one of the instance has a job: somebody still has to look.
OPEN = (
    f"state IN ({OPEN_STATE_LIST}) AND (state <> '{State.UNRESOLVED}' OR NOT EXISTS ("  # noqa: S608 - our own names
    "SELECT 1 FROM upgrades AS later WHERE later.instance_id = upgrades.instance_id"
    " AND later.requested_at > upgrades.requested_at AND later.job_id IS NOT NULL))"
)


def _placeholders(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))


_UPGRADE = ", ".join(UPGRADE_COLUMNS)
_INSERT = f"INSERT INTO upgrades ({_UPGRADE}) VALUES ({_placeholders(len(UPGRADE_COLUMNS))})"  # noqa: S608 - our own column names
_LEASE = (
    "next_poll_at = until, due_at = CASE"
    " WHEN report_at < until AND (notify_at IS NULL OR report_at < notify_at) THEN report_at"
    " WHEN notify_at < until THEN notify_at ELSE until END"
)
_LEASE_HOLDS = "WHERE id = {id} AND sender = {sender} AND state = 'submitting' AND next_poll_at > {now}"
_NEWEST_FIRST = "ORDER BY requested_at DESC, id DESC"
_AUDIT = ", ".join(AUDIT_COLUMNS)


def _select(clauses: str) -> str:
    return f"SELECT {_UPGRADE} FROM upgrades {clauses}"  # noqa: S608 - as above


@dataclass(slots=True, eq=False, repr=False)
class Statements:
    """The statements that both databases share; the comment above a statement names its parameters in order."""

    # all columns of the row, in this and the next
    copy_upgrade: str = _INSERT
    add_upgrade: str = f"{_INSERT} ON CONFLICT (trigger_id) DO NOTHING RETURNING id"
    # id
    get: str = _select("WHERE id = $1")
    # instance id
    live_upgrade: str = _select(f"WHERE instance_id = $1 AND state IN ({LIVE_STATE_LIST})")
    # channel id, message ts
    find_by_message: str = _select("WHERE channel_id = $1 AND message_ts = $2 ORDER BY requested_at DESC LIMIT 1")
    # limit
    latest: str = _select(f"{_NEWEST_FIRST} LIMIT $1")
    open_upgrades: str = _select(f"WHERE {OPEN} {_NEWEST_FIRST} LIMIT $1")
    # instance id, UNIX seconds
    confirmed_since: str = _select(
        f"WHERE instance_id = $1 AND decided_at >= $2 AND state NOT IN ({NEVER_CONFIRMED_LIST}) ORDER BY decided_at"
    )
    # instance id, twice, limit
    related_upgrades: str = _select(
        f"WHERE instance_id = $1 AND (state IN ('{State.REQUESTED}', {LIVE_STATE_LIST}) OR id = ("  # noqa: S608 - our own names
        " SELECT id FROM upgrades AS sent WHERE instance_id = $2 AND decided_at IS NOT NULL"
        f" AND state NOT IN ({NOT_STARTED_STATE_LIST}) ORDER BY decided_at DESC LIMIT 1))"
        f" ORDER BY state = '{State.REQUESTED}', requested_at DESC, id DESC LIMIT $3"
    )
    # instance id, limit
    latest_of_instance: str = _select(f"WHERE instance_id = $1 {_NEWEST_FIRST} LIMIT $2")
    open_upgrades_of_instance: str = _select(f"WHERE instance_id = $1 AND {OPEN} {_NEWEST_FIRST} LIMIT $2")
    # the last id of the page before, limit
    upgrades_page: str = _select("WHERE id > $1 ORDER BY id LIMIT $2")
    # now
    queue_stats: str = (
        "SELECT state, count(*), sum(CASE WHEN due_at <= $1 THEN 1 ELSE 0 END),"  # noqa: S608 - our own words
        f" sum(CASE WHEN {_IS_UNREADABLE} THEN 1 ELSE 0 END) FROM upgrades"
        " WHERE due_at IS NOT NULL GROUP BY state"
    )
    # all columns of the row
    add_audit_row: str = f"INSERT INTO audit ({_AUDIT}) VALUES ({_placeholders(len(AUDIT_COLUMNS))})"  # noqa: S608 - as above
    # the last number of the page before, limit
    audit_page: str = f"SELECT {_AUDIT} FROM audit WHERE number > $1 ORDER BY number LIMIT $2"  # noqa: S608 - as above
    audit_head: str = "SELECT count, hash FROM audit_head"
    # count, hash
    set_audit_head: str = "UPDATE audit_head SET count = $1, hash = $2"
    is_empty: str = (
        "SELECT count = 0 AND NOT EXISTS (SELECT 1 FROM upgrades) AND NOT EXISTS (SELECT 1 FROM audit) FROM audit_head"
    )


POSTGRES = Statements()
SQLITE = Statements(*(re.sub(r"\$\d+", "?", getattr(POSTGRES, field.name)) for field in fields(Statements)))

_INDEXED_COLUMNS = ("instance_id", "channel_id", "trigger_id", "requested_at", "state", "job_id", "message_ts")


def save_upgrade(before: Upgrade, after: Upgrade) -> tuple[str, list[object]]:
    """The compare-and-set on `before.revision` in SQLite, and its values.

    SQLite writes each index anew whose columns a statement sets, whatever the values: those that stay are left out.
    """
    unchanged = frozenset(name for name in _INDEXED_COLUMNS if getattr(before, name) == getattr(after, name))
    statement, values_of = _update_upgrade(unchanged)
    return statement, [*values_of(upgrade_values(after)), before.id, before.revision]


@lru_cache
def _update_upgrade(left_out: frozenset[str]) -> tuple[str, Callable[[Sequence[object]], tuple[object, ...]]]:
    """The statement without these columns, and what takes its values from those of the whole row."""
    columns = {name: number for number, name in enumerate(UPGRADE_COLUMNS) if name not in {"id", *left_out}}
    assignments = ", ".join(f"{name} = ?" for name in columns)
    statement = f"UPDATE upgrades SET {assignments} WHERE id = ? AND revision = ?"  # noqa: S608 - as above
    return statement, itemgetter(*columns.values())


# SQLite alone, where one writer at a time holds the whole database and the caller's clock says what is due.
# now, limit
SQLITE_DUE = _select("WHERE due_at <= ? ORDER BY due_at LIMIT ?")
# end of the lease, id
SQLITE_CLAIM = "UPDATE upgrades SET due_at = ? WHERE id = ?"
_SQLITE_LEASE_HOLDS = _LEASE_HOLDS.format(id="?", sender="?", now="?")
# end of the lease, id, sender, now
SQLITE_RENEW_LEASE = f"UPDATE upgrades SET {_LEASE} FROM (SELECT ? AS until) AS lease {_SQLITE_LEASE_HOLDS}"  # noqa: S608 - as above
SQLITE_BEGIN_ATTEMPT = (
    f"UPDATE upgrades SET revision = revision + 1, {_LEASE} FROM (SELECT ? AS until) AS lease"  # noqa: S608 - as above
    f" {_SQLITE_LEASE_HOLDS} RETURNING {_UPGRADE}"
)
# now
SQLITE_HEARTBEAT = "UPDATE heartbeat SET at = ?"
SQLITE_LAST_HEARTBEAT = "SELECT at FROM heartbeat"
# seconds, five times
SQLITE_MOVE_TIMERS_BACK = (
    "UPDATE upgrades SET due_at = due_at - ?, next_poll_at = next_poll_at - ?, notify_at = notify_at - ?,"
    " report_at = report_at - ?,"
    " expires_at = CASE WHEN state = 'requested' THEN expires_at - ? ELSE expires_at END,"
    " revision = revision + 1 WHERE due_at IS NOT NULL"
)

# PostgreSQL alone: the database's clock says what is due, and rows that another replica has locked are skipped.
_UPDATED_COLUMNS = UPGRADE_COLUMNS[1:]  # all but the id
_SET = ", ".join(f"{name} = ${number}" for number, name in enumerate(_UPDATED_COLUMNS, 1))
_WHERE_UNCHANGED = f"WHERE id = ${len(_UPDATED_COLUMNS) + 1} AND revision = ${len(_UPDATED_COLUMNS) + 2}"
# all columns but the id, then the id and the revision before
POSTGRES_SAVE_UPGRADE = f"UPDATE upgrades SET {_SET} {_WHERE_UNCHANGED} RETURNING id"  # noqa: S608 - as above
_NOW = "extract(epoch FROM clock_timestamp())::double precision"
POSTGRES_LOCK_AUDIT_HEAD = f"{POSTGRES.audit_head} FOR UPDATE"
# limit, lease in seconds
POSTGRES_CLAIM_DUE = f"""
WITH due AS (
    SELECT id AS due_id, due_at AS was_due_at FROM upgrades WHERE due_at <= {_NOW}
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE upgrades SET due_at = {_NOW} + $2::double precision FROM due WHERE id = due_id
RETURNING {_UPGRADE}, was_due_at
"""  # noqa: S608 - as above
# ids, seconds
POSTGRES_SET_ASIDE = f"UPDATE upgrades SET due_at = {_NOW} + $2::double precision WHERE id = ANY($1::text[])"  # noqa: S608 - as above
# ids, their senders, lease in seconds
POSTGRES_RENEW_LEASES = f"""
WITH lease AS (SELECT {_NOW} + $3::double precision AS until),
held AS (SELECT * FROM unnest($1::text[], $2::text[]) AS held (held_id, held_sender))
UPDATE upgrades SET {_LEASE} FROM lease, held
{_LEASE_HOLDS.format(id="held_id", sender="held_sender", now=_NOW)} RETURNING id
"""  # noqa: S608 - as above
# id, sender, lease in seconds
POSTGRES_BEGIN_ATTEMPT = f"""
WITH lease AS (SELECT {_NOW} + $3::double precision AS until)
UPDATE upgrades SET revision = revision + 1, {_LEASE} FROM lease
{_LEASE_HOLDS.format(id="$1", sender="$2", now=_NOW)} RETURNING {_UPGRADE}
"""  # noqa: S608 - as above
POSTGRES_NOW = f"SELECT {_NOW}"
POSTGRES_MISSING_PRIVILEGES = """
SELECT string_agg(privilege || ' on ' || name, ', ' ORDER BY name, privilege)
FROM (VALUES
    ('upgrades', 'SELECT'), ('upgrades', 'INSERT'), ('upgrades', 'UPDATE'), ('audit', 'SELECT'), ('audit', 'INSERT'),
    ('audit_head', 'SELECT'), ('audit_head', 'UPDATE'), ('heartbeat', 'UPDATE'), ('schema_migrations', 'SELECT')
) AS needed (name, privilege)
WHERE NOT has_table_privilege(name, privilege)
"""
POSTGRES_HEARTBEAT = f"UPDATE heartbeat SET at = {_NOW}"  # noqa: S608 - as above


# the reading half of a `Storage`, and the next rows of the audit

SET_ASIDE_SECONDS = 3600.0  # until a row that this version cannot read is looked at again
PAGE_ROWS = 1000  # rows in memory at once while a whole table is streamed
COPY_IN_PROGRESS = -1  # the count in audit_head while another database is copied into this one: nothing may be written
MISSING_HEAD = (0, "")  # read when somebody has deleted the row of audit_head
BROKEN_AUDIT = "the audit trail does not end where it was noted to end: see `audit --verify`"


class SqlQueries(ABC):
    """The reading half of a `Storage`; a subclass adds how rows are fetched from its database."""

    statements: ClassVar[Statements]
    _unreadable_ids: set[str]  # that have been logged
    min_audit_number: ClassVar[int]  # the least value of the column: forged rows may have numbers below 1

    @abstractmethod
    def clock(self) -> float:
        """Now (UNIX seconds) by the database's clock."""

    @abstractmethod
    async def _fetch(self, statement: str, *values: object) -> Sequence[Any]:
        """The rows of a query."""

    def readable_upgrade(self, values: Iterable[Any]) -> Upgrade | None:
        """The upgrade in a row, None for one that this version cannot read; it is logged once."""
        try:
            return upgrade_from_values(values)
        except UnreadableRow as error:
            if error.upgrade_id not in self._unreadable_ids:
                self._unreadable_ids.add(error.upgrade_id)
                log.error("storage.unreadable_row", extra={"upgrade": error.upgrade_id, "reason": str(error.__cause__)})
            return None

    async def get(self, upgrade_id: str) -> Upgrade | None:
        """The row as it is."""
        return await self._fetch_upgrade(self.statements.get, storable_text(upgrade_id))

    async def live_upgrade(self, instance_id: str) -> Upgrade | None:
        """The live upgrade of an instance."""
        return await self._fetch_upgrade(self.statements.live_upgrade, storable_text(instance_id))

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        """The upgrade whose request card is this message."""
        values = (storable_text(channel_id), storable_text(message_ts))
        return await self._fetch_upgrade(self.statements.find_by_message, *values)

    async def latest(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """Upgrades of one instance or of all, the newest first."""
        if instance_id is None:
            return await self._fetch_upgrades(self.statements.latest, limit)
        return await self._fetch_upgrades(self.statements.latest_of_instance, storable_text(instance_id), limit)

    async def related_upgrades(self, instance_id: str, limit: int) -> Sequence[Upgrade]:
        """What another request for the instance has to know: live, confirmed last, then the open requests.

        Of the confirmed ones those do not count that certainly did not start.
        """
        instance_id = storable_text(instance_id)
        return await self._fetch_upgrades(self.statements.related_upgrades, instance_id, instance_id, limit)

    async def confirmed_since(self, instance_id: str, since: float) -> Sequence[Upgrade]:
        """The upgrades of an instance that were confirmed at that time or later (UNIX seconds), the earliest first."""
        return await self._fetch_upgrades(self.statements.confirmed_since, storable_text(instance_id), since)

    async def open_upgrades(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """What waits for a confirmation or is live, of one instance or of all, the newest first."""
        if instance_id is None:
            return await self._fetch_upgrades(self.statements.open_upgrades, limit)
        return await self._fetch_upgrades(self.statements.open_upgrades_of_instance, storable_text(instance_id), limit)

    async def queue_stats(self, now: float) -> Sequence[QueueStats]:
        """How much is waiting, by state."""
        return [QueueStats(*row) for row in await self._fetch(self.statements.queue_stats, now)]

    async def upgrades(self) -> AsyncIterator[Upgrade]:
        """Every upgrade, streamed."""
        last_id = ""
        while page := await self._fetch(self.statements.upgrades_page, last_id, PAGE_ROWS):
            for values in page:
                try:
                    yield upgrade_from_values(values)
                except UnreadableRow as error:  # whoever wants every row must not miss one
                    raise StorageUnavailable(f"{error}; it needs the version that wrote it") from error
            last_id = page[-1][0]

    async def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        last_number = self.min_audit_number
        while page := await self._fetch_audit_page(last_number):
            for values in page:
                yield audit_row_from_values(values)
            last_number = page[-1][0]

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each write."""
        count, last_hash = next(iter(await self._fetch(self.statements.audit_head)), MISSING_HEAD)
        return count, last_hash

    async def _fetch_audit_page(self, last_number: int) -> Sequence[Any]:
        return await self._fetch(self.statements.audit_page, last_number, PAGE_ROWS)

    async def _fetch_upgrade(self, statement: str, *values: object) -> Upgrade | None:
        return next(iter(await self._fetch_upgrades(statement, *values)), None)

    async def _fetch_upgrades(self, statement: str, *values: object) -> list[Upgrade]:
        upgrades = map(self.readable_upgrade, await self._fetch(statement, *values))
        return [upgrade for upgrade in upgrades if upgrade is not None]


def next_audit_rows(head: Sequence[Any] | None, entries: Iterable[AuditEntry]) -> list[AuditRow]:
    """The entries as the rows that follow in the hash chain; `head` is the row of audit_head: count and last hash.

    Raises `StorageUnavailable` when there is no head to continue from, or the database is being copied into.
    """
    if head is None:
        raise StorageUnavailable(BROKEN_AUDIT)
    count, last_hash = head
    if count == COPY_IN_PROGRESS:
        raise StorageUnavailable("another database is being copied into this one, or such a copy was broken off")
    rows = []
    for number, entry in enumerate(entries, count + 1):
        stored_entry = as_stored(replace(entry, at=float(entry.at)))
        last_hash = row_hash(last_hash, number, stored_entry)
        rows.append(AuditRow(number, stored_entry, last_hash))
    return rows
