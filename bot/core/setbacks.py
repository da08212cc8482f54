"""The sentences for a request that brought no job id, and for a search that found nothing."""

from dataclasses import dataclass

from bot.core.sentence import Code, Sentence

# the cloud's answer, or its silence


@dataclass(frozen=True, slots=True)
class UpgradeRefused(Sentence):
    """The cloud said no: nothing was started."""

    instance: Code


@dataclass(frozen=True, slots=True)
class UpgradeNotSent(Sentence):
    """It never reached the cloud: nothing was started."""

    instance: Code


@dataclass(frozen=True, slots=True)
class OutcomeUnknown(Sentence):
    """It was sent, and nobody knows what became of it."""

    instance: Code


@dataclass(frozen=True, slots=True)
class DoNotRepeat(Sentence):
    """It may have started: nobody should send it again now; the bot looks for it."""


@dataclass(frozen=True, slots=True)
class FaultStatus(Sentence):
    """The HTTP status of the cloud's answer."""

    status: int


@dataclass(frozen=True, slots=True)
class FaultCode(Sentence):
    """The API's own `error_code`."""

    code: Code


@dataclass(frozen=True, slots=True)
class FaultMessage(Sentence):
    """The API's own `error_msg`."""

    message: str


@dataclass(frozen=True, slots=True)
class FaultRequest(Sentence):
    """The id to give to the cloud's support."""

    request: Code


# looked for in vain


@dataclass(frozen=True, slots=True)
class ProbablyNotStarted(Sentence):
    """No job, and nothing runs on the instance."""

    instance: Code


@dataclass(frozen=True, slots=True)
class AnotherRuns(Sentence):
    """No job that is ours for sure, but something runs on the instance."""

    instance: Code


@dataclass(frozen=True, slots=True)
class CouldNotLook(Sentence):
    """The cloud did not let us look."""

    instance: Code


@dataclass(frozen=True, slots=True)
class JobForgotten(Sentence):
    """The cloud does not know the job any more."""

    instance: Code
    job: Code


@dataclass(frozen=True, slots=True)
class CheckButton(Sentence):
    """The label of the button that looks again and sends nothing."""
