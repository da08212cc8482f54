"""The audit trail as tests read it: straight from the file, while the bots write on."""

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from bot.core.audit import AuditEntry
from tests.house import House

DATABASE = "sandbox.db"
_COLUMNS = ", ".join(field.name for field in fields(AuditEntry))


def trail(folder: Path, name: str = DATABASE) -> list[AuditEntry]:
    """Every row so far, in order."""
    with closing(sqlite3.connect(folder / name)) as connection:
        return [AuditEntry(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY number")]


def whats(folder: Path) -> list[str]:
    """What happened, in order."""
    return [entry.what for entry in trail(folder)]


async def wrote(home: House, what: str, timeout: float = 15) -> AuditEntry:
    """Wait for the first row of this kind."""

    def found() -> AuditEntry | None:
        return next((entry for entry in trail(home.folder) if entry.what == what), None)

    return await home.until(found, timeout)
