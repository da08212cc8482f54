"""What was probably meant by words that are no command: only ever offered to copy, never acted on.

An offer keeps every flag that can be recognised, however it is misspelled, and no flag that the person said no to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.core.sentence import Code
from bot.core.words import QUOTES, flag_name, is_flag

FLAGS = ("delay", "skip-validate")
NO_INSTANCE = "<instance_id>"

_INSTANCE = re.compile(r"(?<![0-9a-z])[0-9a-f]{32}in17(?![0-9a-z])", re.IGNORECASE | re.ASCII)
_OFF = "false|no|off|0|n|f|none|null|never|disabled?|否|关|不"
_VALUES = f"true|yes|on|1|y|t|enabled?|是|开|{_OFF}"
_SIGNS = "=:＝："  # what stands between a name and its value
_OPTION = re.compile(
    rf"(?P<name>[^\s{_SIGNS}]*)"
    rf"(?:\s?[{_SIGNS}](?:(?P<joined>\S+)|\s(?P<apart>{_VALUES})(?!\S))?|\s(?P<next>{_VALUES})(?!\S))?",
    re.IGNORECASE,
)
_IS_OFF = re.compile(_OFF, re.IGNORECASE)
_DENYING = r"not|non|no|do-?not|don['’]?t|without|never|disable|un"
_DENIED = re.compile(rf"(?:{_DENYING}|不|不要|别)-?(?P<after>.+)|(?P<before>.+)-(?:{_OFF}|not)")
_DENIES = re.compile(rf"(?:{_DENYING}|不|不要|别|无)", re.IGNORECASE)
_OPPOSITES = {"validate": "skip-validate", "now": "delay", "immediate": "delay", "immediately": "delay"}
_PUNCTUATION = ",;.!&+/|，；。、"
_RUN_TOGETHER = re.compile(rf"(?:[-{_PUNCTUATION}]*(?:{'|'.join(FLAGS)}))+[-{_PUNCTUATION}]*")


@dataclass(frozen=True, slots=True)
class Option:
    """A word that may name a flag, with the value given to it: `--delay=true`, `--delay = true`, `--delay true`."""

    token: str  # as typed, with its value
    name: str  # without dashes, as typed
    value: str | None  # None: none was given

    @property
    def is_off(self) -> bool:
        """Whether the value says no."""
        return bool(self.value and _IS_OFF.fullmatch(self.value))


def option(words: Sequence[str], position: int) -> Option:
    """Read the word at this position, and the next ones if they are its value."""
    found = _OPTION.match(" ".join(words[position : position + 3]))
    assert found is not None  # every part of the pattern may be empty
    token, name = found.group(), found["name"]
    value = found["joined"] or found["apart"] or found["next"] or ""
    return Option(token, flag_name(name), None if token == name else value.strip(QUOTES))


def closest(name: str) -> str | None:
    """The one flag that was probably meant, or None."""
    plain = _plain(name).removeprefix("is-")  # the API's own name for it is is_skip_validate
    if _DENIED.fullmatch(plain):
        return None  # whoever says no must not be offered yes
    for flag in FLAGS:
        if is_abbreviation(plain, flag):
            return flag
    if len(plain) < 3:
        return None
    # The beginning has to be close as well: `--strict-validate` is the opposite of `--skip-validate`.
    near = [flag for flag in FLAGS if len(plain) <= 2 * len(flag) and get_close_matches(plain[:4], [flag[:4]], 1, 0.7)]
    return next(iter(get_close_matches(plain, near, n=1, cutoff=0.7)), None)


def is_abbreviation(name: str, flag: str) -> bool:
    """Whether it is the flag but for its case, its dashes, or an end that was left out."""
    plain = _plain(name)
    return len(plain) >= 3 and (flag.startswith(plain) or flag.replace("-", "") == plain.replace("-", ""))


def meant(name: str) -> tuple[str, ...]:
    """The flags that were probably meant by one name: several when a blank between them was forgotten."""
    plain = _plain(name)
    if _RUN_TOGETHER.fullmatch(plain):
        return tuple(flag for flag in FLAGS if flag in plain)
    one = closest(name)
    return (one,) if one else ()


def offer(name: str, words: Sequence[str], instance_id: str | None = None) -> Code:
    """The command with every part that could be read, to copy; what was not an id stays a blank to fill."""
    if instance_id is None:
        found = (_INSTANCE.search(word) for word in words)
        instance_id = next((one.group() for one in found if one), NO_INSTANCE)
    wanted, denied = set[str](), set[str]()
    for position, word in enumerate(words):
        yes, no = _said(words, position, word)
        wanted |= yes
        denied |= no
    flags = [f"--{flag}" for flag in FLAGS if flag in wanted - denied]
    return Code(" ".join([name, instance_id.lower(), *flags]))


def _said(words: Sequence[str], position: int, word: str) -> tuple[set[str], set[str]]:
    """The flags that one word says yes to, and those it says no to."""
    glued = _INSTANCE.match(word)  # `…in17--delay`, as an input method writes it
    if glued and glued.end() < len(word):
        word = word[glued.end() :]
        words, position = [word, *words[position + 1 : position + 3]], 0
    spoken = option(words, position)
    plain = _plain(spoken.name)
    before = flag_name(words[position - 1]) if position else ""
    if plain in _OPPOSITES and before != "skip":
        return set(), {_OPPOSITES[plain]}
    denial = _DENIED.fullmatch(plain)
    if denial:
        return set(), set(meant(denial["after"] or denial["before"]))
    flags = set(meant(spoken.name)) if is_flag(word) else {flag for flag in FLAGS if is_abbreviation(plain, flag)}
    return (set(), flags) if spoken.is_off or _DENIES.fullmatch(before) else (flags, set())


def _plain(name: str) -> str:
    """A name as it is compared: lower case, one kind of dash, nothing around it."""
    return flag_name(name).lower().replace("_", "-").strip(QUOTES)
