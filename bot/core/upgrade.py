"""One upgrade from the request to its end: the row, its states, and every transition as a pure method.

    REQUESTED ──confirm──> SUBMITTING ──job id──> IN_PROGRESS ──> COMPLETED | FAILED | CANCELED (by the cloud)
      ├──cancel──> WITHDRAWN       ├──rejected──> REJECTED            ▲  └──job gone──┐
      ├──another─> SUPERSEDED      │  of the instance is confirmed    │               │
      └──expires─> EXPIRED         ├──not sent──> NOT_SENT            │ found         ▼
                                   └──lost, or lease over──> UNKNOWN ─┴─nothing found─> UNRESOLVED

A late answer moves UNKNOWN and UNRESOLVED as it would have moved SUBMITTING, and a job id moves any other state that
has none to IN_PROGRESS; a job found by a person's search moves UNRESOLVED to IN_PROGRESS. A card that Slack does not
take is WITHDRAWN by nobody. Nothing returns to REQUESTED or SUBMITTING: there is at most one POST.

A transition counts only once the storage's compare-and-set on `revision` has stored it. Times are UNIX seconds.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.core.errors import CloudError, NotSent, Rejected, TooLate
from bot.core.instances import Instance, display_name, region_of
from bot.core.messages import Console, Language, Person, Time
from bot.core.notifications import EDITS, Notification, in_order

# statuses of a job in the API's words
PENDING = "Pending"
RUNNING = "Running"
UNAUTHORIZED = "Unauthorized"

LEASE_SECONDS = 10.0  # how long a claimed row or a submission belongs to its process without being renewed
NOTIFY_SECONDS = 10.0  # how long the process that made a transition has to deliver it before others do

current_upgrade_id: ContextVar[str] = ContextVar("current_upgrade_id", default="")
"""The upgrade that the running task works on; every log line carries it."""


class State(StrEnum):
    """Where an upgrade is."""

    REQUESTED = "requested"
    SUBMITTING = "submitting"
    IN_PROGRESS = "in_progress"
    UNKNOWN = "unknown"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNRESOLVED = "unresolved"


CONFLICT_CODES = frozenset({"DBS.200086", "DBS.201014", "DBS.212033"})
"""Codes of other statuses than 409 (400, 403) that mean the same: the instance's status or an operation forbids it."""

NEVER_CONFIRMED = frozenset({State.REQUESTED, State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED})

LIVE_STATES = frozenset({State.SUBMITTING, State.IN_PROGRESS, State.UNKNOWN})
"""At most one upgrade of an instance is in one of these."""


class EndCheck(StrEnum):
    """What reading the instance showed after its job was completed."""

    NONE = ""
    CHECKING = "checking"
    NORMAL = "normal"
    VERSION_UNCHANGED = "version_unchanged"
    NOT_NORMAL = "not_normal"
    NOT_READ = "not_read"


END_ALARMS = frozenset({EndCheck.VERSION_UNCHANGED, EndCheck.NOT_NORMAL})
"""The ends that somebody has to look into, although the cloud calls the job completed."""

UNPROVEN_ENDS = END_ALARMS | {EndCheck.NOT_READ}
"""The ends of which only the job says that the upgrade is completed."""


