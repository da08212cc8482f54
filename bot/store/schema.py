"""The tables, as numbered steps that are run at start, each taken once.

Steps only ever add: replicas of the version before run on the same tables for the time of a deploy. A step that has
been released is never edited; a new field of `Upgrade` is a new step that adds its column, with a default.
"""

from dataclasses import dataclass

STEPS_TABLE = "CREATE TABLE IF NOT EXISTS schema_steps (number integer PRIMARY KEY)"
STEPS_TAKEN = "SELECT number FROM schema_steps"
STEP_TAKEN = "INSERT INTO schema_steps (number) VALUES ({})"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what both databases run, then what only one of them does."""

    number: int
    both: tuple[str, ...]
    sqlite: tuple[str, ...] = ()
    postgres: tuple[str, ...] = ()


_UPGRADES = """
CREATE TABLE upgrades (
    id text PRIMARY KEY,
    instance_id text NOT NULL,
    delay boolean NOT NULL,
    skip_validate boolean NOT NULL,
    team_id text NOT NULL,
    channel_id text NOT NULL,
    trigger_id text NOT NULL UNIQUE,
    asked_by text NOT NULL,
    language text NOT NULL,
    asked_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL,
    message_ts text,
    decided_by text,
    decided_at double precision,
    job_id text,
    job_status text NOT NULL DEFAULT '',
    percent bigint,
    fail_reason text NOT NULL DEFAULT '',
    ended_at double precision,
    http_status bigint,
    error_code text NOT NULL DEFAULT '',
    error_msg text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    sight text NOT NULL DEFAULT '',
    looks bigint NOT NULL DEFAULT 0,
    misses bigint NOT NULL DEFAULT 0,
    missing_since double precision,
    look_at double precision,
    untold text NOT NULL DEFAULT '',
    tell_at double precision,
    tell_attempts bigint NOT NULL DEFAULT 0,
    progress_ts text,
    progress_at double precision,
    direct_channel text,
    about text NOT NULL DEFAULT '',
    due_at double precision
)"""

_INDEXES = (
    "CREATE UNIQUE INDEX upgrades_live ON upgrades (instance_id) WHERE state IN ('following', 'sending', 'unknown')",
    "CREATE INDEX upgrades_open ON upgrades (asked_at) WHERE state IN ('asked', 'following', 'sending', 'unknown')",
    "CREATE INDEX upgrades_due ON upgrades (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX upgrades_of_instance ON upgrades (instance_id, asked_at)",
    "CREATE INDEX upgrades_asked ON upgrades (asked_at)",
    "CREATE INDEX upgrades_message ON upgrades (message_ts, channel_id) WHERE message_ts IS NOT NULL",
)

_AUDIT = """
CREATE TABLE audit (
    number integer PRIMARY KEY,
    at double precision NOT NULL,
    what text NOT NULL,
    upgrade_id text NOT NULL,
    instance_id text NOT NULL,
    person_id text NOT NULL,
    team_id text NOT NULL,
    channel_id text NOT NULL,
    why text NOT NULL,
    request_id text NOT NULL,
    hash text NOT NULL
)"""

_HEAD = (
    "CREATE TABLE audit_head (id integer PRIMARY KEY CHECK (id = 1), count integer NOT NULL, hash text NOT NULL)",
    "INSERT INTO audit_head (id, count, hash)"
    " VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000')",
    "CREATE TABLE pulse (id integer PRIMARY KEY CHECK (id = 1), at double precision NOT NULL)",
    "INSERT INTO pulse (id, at) VALUES (1, 0)",
)

# Whoever may change tables can drop these; the chain of hashes still tells.
_APPEND_ONLY_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{act} BEFORE {act} ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
    for act in ("update", "delete")
)
_APPEND_ONLY_POSTGRES = (
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
)

STEPS = (
    Step(
        1,
        both=(_UPGRADES, *_INDEXES, _AUDIT, *_HEAD),
        sqlite=_APPEND_ONLY_SQLITE,
        postgres=_APPEND_ONLY_POSTGRES,
    ),
)


def missing(taken: set[int]) -> tuple[Step, ...]:
    """The steps still to be taken, in order; steps of a newer version are left alone."""
    return tuple(step for step in STEPS if step.number not in taken)
