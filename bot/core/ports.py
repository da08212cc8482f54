"""What the flow needs of the outside world, as Protocols; the adapters of floor 2 fulfil them."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.audit import AuditEntry, AuditRow
from bot.core.instances import Instance, Listing
from bot.core.looks import Accepted, Job
from bot.core.pages import Page
from bot.core.policy import Actor
from bot.core.sentence import Language, Sentence
from bot.core.upgrade import News, Sight, Upgrade


class Cloud(Protocol):
    """TaurusDB; every method raises `Fault`."""

    async def upgrade(
        self, instance_id: str, *, delay: bool, skip_validate: bool, language: Language, may_send: Callable[[], bool]
    ) -> Accepted:
        """Send the upgrade, at most once with effect; its job. `may_send` is asked just before each attempt."""
        ...

    async def job(self, job_id: str, language: Language) -> Job | None:
        """The job, or None when the cloud knows none of this id (yet, or any more)."""
        ...

    async def cancel_scheduled(self, job_id: str, language: Language) -> bool:
        """Take a scheduled task back; False when the cloud did not: it has begun or is over."""
        ...

    async def find(self, instance_id: str, *, delay: bool, since: float, language: Language) -> str | Sight:
        """Look for an upgrade sent after `since` (UNIX seconds) whose answer was lost: its job id, or what was seen."""
        ...


class Directory(Protocol):
    """What the project has; nothing here raises: what the cloud does not tell in time is not known."""

    async def listing(self, patience: float) -> Listing:
        """All instances, waiting at most so many seconds for what is not known yet."""
        ...

    async def listed_anew(self, patience: float) -> Listing:
        """The list as it is now, for an instance that it did not have; incomplete when that takes too long."""
        ...

    async def one(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details, read anew; None when they are not to be had in time."""
        ...

    def known(self) -> Listing:
        """What is known without asking, not older than five minutes."""
        ...


class Store(Protocol):
    """The rows; every method raises `StoreAway`. A change and its audit entries are one transaction."""

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Write a new question; False when its trigger has been used (Slack delivered the command again)."""
        ...

    async def get(self, upgrade_id: str) -> Upgrade | None:
        """The row as it stands."""
        ...

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> "Upgrade | None":
        """Compare-and-set on `before.revision`: the stored row, or None when another was faster.

        Raises `InstanceTaken` when another upgrade of the instance is live.
        """
        ...

    async def record(self, entry: AuditEntry) -> None:
        """Write an audit entry that belongs to no step."""
        ...

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first, each moved ahead by the lease so that no other takes it meanwhile."""
        ...

    async def prolong(self, upgrade_ids: Sequence[str], lease_seconds: float) -> None:
        """Renew the lease of rows that are SENDING; others are left alone."""
        ...

    async def live_for(self, instance_id: str) -> Upgrade | None:
        """The live upgrade of an instance."""
        ...

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        """The upgrade whose question is this message."""
        ...

    async def history(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """The newest upgrades first, of one instance or of all."""
        ...

    async def open_now(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """What waits for an answer or is live, newest first, of one instance or of all."""
        ...

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        ...

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each writing."""
        ...

    async def ping(self) -> None:
        """Raise `StoreAway` unless the store can be written."""
        ...

    async def close(self) -> None:
        """Finish what is queued and let go."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows of a state have something still to be done, and how many of them are due."""

    state: str
    rows: int
    due: int


class Census(Protocol):
    """What an operator asks of a store."""

    async def census(self, now: float) -> Sequence[Waiting]:
        """What waits, by state. Raises `StoreAway`."""
        ...


class InstanceTaken(Exception):
    """Another upgrade of the instance is live (the partial unique index says so)."""


class Thread(Protocol):
    """The hand that writes in Slack for one upgrade; every method raises `Undelivered`."""

    async def deliver(self, upgrade: Upgrade, news: News) -> str | None:
        """Post or edit what `news` says of the upgrade; the `ts` of a new message, None for an edit."""
        ...

    async def direct_channel(self, person_id: str) -> str:
        """The channel of direct messages with a person."""
        ...

    async def permalink(self, upgrade: Upgrade) -> str:
        """The address of the question's message, empty if Slack does not tell."""
        ...

    async def remove_buttons(self, channel_id: str, message_ts: str, sentence: Sentence, language: Language) -> None:
        """Replace a message of ours that belongs to no open question by one sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Presence:
    """Who did something, where, and how to answer this person alone."""

    person_id: str
    team_id: str
    channel_id: str
    enterprise_id: str | None = None
    reply_to: str = field(default="", repr=False)  # a response_url is a secret


class People(Protocol):
    """What Slack knows of a person."""

    async def language(self, person_id: str) -> Language:
        """The person's language; the default when Slack does not say within 300 ms."""
        ...

    async def actor(self, presence: Presence) -> Actor:
        """The person with the user groups that matter; unknown membership is no membership."""
        ...


class Whisper(Protocol):
    """A private answer to one person."""

    async def tell(self, presence: Presence, said: Sentence | Page, language: Language) -> None:
        """Show a private answer to this person alone; never raises, the log says what failed."""
        ...
