"""The text after `/starrocks-upgrade`, read: one upgrade, a question to the bot, or the mistake that is in it.

Keyboards rewrite what people type: `--` becomes an em dash, quotes curl, Chinese input methods give `——`, `－－` and a
full-width space, a paste brings no-break and zero-width characters. All of that is understood; nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from bot.core.mistakes import (
    FlagWithoutDashes,
    FlagWithValue,
    MisspelledFlag,
    NoInstance,
    NotAnInstance,
    TaurusInstance,
    TwoInstances,
    UnknownFlag,
    WrongLength,
    WrongLetters,
)
from bot.core.reasons import Mistake
from bot.core.sentence import Code

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
QUOTES = "\"'`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2039\u203a«»「」『』\uff02\uff07\uff40"
FLAGS = ("delay", "skip-validate")
ID_LENGTH = 36

_ID = re.compile(r"[0-9a-f]{32}in17", re.IGNORECASE | re.ASCII)
_ENGINE = re.compile(r"in\d\d\Z", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[0-9a-z]+", re.IGNORECASE | re.ASCII)
_NO = {"false", "no", "off", "0"}
_VALUES = {"true", "yes", "on", "1", *_NO}
_MOST_SHOWN = 80  # characters of a token repeated to the person


@dataclass(frozen=True, slots=True)
class UpgradeCommand:
    """One upgrade, as typed; `instance_id` is in lower case."""

    instance_id: str
    delay: bool = False
    skip_validate: bool = False


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """How the command is used."""


Command: TypeAlias = UpgradeCommand | HelpCommand


def parse(text: str, name: str = "/starrocks-upgrade") -> Command | Mistake:
    """Read the text after the command; `name` is the command's own name, for the commands offered to copy."""
    words = split(text)
    if len(words) == 1 and words[0].lstrip(DASHES).lower() in {"help", "h", "?", "？"}:
        return HelpCommand()
    flags: set[str] = set()
    others: list[str] = []
    follows_flag = False
    for position, word in enumerate(words):
        if word[0] not in DASHES:
            if follows_flag and word.lower() in _VALUES:
                return FlagWithValue(_shown(f"{words[position - 1]} {word}"), _offer(name, words))
            others.append(word)
            follows_flag = False
            continue
        flag = flag_name(word)
        if flag not in FLAGS:
            return _flag_mistake(word, flag, lambda: _offer(name, words))
        flags.add(flag)
        follows_flag = True
    return _one_instance(others, flags, name, words)


def split(text: str) -> list[str]:
    """The words of a text: any Unicode blank separates; zero-width characters and quotes around words are dropped."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return [word for word in (part.strip(QUOTES) for part in visible.split()) if word]


def flag_name(word: str) -> str:
    """The name of a flag without its dashes, whatever kind they are: `—skip–validate` is `skip-validate`."""
    return "".join("-" if letter in DASHES else letter for letter in word.lstrip(DASHES))


def _one_instance(others: list[str], flags: set[str], name: str, words: list[str]) -> Command | Mistake:
    """What is left besides the flags has to be one id."""
    if not others:
        return NoInstance(_offer(name, words))
    wrong = [word for word in others if not _ID.fullmatch(word)]
    if wrong:
        return _instance_mistake(wrong[0], _offer(name, words))
    first, *rest = others
    if rest:
        return TwoInstances(
            _shown(first), _shown(rest[0]), _offer(name, [first, *words]), _offer(name, [rest[0], *words])
        )
    return UpgradeCommand(first.lower(), delay="delay" in flags, skip_validate="skip-validate" in flags)


def _flag_mistake(word: str, flag: str, offer: Callable[[], Code]) -> Mistake:
    """Why this is none of the flags."""
    name, valued, _ = _partition(flag)
    if valued and closest(name) == name:
        return FlagWithValue(_shown(word), offer())
    meant = closest(name)
    if meant:
        return MisspelledFlag(_shown(word), Code(f"--{meant}"), offer())
    return UnknownFlag(_shown(word), offer())


def _partition(flag: str) -> tuple[str, bool, str]:
    """A flag's name, whether a value is joined to it, and that value: `delay=true`."""
    found = re.search(r"[=:＝：]", flag)
    return (flag[: found.start()], True, flag[found.end() :]) if found else (flag, False, "")


def closest(name: str) -> str | None:
    """The flag that was probably meant, or None."""
    plain = name.lower().replace("_", "-")
    if plain.startswith("no-"):
        return None  # whoever says no must not be offered yes
    for flag in FLAGS:
        if len(plain) >= 3 and (flag.startswith(plain) or flag.replace("-", "") == plain.replace("-", "")):
            return flag
    return next(iter(get_close_matches(plain, FLAGS, n=1, cutoff=0.7)), None)


def _instance_mistake(word: str, corrected: Code) -> Mistake:
    """Why this is no StarRocks id."""
    token = _shown(word)
    if word.lower() in FLAGS:
        return FlagWithoutDashes(token, Code(f"--{word.lower()}"), corrected)
    engine = _ENGINE.search(word)
    if engine and len(word) >= 20 and engine.group().lower() == "in07":
        return TaurusInstance(token, corrected)
    meant_as_id = (bool(engine) and len(word) >= 12) or (bool(_PLAIN.fullmatch(word)) and len(word) >= 20)
    if len(word) == ID_LENGTH and (engine or _PLAIN.fullmatch(word)):
        body = word[:32] if word[32:].lower() == "in17" else word
        letters = "".join(dict.fromkeys(letter for letter in body if letter not in "0123456789abcdefABCDEF"))
        return WrongLetters(token, Code(letters), corrected)
    return WrongLength(token, len(word), corrected) if meant_as_id else NotAnInstance(token, corrected)


def _offer(name: str, words: list[str]) -> Code:
    """The command with every part that could be read, to copy; what was not an id stays a blank to fill."""
    instance = next((word.lower() for word in words if _ID.fullmatch(word)), "<instance_id>")
    wanted = set()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word[0] in DASHES or word.lower() in FLAGS:
            flag, valued, value = _partition(flag_name(word))
            if (value if valued else following).lower() not in _NO:
                wanted.add(closest(flag))
    return Code(" ".join([name, instance, *(f"--{flag}" for flag in FLAGS if flag in wanted)]))


def _shown(token: str) -> Code:
    """A token as it is repeated to the person, cut when it is very long."""
    return Code(token if len(token) <= _MOST_SHOWN else f"{token[:_MOST_SHOWN]}…")
