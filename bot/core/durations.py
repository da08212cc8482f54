"""How long something took, as a sentence: two units are enough for people."""

from dataclasses import dataclass

from bot.core.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Seconds(Sentence):
    """Less than a minute."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Minutes(Sentence):
    """Less than an hour."""

    minutes: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Hours(Sentence):
    """Less than a day."""

    hours: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Days(Sentence):
    """A day or more."""

    days: int
    hours: int


def duration(seconds: float) -> Sentence:
    """So many seconds in words; a clock that was set back gives 0."""
    whole = max(0, round(seconds))
    if whole < 60:
        return Seconds(whole)
    if whole < 3600:
        return Minutes(whole // 60, whole % 60)
    if whole < 86400:
        return Hours(whole // 3600, whole % 3600 // 60)
    return Days(whole // 86400, whole % 86400 // 3600)
