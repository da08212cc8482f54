"""The sentences of a question that is decided: what the one message in the channel says from then on."""

from dataclasses import dataclass

from bot.core.sentence import Code, Moment, Person, Sentence


@dataclass(frozen=True, slots=True)
class NowSending(Sentence):
    """Confirmed, and on its way to the cloud."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowFollowed(Sentence):
    """The cloud has a job for it."""

    by: Person
    job: Code


@dataclass(frozen=True, slots=True)
class NowCompleted(Sentence):
    """The job has done its work."""

    by: Person
    job: Code


@dataclass(frozen=True, slots=True)
class NowFailed(Sentence):
    """The job ended in failure."""

    by: Person
    job: Code


@dataclass(frozen=True, slots=True)
class NowCanceled(Sentence):
    """The job was canceled in the cloud."""

    by: Person
    job: Code


@dataclass(frozen=True, slots=True)
class NowRefused(Sentence):
    """The cloud said no."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowNotSent(Sentence):
    """It never reached the cloud."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowUnknown(Sentence):
    """Sent, outcome unknown, being looked for."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowUnresolved(Sentence):
    """Looked for, and still not known."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowWithdrawn(Sentence):
    """A person called it off before anything was sent."""

    by: Person


@dataclass(frozen=True, slots=True)
class NowExpired(Sentence):
    """Nobody confirmed in time."""

    at: Moment


@dataclass(frozen=True, slots=True)
class NowClosed(Sentence):
    """This message belongs to no open question any more; nothing was sent."""
