"""The tables, as numbered migrations that are applied at the start, each once.

Migrations only ever add: during a deploy, replicas of the version before work on the same tables. A migration that has
been released is never edited; a new field of `Upgrade` is a new migration that adds its column, with a default.
"""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bot.core.errors import StorageUnavailable

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

_APPLIED_VERSIONS = "SELECT version FROM schema_migrations"
_CREATE_VERSIONS = "CREATE TABLE schema_migrations (version integer PRIMARY KEY)"
_ADD_VERSION = "INSERT INTO schema_migrations (version) VALUES ({})"
_OUR_TABLES = {"schema_migrations", "audit_head"}  # made together; many programs have a table of the first name
_POSTGRES_LOCK = 5_170_017  # key of an advisory lock: any number that nothing else in this database locks


@dataclass(frozen=True, slots=True)
class Migration:
    """The statements for both databases, then those for one of them; `version` counts from 1."""

    version: int
    statements: tuple[str, ...]
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
    requested_by text NOT NULL,
    language text NOT NULL,
    requested_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    project text NOT NULL DEFAULT '',
    revision bigint NOT NULL,
    state text NOT NULL,
    message_ts text,
    decided_by text,
    decided_at double precision,
    sender text NOT NULL DEFAULT '',
    job_id text,
    job_status text NOT NULL DEFAULT '',
    progress_percent bigint,
    progress_at double precision,
    started_at double precision,
    canceled_by text,
    fail_reason text NOT NULL DEFAULT '',
    ended_at double precision,
    end_check text NOT NULL DEFAULT '',
    end_snapshot text NOT NULL DEFAULT '',
    normal_at double precision,
    end_message_ts text,
    end_message_channel_id text,
    http_status bigint,
    error_code text NOT NULL DEFAULT '',
    error_msg text NOT NULL DEFAULT '',
    api_request_id text NOT NULL DEFAULT '',
    is_sign_in_failure boolean NOT NULL DEFAULT false,
    search_result text NOT NULL DEFAULT '',
    operations text NOT NULL DEFAULT '',
    poll_count bigint NOT NULL DEFAULT 0,
    failed_polls bigint NOT NULL DEFAULT 0,
    job_missing_since double precision,
    next_poll_at double precision,
    pending_notifications text NOT NULL DEFAULT '',
    notify_at double precision,
    notify_attempts bigint NOT NULL DEFAULT 0,
    job_message_ts text,
    job_message_channel_id text,
    job_message_edited_at double precision,
    unknown_message_ts text,
    unknown_message_channel_id text,
    unresolved_message_ts text,
    unresolved_message_channel_id text,
    checked_at double precision,
    superseded_link text NOT NULL DEFAULT '',
    report_ts text,
    report_at double precision,
    report_attempts bigint NOT NULL DEFAULT 0,
    dm_channel_id text,
    earlier_unresolved text NOT NULL DEFAULT '',
    instance_snapshot text NOT NULL DEFAULT '',
    due_at double precision
)"""

_UPGRADE_INDEXES = (
    "CREATE UNIQUE INDEX one_live_upgrade_per_instance ON upgrades (instance_id)"
    " WHERE state IN ('in_progress', 'submitting', 'unknown')",
    "CREATE UNIQUE INDEX one_upgrade_per_job ON upgrades (job_id) WHERE job_id IS NOT NULL",
    "CREATE INDEX open_upgrades_by_requested_at ON upgrades (requested_at)"
    " WHERE state IN ('requested', 'in_progress', 'submitting', 'unknown', 'unresolved')",
    "CREATE INDEX upgrades_by_due_at ON upgrades (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX upgrades_by_instance_and_requested_at ON upgrades (instance_id, requested_at)",
    "CREATE INDEX upgrades_by_requested_at ON upgrades (requested_at)",
    "CREATE INDEX upgrades_by_message ON upgrades (message_ts, channel_id) WHERE message_ts IS NOT NULL",
)

_AUDIT = """
CREATE TABLE audit (
    number integer PRIMARY KEY,
    at double precision NOT NULL,
    event text NOT NULL,
    upgrade_id text NOT NULL,
    instance_id text NOT NULL,
    user_id text NOT NULL,
    team_id text NOT NULL,
    channel_id text NOT NULL,
    reason text NOT NULL,
    api_request_id text NOT NULL,
    flags text NOT NULL DEFAULT '',
    job_id text NOT NULL DEFAULT '',
    project text NOT NULL DEFAULT '',
    hash text NOT NULL
)"""

_AUDIT_HEAD = (
    "CREATE TABLE audit_head (id integer PRIMARY KEY CHECK (id = 1), count integer NOT NULL, hash text NOT NULL)",
    "INSERT INTO audit_head (id, count, hash)"
    " VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000')",
)

# One row that `ping` updates, to know that the database can be written.
_HEARTBEAT = (
    "CREATE TABLE heartbeat (id integer PRIMARY KEY CHECK (id = 1), at double precision NOT NULL)",
    "INSERT INTO heartbeat (id, at) VALUES (1, 0)",
)

# Whoever may change tables can drop these triggers; the hash chain still shows the change.
_APPEND_ONLY_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{action} BEFORE {action} ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
    for action in ("update", "delete")
)
_APPEND_ONLY_POSTGRES = (
    "CREATE FUNCTION reject_audit_change() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION reject_audit_change()",
)

MIGRATIONS = (
    Migration(
        1,
        (_UPGRADES, *_UPGRADE_INDEXES, _AUDIT, *_AUDIT_HEAD, *_HEARTBEAT),
        sqlite=_APPEND_ONLY_SQLITE,
        postgres=_APPEND_ONLY_POSTGRES,
    ),
)


def missing_migrations(applied_versions: set[int]) -> tuple[Migration, ...]:
    """The migrations still to be applied, in order; those of a newer version of the bot are left alone."""
    return tuple(migration for migration in MIGRATIONS if migration.version not in applied_versions)


class ForeignTables(StorageUnavailable):
    """The database is that of another program, or has its table of versions."""


def sqlite_versions(connection: sqlite3.Connection) -> set[int] | None:
    """The migrations that were applied; None when there are no tables yet. Raises `ForeignTables`."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if not tables >= _OUR_TABLES:
        raise ForeignTables("has tables of another program")
    return {version for (version,) in connection.execute(_APPLIED_VERSIONS)}


