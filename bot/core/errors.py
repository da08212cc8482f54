"""What can keep the bot from going on, in two trees: refusals are told to a person, exceptions come from outside.

Refusal            a Message for one person; nothing was changed, nothing was sent
├── CommandMistake     the text of the command is not a request
│   └── NotAnInstance      a word that is no instance id; it may be a name
├── PermissionDenied   the access policy says no
├── TooLate            the request was decided before the click
└── CannotRequest      the request cannot be made here and now
    ├── UpgradeInProgress  an upgrade of this instance is live
    └── Unavailable        Slack or the database did not work; trying again may help

ServiceError       an exception of Slack, the cloud or the database
├── CloudError         by what became of the HTTP request
│   ├── NotSent            certainly not passed on: may be sent again
│   ├── Rejected           answered with an error: final
│   └── OutcomeUnknown     may have taken effect: never sent again automatically
├── SlackError         Slack did not take a call
│   ├── SlackUnavailable   for now: retry later
│   └── SlackRejected      for good: this call will never succeed there
└── StorageUnavailable the database cannot be reached or written
"""

from dataclasses import dataclass

from bot.core.messages import Message


class Refusal(Message):
    """Told to one person privately; the key is also the reason in the audit trail."""

    __slots__ = ()


class CommandMistake(Refusal):
    """The text of the command does not say which upgrade is requested."""

    __slots__ = ()


class NotAnInstance(CommandMistake):
    """A word that is no instance id; known instance names may still resolve it."""

    __slots__ = ()


class PermissionDenied(Refusal):
    """The access policy of this workspace says no."""

    __slots__ = ()


class TooLate(Refusal):
    """The click came after the request was decided."""

    __slots__ = ()


class CannotRequest(Refusal):
    """The request cannot be made here and now."""

    __slots__ = ()


class UpgradeInProgress(CannotRequest):
    """An upgrade of this instance is being submitted, in progress or searched for."""

    __slots__ = ()


class Unavailable(CannotRequest):
    """Slack or the database could not be used."""

    __slots__ = ()


class ServiceError(Exception):
    """Slack, the cloud or the database did not do what was asked of it."""


@dataclass(eq=False)
class CloudError(ServiceError):
    """The answer of the cloud as data: `status` is the HTTP status, None when there was no answer.

    `code`, `message` and `api_request_id` are the API's own, and empty when it wrote none. `note` is what the bot has
    to say about the answer, or about there being none; it is for the log and the doctor. `retry_after` is in seconds.
    `is_sign_in`: it is the answer to signing in, before anything was sent.
    """

    status: int | None = None
    code: str = ""
    message: str = ""
    api_request_id: str = ""
    retry_after: float | None = None
    note: str = ""
    is_sign_in: bool = False

    def __str__(self) -> str:
        """One line for the log."""
        parts = (str(self.status or ""), self.code, self.message, f"({self.note})" if self.note else "")
        return f"{type(self).__name__}: {' '.join(part for part in parts if part) or 'no answer'}"


class NotSent(CloudError):
    """Certainly not passed on to the instance: may be sent again."""


class Rejected(CloudError):
    """The cloud answered with an error: final."""


class OutcomeUnknown(CloudError):
    """The request may have taken effect: it is neither done nor failed, and never sent again automatically."""


class SlackError(ServiceError):
    """Slack did not take a call."""


@dataclass(eq=False)
class SlackUnavailable(SlackError):
    """Slack cannot take the call now; `retry_after` in seconds if Slack said so."""

    reason: str
    retry_after: float | None = None


@dataclass(eq=False)
class SlackRejected(SlackError):
    """Slack will never take this call; `error` is Slack's own code, e.g. `is_archived`."""

    error: str


NOT_IN_CHANNEL_ERRORS = frozenset({"not_in_channel", "channel_not_found"})
"""Slack's codes for a channel that the bot is not in; a private one does not exist for it."""


class StorageUnavailable(ServiceError):
    """The database cannot be reached or written now."""


class LiveUpgradeExists(Exception):
    """Another upgrade of the instance is live: the partial unique index of the database says so."""


class JobIdTaken(Exception):
    """The job belongs to another request: the unique index of the database says so."""
