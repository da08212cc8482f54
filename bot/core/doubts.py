"""What speaks against asking for this upgrade now, by what the cloud says of the instance."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.facts import MOST_VERSION, runs, status_of
from bot.core.instances import Instance
from bot.core.naming import called, choices, short
from bot.core.sentence import Code, Sentence


@dataclass(frozen=True, slots=True)
class Doubt(Sentence):
    """Told privately instead of the question; the person may ask all the same where that makes sense."""


@dataclass(frozen=True, slots=True)
class NotInProject(Doubt):
    """The project has no such instance, and none that is alike."""

    instance: Code


@dataclass(frozen=True, slots=True)
class NotInProjectButNear(Doubt):
    """The project has no such instance; the nearest ones by name and id."""

    instance: Code
    near: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class AlreadyLatest(Doubt):
    """There is nothing to upgrade to."""

    instance: Sentence
    version: str


@dataclass(frozen=True, slots=True)
class SomethingRuns(Doubt):
    """Another operation is in progress on the instance."""

    instance: Sentence
    running: str


@dataclass(frozen=True, slots=True)
class NotFit(Doubt):
    """The instance's status is not normal."""

    instance: Sentence
    status: Sentence


@dataclass(frozen=True, slots=True)
class AskAnyway(Sentence):
    """The label of the button that asks all the same."""


def doubt(instance: Instance) -> Doubt | None:
    """The first thing that speaks against upgrading this instance; None when nothing does."""
    if not instance.is_fit:
        return NotFit(called(instance), status_of(instance))
    if instance.is_busy:
        return SomethingRuns(called(instance), runs(instance))
    if instance.has_newer is False:
        return AlreadyLatest(called(instance), short(instance.version, MOST_VERSION) or "?")
    return None


def not_in_project(wanted: str, near: Sequence[Instance]) -> Doubt:
    """The project has no such instance."""
    return NotInProjectButNear(Code(wanted), choices(near)) if near else NotInProject(Code(wanted))
