"""The audit trail as tests read it: straight from the file, while the bots write on."""

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from bot.core.audit import AuditEntry
from tests.driver import BotDriver

DATABASE = "sandbox.db"
_COLUMNS = ", ".join(field.name for field in fields(AuditEntry))


def audit_entries(folder: Path, name: str = DATABASE) -> list[AuditEntry]:
    """Every row so far, in order."""
    with closing(sqlite3.connect(folder / name)) as connection:
        return [AuditEntry(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY number")]


def audit_events(folder: Path) -> list[str]:
    """What happened, in order."""
    return [entry.event for entry in audit_entries(folder)]


async def wait_for_audit_event(driver: BotDriver, what: str, timeout: float = 15) -> AuditEntry:
    """Wait for the first row of this kind."""

    def found() -> AuditEntry | None:
        return next((entry for entry in audit_entries(driver.folder) if entry.event == what), None)

    return await driver.until(found, timeout)
