"""Taking a delayed upgrade back before its window: the button, Slack's second question, and what came of it."""

from dataclasses import dataclass

from bot.core.sentence import Code, Person, Sentence


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
class CancelScheduledOk(Sentence):
    """The second question's yes."""


@dataclass(frozen=True, slots=True)
class CancelScheduledKeep(Sentence):
    """The second question's no: the upgrade stays scheduled."""


@dataclass(frozen=True, slots=True)
class CancelScheduledDone(Sentence):
    """The cloud took the scheduled task back."""


@dataclass(frozen=True, slots=True)
class CancelScheduledBefore(Sentence):
    """Somebody had it cancelled before."""


@dataclass(frozen=True, slots=True)
class CancelScheduledTooLate(Sentence):
    """The cloud did not cancel it: it has begun, or is over."""


@dataclass(frozen=True, slots=True)
class CancelScheduledNotDone(Sentence):
    """The cloud certainly did not cancel it: refused, or not reached; what it said."""

    error: Code


@dataclass(frozen=True, slots=True)
class CancelScheduledUnclear(Sentence):
    """The cloud did not say whether it cancelled it; its own code and text."""

    error: Code


@dataclass(frozen=True, slots=True)
class OnlyRequesterCancels(Sentence):
    """The rules let only who asked take it back."""

    asked_by: Person


@dataclass(frozen=True, slots=True)
class OnlyAnotherCancels(Sentence):
    """Four eyes: anyone allowed but the requester."""
