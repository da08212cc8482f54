"""What can be wrong with the text of a command: each names the offending token and offers a command to copy."""

from dataclasses import dataclass

from bot.core.reasons import Mistake
from bot.core.sentence import Code, Sentence


@dataclass(frozen=True, slots=True)
class NoInstance(Mistake):
    """There is no id."""

    corrected: Code


@dataclass(frozen=True, slots=True)
class TwoInstances(Mistake):
    """There is more than one id: one command for each."""

    first: Code
    second: Code
    corrected: Code
    alternative: Code


@dataclass(frozen=True, slots=True)
class SameInstanceTwice(Mistake):
    """The one id is given more than once."""

    instance: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class TaurusInstance(Mistake):
    """The id of a TaurusDB instance (`in07`), not of its StarRocks instance (`in17`)."""

    token: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class WrongLength(Mistake):
    """Nearly an id, of another length."""

    token: Code
    length: int
    corrected: Code


@dataclass(frozen=True, slots=True)
class WrongLetters(Mistake):
    """As long as an id, with letters no id has."""

    token: Code
    letters: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class NotAnInstance(Mistake):
    """Something that is no id at all."""

    token: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class NotAName(Mistake):
    """No id and no name of an instance, but some are close."""

    token: Code
    near: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class SeveralOfThatName(Mistake):
    """More than one instance has this name: the id decides."""

    token: Code
    which: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class UnknownFlag(Mistake):
    """No such flag, and none that is close."""

    token: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class MisspelledFlag(Mistake):
    """No such flag, but one that is close."""

    token: Code
    suggestion: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class FlagWithValue(Mistake):
    """Flags take no value."""

    token: Code
    corrected: Code


@dataclass(frozen=True, slots=True)
class FlagWithoutDashes(Mistake):
    """A flag's name without its dashes."""

    token: Code
    suggestion: Code
    corrected: Code