class SearchResult(StrEnum):
    """What a search for a lost upgrade saw of the instance when it found no job."""

    IDLE = "idle"
    BUSY = "busy"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on the instance that is not known to be the upgrade: the API's name for it, and since when.

    `started_at` is in UNIX seconds by our clock, None when it is not known.
    """

    name: str
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class SearchMiss:
    """A search that found no job of the upgrade: what it saw of the instance, and what else runs or ran there."""

    result: SearchResult
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """The last request for the same instance when nobody knows what became of it; the link leads to its card."""

    requested_by: str
    confirmed_at: float
    permalink: str


@dataclass(frozen=True)  # without slots: see `replace`
class Upgrade:
    """One row of the table `upgrades`; every field is a column."""

    id: str
    instance_id: str
    delay: bool
    skip_validate: bool
    team_id: str
    channel_id: str
    trigger_id: str
    requested_by: str
    language: Language
    requested_at: float
    expires_at: float
    project: str = ""  # `region:project_id` of the instance when there are several projects, else empty
    revision: int = 0
    state: State = State.REQUESTED
    message_ts: str | None = None  # the request card
    decided_by: str | None = None
    decided_at: float | None = None
    sender: str = ""  # the token of the confirmation that won: whoever has it may send while the row is SUBMITTING
    job_id: str | None = None
    job_status: str = ""
    progress_percent: int | None = None
    progress_at: float | None = None  # when the last poll that showed something new was made
    started_at: float | None = None  # when a poll first showed it running
    canceled_by: str | None = None  # who canceled the scheduled task from Slack
    fail_reason: str = ""
    ended_at: float | None = None
    end_check: EndCheck = EndCheck.NONE
    end_snapshot: str = ""  # `Instance.to_json()` as last read after the job's end, "-" when it could not be read
    normal_at: float | None = None  # since when the instance has been read as normal and idle again
    end_message_ts: str | None = None  # the message that told the end
    end_message_channel_id: str | None = None
    http_status: int | None = None
    error_code: str = ""
    error_msg: str = ""
    api_request_id: str = ""  # the cloud's id of the POST, which its support asks for
    is_sign_in_failure: bool = False  # the error is of signing in, before the POST
    search_result: str = ""
    operations: tuple[Operation, ...] = ()  # what a search saw on the instance instead of the upgrade
    poll_count: int = 0
    failed_polls: int = 0  # in a row
    job_missing_since: float | None = None
    next_poll_at: float | None = None  # the state's timer: expiry of a request, end of a submission's lease, next poll
    pending_notifications: tuple[Notification, ...] = ()
    notify_at: float | None = None
    notify_attempts: int = 0
    job_message_ts: str | None = None
    job_message_channel_id: str | None = None  # not the card's when it was sent to the requester directly
    job_message_edited_at: float | None = None
    unknown_message_ts: str | None = None  # the message that said that the outcome is unknown
    unknown_message_channel_id: str | None = None
    unresolved_message_ts: str | None = None  # the one that said that it stays unknown
    unresolved_message_channel_id: str | None = None
    checked_at: float | None = None  # when somebody last looked again in vain
    superseded_link: str = ""  # the card of the request that was confirmed instead
    report_ts: str | None = None  # the message in the report channel
    report_at: float | None = None  # when it is posted or edited next, None when it is up to date
    report_attempts: int = 0
    dm_channel_id: str | None = None  # where notifications go when the channel takes none
    earlier_unresolved: EarlierRequest | None = None
    instance_snapshot: str = ""  # `Instance.to_json()`, "-" when the cloud did not describe it
    due_at: float | None = None  # the earliest of next_poll_at, notify_at, report_at; claiming the row moves it ahead

    @property
    def is_live(self) -> bool:
        """Whether no other upgrade of the instance may be submitted."""
        return self.state in LIVE_STATES

    @property
    def instance_name(self) -> str:
        """What messages call the instance: its name, or the beginning of its id until the name is known."""
        return display_name(self.instance_id, self.instance_snapshot)

    @property
    def console(self) -> Console:
        """The cloud's console in the instance's region."""
        return Console(region_of(self.project))

    @property
    def is_named(self) -> bool:
        """Whether the name of the instance is known."""
        instance = self.instance
        return instance is not None and bool(instance.name.strip())

    @property
    def log_fields(self) -> dict[str, str]:
        """Its id and, of several, its project, for a log line."""
        return {"upgrade": self.id, "project": self.project} if self.project else {"upgrade": self.id}

    @property
    def flags(self) -> str:
        """The flags of the command."""
        flags = {"--delay": self.delay, "--skip-validate": self.skip_validate}
        return " ".join(flag for flag, is_set in flags.items() if is_set)

    @property
    def awaits_window(self) -> bool:
        """Whether it is a delayed upgrade that has not begun, as far as the last poll showed."""
        return self.delay and self.state is State.IN_PROGRESS and self.job_status in ("", PENDING)

    @property
    def running_percent(self) -> int | None:
        """How far the running job is, from 0 to 100; None when that is not known."""
        is_running = self.state is State.IN_PROGRESS and self.job_status == RUNNING
        return self.progress_percent if is_running else None

    @property
    def starts_at(self) -> float | None:
        """When a delayed upgrade starts; None when that is not known, or the window was open at the confirmation."""
        instance = self.instance if self.delay else None
        return instance.delayed_start(self.decided_at or self.requested_at) if instance else None

    @property
    def instance(self) -> Instance | None:
        """The instance as it was last described before the job's end; None when it was not."""
        return Instance.from_json(self.instance_snapshot)

    @property
    def instance_before(self) -> Instance | None:
        """The instance as described for the confirmation, with details: the list may write its version otherwise."""
        instance = self.instance
        return instance if instance and instance.upgrade_available is not None else None

    @property
    def instance_after(self) -> Instance | None:
        """The instance as it was last read after the job's end."""
        return Instance.from_json(self.end_snapshot)

    @property
    def is_card_rejected(self) -> bool:
        """Whether Slack rejected the request card, with `error_code`: nobody ever saw the request."""
        return self.state is State.WITHDRAWN and self.decided_by is None

    @property
    def is_conflict(self) -> bool:
        """Whether the cloud rejected it because of another operation on the instance."""
        return self.state is State.REJECTED and is_conflict(self.http_status, self.error_code)

    @property
    def is_unexplained_conflict(self) -> bool:
        """Whether it was rejected so, and the cloud did not let us see whether an upgrade has begun all the same."""
        return self.is_conflict and self.search_result == SearchResult.INCONCLUSIVE

    @property
    def pending_messages(self) -> tuple[Notification, ...]:
        """The pending notifications that are new messages, not edits."""
        return tuple(kind for kind in self.pending_notifications if kind not in EDITS)

    def rescheduled(self) -> "Upgrade":
        """The row with `due_at` recomputed from its timers."""
        timers = [at for at in (self.next_poll_at, self.notify_at, self.report_at) if at is not None]
        return replace(self, due_at=min(timers, default=None))

    def with_notifications(self, at: float, *notifications: Notification) -> "Upgrade":
        """The row with more notifications pending, in the order of the table.

        A new message does not wait until what is pending is tried again.
        """
        notify_at = at + NOTIFY_SECONDS
        if self.pending_notifications and self.notify_at is not None:
            is_only_edits = EDITS.issuperset(notifications)
            notify_at = self.notify_at if is_only_edits else min(self.notify_at, notify_at)
        pending = in_order(*self.pending_notifications, *notifications)
        return replace(self, pending_notifications=pending, notify_at=notify_at).rescheduled()

    def without_notification(self, notification: Notification) -> "Upgrade":
        """The row without the first pending notification of this kind."""
        pending = list(self.pending_notifications)
        if notification in pending:
            pending.remove(notification)
        return replace(
            self, pending_notifications=tuple(pending), notify_at=self.notify_at if pending else None
        ).rescheduled()

    # decided by people or by time

    def confirm(self, by: str, at: float, sender: str) -> "Upgrade | TooLate":
        """Somebody pressed Confirm; whoever gets this stored, with a `sender` of its own, submits the upgrade."""
        too_late = self._too_late(at)
        if too_late:
            return too_late
        row = replace(
            self,
            state=State.SUBMITTING,
            decided_by=by,
            decided_at=at,
            sender=sender,
            next_poll_at=at + LEASE_SECONDS,
        )
        return row.with_notifications(at, Notification.CARD_UPDATE)

    def withdraw(self, by: str, at: float) -> "Upgrade | TooLate":
        """Somebody pressed Cancel before anything was sent."""
        too_late = self._too_late(at)
        if too_late:
            return too_late
        row = replace(self, state=State.WITHDRAWN, decided_by=by, decided_at=at, next_poll_at=None)
        return row.with_notifications(at, Notification.CARD_UPDATE)

    def supersede(self, by: str, link: str, at: float) -> "Upgrade | None":
        """Somebody confirmed another request for the instance, its card at `link`; None if this one is not open."""
        if self._too_late(at):
            return None
        row = replace(self, state=State.SUPERSEDED, decided_by=by, decided_at=at, next_poll_at=None)
        row = replace(row, superseded_link=link)
        return row.with_notifications(at, Notification.CARD_UPDATE)

    def card_rejected(self, error: str, at: float) -> "Upgrade":
        """Slack did not take the card: nobody can decide the request, unless a card was posted after all."""
        if self.state is not State.REQUESTED or self.message_ts is not None:
            return self.without_notification(Notification.REQUEST_CARD)
        row = replace(self, state=State.WITHDRAWN, decided_at=at, next_poll_at=None, error_code=error)
        return replace(row, pending_notifications=(), notify_at=None).rescheduled()

    def expire(self, at: float) -> "Upgrade":
        """Nobody confirmed in time; a card that was never posted need not be posted any more."""
        row = replace(self, state=State.EXPIRED, decided_at=at, next_poll_at=None)
        if self.message_ts is None:
            return replace(row, pending_notifications=(), notify_at=None).rescheduled()
        return row.with_notifications(at, Notification.CARD_UPDATE)

    def _too_late(self, at: float) -> TooLate | None:
        """Why the request can no longer be decided; None if it can."""
        if self.state is State.EXPIRED or (self.state is State.REQUESTED and at >= self.expires_at):
            return TooLate("already_expired", at=Time(self.expires_at))
        if self.state is State.REQUESTED:
            return None
        if self.decided_by is None:
            return TooLate("unknown_request")
        if self.state is State.WITHDRAWN:
            return TooLate("already_withdrawn", by=Person(self.decided_by))
        if self.state is State.SUPERSEDED:
            return TooLate("already_superseded", by=Person(self.decided_by))
        return TooLate("already_confirmed", by=Person(self.decided_by))

    # decided by the cloud

    def accepted(self, job_id: str, at: float, next_poll_at: float) -> "Upgrade":
        """The cloud has a job for it, also after the outcome was unknown or unresolved."""
        notification = Notification.JOB_ACCEPTED if self.state is State.SUBMITTING else Notification.JOB_FOUND
        row = replace(
            self.without_notification(Notification.UNRESOLVED),
            state=State.IN_PROGRESS,
            job_id=job_id,
            next_poll_at=next_poll_at,
            poll_count=0,
            failed_polls=0,
            job_missing_since=None,
            search_result="",
            operations=(),
            ended_at=None,
        )
        return row.with_notifications(at, notification, Notification.CARD_UPDATE, *row.alarm_edits)

    @property
    def alarm_edits(self) -> tuple[Notification, ...]:
        """The edits of the messages that called the outcome unknown, as far as there are such messages."""
        unknown = (Notification.OUTCOME_UNKNOWN_UPDATE,) if self.unknown_message_ts else ()
        return (*unknown, Notification.UNRESOLVED_UPDATE) if self.unresolved_message_ts else unknown

    def submission_failed(self, error: CloudError, at: float) -> "Upgrade":
        """The POST ended without a job id: rejected, not sent, or outcome unknown."""
        row = replace(
            self,
            http_status=error.status,
            error_code=error.code,
            error_msg=error.message,
            api_request_id=error.api_request_id,
            is_sign_in_failure=error.is_sign_in,
            poll_count=0,
        )
        if isinstance(error, Rejected):
            row = replace(row, state=State.REJECTED, next_poll_at=None)
            return row.with_notifications(at, Notification.REJECTED, Notification.CARD_UPDATE, *row.alarm_edits)
        if isinstance(error, NotSent):
            row = replace(row, state=State.NOT_SENT, next_poll_at=None)
            return row.with_notifications(at, Notification.NOT_SENT, Notification.CARD_UPDATE, *row.alarm_edits)
        return row.outcome_lost(at)

    def outcome_lost(self, at: float) -> "Upgrade":
        """It was being submitted and no clear answer came."""
        row = replace(self, state=State.UNKNOWN, next_poll_at=at + 1, poll_count=0, search_result="", operations=())
        return row.with_notifications(at, Notification.OUTCOME_UNKNOWN, Notification.CARD_UPDATE)


def is_conflict(http_status: int | None, error_code: str) -> bool:
    """Whether an answer says that another operation is running on the instance: it may be this very upgrade.

    A gateway in between may have passed the request on twice; then the first copy runs, and the second is refused.
    """
    return http_status == 409 or error_code in CONFLICT_CODES


if TYPE_CHECKING:
    from dataclasses import replace as replace  # for its types
else:

    def replace(upgrade: Upgrade, /, **changes: Any) -> Upgrade:
        """The row with other values: `dataclasses.replace`, which takes twenty times as long for so many fields."""
        row = object.__new__(Upgrade)
        row.__dict__.update(upgrade.__dict__, **changes)
        return row
