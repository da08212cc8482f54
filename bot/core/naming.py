"""Names typed instead of ids: which instance is meant, or which ones may have been."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from bot.core.instances import Instance
from bot.core.sentence import Code, Sentence
from bot.core.words import split

MOST_NAME = 64  # characters of a name that are shown; the cloud's own limit
ALIKE = 0.6  # shared part of two texts from which on one may be a slip of the other
MOST_NEAR = 3
Names: TypeAlias = Mapping[str, tuple[Instance, ...]]
NO_NAMES: Names = {}


@dataclass(frozen=True, slots=True)
class NamedInstance(Sentence):
    """An instance by its name and id."""

    name: str
    instance: Code


@dataclass(frozen=True, slots=True)
class UnnamedInstance(Sentence):
    """An instance whose name the cloud does not tell."""

    instance: Code


@dataclass(frozen=True, slots=True)
class InstanceChoice(Sentence):
    """One of several instances to choose from."""

    instance: Sentence


def called(instance: Instance) -> Sentence:
    """What an instance is called: its name as far as there is one, and its id."""
    name, code = short(instance.name, MOST_NAME), Code(instance.id)
    return NamedInstance(name, code) if name else UnnamedInstance(code)


def choices(instances: Iterable[Instance]) -> tuple[Sentence, ...]:
    """Instances to choose from, one a line."""
    return tuple(InstanceChoice(called(one)) for one in instances)


def short(value: str, most: int) -> str:
    """A value of the cloud without what cannot be seen at its ends, cut when it is very long."""
    value = value.strip()
    return value if len(value) <= most else f"{value[:most]}…"


def names_of(instances: Iterable[Instance]) -> Names:
    """The instances by name as it can be typed; case does not matter, and one name may stand for several."""
    found: dict[str, tuple[Instance, ...]] = {}
    for instance in instances:
        words = split(instance.name)
        if len(words) == 1:
            key = _key(words[0])
            found[key] = (*found.get(key, ()), instance)
    return found


def named(word: str, names: Names) -> tuple[Instance, ...]:
    """The instances that this word names: none, the one, or several; of several the one in the same case."""
    found = names.get(_key(word), ())
    same_case = tuple(one for one in found if split(one.name) == [word])
    return same_case if len(same_case) == 1 else found


def nearest(wanted: str, instances: Sequence[Instance], most: int = MOST_NEAR) -> list[Instance]:
    """The instances whose id or name is most like what was typed; none when nothing is alike."""
    typed = wanted.lower()
    rated = [(max(_alike(typed, one.id), _alike(typed, one.name.lower())), one) for one in instances]
    rated = sorted((pair for pair in rated if pair[0] >= ALIKE), key=lambda pair: -pair[0])
    return [instance for _, instance in rated[:most]]


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()


def _alike(typed: str, candidate: str) -> float:
    """How much of the longer text the two share at their beginning and end: one slip leaves nearly all of it."""
    if len(typed) < 3 or not candidate:
        return 0.0
    if typed in candidate:
        return max(ALIKE, len(typed) / len(candidate))
    start = _same(typed, candidate)
    end = _same(typed[start:][::-1], candidate[start:][::-1])
    return (start + end) / max(len(typed), len(candidate))


def _same(one: str, other: str) -> int:
    """How many letters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
