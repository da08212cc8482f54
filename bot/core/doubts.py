"""What speaks against asking for this upgrade now, by what the cloud says of the instance."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.instances import Instance
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
class NearInstance(Sentence):
    """One of the nearest ones."""

    name: str
    instance: Code


@dataclass(frozen=True, slots=True)
class AlreadyLatest(Doubt):
    """There is nothing to upgrade to."""

    name: str
    instance: Code
    version: str


@dataclass(frozen=True, slots=True)
class SomethingRuns(Doubt):
    """Another operation is in progress on the instance."""

    name: str
    instance: Code
    running: str


@dataclass(frozen=True, slots=True)
class NotFit(Doubt):
    """The instance's status is not normal."""

    name: str
    instance: Code
    status: str


@dataclass(frozen=True, slots=True)
class AskAnyway(Sentence):
    """The label of the button that asks all the same."""


def doubt(instance: Instance) -> Doubt | None:
    """The first thing that speaks against upgrading this instance; None when nothing does."""
    code = Code(instance.id)
    if not instance.is_fit:
        return NotFit(instance.name, code, instance.status)
    if instance.is_busy:
        return SomethingRuns(instance.name, code, ", ".join(instance.running))
    if instance.has_newer is False:
        return AlreadyLatest(instance.name, code, instance.version)
    return None


def not_in_project(wanted: str, near: Sequence[Instance]) -> Doubt:
    """The project has no such instance."""
    if not near:
        return NotInProject(Code(wanted))
    return NotInProjectButNear(Code(wanted), tuple(NearInstance(one.name, Code(one.id)) for one in near))
