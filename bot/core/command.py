"""The parser of the text after `/starrocks-upgrade`: an upgrade, a query, or the mistake in it. Nothing is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.instances import INSTANCE_ID, NO_NAMES, InstancesByName, find_by_name, instance_choices, nearest
from bot.core.messages import Code
from bot.core.suggestions import intended_flags, is_abbreviation, suggested_command
from bot.core.tokenizer import DASHES, FLAGS, flag_name, is_flag, quoted, read_option, split_words

DEFAULT_COMMAND_NAME = "/starrocks-upgrade"
ID_LENGTH = 36
MAX_CHOICES = 5

_ENGINE_SUFFIX = re.compile(r"in\d\d\Z", re.IGNORECASE | re.ASCII)
_ALPHANUMERIC = re.compile(r"[0-9a-z]+", re.IGNORECASE | re.ASCII)
_HELP = {"help", "h", "?", "？"}


@dataclass(frozen=True, slots=True)
class UpgradeCommand:
    """One upgrade; `instance_id` is in lower case."""

    instance_id: str
    delay: bool = False
    skip_validate: bool = False

    @property
    def text(self) -> str:
        """What would be typed for it after the command's name."""
        flags = {"--delay": self.delay, "--skip-validate": self.skip_validate}
        return " ".join([self.instance_id, *(flag for flag, is_set in flags.items() if is_set)])


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """`help`."""


@dataclass(frozen=True, slots=True)
class ListCommand:
    """`list`, or no text at all: the project's instances; pages count from 0."""

    page: int = 0


@dataclass(frozen=True, slots=True)
class HistoryCommand:
    """`history`: the latest requests, of one instance or of all."""

    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class StatusCommand:
    """`status`: open requests and live upgrades, of one instance or of all."""

    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorCommand:
    """`doctor`: whether the bot can work."""


Command: TypeAlias = UpgradeCommand | HelpCommand | ListCommand | HistoryCommand | StatusCommand | DoctorCommand


def parse_command(text: str, command_name: str, names: InstancesByName = NO_NAMES) -> Command | CommandMistake:
    """Parse the text after the command; `command_name` is used in offered commands, `names` resolves instance names."""
    words = split_words(text)
    if not words:
        return ListCommand()
    first, *rest = words
    match first.lower():
        case "list" if not rest:
            return ListCommand()
        case "doctor" if not rest:
            return DoctorCommand()
        case "history":
            return _parse_query(HistoryCommand, rest, f"{command_name} history", names)
        case "status":
            return _parse_query(StatusCommand, rest, f"{command_name} status", names)
    return _parse_with_names(words, command_name, names)


def _parse_query(
    query: type[HistoryCommand | StatusCommand], words: list[str], command_name: str, names: InstancesByName
) -> Command | CommandMistake:
    """`history` or `status` of all instances, or of the one that follows."""
    if not words:
        return query()
    target = _parse_with_names(words, command_name, names)
    return query(target.instance_id) if isinstance(target, UpgradeCommand) else target


def _parse_with_names(
    words: list[str], command_name: str, names: InstancesByName
) -> UpgradeCommand | HelpCommand | CommandMistake:
    """One upgrade; the name of an instance stands for its id. An id is never taken for a name."""
    resolved = []
    for word in words:
        is_other = is_flag(word) or isinstance(parse_upgrade(word, command_name), UpgradeCommand | HelpCommand)
        instances = () if is_other else find_by_name(word, names)
        if len(instances) > 1:
            choices = instance_choices(instances[:MAX_CHOICES])
            return CommandMistake("ambiguous_name", token=quoted(word), instances=choices)
        resolved.append(instances[0].id if instances else word)
    command = parse_upgrade(" ".join(resolved), command_name)
    if isinstance(command, NotAnInstance) and command.key == "not_an_instance":
        token = command.values["token"]
        assert isinstance(token, Code)
        near = nearest(token.text, list(chain.from_iterable(names.values())))
        if near:
            return CommandMistake("unknown_name", token=token, near=instance_choices(near))
    return command


