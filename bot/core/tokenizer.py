"""The words of a command as they were meant, however the keyboard spelled them, and the flags among them.

Keyboards and clipboards rewrite what people type: `--` becomes an em dash, quotes curl, Chinese input methods give
`——`, full-width letters and blanks, a paste brings brackets, marks of Slack, punctuation, no-break and zero-width
characters. All of that is undone here where it has one meaning; an instance id only ever loses what surrounds it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.messages import Code

FLAGS = ("delay", "skip-validate")
# Unicode's category Pd, then what is no dash by its category but looks like one: minus signs, box drawing, bullets.
DASHES = (
    "-\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030"
    "\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
    "\u02d7\u2043\u207b\u208b\u2212\u2500\u2501\u2504\u2505\u2508\u2509\u254c\u254d\u2550\u2574\u2576\u2578\u257a"
    "\u23af\u23e4\u2796"
)
LETTER_DASHES = "\u30fc\uff70\u4e00\u2f00\u3161\u1173\uffda"  # letters that look like one, a dash only beside a flag
FLAG_PREFIXES = "+/\\"  # instead of dashes, as other programs have it
QUOTES = (
    "\"'`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2035\u2036\u2039\u203a"
    "«»「」『』｢｣〝〞〟\uff02\uff07\uff40"
)
# Joiners, direction marks, soft hyphens, variation selectors, tags: none takes any room, and no editor shows them.
ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
INSTANCE_ID = re.compile(r"[0-9a-f]{32}in17", re.IGNORECASE | re.ASCII)
OFF_VALUES = "false|no|off|0|n|f|none|null|never|disabled?|否|关|不"
MAX_QUOTED = 80  # characters of a token that are repeated to the person

_MARKS = "*~_|¦│•·"  # of Slack, and the lines between the cells of a table
_LIST_SEPARATORS = ",;\uff0c\uff1b\u3001\u3002\uff61\uff64"
_TRAILING = ".!\u2026"
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # ！ to ～, each as its ASCII character
_ON_VALUES = "true|yes|on|1|y|t|enabled?|是|开"
_VALUES = f"{_ON_VALUES}|{OFF_VALUES}"
_SIGNS = "=:"  # what stands between a flag and its value
_OPTION = re.compile(
    rf"(?P<name>[^\s{_SIGNS}]*)"
    rf"(?:\s?[{_SIGNS}](?:(?P<joined>\S+)|\s(?P<apart>{_VALUES})(?!\S))?|\s(?P<next>{_VALUES})(?!\S))?",
    re.IGNORECASE,
)
_IS_OFF = re.compile(OFF_VALUES, re.IGNORECASE)
_IS_VALUE = re.compile(_VALUES, re.IGNORECASE)
_NAMES = {flag.replace("-", ""): flag for flag in FLAGS}
_MAX_PIECES = 5  # words that one flag is put together from: `-- skip - validate`
_EMBEDDED_ID = re.compile(rf"(?<![0-9a-z]){INSTANCE_ID.pattern}(?![0-9a-z])", INSTANCE_ID.flags)
_PERCENT_CODE = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"[\w-]*(?:id|实例)[=:]", re.IGNORECASE)  # `ID: …`, `instance_id=…`, `实例ID：…`


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in the text, without quotes, and as it is read: without decoration, in half-width letters.

    `text` is an instance's id when the word is its name (`is_name`).
    """

    typed: str
    text: str
    is_name: bool = False


def read_words(text: str) -> list[Word]:
    """The words of a text; blanks, brackets and the separators of lists stand between them."""
    words = []
    for part in ZERO_WIDTH.sub("", text).split():
        pieces = [piece for piece in _separated(part).split() if _undecorated(piece)]
        typed = [part.strip(QUOTES)] if len(pieces) == 1 else pieces
        words += [Word(raw, _undecorated(piece)) for raw, piece in zip(typed, pieces, strict=True)]
    return _joined(words)


def _separated(part: str) -> str:
    return "".join(" " if letter in _LIST_SEPARATORS or _is_bracket(letter) else letter for letter in part)


def _is_bracket(letter: str) -> bool:
    return letter in "<>\uff1c\uff1e" or unicodedata.category(letter) in {"Ps", "Pe"}


def _is_decoration(letter: str) -> bool:
    return letter in QUOTES or letter in _MARKS or unicodedata.category(letter) in {"Ps", "Pe", "Pi", "Pf"}


def _undecorated(word: str) -> str:
    """A word in half-width letters without what is only around it; a question mark alone is kept."""
    start, end = 0, len(word := word.translate(_FULL_WIDTH))
    while start < end and _is_decoration(word[start]):
        start += 1
    while start < end and (_is_decoration(word[end - 1]) or word[end - 1] in _TRAILING):
        end -= 1
    return word[start:end].rstrip("?") or word[start:end]


def _joined(words: Sequence[Word]) -> list[Word]:
    """The words with each flag in one of them (`-- delay`, `--skip validate`), and an id apart from flags after it."""
    joined: list[Word] = []
    position = 0
    while position < len(words):
        word = words[position]
        glued = INSTANCE_ID.match(word.text)
        if glued and word.text[glued.end() :].startswith((*DASHES, "+")):
            rest = word.text[glued.end() :]
            words = [*words[:position], Word(glued.group(), glued.group()), Word(rest, rest), *words[position + 1 :]]
            continue
        flag, length = _flag_in_pieces(words[position : position + _MAX_PIECES])
        typed = " ".join(piece.typed for piece in words[position : position + length])
        joined.append(Word(typed, flag) if flag else word)
        position += length
    return joined


