"""The words of a command as they were meant, however the keyboard spelled them.

Keyboards rewrite what people type: `--` becomes an em dash, quotes curl, Chinese input methods give `——`, `－－` and a
full-width space, a paste brings no-break and zero-width characters. All of that is understood; nothing is guessed.
"""

import re

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
QUOTES = (
    "\"'`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2035\u2036\u2039\u203a"
    "«»「」『』｢｣〝〞〟\uff02\uff07\uff40"
)
# Joiners, direction marks, soft hyphens, variation selectors, tags: none takes any room, and no editor shows them.
ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


def split(text: str) -> list[str]:
    """The words of a text: any Unicode blank separates; zero-width characters and quotes around words are dropped."""
    return [word for word in (part.strip(QUOTES) for part in ZERO_WIDTH.sub("", text).split()) if word]


def is_flag(word: str) -> bool:
    """Whether a word is meant as a flag: it begins with a dash of any kind."""
    return word[0] in DASHES


def flag_name(word: str) -> str:
    """The name of a flag without its dashes, whatever kind they are: `—skip–validate` is `skip-validate`."""
    return "".join("-" if letter in DASHES else letter for letter in word.lstrip(DASHES))
