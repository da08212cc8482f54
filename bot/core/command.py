"""The text after `/starrocks-upgrade`, read: one upgrade, a question to the bot, or the mistake that is in it.

words.py undoes what keyboards do to the text, offers.py finds the command to offer when there is a mistake;
what is done is decided here, and nothing is guessed.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

from bot.core.mistakes import (
    FlagWithoutDashes,
    FlagWithValue,
    MisspelledFlag,
    NoInstance,
    NotAnInstance,
    SameInstanceTwice,
    TaurusInstance,
    TwoInstances,
    UnknownFlag,
    WrongLength,
    WrongLetters,
)
from bot.core.offers import FLAGS, closest, is_abbreviation, meant, offer, option
from bot.core.reasons import Mistake
from bot.core.sentence import Code
from bot.core.words import DASHES, QUOTES, flag_name, is_flag, split

ID_LENGTH = 36

_ID = re.compile(r"[0-9a-f]{32}in17", re.IGNORECASE | re.ASCII)
_ENGINE = re.compile(r"in\d\d\Z", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[0-9a-z]+", re.IGNORECASE | re.ASCII)
_HELP = {"help", "h", "?", "？"}
_MOST_SHOWN = 80  # characters of a token repeated to the person


@dataclass(frozen=True, slots=True)
class UpgradeCommand:
    """One upgrade, as typed; `instance_id` is in lower case."""

    instance_id: str
    delay: bool = False
    skip_validate: bool = False

    @property
    def text(self) -> str:
        """What would be typed for it, after the command's name."""
        flags = {"--delay": self.delay, "--skip-validate": self.skip_validate}
        return " ".join([self.instance_id, *(flag for flag, is_set in flags.items() if is_set)])


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """How the command is used."""


Command: TypeAlias = UpgradeCommand | HelpCommand


def parse(text: str, name: str = "/starrocks-upgrade") -> Command | Mistake:
    """Read the text after the command; `name` is the command's own name, for the commands offered to copy."""
    words = split(text)
    if len(words) == 1 and words[0].lstrip(DASHES).lower() in _HELP:
        return HelpCommand()
    flags: set[str] = set()
    others: list[str] = []
    for position, word in enumerate(words):
        spoken = option(words, position)
        named = meant(spoken.name) if is_flag(word) else _abbreviated(spoken.name)
        if named and spoken.value is not None:
            return FlagWithValue(shown(spoken.token), offer(name, words))
        if not is_flag(word):
            others.append(word)
        elif flag_name(word) in FLAGS:
            flags.add(flag_name(word))
        else:
            return _flag_mistake(word, named, offer(name, words))
    return _one_instance(others, flags, name, words)


def _flag_mistake(word: str, named: tuple[str, ...], corrected: Code) -> Mistake:
    """Why this is none of the flags."""
    suggested = [f"--{flag}" for flag in named]
    if suggested and _offers(corrected, *suggested):
        return MisspelledFlag(shown(word), Code(" ".join(suggested)), corrected)
    return UnknownFlag(shown(word), corrected)


def _one_instance(others: list[str], flags: set[str], name: str, words: list[str]) -> Command | Mistake:
    """What is left besides the flags has to be one id, given once."""
    if not others:
        return NoInstance(offer(name, words))
    wrong = [word for word in others if not _ID.fullmatch(word)]
    if wrong:
        return _instance_mistake(wrong[0], offer(name, words))
    first, *rest = others
    if rest:
        another = next((word for word in rest if word.lower() != first.lower()), None)
        if another is None:
            return SameInstanceTwice(shown(first), offer(name, words))
        return TwoInstances(shown(first), shown(another), offer(name, words, first), offer(name, words, another))
    return UpgradeCommand(first.lower(), delay="delay" in flags, skip_validate="skip-validate" in flags)


def _instance_mistake(word: str, corrected: Code) -> Mistake:
    """Why this is no StarRocks id."""
    token = shown(word)
    flag = next((f"--{flag}" for flag in _abbreviated(word)), None)
    if flag and _offers(corrected, flag):
        return FlagWithoutDashes(token, Code(flag), corrected)
    engine = _ENGINE.search(word)
    if engine and len(word) >= 20 and engine.group().lower() == "in07":
        return TaurusInstance(token, corrected)
    if len(word) == ID_LENGTH and (engine or _PLAIN.fullmatch(word)):
        return WrongLetters(token, Code(_wrong_letters(word)), corrected)
    meant_as_id = (bool(engine) and len(word) >= 12) or (bool(_PLAIN.fullmatch(word)) and len(word) >= 20)
    return WrongLength(token, len(word), corrected) if meant_as_id else NotAnInstance(token, corrected)


def _wrong_letters(word: str) -> str:
    """The letters that no id has, each once; its ending when it is only that."""
    letters = dict.fromkeys(letter for letter in word[:32] if letter not in "0123456789abcdefABCDEF")
    return "".join(letters) or word[32:]


def _abbreviated(word: str) -> tuple[str, ...]:
    """The flag that a word without dashes names."""
    return tuple(flag for flag in FLAGS if is_abbreviation(word, flag))


def _offers(command: Code, *flags: str) -> bool:
    """Whether the command has all these flags: what the person said no to is not suggested either."""
    return set(flags) <= set(command.text.split())


def shown(token: str) -> Code:
    """A token as it is repeated to the person: cut when it is very long, without what no message may carry."""
    clean = "".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in token)
    return Code(clean if len(clean) <= _MOST_SHOWN else f"{clean[:_MOST_SHOWN]}…")


__all__ = [
    "DASHES",
    "FLAGS",
    "ID_LENGTH",
    "QUOTES",
    "Command",
    "HelpCommand",
    "UpgradeCommand",
    "closest",
    "flag_name",
    "parse",
    "shown",
    "split",
]
