"""`python -m bot audit`: the trail printed row by row, or its chain checked; both stream, however long it is."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.audit import AuditRow
from bot.core.reasons import StoreAway
from bot.operating.audit_rows import PRINTERS
from bot.reading import Reading, SettingsError
from bot.store.opening import AnyStore, open_to_read
from bot.store.verify import Verdict, verify

FINE, BROKEN, UNUSABLE = 0, 1, 2
SETTING = "DATABASE_URL"


class BadOption(Exception):
    """An option that cannot be read; one line says which."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are meant; what is empty does not matter."""

    instance_id: str = ""
    person_id: str = ""
    since: float | None = None

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Filter":
        """The filter that the options ask for; raises `BadOption`."""
        return cls(options.instance.strip().lower(), options.user.strip(), _moment(options.since.strip()))

    def __contains__(self, row: AuditRow) -> bool:
        entry = row.entry
        return (
            (not self.instance_id or entry.instance_id == self.instance_id)
            and (not self.person_id or entry.person_id == self.person_id)
            # a time that is none, by whoever changed it, is rather shown than left out
            and (self.since is None or not isinstance(entry.at, float) or entry.at >= self.since)
        )


def run_audit(environ: Mapping[str, str], options: argparse.Namespace) -> int:
    """Print or check the trail; 1 when the chain is broken, 2 when it cannot be read. Only DATABASE_URL is needed."""
    try:
        wanted = Filter.of(options)
        return asyncio.run(_read(database_url(environ), wanted, options))
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`); without this, Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except (BadOption, SettingsError, StoreAway, ValueError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return UNUSABLE


async def _read(url: str, wanted: Filter, options: argparse.Namespace) -> int:
    store = await open_to_read(url)
    try:
        if options.verify:
            return _say(await verify(store), options.format)
        await _print(store, wanted, options.format)
        sys.stdout.flush()
        return FINE
    finally:
        await store.close()


async def _print(store: AnyStore, wanted: Filter, style: str) -> None:
    """The rows that are meant, as they come."""
    printer = PRINTERS[style](sys.stdout)
    printer.begin()
    async for row in store.audit():
        if row in wanted:
            printer.row(row)
    printer.end()


def _say(verdict: Verdict, style: str) -> int:
    """What came of checking the whole trail, in a sentence or as JSON; the exit code."""
    if style == "json":
        number = "null" if verdict.number is None else str(verdict.number)
        broken = "null" if verdict.broken is None else f'"{verdict.broken}"'
        whole = str(verdict.is_whole).lower()
        print(f'{{"whole": {whole}, "rows": {verdict.rows}, "broken": {broken}, "row": {number}}}')
    elif verdict.is_whole:
        print(f"The audit trail is whole: {verdict.rows} rows.")
    else:
        print(f"The audit trail is broken at row {verdict.number}: {verdict.broken}. {verdict.rows} rows before hold.")
    return FINE if verdict.is_whole else BROKEN


def _moment(text: str) -> float | None:
    """An ISO 8601 time in UNIX seconds, UTC unless it says otherwise; raises `BadOption`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadOption(f"--since: {text!r} is no time; write it like 2026-11-23 or 2026-11-23T08:00:00Z") from None


def database_url(environ: Mapping[str, str]) -> str:
    """DATABASE_URL as the settings read it; no other setting has to be there. Raises `SettingsError`."""
    reading = Reading({name: value for name, value in environ.items() if name.startswith(SETTING)})
    url = reading.matching(
        SETTING,
        re.compile(r"(sqlite://|postgres(ql)?://).*", re.DOTALL),
        "sqlite:///a-file.db or postgresql://…",
        "sqlite:///starrocks-upgrade-bot.db",
    )
    reading.finish()
    return url
