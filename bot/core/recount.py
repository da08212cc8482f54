"""What has been and what lives now: the private answers to `history` and `status`."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.instances import Instance
from bot.core.naming import UnnamedInstance, called
from bot.core.sentence import Code, Link, Moment, Person, Sentence
from bot.core.upgrade import State, Upgrade


@dataclass(frozen=True, slots=True)
class HistoryTold(Sentence):
    """The newest requests, one a line."""

    lines: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class NoHistory(Sentence):
    """Nobody has asked for anything yet."""


@dataclass(frozen=True, slots=True)
class StatusTold(Sentence):
    """What is asked, sent, followed or looked for now, one a line."""

    lines: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class NothingLives(Sentence):
    """No question is open and no upgrade runs."""


@dataclass(frozen=True, slots=True)
class Recounted(Sentence):
    """One request: when, which instance, by whom, where it stands, and the way to its thread."""

    at: Moment
    instance: Sentence
    asked_by: Person
    stands: Sentence
    link: Link


@dataclass(frozen=True, slots=True)
class StandsAsked(Sentence):
    """It waits for a confirmation."""


@dataclass(frozen=True, slots=True)
class StandsSending(Sentence):
    """It is being sent."""


@dataclass(frozen=True, slots=True)
class StandsFollowing(Sentence):
    """A job runs or waits for its window."""


@dataclass(frozen=True, slots=True)
class StandsUnknown(Sentence):
    """The outcome is unknown; it is being looked for."""


@dataclass(frozen=True, slots=True)
class StandsCompleted(Sentence):
    """The job completed."""


@dataclass(frozen=True, slots=True)
class StandsFailed(Sentence):
    """The job failed."""


@dataclass(frozen=True, slots=True)
class StandsCanceled(Sentence):
    """The job was canceled in the cloud."""


@dataclass(frozen=True, slots=True)
class StandsWithdrawn(Sentence):
    """A person cancelled the request before it was sent."""


@dataclass(frozen=True, slots=True)
class StandsExpired(Sentence):
    """Nobody confirmed it in time."""


@dataclass(frozen=True, slots=True)
class StandsRefused(Sentence):
    """The cloud refused it."""


@dataclass(frozen=True, slots=True)
class StandsNotSent(Sentence):
    """It could not be sent."""


@dataclass(frozen=True, slots=True)
class StandsUnresolved(Sentence):
    """Nobody could find out what became of it."""


STANDS: dict[State, type[Sentence]] = {
    State.ASKED: StandsAsked,
    State.SENDING: StandsSending,
    State.FOLLOWING: StandsFollowing,
    State.UNKNOWN: StandsUnknown,
    State.COMPLETED: StandsCompleted,
    State.FAILED: StandsFailed,
    State.CANCELED: StandsCanceled,
    State.WITHDRAWN: StandsWithdrawn,
    State.EXPIRED: StandsExpired,
    State.REFUSED: StandsRefused,
    State.NOT_SENT: StandsNotSent,
    State.UNRESOLVED: StandsUnresolved,
}


def recounted(upgrades: Sequence[Upgrade], links: Sequence[str]) -> tuple[Sentence, ...]:
    """One line for each, in the order given; `links` are the permalinks of their questions."""
    return tuple(
        Recounted(
            at=Moment(upgrade.asked_at),
            instance=_called(upgrade),
            asked_by=Person(upgrade.asked_by),
            stands=STANDS[upgrade.state](),
            link=Link(link),
        )
        for upgrade, link in zip(upgrades, links, strict=True)
    )


def _called(upgrade: Upgrade) -> Sentence:
    """What its instance is called, as far as the cloud had told when it was asked for."""
    instance = Instance.read(upgrade.about)
    return called(instance) if instance else UnnamedInstance(Code(upgrade.instance_id))
