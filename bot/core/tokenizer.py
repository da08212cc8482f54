"""The words of a command as they were meant, however the keyboard spelled them, and the flags among them.

Keyboards rewrite what people type: `--` becomes an em dash, quotes curl, Chinese input methods give `——`, `－－` and a
full-width space, a paste brings no-break and zero-width characters. All of that is undone here; nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.messages import Code

FLAGS = ("delay", "skip-validate")
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
QUOTES = (
    "\"'`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2035\u2036\u2039\u203a"
    "«»「」『』｢｣〝〞〟\uff02\uff07\uff40"
)
# Joiners, direction marks, soft hyphens, variation selectors, tags: none takes any room, and no editor shows them.
ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
OFF_VALUES = "false|no|off|0|n|f|none|null|never|disabled?|否|关|不"
_VALUES = f"true|yes|on|1|y|t|enabled?|是|开|{OFF_VALUES}"
_SIGNS = "=:＝："  # what stands between a flag and its value
_OPTION = re.compile(
    rf"(?P<name>[^\s{_SIGNS}]*)"
    rf"(?:\s?[{_SIGNS}](?:(?P<joined>\S+)|\s(?P<apart>{_VALUES})(?!\S))?|\s(?P<next>{_VALUES})(?!\S))?",
    re.IGNORECASE,
)
_IS_OFF = re.compile(OFF_VALUES, re.IGNORECASE)
MAX_QUOTED = 80  # characters of a token that are repeated to the person


def split_words(text: str) -> list[str]:
    """The words of a text: any Unicode blank separates; zero-width characters and quotes around words are dropped."""
    return [word for word in (part.strip(QUOTES) for part in ZERO_WIDTH.sub("", text).split()) if word]


def is_flag(word: str) -> bool:
    """Whether a word is meant as a flag: it begins with a dash of any kind."""
    return word[0] in DASHES


def flag_name(word: str) -> str:
    """The name of a flag without its dashes, whatever kind they are: `—skip–validate` is `skip-validate`."""
    return "".join("-" if letter in DASHES else letter for letter in word.lstrip(DASHES))


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


def read_option(words: Sequence[str], position: int) -> Option:
    """The option at this position, together with the next words if they are its value."""
    match = _OPTION.match(" ".join(words[position : position + 3]))
    assert match is not None  # every part of the pattern may be empty
    token, name = match.group(), match["name"]
    value = match["joined"] or match["apart"] or match["next"] or ""
    return Option(token, flag_name(name), None if token == name else value.strip(QUOTES))


def quoted(token: str) -> Code:
    """A token of the input as it is repeated to the person: cut when very long, control characters replaced."""
    clean = "".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in token)
    return Code(clean if len(clean) <= MAX_QUOTED else f"{clean[:MAX_QUOTED]}…")
