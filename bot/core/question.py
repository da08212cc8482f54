"""The sentences of the question: what a person reads, and presses, before anything is sent."""

from dataclasses import dataclass

from bot.core.sentence import Code, Moment, Person, Sentence


@dataclass(frozen=True, slots=True)
class CardTitle(Sentence):
    """What the message is about, above everything."""


@dataclass(frozen=True, slots=True)
class Asks(Sentence):
    """Who asks for what."""

    asked_by: Person
    instance: Code


@dataclass(frozen=True, slots=True)
class AtOnce(Sentence):
    """It starts as soon as it is confirmed."""


@dataclass(frozen=True, slots=True)
class InWindow(Sentence):
    """It starts in the instance's maintenance window (`--delay`)."""


@dataclass(frozen=True, slots=True)
class ValidationSkipped(Sentence):
    """The cloud will not validate first (`--skip-validate`)."""


@dataclass(frozen=True, slots=True)
class Restarts(Sentence):
    """The instance restarts, with intermittent interruption."""


@dataclass(frozen=True, slots=True)
class NoRollback(Sentence):
    """There is no way back."""


@dataclass(frozen=True, slots=True)
class SyncTasksFirst(Sentence):
    """Temporary data-sync tasks come first."""


@dataclass(frozen=True, slots=True)
class ConfirmableUntil(Sentence):
    """Until when it can be confirmed."""

    until: Moment


@dataclass(frozen=True, slots=True)
class RequesterConfirms(Sentence):
    """Only who asked may confirm."""

    asked_by: Person


@dataclass(frozen=True, slots=True)
class AnyoneConfirms(Sentence):
    """Anyone who may use the bot may confirm."""


@dataclass(frozen=True, slots=True)
class AnotherConfirms(Sentence):
    """Four eyes: anyone who may use the bot but the requester."""

    asked_by: Person


# its buttons and the second question


@dataclass(frozen=True, slots=True)
class ConfirmButton(Sentence):
    """The label of the button that upgrades."""


@dataclass(frozen=True, slots=True)
class CancelButton(Sentence):
    """The label of the button that calls it off."""


@dataclass(frozen=True, slots=True)
class DialogTitle(Sentence):
    """The second question's title."""


@dataclass(frozen=True, slots=True)
class DialogTitleSkipping(Sentence):
    """The second question's title, with `--skip-validate`."""


@dataclass(frozen=True, slots=True)
class DialogAtOnce(Sentence):
    """What is about to happen, at once."""

    instance: Code


@dataclass(frozen=True, slots=True)
class DialogInWindow(Sentence):
    """What is about to happen, in the maintenance window."""

    instance: Code


@dataclass(frozen=True, slots=True)
class DialogSkipping(Sentence):
    """The stronger words with `--skip-validate`; they stand before the others."""

    rest: Sentence


@dataclass(frozen=True, slots=True)
class DialogOk(Sentence):
    """The second question's yes."""


@dataclass(frozen=True, slots=True)
class DialogOkSkipping(Sentence):
    """The second question's yes, with `--skip-validate`."""


@dataclass(frozen=True, slots=True)
class DialogDeny(Sentence):
    """The second question's no."""
