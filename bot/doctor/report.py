"""Results of checks, and how they are printed: in full as text or JSON, in short for Slack."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.logs import Redactor

MAX_SUMMARY_CHARACTERS = 1400  # a private reply shows 1500 characters of one value


class CheckStatus(StrEnum):
    """Only FAIL keeps the bot from working; SKIPPED: it could not be checked, or need not be."""

    PASS = "pass"  # noqa: S105 - a status, no password
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


COLORS = {CheckStatus.PASS: "32", CheckStatus.WARN: "33", CheckStatus.FAIL: "31", CheckStatus.SKIPPED: "2"}  # ANSI


@dataclass(frozen=True, slots=True)
class Check:
    """One result; `name` is for machines and stays the same between releases, e.g. `slack.scope.chat:write`."""

    name: str
    status: CheckStatus
    detail: str
    remedy: str = ""


Reporter: TypeAlias = Callable[[Check], None]
"""Takes each result as soon as there is one: a check that hangs later must not lose it."""


def passed(name: str, detail: str) -> Check:
    """As it should be."""
    return Check(name, CheckStatus.PASS, detail)


def warned(name: str, detail: str, remedy: str) -> Check:
    """The bot works, but an operator should know."""
    return Check(name, CheckStatus.WARN, detail, remedy)


def failed(name: str, detail: str, remedy: str) -> Check:
    """The bot cannot work like this."""
    return Check(name, CheckStatus.FAIL, detail, remedy)


def skipped(name: str, reason: str) -> Check:
    """Not checked."""
    return Check(name, CheckStatus.SKIPPED, reason)


def can_work(checks: Iterable[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.status is not CheckStatus.FAIL for check in checks)


def to_json(checks: Sequence[Check]) -> str:
    """One object: `can_work`, and `checks` with the fields of `Check`."""
    return json.dumps({"can_work": can_work(checks), "checks": [asdict(check) for check in checks]}, indent=2)


def unreadable_settings(mistakes: Sequence[str], *, as_json: bool) -> str:
    """What is printed when nothing can be checked: a failed check for each mistake, or one line of text."""
    if not as_json:
        return "The settings cannot be read, so nothing else was looked at: correct them first (README, Settings)."
    remedy = "the README's chapter Settings explains each variable"
    redact = Redactor()
    lines = [redact(mistake) for mistake in mistakes]
    return to_json([failed(f"settings.{line.partition(':')[0]}", line, remedy) for line in lines])


def to_text(checks: Sequence[Check], *, colored: bool) -> str:
    """A line for each check, its remedy below it, and the totals."""
    lines = []
    for check in checks:
        status = f"{check.status.value:7}"
        if colored:
            status = f"\x1b[{COLORS[check.status]}m{status}\x1b[0m"
        lines.append(f"{status} {check.name}: {_single_line(check.detail)}")
        if check.remedy:
            lines.append(f"        -> {_single_line(check.remedy)}")
    return "\n".join([*lines, "", _totals(checks)])


def to_summary(checks: Sequence[Check]) -> str:
    """The totals, then failures and warnings, failures first, as many as a private reply shows."""
    problems = [check for status in (CheckStatus.FAIL, CheckStatus.WARN) for check in checks if check.status is status]
    text = _totals(checks)
    for number, check in enumerate(problems):
        item = f" • {check.status.value} {check.name}: {_single_line(check.detail)} -> {_single_line(check.remedy)}"
        if len(text) + len(item) > MAX_SUMMARY_CHARACTERS:
            return f"{text} • and {len(problems) - number} more: run `python -m bot doctor`"
        text += item
    return text


def _totals(checks: Sequence[Check]) -> str:
    counts = ", ".join(f"{sum(check.status is status for check in checks)} {status.value}" for status in CheckStatus)
    return f"{'The bot can work.' if can_work(checks) else 'The bot cannot work like this.'} ({counts})"


def _single_line(text: str) -> str:
    """Without line breaks and control characters: text of other servers must not control the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
