"""Commands that were probably meant by words that are none: only ever offered to copy, never carried out.

An offered command keeps every flag that can be recognised, however it is misspelled, and none that the person negated.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from bot.core.instances import INSTANCE_ID
from bot.core.messages import Code
from bot.core.tokenizer import FLAGS, OFF_VALUES, QUOTES, flag_name, is_flag, read_option

INSTANCE_PLACEHOLDER = "<instance_id>"
FLAG_SIMILARITY = 0.7

_INSTANCE = re.compile(rf"(?<![0-9a-z]){INSTANCE_ID.pattern}(?![0-9a-z])", INSTANCE_ID.flags)
_NEGATIONS = r"not|non|no|do-?not|don['’]?t|without|never|disable|un"
_NEGATED = re.compile(rf"(?:{_NEGATIONS}|不|不要|别)-?(?P<after>.+)|(?P<before>.+)-(?:{OFF_VALUES}|not)")
_NEGATION = re.compile(rf"(?:{_NEGATIONS}|不|不要|别|无)", re.IGNORECASE)
_OPPOSITES = {"validate": "skip-validate", "now": "delay", "immediate": "delay", "immediately": "delay"}
_PUNCTUATION = ",;.!&+/|，；。、"
_RUN_TOGETHER = re.compile(rf"(?:[-{_PUNCTUATION}]*(?:{'|'.join(FLAGS)}))+[-{_PUNCTUATION}]*")


def closest_flag(name: str) -> str | None:
    """The one flag that was probably meant by this name, or None."""
    normalized = _normalized(name).removeprefix("is-")  # the API's own name for it is is_skip_validate
    if _NEGATED.fullmatch(normalized):
        return None  # who writes no must not be offered yes
    for flag in FLAGS:
        if is_abbreviation(normalized, flag):
            return flag
    if len(normalized) < 3:
        return None
    # The beginning has to be similar as well: `--strict-validate` is the opposite of `--skip-validate`.
    candidates = [
        flag
        for flag in FLAGS
        if len(normalized) <= 2 * len(flag) and get_close_matches(normalized[:4], [flag[:4]], 1, FLAG_SIMILARITY)
    ]
    return next(iter(get_close_matches(normalized, candidates, n=1, cutoff=FLAG_SIMILARITY)), None)


def is_abbreviation(name: str, flag: str) -> bool:
    """Whether it is the flag but for its case, its dashes, or an end that was left out."""
    normalized = _normalized(name)
    return len(normalized) >= 3 and (
        flag.startswith(normalized) or flag.replace("-", "") == normalized.replace("-", "")
    )


def intended_flags(name: str) -> tuple[str, ...]:
    """The flags that were probably meant by one name: several when a blank between them was forgotten."""
    normalized = _normalized(name)
    if _RUN_TOGETHER.fullmatch(normalized):
        return tuple(flag for flag in FLAGS if flag in normalized)
    flag = closest_flag(name)
    return (flag,) if flag else ()


def suggested_command(command_name: str, words: Sequence[str], instance_id: str | None = None) -> Code:
    """The command with every part that could be read; the instance stays a placeholder when no word is an id."""
    if instance_id is None:
        matches = (_INSTANCE.search(word) for word in words)
        instance_id = next((match.group() for match in matches if match), INSTANCE_PLACEHOLDER)
    set_flags, negated_flags = set[str](), set[str]()
    for position, word in enumerate(words):
        for_flags, against_flags = _flags_of(words, position, word)
        set_flags |= for_flags
        negated_flags |= against_flags
    flags = [f"--{flag}" for flag in FLAGS if flag in set_flags - negated_flags]
    return Code(" ".join([command_name, instance_id.lower(), *flags]))


def _flags_of(words: Sequence[str], position: int, word: str) -> tuple[set[str], set[str]]:
    """The flags that one word asks for, and those it negates."""
    glued = _INSTANCE.match(word)  # `…in17--delay`, as an input method writes it
    if glued and glued.end() < len(word):
        word = word[glued.end() :]
        words, position = [word, *words[position + 1 : position + 3]], 0
    option = read_option(words, position)
    normalized = _normalized(option.name)
    previous = flag_name(words[position - 1]) if position else ""
    if normalized in _OPPOSITES and previous != "skip":
        return set(), {_OPPOSITES[normalized]}
    negated = _NEGATED.fullmatch(normalized)
    if negated:
        return set(), set(intended_flags(negated["after"] or negated["before"]))
    if is_flag(word):
        flags = set(intended_flags(option.name))
    else:
        flags = {flag for flag in FLAGS if is_abbreviation(normalized, flag)}
    return (set(), flags) if option.is_off or _NEGATION.fullmatch(previous) else (flags, set())


def _normalized(name: str) -> str:
    """A name as it is compared: lower case, one kind of dash, no quotes around it."""
    return flag_name(name).lower().replace("_", "-").strip(QUOTES)
