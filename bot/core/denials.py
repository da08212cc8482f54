"""What the rules can say no to: each is told to one person, and says why."""

from dataclasses import dataclass

from bot.core.reasons import Denied
from bot.core.sentence import Code, Person


@dataclass(frozen=True, slots=True)
class ChannelNotAllowed(Denied):
    """Not in this channel."""


@dataclass(frozen=True, slots=True)
class PersonNotAllowed(Denied):
    """Not this person."""


@dataclass(frozen=True, slots=True)
class OtherTeam(Denied):
    """A person of another workspace or organisation (Slack Connect)."""


@dataclass(frozen=True, slots=True)
class GuestNotAllowed(Denied):
    """A guest who is not named by id."""


@dataclass(frozen=True, slots=True)
class SkipValidateNotAllowed(Denied):
    """This person may not skip the validation."""


@dataclass(frozen=True, slots=True)
class InstanceNotAllowed(Denied):
    """The bot may not touch this instance."""

    instance: Code


@dataclass(frozen=True, slots=True)
class OnlyRequester(Denied):
    """Only who asked may confirm."""

    asked_by: Person


@dataclass(frozen=True, slots=True)
class OnlyAnother(Denied):
    """Four eyes: anyone allowed but the requester may confirm."""
