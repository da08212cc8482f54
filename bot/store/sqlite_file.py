"""The file a SQLite store lives in: created for its owner's eyes only, opened, brought to today's schema, watched."""

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.store import schema

OWNER_ONLY = 0o600


@dataclass(slots=True)
class SqliteFile:
    """Where the database is, and how long to wait for a lock that another process holds."""

    path: Path
    busy_seconds: float
    _seen: bool = field(default=False, init=False)

    def connect_writer(self) -> sqlite3.Connection:
        """A connection for writing, on today's schema.

        The file is made when it is missing at the start, and never again: one that vanishes under a running bot must
        come back with its rows, an empty one in its place would forget what has been sent.
        """
        if not self._seen:
            # Only a new file is opened here: closing a file drops the locks that this process holds on it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # less could re-arm a button after a power cut
            take_steps(connection)
        except BaseException:
            connection.close()
            raise
        self._seen = True
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def place(self) -> tuple[int, int]:
        """Which file is there now; raises OSError when there is none."""
        status = os.stat(self.path)
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, timeout=self.busy_seconds, isolation_level=None, uri=True)


def take_steps(connection: sqlite3.Connection) -> None:
    """Take the steps of the schema that were not taken yet; BEGIN IMMEDIATE keeps other processes out meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(schema.STEPS_TABLE)
    taken = {number for (number,) in connection.execute(schema.STEPS_TAKEN)}
    for step in schema.missing(taken):
        for statement in (*step.both, *step.sqlite, schema.STEP_TAKEN.format(step.number)):
            connection.execute(statement)
    connection.execute("COMMIT")
