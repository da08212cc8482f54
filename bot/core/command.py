"""The parser of the text after `/starrocks-upgrade`: an upgrade, a query, or the mistake in it. Nothing is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.instances import (
    Instance,
    by_name,
    find_by_name,
    instance_choices,
    instance_label,
    name_key,
    nearest,
)
from bot.core.messages import Code, Message
from bot.core.suggestions import (
    TAURUSDB_ID,
    VERBS,
    intended_flags,
    intended_verb,
    is_cancellation,
    named_flags,
    suggested_command,
)
from bot.core.tokenizer import (
    INSTANCE_ID,
    Word,
    embedded_ids,
    exact_flag,
    flag_name,
    id_in,
    is_flag,
    is_label,
    quoted,
    read_option,
    read_words,
)

DEFAULT_COMMAND_NAME = "/starrocks-upgrade"
ID_LENGTH = 36
MAX_CHOICES = 5
MAX_OFFERED = 20  # StarRocks instances of one TaurusDB instance, each with its command

_ENGINE_SUFFIX = re.compile(r"in\d\d\Z", re.IGNORECASE | re.ASCII)
_ALPHANUMERIC = re.compile(r"[0-9a-z]+", re.IGNORECASE | re.ASCII)
_HELP = {"help", "h", "?"}


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


def parse_command(text: str, command_name: str, instances: Sequence[Instance] = ()) -> Command | CommandMistake:
    """Parse the text after the command; `command_name` is used in offered commands, `instances` are those known."""
    words = read_words(text)
    if words and name_key(words[0].text) == name_key(command_name):
        words = words[1:]  # pasted with the command
    if not words:
        return ListCommand()
    first, *rest = words
    match first.text.lower():
        case "list" if not rest:
            return ListCommand()
        case "doctor" if not rest:
            return DoctorCommand()
        case "history":
            return _parse_query(HistoryCommand, "history", rest, command_name, instances)
        case "status":
            return _parse_query(StatusCommand, "status", rest, command_name, instances)
        case "list" | "doctor" | "help" as verb if rest:
            return CommandMistake("verb_alone", verb=Code(verb), corrected=Code(f"{command_name} {verb}"))
    return _parse_upgrade(words, command_name, instances)


def _parse_query(
    query: type[HistoryCommand | StatusCommand],
    verb: str,
    words: Sequence[Word],
    command_name: str,
    instances: Sequence[Instance],
) -> Command | CommandMistake:
    """`history` or `status` of all instances, or of the one that follows."""
    if not words:
        return query()
    target = _parse_upgrade(words, f"{command_name} {verb}", instances)
    if isinstance(target, UpgradeCommand):
        return query(target.instance_id)
    if isinstance(target, CommandMistake) and target.key in _ABOUT_INSTANCES:
        return target
    token = target.values.get("token") if isinstance(target, CommandMistake) else None
    return NotAnInstance(
        "verb_with_instance",
        verb=Code(verb),
        token=token or quoted(words[0].typed),
        corrected=Code(f"{command_name} {verb} [instance_id]"),
    )


_ABOUT_INSTANCES = {"two_instances", "same_instance_twice", "ambiguous_name", "unknown_name", "wrong_length"}
_ABOUT_INSTANCES |= {"invalid_letters", "taurusdb_instance", "taurusdb_instance_known"}


def _parse_upgrade(
    typed_words: Sequence[Word], command_name: str, instances: Sequence[Instance]
) -> UpgradeCommand | HelpCommand | CommandMistake:
    """One upgrade; the name of an instance stands for its id. An id is never taken for a name."""
    if len(typed_words) == 1 and flag_name(typed_words[0].text) in _HELP:
        return HelpCommand()
    words = _resolve_names(typed_words, instances)
    if isinstance(words, CommandMistake):
        return words
    cancellation = next((word for word in words if not word.is_name and is_cancellation(word)), None)
    if cancellation is not None:
        return NotAnInstance(
            "cancel_elsewhere",
            token=quoted(cancellation.typed),
            cancel=Message("cancel_button"),
            cancel_scheduled=Message("cancel_scheduled_button"),
            corrected=Code(f"{command_name} status"),
        )
    flags: set[str] = set()
    arguments: list[Word] = []
    for position, word in enumerate(words):
        instance_id = id_in(words, position)
        if instance_id is not None:
            arguments.append(Word(word.typed, instance_id, is_name=word.is_name or word.text != instance_id))
            continue
        if is_label(words, position):
            continue
        option = read_option(words, position)
        intended = intended_flags(option.name) if is_flag(word.text) else named_flags(option.name)
        if intended and option.value is not None:
            return CommandMistake(
                "flag_with_value", token=quoted(option.token), corrected=suggested_command(command_name, words)
            )
        flag = exact_flag(option.name)
        if not is_flag(word.text):
            arguments.append(word)
        elif flag:
            flags.add(flag)
        else:
            return _unknown_flag(word, intended, command_name, words)
    return _single_instance(arguments, flags, command_name, words, instances)


def _resolve_names(words: Sequence[Word], instances: Sequence[Instance]) -> list[Word] | CommandMistake:
    """The words with ids for names; what only describes an instance whose id is given, as in a row of the console,
    is left out."""
    typed_ids = {id.lower() for position in range(len(words)) if (id := id_in(words, position))}
    described = _descriptions([instance for instance in instances if instance.id in typed_ids])
    names = by_name(instances)
    resolved = []
    for position, word in enumerate(words):
        if is_flag(word.text) or id_in(words, position):
            resolved.append(word)
            continue
        found = _narrowed(find_by_name(word, names), typed_ids)
        if len(found) > 1:
            choices = instance_choices(found[:MAX_CHOICES])
            return CommandMistake("ambiguous_name", token=quoted(word.typed), instances=choices)
        if found:
            resolved.append(Word(word.typed, found[0].id, is_name=True))
        elif name_key(word.text) not in described:
            resolved.append(word)
    return resolved


def _narrowed(instances: Sequence[Instance], typed_ids: set[str]) -> Sequence[Instance]:
    """Of several instances with the same name the one whose id is given as well."""
    return [instance for instance in instances if instance.id in typed_ids] or instances


def _descriptions(instances: Sequence[Instance]) -> set[str]:
    """The words that a console shows beside the id of an instance: those of its name, its TaurusDB instance's id."""
    texts = (text for instance in instances for text in (instance.name, instance.parent_id))
    return {name_key(word.text) for text in texts for word in read_words(text)}


