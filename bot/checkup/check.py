"""What one look found: a name, a verdict, what was seen, and what to do about it in one line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Verdict(StrEnum):
    """How it stands: only FAIL keeps the bot from its work; SKIPPED says why nobody could look."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `name` is for machines, e.g. `slack.scope.chat:write`. It never holds a secret."""

    name: str
    verdict: Verdict
    seen: str
    remedy: str = ""


Note: TypeAlias = Callable[[Check], None]


def passed(name: str, seen: str) -> Check:
    """It is as it should be."""
    return Check(name, Verdict.PASS, seen)


def warned(name: str, seen: str, remedy: str) -> Check:
    """The bot works, but somebody should know."""
    return Check(name, Verdict.WARN, seen, remedy)


def failed(name: str, seen: str, remedy: str) -> Check:
    """The bot cannot do its work like this."""
    return Check(name, Verdict.FAIL, seen, remedy)


def skipped(name: str, why: str) -> Check:
    """Nobody could look, or nobody has to."""
    return Check(name, Verdict.SKIPPED, why)


def can_work(checks: Iterable[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.verdict is not Verdict.FAIL for check in checks)
