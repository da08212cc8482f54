"""Everything the command can ask for: an upgrade, or one of the questions to the bot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.core.command import HelpCommand, UpgradeCommand, parse
from bot.core.mistakes import NotAnInstance
from bot.core.reasons import Mistake
from bot.core.words import is_flag, split


@dataclass(frozen=True, slots=True)
class ListCommand:
    """The project's instances, from a page on (counted from 0)."""

    page: int = 0


@dataclass(frozen=True, slots=True)
class HistoryCommand:
    """The last requests, of one instance or of all."""

    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class StatusCommand:
    """What lives now, of one instance or of all."""

    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorCommand:
    """Whether the bot can work."""


Request: TypeAlias = UpgradeCommand | HelpCommand | ListCommand | HistoryCommand | StatusCommand | DoctorCommand
NO_NAMES: Mapping[str, str] = {}


def read(text: str, name: str, names: Mapping[str, str] = NO_NAMES) -> Request | Mistake:
    """Read the text after the command; `names` are instance names that stand for one id each."""
    words = split(text)
    if not words:
        return ListCommand()
    first, *rest = words
    match first.lower():
        case "list" if not rest:
            return ListCommand()
        case "doctor" if not rest:
            return DoctorCommand()
        case "history" | "status" as what:
            return _about(what, rest, name, names)
    return parse(" ".join(word if is_flag(word) else names.get(word, word) for word in words), name)


def might_be_name(mistake: object) -> bool:
    """Whether a mistake would be none if the cloud knew an instance of that name."""
    return isinstance(mistake, NotAnInstance)


def _about(what: str, rest: list[str], name: str, names: Mapping[str, str]) -> Request | Mistake:
    """`history` or `status`, of all instances or of the one that follows."""
    instance_id = None
    if rest:
        found = parse(" ".join(names.get(word, word) for word in rest), f"{name} {what}")
        if not isinstance(found, UpgradeCommand):
            return found
        instance_id = found.instance_id
    return HistoryCommand(instance_id) if what == "history" else StatusCommand(instance_id)