def _unknown_flag(word: Word, intended: Sequence[str], command_name: str, words: Sequence[Word]) -> CommandMistake:
    name = flag_name(word.text)
    if name in VERBS or name in _HELP:
        return _misspelled_verb(word, intended_verb(word) or "help", command_name, words)
    corrected = suggested_command(command_name, words)
    suggestions = [f"--{flag}" for flag in intended]
    if suggestions and _contains(corrected, suggestions):
        suggestion = Code(" ".join(suggestions))
        return CommandMistake("misspelled_flag", token=quoted(word.typed), suggestion=suggestion, corrected=corrected)
    return CommandMistake(
        "unknown_flag",
        token=quoted(word.typed),
        delay=Code("--delay"),
        skip_validate=Code("--skip-validate"),
        corrected=corrected,
    )


def _single_instance(
    arguments: Sequence[Word],
    flags: set[str],
    command_name: str,
    words: Sequence[Word],
    instances: Sequence[Instance],
) -> UpgradeCommand | CommandMistake:
    """Whatever is no flag has to be one instance id, given once; its name may stand beside it."""
    if not arguments:
        return CommandMistake("no_instance", corrected=suggested_command(command_name, words))
    invalid = next((word for word in arguments if not INSTANCE_ID.fullmatch(word.text)), None)
    if invalid is not None:
        return _not_an_instance(invalid, command_name, words, instances)
    first, *rest = arguments
    other = next((word for word in rest if word.text.lower() != first.text.lower()), None)
    if other is not None:
        return _two_instances(first.text, other.text, command_name, words)
    if sum(not word.is_name for word in arguments) > 1:
        corrected = suggested_command(command_name, words)
        return CommandMistake("same_instance_twice", instance=quoted(first.text), corrected=corrected)
    return UpgradeCommand(first.text.lower(), delay="delay" in flags, skip_validate="skip-validate" in flags)


