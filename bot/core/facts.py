"""The instance on the card and in the list, in sentences: name, version, status, window, what runs on it."""

from dataclasses import dataclass

from bot.core.instances import Instance
from bot.core.naming import MOST_NAME, short
from bot.core.sentence import Moment, Sentence

MOST_VERSION = 32  # characters shown of each value: whatever the cloud writes there, a message holds it
MOST_STATUS = 32
MOST_RUNNING = 120


@dataclass(frozen=True, slots=True)
class InstanceNamed(Sentence):
    """Its name."""

    name: str


@dataclass(frozen=True, slots=True)
class VersionNow(Sentence):
    """The version, when it is not known whether there is a newer one."""

    version: str


@dataclass(frozen=True, slots=True)
class NewerAvailable(Sentence):
    """The version, and that there is a newer one."""

    version: str


@dataclass(frozen=True, slots=True)
class NoNewer(Sentence):
    """The version, and that there is no newer one."""

    version: str


@dataclass(frozen=True, slots=True)
class InstanceNormal(Sentence):
    """The status `normal`."""


@dataclass(frozen=True, slots=True)
class InstanceAbnormal(Sentence):
    """The status `abnormal`."""


@dataclass(frozen=True, slots=True)
class InstanceCreating(Sentence):
    """The status `creating`."""


@dataclass(frozen=True, slots=True)
class InstanceCreateFailed(Sentence):
    """The status `createfail`."""


@dataclass(frozen=True, slots=True)
class InstanceOther(Sentence):
    """A status that nobody documented, as the API says it."""

    status: str


@dataclass(frozen=True, slots=True)
class StatusNow(Sentence):
    """The status."""

    status: Sentence


@dataclass(frozen=True, slots=True)
class NodeCount(Sentence):
    """How many nodes it has."""

    nodes: int


@dataclass(frozen=True, slots=True)
class WindowNext(Sentence):
    """The maintenance window, and when it starts next."""

    start: str
    end: str
    at: Moment


@dataclass(frozen=True, slots=True)
class WindowOpen(Sentence):
    """The maintenance window, that it is open, and when it starts next."""

    start: str
    end: str
    at: Moment


@dataclass(frozen=True, slots=True)
class RunsNow(Sentence):
    """What is in progress on the instance."""

    running: str


@dataclass(frozen=True, slots=True)
class NothingRuns(Sentence):
    """No action is in progress."""


@dataclass(frozen=True, slots=True)
class NotDescribed(Sentence):
    """The cloud did not describe the instance (in full) in time, or may not."""


STATUSES: dict[str, Sentence] = {
    "normal": InstanceNormal(),
    "abnormal": InstanceAbnormal(),
    "creating": InstanceCreating(),
    "createfail": InstanceCreateFailed(),
}


def version_of(instance: Instance) -> Sentence | None:
    """The version, and whether there is a newer one as far as that is known."""
    version = short(instance.version, MOST_VERSION)
    if not version and instance.has_newer is None:
        return None
    version = version or "?"
    if instance.has_newer is None:
        return VersionNow(version)
    return NewerAvailable(version) if instance.has_newer else NoNewer(version)


def status_of(instance: Instance) -> Sentence:
    """The status in words; one that nobody documented as it is."""
    return STATUSES.get(instance.status.lower()) or InstanceOther(short(instance.status, MOST_STATUS))


def runs(instance: Instance) -> str:
    """The names of the actions in progress, as the API writes them."""
    return short(", ".join(instance.running or ()), MOST_RUNNING)


def facts_of(instance: Instance, delay: bool, now: float) -> tuple[Sentence, ...]:
    """Everything the cloud says of it that a person who confirms wants to know."""
    name = short(instance.name, MOST_NAME)
    facts: list[Sentence | None] = [
        InstanceNamed(name) if name else None,
        version_of(instance),
        StatusNow(status_of(instance)) if instance.status else None,
        None if instance.nodes is None else NodeCount(instance.nodes),
        _running(instance),
        _window(instance, now) if delay else None,
        None if instance.is_detailed else NotDescribed(),
    ]
    return tuple(fact for fact in facts if fact is not None)


def _running(instance: Instance) -> Sentence | None:
    if instance.running is None:
        return None
    return RunsNow(runs(instance)) if instance.running else NothingRuns()


def _window(instance: Instance, now: float) -> Sentence | None:
    at = instance.next_window(now)
    if at is None:
        return None
    kind = WindowOpen if instance.is_window_open(now) else WindowNext
    return kind(short(instance.window_start, 8), short(instance.window_end, 8) or "?", Moment(at))
