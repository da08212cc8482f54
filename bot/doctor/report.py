"""Results of checks, and how they are told: in full as text or JSON, in short as a message for Slack."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.core.messages import Code, Message, Sentence, Term, Vocabulary
from bot.logs import Redactor

MAX_LINES = 20  # of a private reply
MAX_DETAIL = 300


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
    """The bot cannot work until this is fixed."""
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
        return (
            "The settings cannot be read, so nothing else was looked at: correct them (bot/docs/set-up.md, Settings)."
        )
    remedy = "bot/docs/set-up.md, Settings, explains each variable"
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


def to_message(checks: Sequence[Check]) -> Message:
    """For a private reply: the verdict, then failures and warnings, failures first, one a line.

    What a service answered stays in its own words; what is checked and what to do is in the reader's language.
    """
    problems = [check for status in (CheckStatus.FAIL, CheckStatus.WARN) for check in checks if check.status is status]
    lines = tuple(_line(check) for check in problems[:MAX_LINES])
    if len(problems) > MAX_LINES:
        more = len(problems) - MAX_LINES
        lines = (*lines, Message("doctor_more", count=more, command=Code("python -m bot doctor")))
    counts = Counter(check.status for check in checks)
    verdict = Message("doctor_can_work") if can_work(checks) else Message("doctor_cannot_work")
    summary = Message(
        "doctor_summary",
        verdict=verdict,
        passed=counts[CheckStatus.PASS],
        failed=counts[CheckStatus.FAIL],
        warnings=counts[CheckStatus.WARN],
    )
    return Message("doctor_report", lines=(summary, *lines))


def _line(check: Check) -> Message:
    status = Term(Vocabulary.CHECK_STATUS, check.status.value)
    title = Term(Vocabulary.CHECK_NAME, check.name)
    remedy = Term(Vocabulary.CHECK_REMEDY, check.name, fallback=_single_line(check.remedy))
    return Message(
        "doctor_line",
        status=status,
        title=title,
        name=Code(check.name),
        detail=Sentence(_single_line(check.detail)[:MAX_DETAIL]),
        remedy=remedy,
    )


def _totals(checks: Sequence[Check]) -> str:
    counts = ", ".join(f"{sum(check.status is status for check in checks)} {status.value}" for status in CheckStatus)
    verdict = "The bot can work." if can_work(checks) else "The bot cannot work until the failed checks pass."
    return f"{verdict} ({counts})"


def _single_line(text: str) -> str:
    """Without line breaks and control characters: text of other servers must not control the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
