"""What the workflow needs of Slack, the cloud, the database and the metrics, as Protocols that the adapters fulfil."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from bot.core.actions import Origin
from bot.core.audit import AuditEntry, AuditRow
from bot.core.instances import Instance, InstanceList
from bot.core.messages import Language, Message
from bot.core.notifications import Notification
from bot.core.permissions import Channel, User
from bot.core.polling import AcceptedUpgrade, Job, UpgradeSearch
from bot.core.replies import Reply
from bot.core.upgrade import SearchMiss, State, Upgrade

CHANNEL_PATIENCE_SECONDS = 2.0  # how long a command or click waits for the name of its channel


class CloudApi(Protocol):
    """TaurusDB; every method raises `CloudError`."""

    async def upgrade(
        self,
        instance_id: str,
        *,
        delay: bool,
        skip_validate: bool,
        language: Language,
        may_send: Callable[[], Awaitable[bool]],
    ) -> AcceptedUpgrade:
        """Send the upgrade, at most once with effect. `may_send` is asked just before each attempt."""

    async def job(self, job_id: str, language: Language) -> Job | None:
        """The job, or None when the cloud knows none with this id (yet, or any more)."""

    async def cancel_scheduled(self, job_id: str, language: Language) -> bool:
        """Delete a scheduled task; False when the cloud names no task as deleted."""

    async def find_upgrade(self, search: UpgradeSearch, language: Language) -> str | SearchMiss:
        """Search for an upgrade whose answer was lost: its job id, or what was seen instead."""


class Cloud(Protocol):
    """The projects of the cloud, each with a `CloudApi` of its own."""

    @property
    def projects(self) -> Sequence[str]:
        """The `region:project_id` of each when there are several, else empty."""

    def of(self, upgrade: Upgrade) -> CloudApi:
        """The project that an upgrade belongs to; raises `CloudError` when that is not known, or not set any more."""


class InstanceInventory(Protocol):
    """The instances of all projects. Nothing here raises: what the cloud does not tell in time is not known."""

    def cached(self) -> InstanceList:
        """What is known without a request, at most five minutes old."""

    async def instances(self, patience: float) -> InstanceList:
        """All instances, waiting at most so many seconds for what is not cached."""

    async def refreshed(self, patience: float) -> InstanceList:
        """The list read again, for an instance that it did not have; incomplete when that takes longer."""

    async def instance(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details, read now; None when they are not to be had in time."""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How many rows of a state have a timer, how many of them are due, and how many this version cannot read."""

    state: str
    rows: int
    due: int
    unreadable: int = 0


class Storage(Protocol):
    """The rows of upgrades and the audit trail; every method raises `StorageUnavailable`.

    A change and its audit entries are one transaction.
    """

    def clock(self) -> float:
        """Now (UNIX seconds) by the database's clock, by which timers and leases go; no request is made."""

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """Insert a request; False when its trigger id has been used (Slack delivered the command again)."""

    async def get(self, upgrade_id: str) -> Upgrade | None:
        """The row as it is."""

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """Compare-and-set on `before.revision`: the stored row, or None when another writer was first.

        Raises `LiveUpgradeExists` when another upgrade of the instance is live, `JobIdTaken` when another request has
        the job id.
        """

    async def record(self, entry: AuditEntry) -> None:
        """Append an audit entry that belongs to no change of a row."""

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        """The rows that are due, oldest first; each is moved ahead by the lease, so that nobody else claims it."""

    async def begin_attempt(self, upgrade_id: str, sender: str, lease_seconds: float) -> Upgrade | None:
        """The fence before each POST: the row with its lease renewed, None when this sender's lease is over.

        It holds while the row is SUBMITTING by this sender and the lease has not run out by the database's clock. The
        revision counts on, so that whoever has read the row before cannot take it for lost meanwhile.
        """

    async def renew_leases(self, senders: Mapping[str, str], lease_seconds: float) -> Set[str]:
        """Renew the leases that these senders (by upgrade id) still hold; the ids that were renewed."""

    async def live_upgrade(self, instance_id: str) -> Upgrade | None:
        """The live upgrade of an instance."""

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        """The upgrade whose request card is this message."""

    async def latest(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """Upgrades of one instance or of all, the newest first."""

    async def related_upgrades(self, instance_id: str, limit: int) -> Sequence[Upgrade]:
        """What another request for the instance has to know: live, confirmed last, then the open requests.

        Of the confirmed ones those do not count that certainly did not start.
        """

    async def confirmed_since(self, instance_id: str, since: float) -> Sequence[Upgrade]:
        """The upgrades of an instance that were confirmed at that time or later (UNIX seconds), the earliest first."""

    async def open_upgrades(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """What waits for a confirmation or is live, of one instance or of all, the newest first."""

    async def queue_stats(self, now: float) -> Sequence[QueueStats]:
        """How much is waiting, by state."""

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each write."""

    async def ping(self) -> None:
        """Raise `StorageUnavailable` unless the database can be written."""

    async def close(self) -> None:
        """Finish what is queued and close every connection."""


class Publisher(Protocol):
    """Posts and edits in Slack what everybody in the channel sees; every method raises `SlackError`."""

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str | None:
        """Post or edit what the notification shows of the upgrade; the `ts` of a new message, None for an edit."""

    async def open_dm(self, user_id: str) -> str:
        """The id of the channel of direct messages with a user."""

    async def permalink(self, upgrade: Upgrade) -> str:
        """The URL of the request card, empty when Slack does not tell it."""

    async def replace_card(self, channel_id: str, message_ts: str, message: Message, language: Language) -> None:
        """Replace a card that belongs to no open request, so that it loses its buttons."""


class EphemeralMessages(Protocol):
    """Private replies that one person alone sees."""

    async def send(self, origin: Origin, reply: Reply, language: Language) -> None:
        """Show a reply to this person; never raises, the log says what failed."""


class UserDirectory(Protocol):
    """What Slack knows of its users."""

    async def language(self, user_id: str) -> Language:
        """The user's language; the default when Slack does not say within 300 ms."""

    async def user(self, origin: Origin, *, has_effect: bool = False) -> User:
        """The user with the user groups that the rules name, and what Slack did not tell; an effect waits longer."""


class ChannelDirectory(Protocol):
    """What Slack says of its channels now."""

    async def channels(self, channel_ids: Iterable[str], patience: float) -> Mapping[str, Channel]:
        """Those whose names the rules depend on, by id; never raises, without names what Slack does not say in time."""


class Metrics(Protocol):
    """What is counted. `NullMetrics` where nobody reads it, `PrometheusMetrics` (bot/metrics.py) where it is served."""

    def interaction(self, kind: str) -> AbstractContextManager[object]:
        """Around all work for one `command` or `click`: counts its result and times its first response."""

    def interaction_result(self, result: str) -> None:
        """What the interaction that runs now came to; the last call counts."""

    def response_shown(self) -> None:
        """The person sees something of the interaction that runs now; the first call counts."""

    def request_acknowledged(self, transport: str, outcome: str, seconds: float) -> None:
        """A request of Slack was answered over `http` or `socket`: `ok` or `refused`."""

    def state_entered(self, state: State) -> None:
        """An upgrade came to this state."""

    def refused(self, reason: str) -> None:
        """A command or click was refused; the refusal's key."""

    def cloud_called(self, operation: str, outcome: str, seconds: float, region: str = "") -> None:
        """A call of `CloudApi`: `ok`, `not_sent`, `rejected`, `unknown` or `cancelled`; the region of several."""

    def slack_called(self, method: str, outcome: str) -> None:
        """A Web API call: `ok`, `rejected` (for good) or `unavailable` (for now)."""

    def slack_rate_limited(self, method: str) -> None:
        """Slack answered 429."""


class NullMetrics:
    """Counts nothing."""

    def interaction(self, kind: str) -> AbstractContextManager[object]:
        """Count nothing."""
        return nullcontext()

    def interaction_result(self, result: str) -> None:
        """Count nothing."""

    def response_shown(self) -> None:
        """Count nothing."""

    def request_acknowledged(self, transport: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def state_entered(self, state: State) -> None:
        """Count nothing."""

    def refused(self, reason: str) -> None:
        """Count nothing."""

    def cloud_called(self, operation: str, outcome: str, seconds: float, region: str = "") -> None:
        """Count nothing."""

    def slack_called(self, method: str, outcome: str) -> None:
        """Count nothing."""

    def slack_rate_limited(self, method: str) -> None:
        """Count nothing."""


NO_METRICS = NullMetrics()