def _two_instances(first: str, second: str, command_name: str, words: Sequence[Word]) -> CommandMistake:
    return CommandMistake(
        "two_instances",
        first=quoted(first),
        second=quoted(second),
        corrected=suggested_command(command_name, words, first),
        alternative=suggested_command(command_name, words, second),
    )


def _not_an_instance(
    word: Word, command_name: str, words: Sequence[Word], instances: Sequence[Instance]
) -> CommandMistake:
    """Why this word is no StarRocks instance id."""
    token, text, corrected = quoted(word.typed), word.text, suggested_command(command_name, words)
    flag = next((f"--{flag}" for flag in named_flags(text)), None)
    if flag and _contains(corrected, [flag]):
        if exact_flag(text):
            return CommandMistake("flag_without_dashes", token=token, suggestion=Code(flag), corrected=corrected)
        return CommandMistake("misspelled_flag", token=token, suggestion=Code(flag), corrected=corrected)
    if TAURUSDB_ID.fullmatch(text):
        return _taurusdb_instance(word, command_name, words, instances)
    ids = list(dict.fromkeys(embedded_ids(text.lower())))
    if len(ids) > 1:  # a link with two
        first, second, *_ = ids
        return _two_instances(first, second, command_name, words)
    suffix = _ENGINE_SUFFIX.search(text)
    if len(text) == ID_LENGTH and (suffix or _ALPHANUMERIC.fullmatch(text)):
        letters = Code(_invalid_letters(text))
        return NotAnInstance("invalid_letters", token=token, letters=letters, corrected=corrected)
    resembles_id = (bool(suffix) and len(text) >= 12) or (bool(_ALPHANUMERIC.fullmatch(text)) and len(text) >= 20)
    if resembles_id:
        return NotAnInstance("wrong_length", token=token, length=len(text), corrected=corrected)
    verb = intended_verb(word)
    if verb:
        return _misspelled_verb(word, verb, command_name, words)
    near = nearest(text, instances)
    if near:
        return CommandMistake("unknown_name", token=token, near=instance_choices(near))
    return NotAnInstance("not_an_instance", token=token, corrected=corrected)


def _misspelled_verb(word: Word, verb: str, command_name: str, words: Sequence[Word]) -> CommandMistake:
    """The verb that was probably meant, with the instance if it takes one."""
    ids = [id.lower() for position in range(len(words)) if (id := id_in(words, position))]
    instance = ids[:1] if verb in {"status", "history"} and len(ids) == 1 else []
    corrected = Code(" ".join([command_name, verb, *instance]))
    return NotAnInstance("misspelled_verb", token=quoted(word.typed), corrected=corrected)


def _taurusdb_instance(
    word: Word, command_name: str, words: Sequence[Word], instances: Sequence[Instance]
) -> CommandMistake:
    """The StarRocks instances of a TaurusDB instance, each with its command, as far as they are known."""
    children = [instance for instance in instances if instance.parent_id.lower() == word.text.lower()]
    token = quoted(word.typed)
    if not children:
        return NotAnInstance("taurusdb_instance", token=token, corrected=suggested_command(command_name, words))
    lines = tuple(
        Message(
            "instance_command",
            instance=instance_label(instance),
            command=suggested_command(command_name, words, instance.id),
        )
        for instance in children[:MAX_OFFERED]
    )
    return CommandMistake("taurusdb_instance_known", token=token, instances=lines)


def _invalid_letters(word: str) -> str:
    """The letters that no id has, each once; its ending when only that is wrong."""
    letters = dict.fromkeys(letter for letter in word[:32] if letter not in "0123456789abcdefABCDEF")
    return "".join(letters) or word[32:]


def _contains(command: Code, flags: Sequence[str]) -> bool:
    """Whether the offered command has all these flags: what the person negated is not suggested either."""
    return set(flags) <= set(command.text.split())
