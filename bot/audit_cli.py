"""`python -m bot audit`: print the audit trail as a table, JSON or CSV, or verify it; rows are streamed either way."""

import argparse
import asyncio
import csv
import json
import os
import sys
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.core.audit import AuditRow, AuditVerdict, verify_audit
from bot.core.errors import StorageUnavailable
from bot.environment import SettingsError
from bot.settings import read_database_url
from bot.storage.opening import open_readonly

EXIT_OK, EXIT_BROKEN, EXIT_UNREADABLE = 0, 1, 2
COLUMN_WIDTHS = {
    "number": 7,
    "time": 20,
    "event": 16,
    "user_id": 12,
    "instance_id": 36,
    "flags": 23,
    "job_id": 36,
    "upgrade_id": 16,
    "channel_id": 12,
    "team_id": 12,
    "project": 48,
    "reason": 24,
    "api_request_id": 0,
}
"""The columns of the table in their order; a longer value is not cut. CSV has the same columns, and `hash`."""


class BadOption(Exception):
    """An option that cannot be read; the message is one line."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are printed; an empty field matches every row."""

    instance_id: str = ""
    user_id: str = ""
    since: float | None = None

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> "AuditFilter":
        """The filter of the command line; raises `BadOption`."""
        return cls(options.instance.strip().lower(), options.user.strip(), _parse_since(options.since.strip()))

    def matches(self, row: AuditRow) -> bool:
        """Whether every field that is set matches."""
        entry = row.entry
        return (
            (not self.instance_id or entry.instance_id == self.instance_id)
            and (not self.user_id or entry.user_id == self.user_id)
            # a tampered row may have a time that is no number: it is shown rather than left out
            and (self.since is None or not isinstance(entry.at, float) or entry.at >= self.since)
        )


def run_audit(environ: Mapping[str, str], options: argparse.Namespace) -> int:
    """Print or verify the trail; 1 when it is broken, 2 when it cannot be read. Only DATABASE_URL is needed."""
    try:
        row_filter = AuditFilter.from_options(options)
        return asyncio.run(_run(read_database_url(environ), row_filter, options))
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`); without this, Python would print an error when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (BadOption, SettingsError, StorageUnavailable, ValueError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return EXIT_UNREADABLE


async def _run(url: str, row_filter: AuditFilter, options: argparse.Namespace) -> int:
    storage = await open_readonly(url)
    try:
        if options.verify:
            verdict = await verify_audit(storage)
            print(_verdict_json(verdict) if options.format == "json" else _verdict_text(verdict))
            return EXIT_OK if verdict.is_whole else EXIT_BROKEN
        await WRITERS[options.format]((row async for row in storage.audit() if row_filter.matches(row)), sys.stdout)
        sys.stdout.flush()
        return EXIT_OK
    finally:
        await storage.close()


def _verdict_text(verdict: AuditVerdict) -> str:
    if verdict.is_whole:
        return (
            f"The audit trail is whole: {verdict.rows} rows.\n"
            f"Its head, to be kept elsewhere and compared: {verdict.rows} {verdict.head}"
        )
    return f"The audit trail is broken at row {verdict.number}: {verdict.broken}. {verdict.rows} rows before hold."


def _verdict_json(verdict: AuditVerdict) -> str:
    """The fields of `AuditVerdict`, and `is_whole`."""
    return json.dumps({"is_whole": verdict.is_whole, **asdict(verdict)})


def _parse_since(text: str) -> float | None:
    """An ISO 8601 time in UNIX seconds, UTC unless it says otherwise; None when empty. Raises `BadOption`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadOption(f"--since: {text!r} is no time; write it like 2026-11-23 or 2026-11-23T08:00:00Z") from None


async def _write_table(rows: AsyncIterator[AuditRow], out: TextIO) -> None:
    """A line for each row, without control characters: the text of errors comes from other servers."""
    _write_line({name: name for name in COLUMN_WIDTHS}, out)
    async for row in rows:
        _write_line({name: _printable(value) or "-" for name, value in _row_fields(row, "seconds").items()}, out)


def _write_line(texts: Mapping[str, str], out: TextIO) -> None:
    line = "  ".join(texts[name].ljust(width) for name, width in COLUMN_WIDTHS.items())
    out.write(f"{line.rstrip()}\n")


async def _write_json(rows: AsyncIterator[AuditRow], out: TextIO) -> None:
    """One array, an object a line; ASCII, so that any text in it survives any terminal."""
    separator = "["
    async for row in rows:
        out.write(f"{separator}\n{json.dumps(_row_fields(row), default=str)}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


async def _write_csv(rows: AsyncIterator[AuditRow], out: TextIO) -> None:
    """A heading and a record for each row."""
    names = (*COLUMN_WIDTHS, "hash")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    async for row in rows:
        fields = _row_fields(row)
        writer.writerow([_encodable(fields[name]) for name in names])


WRITERS: Mapping[str, Callable[[AsyncIterator[AuditRow], TextIO], Awaitable[None]]] = {
    "table": _write_table,
    "json": _write_json,
    "csv": _write_csv,
}


def _row_fields(row: AuditRow, timespec: str = "milliseconds") -> dict[str, Any]:
    """Every column of a row by its name; `time` is `at` in ISO 8601, UTC."""
    fields = asdict(row.entry)
    return {"number": row.number, "time": _iso_time(fields.pop("at"), timespec), **fields, "hash": row.hash}


def _iso_time(at: object, timespec: str) -> str:
    """The value as it is when it is no time, which happens in a tampered row."""
    try:
        time = datetime.fromtimestamp(float(str(at)), UTC)
    except (ValueError, OverflowError, OSError):
        return str(at)
    return time.isoformat(timespec=timespec).replace("+00:00", "Z")


def _encodable(value: object) -> str:
    """Text that can be written as UTF-8: surrogates are replaced."""
    return str(value).encode(errors="replace").decode()


def _printable(value: object) -> str:
    """Text in one line without control characters."""
    text = _encodable(value)
    return "".join("\ufffd" if unicodedata.category(letter)[0] == "C" else letter for letter in text)
