"""Everything the command can ask for: an upgrade, or one of the questions to the bot."""

from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from bot.core.command import HelpCommand, UpgradeCommand, parse, shown
from bot.core.mistakes import NotAName, NotAnInstance, SeveralOfThatName, WrongLength, WrongLetters
from bot.core.naming import NO_NAMES, Names, choices, named, nearest
from bot.core.reasons import Mistake
from bot.core.words import is_flag, split

MOST_CHOICES = 5


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


def read(text: str, name: str, names: Names = NO_NAMES) -> Request | Mistake:
    """Read the text after the command; `names` are those of the project's instances."""
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
    return _upgrade(words, name, names)


def might_be_name(mistake: object) -> bool:
    """Whether a mistake would be none if the cloud knew an instance of that name."""
    return isinstance(mistake, NotAnInstance | WrongLength | WrongLetters)


def _about(what: str, rest: list[str], name: str, names: Names) -> Request | Mistake:
    """`history` or `status`, of all instances or of the one that follows."""
    instance_id = None
    if rest:
        found = _upgrade(rest, f"{name} {what}", names)
        if not isinstance(found, UpgradeCommand):
            return found
        instance_id = found.instance_id
    return HistoryCommand(instance_id) if what == "history" else StatusCommand(instance_id)


def _upgrade(words: list[str], name: str, names: Names) -> UpgradeCommand | HelpCommand | Mistake:
    """One upgrade; a word that names an instance stands for its id. An id is never taken for a name."""
    ids = []
    for word in words:
        is_taken = is_flag(word) or isinstance(parse(word), UpgradeCommand | HelpCommand)
        found = () if is_taken else named(word, names)
        if len(found) > 1:
            return SeveralOfThatName(shown(word), choices(found[:MOST_CHOICES]))
        ids.append(found[0].id if found else word)
    read_as = parse(" ".join(ids), name)
    if isinstance(read_as, NotAnInstance):
        near = nearest(read_as.token.text, list(chain.from_iterable(names.values())))
        return NotAName(read_as.token, choices(near)) if near else read_as
    return read_as
