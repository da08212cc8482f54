"""The instance on the card and in the list, in sentences: name, version, status, window, what runs on it."""

from dataclasses import dataclass

from bot.core.instances import Instance
from bot.core.sentence import Code, Moment, Sentence


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
class StatusNow(Sentence):
    """The status as the API says it, and the number of nodes."""

    status: str
    nodes: int


@dataclass(frozen=True, slots=True)
class WindowNext(Sentence):
    """The maintenance window, and when it starts next."""

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
    """The cloud did not describe the instance in time, or may not."""


@dataclass(frozen=True, slots=True)
class InstancesListed(Sentence):
    """The head of the list: which of how many."""

    first: int
    last: int
    total: int
    usage: Code


@dataclass(frozen=True, slots=True)
class ListedSoFar(Sentence):
    """The cloud has not described all of them yet."""


@dataclass(frozen=True, slots=True)
class ListedInstance(Sentence):
    """One instance of the list."""

    name: str
    instance: Code
    facts: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class UpgradeNowButton(Sentence):
    """The label of the button that asks for an upgrade at once."""


@dataclass(frozen=True, slots=True)
class UpgradeInWindowButton(Sentence):
    """The label of the button that asks for an upgrade in the maintenance window."""


@dataclass(frozen=True, slots=True)
class NextPageButton(Sentence):
    """The label of the button that shows the next ten."""


@dataclass(frozen=True, slots=True)
class TranslateButton(Sentence):
    """The label of the button that shows the question in the other language: named in that language."""


@dataclass(frozen=True, slots=True)
class CancelScheduledButton(Sentence):
    """The label of the button that takes a delayed upgrade back before its window."""


@dataclass(frozen=True, slots=True)
class CancelScheduledTitle(Sentence):
    """The head of Slack's second question for it."""


@dataclass(frozen=True, slots=True)
class CancelScheduledAsk(Sentence):
    """Slack's second question for it."""

    instance: Code


@dataclass(frozen=True, slots=True)
class CancelScheduledTooLate(Sentence):
    """The cloud did not cancel it: it has begun, or is over."""


@dataclass(frozen=True, slots=True)
class CancelScheduledDone(Sentence):
    """The cloud took the scheduled task back."""


@dataclass(frozen=True, slots=True)
class CancelScheduledUnclear(Sentence):
    """The cloud did not say whether it cancelled it; its own code and text."""

    error: Code


def version_of(instance: Instance) -> Sentence | None:
    """The version, and whether there is a newer one as far as that is known."""
    if not instance.version:
        return None
    if instance.has_newer is None:
        return VersionNow(instance.version)
    return NewerAvailable(instance.version) if instance.has_newer else NoNewer(instance.version)


def facts_of(instance: Instance, delay: bool, now: float) -> tuple[Sentence, ...]:
    """Everything the cloud says of it that a person who confirms wants to know."""
    facts: list[Sentence | None] = [InstanceNamed(instance.name) if instance.name else None, version_of(instance)]
    if instance.status:
        facts.append(StatusNow(instance.status, instance.nodes or 0))
    facts.append(RunsNow(", ".join(instance.running)) if instance.is_busy else NothingRuns())
    at = instance.next_window(now)
    if delay and at is not None:
        facts.append(WindowNext(instance.window_start, instance.window_end, Moment(at)))
    return tuple(fact for fact in facts if fact is not None)
