"""Audit rows as people and machines read them: a table, JSON, CSV; each row is written as it comes."""

import csv
import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from bot.core.audit import AuditRow

COLUMNS = {
    "number": 7,
    "time": 20,
    "what": 15,
    "person_id": 12,
    "instance_id": 36,
    "upgrade_id": 16,
    "channel_id": 12,
    "team_id": 12,
    "why": 24,
    "request_id": 0,
}


class Printer(Protocol):
    """Writes rows one after the other."""

    def begin(self) -> None:
        """What comes before the first row."""
        ...

    def row(self, row: AuditRow) -> None:
        """One row."""
        ...

    def end(self) -> None:
        """What comes after the last."""
        ...


class Table:
    """Columns for people; a value that is longer than its column is not cut."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self) -> None:
        """The columns' names."""
        self._line({name: name.removesuffix("_id") for name in COLUMNS})

    def row(self, row: AuditRow) -> None:
        """One line, without anything that a terminal would obey."""
        shown = {name: _printable(value) for name, value in values(row, "seconds").items()}
        self._line({name: value or "-" for name, value in shown.items()})

    def end(self) -> None:
        """Nothing."""

    def _line(self, shown: Mapping[str, str]) -> None:
        line = "  ".join(shown[name].ljust(width) for name, width in COLUMNS.items())
        self._out.write(f"{line.rstrip()}\n")


class Json:
    """One JSON array, a row a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._between = "["

    def begin(self) -> None:
        """Nothing yet: the first row opens the array."""

    def row(self, row: AuditRow) -> None:
        """One object; ASCII, so that any text in it survives any terminal."""
        self._out.write(f"{self._between}\n{json.dumps(values(row), default=str)}")
        self._between = ","

    def end(self) -> None:
        """Close the array."""
        self._out.write("[]\n" if self._between == "[" else "\n]\n")


class Csv:
    """Comma-separated values with a heading."""

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out, lineterminator="\n")

    def begin(self) -> None:
        """The heading."""
        self._rows.writerow([*COLUMNS, "hash"])

    def row(self, row: AuditRow) -> None:
        """One record."""
        said = values(row)
        self._rows.writerow([_writable(said[name]) for name in (*COLUMNS, "hash")])

    def end(self) -> None:
        """Nothing."""


PRINTERS: Mapping[str, Callable[[TextIO], Printer]] = {"table": Table, "json": Json, "csv": Csv}


def values(row: AuditRow, timespec: str = "milliseconds") -> dict[str, Any]:
    """A row by its columns; the time in UTC."""
    said = asdict(row.entry)
    return {"number": row.number, "time": _time(said.pop("at"), timespec), **said, "hash": row.hash}


def _time(at: object, timespec: str) -> str:
    """A time in UTC; as it stands when it is none (somebody changed the row)."""
    try:
        moment = datetime.fromtimestamp(float(str(at)), UTC)
    except (ValueError, OverflowError, OSError):
        return str(at)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


def _writable(value: object) -> str:
    """Text that UTF-8 can carry."""
    return str(value).encode(errors="replace").decode()


def _printable(value: object) -> str:
    """Text in one line, without control characters: an error's text comes from elsewhere."""
    clean = _writable(value)
    return "".join("\ufffd" if unicodedata.category(letter)[0] == "C" else letter for letter in clean)
