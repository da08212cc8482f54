"""Questions and entries to store, ways of looking at a database behind a store's back."""

import sqlite3
import time
from typing import Any

import asyncpg

from bot.core.audit import AuditEntry
from bot.core.sentence import Language
from bot.core.upgrade import News, State, Upgrade

PAST = time.time() - 1000


def instance(number: int) -> str:
    """An instance's id."""
    return f"{number:032x}in17"


def question(number: int, of: int | None = None, **changes: Any) -> Upgrade:
    """An upgrade that was asked for, of an instance of its own unless `of` says which."""
    values: dict[str, Any] = {
        "id": f"upgrade-{number}",
        "instance_id": instance(number if of is None else of),
        "delay": False,
        "skip_validate": True,
        "team_id": "T1",
        "channel_id": "C1",
        "trigger_id": f"trigger-{number}",
        "asked_by": "U1",
        "language": Language.ZH,
        "asked_at": PAST + number,
        "expires_at": PAST + number + 600,
        "untold": (News.QUESTION, News.CARD),
    }
    return Upgrade(**(values | changes))


def entry(what: str = "asked", number: int = 0) -> AuditEntry:
    """Something to write down."""
    return AuditEntry(PAST + number, what, f"upgrade-{number}", instance(number), "U1", "T1", "C1", "", "request-1")


def confirmed(upgrade: Upgrade, by: str = "U1") -> Upgrade:
    """The step of whoever won the click."""
    step = upgrade.confirm(by, upgrade.asked_at)
    assert isinstance(step, Upgrade)
    return step


LIVE_AND_NOT = (State.SENDING, State.FOLLOWING, State.UNKNOWN, State.COMPLETED, State.EXPIRED)


async def run_in(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in the database itself, as somebody with every right would; the rows of the last."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
        finally:
            connection.close()
    other: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await other.fetch(statement)] for statement in statements][-1]
    finally:
        await other.close()
