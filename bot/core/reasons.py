"""Why not: what keeps the bot from going on, in one tree.

Refusal            a Sentence for one person; nothing happens
├── Mistake        the command's text (its kinds are in mistakes.py)
├── Denied         the rules say no (its kinds are in denials.py)
├── TooLate        the click came after the decision
│   ├── AlreadyConfirmed   somebody was faster
│   ├── AlreadyWithdrawn   somebody had cancelled it
│   ├── AlreadyExpired     nobody answered in time
│   └── UnknownRequest     there is no such question
└── CannotAsk      the question cannot be put here and now
    ├── InstanceBusy       an upgrade of this instance lives
    ├── NotInChannel       the bot has to be invited
    ├── ChannelArchived    nobody can post here
    ├── MayNotPost         Slack keeps the bot from posting
    ├── SlackTrouble       Slack could not take it now
    └── StoreTrouble       it could not be written down

Trouble            an exception of the outside world
├── Fault          the cloud, by what became of the request
│   ├── NotSent    certainly not passed on: may be tried again
│   ├── Refused    answered no: final
│   └── Unsure     may have happened: never sent again by itself
├── Undelivered    Slack did not take a message
│   ├── SlackAway      for now: tell it again later
│   └── SlackRefused   for good: this place will not take it
└── StoreAway      the database cannot be reached or written
"""

from dataclasses import dataclass

from bot.core.sentence import Code, Link, Moment, Person, Sentence


@dataclass(frozen=True, slots=True)
class Refusal(Sentence):
    """Told to one person privately; nothing was changed and nothing was sent."""


@dataclass(frozen=True, slots=True)
class Mistake(Refusal):
    """The command's text says something else than one upgrade."""


@dataclass(frozen=True, slots=True)
class Denied(Refusal):
    """The rules of this workspace say no."""


@dataclass(frozen=True, slots=True)
class TooLate(Refusal):
    """The click came after the question was decided."""


@dataclass(frozen=True, slots=True)
class AlreadyConfirmed(TooLate):
    """Somebody was faster."""

    by: Person


@dataclass(frozen=True, slots=True)
class AlreadyWithdrawn(TooLate):
    """Somebody had cancelled it."""

    by: Person


@dataclass(frozen=True, slots=True)
class AlreadyExpired(TooLate):
    """The time for an answer is over."""

    at: Moment


@dataclass(frozen=True, slots=True)
class UnknownRequest(TooLate):
    """The button names no request of this message."""


@dataclass(frozen=True, slots=True)
class CannotAsk(Refusal):
    """The question cannot be put here and now."""


@dataclass(frozen=True, slots=True)
class InstanceBusy(CannotAsk):
    """An upgrade of this instance is being sent, runs or is being looked for."""

    instance: Code
    link: Link


@dataclass(frozen=True, slots=True)
class NotInChannel(CannotAsk):
    """The bot has to be invited."""


@dataclass(frozen=True, slots=True)
class ChannelArchived(CannotAsk):
    """Nobody can post here any more."""


@dataclass(frozen=True, slots=True)
class MayNotPost(CannotAsk):
    """Slack keeps the bot from posting here; its own word for why."""

    error: Code


@dataclass(frozen=True, slots=True)
class SlackTrouble(CannotAsk):
    """Slack could not take the question now."""


@dataclass(frozen=True, slots=True)
class StoreTrouble(CannotAsk):
    """The request could not be written down, so it was not done."""


class Trouble(Exception):
    """The outside world did not do what was asked of it."""


@dataclass(eq=False)
class Fault(Trouble):
    """The cloud's answer or silence, as data: `status` is the HTTP status, None when there was no answer at all."""

    status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after: float | None = None

    def __str__(self) -> str:
        """One line for the log."""
        said = " ".join(part for part in (str(self.status or ""), self.code, self.message) if part)
        return f"{type(self).__name__}: {said or 'no answer'}"


class NotSent(Fault):
    """Certainly not passed on to the instance: may be tried again a few times."""


class Refused(Fault):
    """The cloud said no: final."""


class Unsure(Fault):
    """It may have happened: neither done nor failed, never sent again by itself."""


class Undelivered(Trouble):
    """Slack did not take a message."""


@dataclass(eq=False)
class SlackAway(Undelivered):
    """Slack cannot take it now; `retry_after` in seconds if Slack said so."""

    why: str
    retry_after: float | None = None


@dataclass(eq=False)
class SlackRefused(Undelivered):
    """Slack will never take it there; `error` is Slack's own code, e.g. `is_archived`."""

    error: str


class StoreAway(Trouble):
    """The database cannot be reached or written now."""
