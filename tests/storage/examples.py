"""Upgrades and audit entries to store, and SQL run in a database without the storage."""

import re
import secrets
import sqlite3
import time
from typing import Any

import asyncpg

from bot.core.audit import AuditEntry
from bot.core.messages import Language
from bot.core.notifications import Notification
from bot.core.upgrade import Upgrade
from tests.postgres_server import PostgresServer

PAST = time.time() - 1000


def instance_id(number: int) -> str:
    """The id of an instance."""
    return f"{number:032x}in17"


def new_upgrade(number: int, instance: int | None = None, **changes: Any) -> Upgrade:
    """A requested upgrade; `instance` is the number of its instance, by default one of its own."""
    values: dict[str, Any] = {
        "id": f"upgrade-{number}",
        "instance_id": instance_id(number if instance is None else instance),
        "delay": False,
        "skip_validate": True,
        "team_id": "T1",
        "channel_id": "C1",
        "trigger_id": f"trigger-{number}",
        "requested_by": "U1",
        "language": Language.ZH,
        "requested_at": PAST + number,
        "expires_at": PAST + number + 600,
        "pending_notifications": (Notification.REQUEST_CARD, Notification.CARD_UPDATE),
    }
    return Upgrade(**(values | changes))


def new_entry(event: str = "requested", number: int = 0) -> AuditEntry:
    """An audit entry."""
    return AuditEntry(PAST + number, event, f"upgrade-{number}", instance_id(number), "U1", "T1", "C1", "", "request-1")


def confirmed(upgrade: Upgrade, by: str = "U1") -> Upgrade:
    """The upgrade after its confirmation."""
    row = upgrade.confirm(by, upgrade.requested_at, f"sender-{upgrade.id}")
    assert isinstance(row, Upgrade)
    return row


async def run_sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in the database itself, as somebody with every right would; returns the rows of the last."""
    if url.startswith("sqlite"):
        sqlite_connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            return [sqlite_connection.execute(statement).fetchall() for statement in statements][-1]
        finally:
            sqlite_connection.close()
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements][-1]
    finally:
        await connection.close()


async def url_of_role(url: str, *grants: str) -> str:
    """The same PostgreSQL database for a new user with these rights; `{role}` in a grant is its name."""
    role = f"role_{secrets.token_hex(6)}"
    await run_sql(url, f"CREATE ROLE {role} LOGIN PASSWORD 'secret'", *(grant.format(role=role) for grant in grants))
    return re.sub(r"//[^@]*@", f"//{role}:secret@", url)


async def database_in_encoding(server: PostgresServer, encoding: str) -> str:
    """A new PostgreSQL database that is not in UTF-8."""
    name = f"encoded_{secrets.token_hex(6)}"
    locale = "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    await run_sql(server.url("postgres"), f"CREATE DATABASE {name} ENCODING '{encoding}' {locale}")
    return server.url(name)
