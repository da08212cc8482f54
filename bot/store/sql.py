"""The sentences both databases are spoken to with, in PostgreSQL's spelling (`$1`); SQLite's is derived once, here."""

import re
from dataclasses import dataclass, fields

from bot.core.upgrade import LIVE, State
from bot.store.chain import AUDIT_COLUMNS
from bot.store.rows import UPGRADE_COLUMNS

LIVE_STATES = ", ".join(f"'{state}'" for state in sorted(LIVE))
OPEN_STATES = f"'{State.ASKED}', {LIVE_STATES}"
_NEWEST = "ORDER BY asked_at DESC, id DESC LIMIT $1"


def _listed(columns: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in columns)


def _blanks(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))


def _select(rest: str) -> str:
    return f"SELECT {_listed(UPGRADE_COLUMNS)} FROM upgrades {rest}"  # noqa: S608 - column names of our own


_UPGRADE = _listed(UPGRADE_COLUMNS)
_INSERT = f"INSERT INTO upgrades ({_UPGRADE}) VALUES ({_blanks(len(UPGRADE_COLUMNS))})"  # noqa: S608 - as above
_CHANGED = tuple(name for name in UPGRADE_COLUMNS if name != "id")
_SET = ", ".join(f"{name} = ${number}" for number, name in enumerate(_CHANGED, 3))
_AUDIT = _listed(AUDIT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Each sentence by what it does; the comment names its blanks."""

    # every column of the row, here and in the next
    fill: str = _INSERT
    add: str = f"{_INSERT} ON CONFLICT (trigger_id) DO NOTHING RETURNING id"
    # id, the revision before, every other column
    save: str = f"UPDATE upgrades SET {_SET} WHERE id = $1 AND revision = $2 RETURNING id"  # noqa: S608 - as above
    # id
    get: str = _select("WHERE id = $1")
    # instance
    live_for: str = _select(f"WHERE instance_id = $1 AND state IN ({LIVE_STATES})")
    # limit, and the instance in those that name one
    history: str = _select(_NEWEST)
    history_of: str = _select(f"WHERE instance_id = $2 {_NEWEST}")
    open_now: str = _select(f"WHERE state IN ({OPEN_STATES}) {_NEWEST}")
    open_now_of: str = _select(f"WHERE instance_id = $2 AND state IN ({OPEN_STATES}) {_NEWEST}")
    # channel, ts
    by_message: str = _select("WHERE channel_id = $1 AND message_ts = $2 ORDER BY asked_at DESC LIMIT 1")
    # the last id before, limit
    page: str = _select("WHERE id > $1 ORDER BY id LIMIT $2")
    # now, limit
    due: str = _select("WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
    # now
    census: str = (
        "SELECT state, count(*), sum(CASE WHEN due_at <= $1 THEN 1 ELSE 0 END) FROM upgrades"
        " WHERE due_at IS NOT NULL GROUP BY state"
    )
    # id, due_at
    lease: str = "UPDATE upgrades SET due_at = $2 WHERE id = $1"
    # id, until
    prolong: str = (
        "UPDATE upgrades SET look_at = $2, due_at = CASE WHEN tell_at < $2 THEN tell_at ELSE $2 END"
        " WHERE id = $1 AND state = 'sending'"
    )
    # every column of the row
    audit_add: str = f"INSERT INTO audit ({_AUDIT}) VALUES ({_blanks(len(AUDIT_COLUMNS))})"  # noqa: S608 - as above
    # the last number before, limit
    audit_page: str = f"SELECT {_AUDIT} FROM audit WHERE number > $1 ORDER BY number LIMIT $2"  # noqa: S608 - as above
    head: str = "SELECT count, hash FROM audit_head"
    # count, hash
    head_moved: str = "UPDATE audit_head SET count = $1, hash = $2"
    is_empty: str = (
        "SELECT count = 0 AND NOT EXISTS (SELECT 1 FROM upgrades) AND NOT EXISTS (SELECT 1 FROM audit) FROM audit_head"
    )
    # at
    ping: str = "UPDATE pulse SET at = $1"


POSTGRES = Sentences()
SQLITE = Sentences(*(re.sub(r"\$(\d)", r"?\1", getattr(POSTGRES, field.name)) for field in fields(Sentences)))

# PostgreSQL alone: its own clock says what is due, rows that others are at are passed over.
_NOW = "extract(epoch FROM clock_timestamp())::double precision"
HEAD_LOCKED = f"{POSTGRES.head} FOR UPDATE"
CLAIM = f"""
WITH due AS (
    SELECT id AS due_id, due_at AS was_due_at FROM upgrades WHERE due_at <= {_NOW}
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE upgrades SET due_at = {_NOW} + $2::double precision FROM due WHERE id = due_id
RETURNING {_listed(UPGRADE_COLUMNS)}, was_due_at
"""  # noqa: S608 - as above
PROLONG_ALL = f"""
WITH lease AS (SELECT {_NOW} + $2::double precision AS until)
UPDATE upgrades SET look_at = until, due_at = CASE WHEN tell_at < until THEN tell_at ELSE until END
FROM lease WHERE id = ANY($1::text[]) AND state = 'sending'
"""  # noqa: S608 - as above
PING = f"UPDATE pulse SET at = {_NOW}"  # noqa: S608 - as above