def migrate_sqlite(connection: sqlite3.Connection) -> None:
    """Apply the missing migrations in the caller's transaction: BEGIN IMMEDIATE keeps other processes out meanwhile."""
    applied_versions = sqlite_versions(connection)
    if applied_versions is None:
        connection.execute(_CREATE_VERSIONS)
    for migration in missing_migrations(applied_versions or set()):
        for statement in (*migration.statements, *migration.sqlite, _ADD_VERSION.format(migration.version)):
            connection.execute(statement)


async def postgres_versions(connection: "Connection") -> set[int] | None:
    """As `sqlite_versions`; here other programs may have tables, too."""
    found = {table for table in _OUR_TABLES if await connection.fetchval("SELECT to_regclass($1)", table) is not None}
    if "schema_migrations" not in found:
        return None
    if found != _OUR_TABLES:
        remedy = "give the bot a database of its own, or a schema with options=-c%20search_path%3Dname"
        raise ForeignTables(f"its table schema_migrations is another program's: {remedy}")
    return {row["version"] for row in await connection.fetch(_APPLIED_VERSIONS)}


async def migrate_postgres(connection: "Connection") -> None:
    """Apply the missing migrations in the caller's transaction; an advisory lock keeps other replicas out meanwhile."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _POSTGRES_LOCK)
    applied_versions = await postgres_versions(connection)
    if applied_versions is None:
        await connection.execute(_CREATE_VERSIONS)
    for migration in missing_migrations(applied_versions or set()):
        for statement in (*migration.statements, *migration.postgres, _ADD_VERSION.format(migration.version)):
            await connection.execute(statement)