def _flag_in_pieces(words: Sequence[Word]) -> tuple[str, int]:
    """A flag that several words make up, with dashes if it has any and the value in its last word, and their number."""
    name = ""
    for length, word in enumerate(words, 1):
        text = word.text
        if INSTANCE_ID.fullmatch(text) or (length > 1 and text.startswith("--") and text.strip(DASHES)):
            break  # another word of its own: `--skip --validate` is not `--skip-validate`
        head = re.split(f"[{_SIGNS}]", text, maxsplit=1)[0]
        name += _compact(head)
        if name in _NAMES:
            dashes = "--" if _begins_as_flag(words[0].text) else ""
            return (f"{dashes}{_NAMES[name]}{text[len(head) :]}", length) if length > 1 else ("", 1)
        if head != text or not any(flag.startswith(name) for flag in _NAMES):
            break
    return "", 1


def _begins_as_flag(text: str) -> bool:
    return text[0] in DASHES or text[0] in LETTER_DASHES or text[0] in FLAG_PREFIXES


def is_flag(word: str) -> bool:
    """Whether a word is meant as a flag: it begins with a dash, or with what stands for one beside a flag."""
    return word[0] in DASHES or (
        _begins_as_flag(word) and exact_flag(re.split(f"[{_SIGNS}]", word, maxsplit=1)[0]) is not None
    )


def flag_name(word: str) -> str:
    """The name of a flag in lower case, without its dashes: `—Skip–validate` is `skip-validate`."""
    word = _plain(word).lower().lstrip(DASHES + LETTER_DASHES + FLAG_PREFIXES)
    return "".join("-" if letter in DASHES or letter == "_" else letter for letter in word)


def _plain(text: str) -> str:
    """Each letter and digit in its plain form: `𝐝` as `d`; signs, and what would become several, are left alone."""
    if text.isascii():
        return text
    plain = (unicodedata.normalize("NFKC", one) if one.isalnum() else one for one in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, plain, strict=True))


def exact_flag(name: str) -> str | None:
    """The flag with this name, whatever its case and its dashes."""
    return _NAMES.get(_compact(name))


def _compact(name: str) -> str:
    name = _plain(name).casefold().lstrip(FLAG_PREFIXES)
    ignored = DASHES + LETTER_DASHES + _TRAILING
    return "".join(letter for letter in name if letter not in ignored and not _is_decoration(letter))


@dataclass(frozen=True, slots=True)
class Option:
    """A word that may name a flag, with the value given to it: `--delay=true`, `--delay = true`, `--delay true`."""

    token: str  # as typed, with its value
    name: str  # without dashes, in lower case
    value: str | None  # None: none was given
    length: int  # how many words it takes

    @property
    def is_off(self) -> bool:
        """Whether the value says no."""
        return bool(self.value and _IS_OFF.fullmatch(self.value))

    @property
    def is_understood(self) -> bool:
        """Whether the value, if there is one, says yes or no."""
        return not self.value or bool(_IS_VALUE.fullmatch(self.value))


def read_option(words: Sequence[Word], position: int) -> Option:
    """The option at this position, together with the next words if they are its value."""
    following = words[position : position + 3]
    match = _OPTION.match(" ".join(word.text for word in following))
    assert match is not None  # every part of the pattern may be empty
    length = match.group().count(" ") + 1
    value = match["joined"] or match["apart"] or match["next"] or ""
    return Option(
        token=" ".join(word.typed for word in following[:length]),
        name=flag_name(match["name"]),
        value=None if match.group() == match["name"] else value.strip(QUOTES),
        length=length,
    )


def id_in(words: Sequence[Word], position: int) -> str | None:
    """The instance id that a word is, or the only one in a link or after a label; None when it says anything else."""
    text = words[position].text.rstrip(_SIGNS)
    if INSTANCE_ID.fullmatch(text):
        return text
    ids = {match.lower() for match in embedded_ids(text)}
    if len(ids) != 1 or is_flag(text):
        return None
    rest = _EMBEDDED_ID.sub(" ", _PERCENT_CODE.sub(" ", text)).strip()
    if "/" not in rest and not _LABEL.fullmatch(rest):
        return None
    pieces = re.split(r"[^\w-]+|--+", rest)
    return None if any(exact_flag(piece) for piece in pieces) else ids.pop()


def is_label(words: Sequence[Word], position: int) -> bool:
    """Whether a word only says that an id follows: `ID: …`."""
    is_last = position + 1 >= len(words)
    return not is_last and bool(_LABEL.fullmatch(words[position].text)) and id_in(words, position + 1) is not None


def embedded_ids(text: str) -> list[str]:
    """The instance ids anywhere in a text, with no other letter or digit beside them."""
    return [match.group() for match in _EMBEDDED_ID.finditer(_PERCENT_CODE.sub(" ", text))]


def quoted(token: str) -> Code:
    """A token of the input as it is repeated to the person: cut when very long, control characters replaced."""
    clean = "".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in token)
    return Code(clean if len(clean) <= MAX_QUOTED else f"{clean[:MAX_QUOTED]}…")