def parse_upgrade(text: str, command_name: str = DEFAULT_COMMAND_NAME) -> UpgradeCommand | HelpCommand | CommandMistake:
    """Parse one upgrade by instance id and flags, in any order."""
    words = split_words(text)
    if len(words) == 1 and words[0].lstrip(DASHES).lower() in _HELP:
        return HelpCommand()
    flags: set[str] = set()
    arguments: list[str] = []
    for position, word in enumerate(words):
        if INSTANCE_ID.fullmatch(word):
            arguments.append(word)
            continue
        option = read_option(words, position)
        intended = intended_flags(option.name) if is_flag(word) else _abbreviated_flags(option.name)
        if intended and option.value is not None:
            return CommandMistake(
                "flag_with_value", token=quoted(option.token), corrected=suggested_command(command_name, words)
            )
        if not is_flag(word):
            arguments.append(word)
        elif flag_name(word) in FLAGS:
            flags.add(flag_name(word))
        else:
            return _unknown_flag(word, intended, suggested_command(command_name, words))
    return _single_instance(arguments, flags, command_name, words)


def _unknown_flag(word: str, intended: Sequence[str], corrected: Code) -> CommandMistake:
    suggestions = [f"--{flag}" for flag in intended]
    if suggestions and _contains(corrected, suggestions):
        suggestion = Code(" ".join(suggestions))
        return CommandMistake("misspelled_flag", token=quoted(word), suggestion=suggestion, corrected=corrected)
    return CommandMistake("unknown_flag", token=quoted(word), corrected=corrected)


def _single_instance(
    arguments: list[str], flags: set[str], command_name: str, words: list[str]
) -> UpgradeCommand | CommandMistake:
    """Whatever is no flag has to be one instance id, given once."""
    if not arguments:
        return CommandMistake("no_instance", corrected=suggested_command(command_name, words))
    invalid = next((word for word in arguments if not INSTANCE_ID.fullmatch(word)), None)
    if invalid is not None:
        return _not_an_instance(invalid, suggested_command(command_name, words))
    first, *rest = arguments
    if rest:
        other = next((word for word in rest if word.lower() != first.lower()), None)
        if other is None:
            corrected = suggested_command(command_name, words)
            return CommandMistake("same_instance_twice", instance=quoted(first), corrected=corrected)
        return CommandMistake(
            "two_instances",
            first=quoted(first),
            second=quoted(other),
            corrected=suggested_command(command_name, words, first),
            alternative=suggested_command(command_name, words, other),
        )
    return UpgradeCommand(first.lower(), delay="delay" in flags, skip_validate="skip-validate" in flags)


def _not_an_instance(word: str, corrected: Code) -> CommandMistake:
    """Why this word is no StarRocks instance id."""
    token = quoted(word)
    flag = next((f"--{flag}" for flag in _abbreviated_flags(word)), None)
    if flag and _contains(corrected, [flag]):
        return CommandMistake("flag_without_dashes", token=token, suggestion=Code(flag), corrected=corrected)
    suffix = _ENGINE_SUFFIX.search(word)
    if suffix and len(word) >= 20 and suffix.group().lower() == "in07":
        return CommandMistake("taurusdb_instance", token=token, corrected=corrected)
    if len(word) == ID_LENGTH and (suffix or _ALPHANUMERIC.fullmatch(word)):
        letters = Code(_invalid_letters(word))
        return NotAnInstance("invalid_letters", token=token, letters=letters, corrected=corrected)
    resembles_id = (bool(suffix) and len(word) >= 12) or (bool(_ALPHANUMERIC.fullmatch(word)) and len(word) >= 20)
    if resembles_id:
        return NotAnInstance("wrong_length", token=token, length=len(word), corrected=corrected)
    return NotAnInstance("not_an_instance", token=token, corrected=corrected)


def _invalid_letters(word: str) -> str:
    """The letters that no id has, each once; its ending when only that is wrong."""
    letters = dict.fromkeys(letter for letter in word[:32] if letter not in "0123456789abcdefABCDEF")
    return "".join(letters) or word[32:]


def _abbreviated_flags(word: str) -> tuple[str, ...]:
    """The flag that a word without dashes names."""
    return tuple(flag for flag in FLAGS if is_abbreviation(word, flag))


def _contains(command: Code, flags: Sequence[str]) -> bool:
    """Whether the offered command has all these flags: what the person negated is not suggested either."""
    return set(flags) <= set(command.text.split())
