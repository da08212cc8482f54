"""One upgrade between a cloud and a Slack that may do anything: what the state machine test drives.

The storage is a row and a counter: a transition is made on the newest row, with the guards of bot/workflow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.core import outbox, polling
from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Refusal
from bot.core.notifications import EDITS, Notification
from bot.core.polling import Job
from bot.core.upgrade import LEASE_SECONDS, SearchMiss, SearchResult, State, Upgrade
from tests.core.examples import BACK, SCHEDULE, T0, TRANSITIONS, check_invariants, new_upgrade

Step = Callable[[Upgrade], Upgrade]


@dataclass(slots=True)
class Sender:
    """Whoever won the confirmation, between the click and the outcome."""

    token: str
    version: int
    card_updated: bool = False
    outcome: str | CloudError | None = None


@dataclass(slots=True)
class Simulation:
    """The row, the time, and what really happened outside."""

    row: Upgrade = field(default_factory=new_upgrade)
    now: float = T0
    version: int = 0
    posts: int = 0  # upgrades sent to the cloud
    job: str | None = None  # the cloud's job, whether or not its answer arrived
    senders: list[Sender] = field(default_factory=list)
    in_flight: list[tuple[Notification, Upgrade]] = field(
        default_factory=list
    )  # on their way to Slack, with the row they show
    messages: dict[str, State] = field(default_factory=dict)  # cards in the channel, and the state each shows
    published: list[Notification] = field(default_factory=list)
    was_rejected: bool = False  # Slack rejected the card or an edit for good; a message is tried again

    def step(self, step: Step) -> None:
        """Make a transition; it must be one of the diagram, and leave nothing pending without a timer."""
        before, self.row = self.row, step(self.row)
        self.version += self.row != before
        same = before.state is self.row.state
        assert same or self.row.state in TRANSITIONS.get(before.state, set()), f"{before.state} -> {self.row.state}"
        assert before.message_ts in (None, self.row.message_ts), "a card stays where it was posted"
        check_invariants(self.row)

    def settle(self) -> None:
        """From now on the cloud answers and Slack takes everything, until nothing is due."""
        for _ in range(100):
            if self.row.due_at is None:
                return
            self.now = max(self.now, self.row.due_at)
            self.poll(Job("job-1", "Completed"), self.job or SearchResult.IDLE)
            while self.row.pending_notifications:
                self.start_delivery()
                self.finish_delivery(0, crash=False)

    # people

    def store_card(self, ts: str) -> None:
        """A click on a card whose ts was not stored tells it."""
        if self.row.message_ts is None:
            self.step(lambda row: outbox.delivered(row, Notification.REQUEST_CARD, self.now, ts, row))

    def click(self, result: Upgrade | Refusal, *, sends: bool) -> None:
        """The result of a click; one that is too late closes a request that has expired."""
        if isinstance(result, Refusal):
            if self.row.state is State.REQUESTED:
                self.expire()
            return
        self.step(lambda _: result)
        if sends:
            self.senders.append(Sender(self.row.sender, self.version))

    def expire(self) -> None:
        """Close a request whose time is over."""
        if self.row.state is State.REQUESTED and self.now >= self.row.expires_at:
            self.step(lambda row: row.expire(self.now))

    # the sender

    def update_card(self, sender: Sender) -> None:
        """The card loses its buttons before the POST."""
        if (
            self.row.pending_notifications[:1] == (Notification.CARD_UPDATE,)
            and self.row.message_ts
            and self.version == sender.version
        ):
            self.messages[self.row.message_ts] = self.row.state
            sender.card_updated = True

    def renew_lease(self, sender: Sender) -> None:
        """The lease is renewed while nobody has taken the row for lost."""
        if self.is_sent_by(sender):
            self.row = replace(self.row, next_poll_at=self.now + LEASE_SECONDS).rescheduled()

    def is_sent_by(self, sender: Sender) -> bool:
        """What the fence asks the database."""
        return self.row.state is State.SUBMITTING and self.row.sender == sender.token

    def submit(self, sender: Sender, outcome: str | CloudError, *, really: bool) -> None:
        """The POST, if the fence lets it through; `really` is whether the cloud made a job of it."""
        self.renew_lease(sender)
        if not self.is_sent_by(sender):
            sender.outcome = NotSent()
            return
        self.posts += 1
        sender.outcome = outcome
        if really:
            self.job = "job-1"

    def store_outcome(self, sender: Sender) -> None:
        """The outcome is stored on whatever the row has become."""
        self.senders.remove(sender)
        outcome = sender.outcome or OutcomeUnknown()
        if sender.card_updated and sender.version == self.version:
            self.step(lambda row: outbox.delivered(row, Notification.CARD_UPDATE, self.now, None, row))
        if self.row.state not in (State.SUBMITTING, State.UNKNOWN, State.UNRESOLVED):
            return
        if isinstance(outcome, str):
            self.step(lambda row: row.accepted(outcome, self.now, self.now + SCHEDULE.poll_seconds))
        elif self.row.state is State.SUBMITTING or not isinstance(outcome, OutcomeUnknown):
            self.step(lambda row: row.submission_failed(outcome, self.now))

    # the poller

    def poll(self, job: Job | CloudError | None, search: str | SearchResult) -> None:
        """Make the poll or search that is due, with this answer of the cloud."""
        if self.row.next_poll_at is None or self.row.next_poll_at > self.now:
            return
        match self.row.state:
            case State.REQUESTED:
                self.expire()
            case State.SUBMITTING:
                self.step(lambda row: row.outcome_lost(self.now))
            case State.IN_PROGRESS if isinstance(job, Job):
                self.step(lambda row: polling.job_polled(row, job, self.now, SCHEDULE))
            case State.IN_PROGRESS if job is None:
                self.step(lambda row: polling.job_missing(row, self.now, SCHEDULE))
            case State.IN_PROGRESS:
                self.step(lambda row: polling.poll_failed(row, self.now, SCHEDULE))
            case State.COMPLETED:
                self.step(lambda row: polling.end_checked(row, BACK if isinstance(job, Job) else None, self.now))
            case State.UNKNOWN if isinstance(search, SearchResult):
                self.step(lambda row: polling.search_missed(row, SearchMiss(search), self.now))
            case State.UNKNOWN:
                self.step(lambda row: row.accepted(str(search), self.now, self.now + SCHEDULE.poll_seconds))

    def search_again(self, job: Job | None) -> None:
        """A person searches again."""
        if self.row.state is State.UNRESOLVED and Notification.UNRESOLVED in self.published and job is not None:
            self.step(lambda row: row.accepted(job.id, self.now, self.now + SCHEDULE.poll_seconds))
            if job.status:
                self.step(lambda row: polling.job_polled(row, job, self.now, SCHEDULE))

    # notifications

    def start_delivery(self) -> None:
        """Start to deliver what is pending next."""
        if self.row.pending_notifications:
            self.in_flight.append((self.row.pending_notifications[0], self.row))

    def finish_delivery(self, at: int, *, crash: bool) -> None:
        """Slack takes it; after a crash nobody stores that, so it is delivered again."""
        notification, rendered = self.in_flight.pop(at)
        ts = None
        if notification is Notification.CARD_UPDATE and rendered.message_ts:
            self.messages[rendered.message_ts] = rendered.state
        elif notification not in EDITS:
            ts = f"{len(self.published)}.0"
            self.published.append(notification)
        if notification is Notification.REQUEST_CARD:
            self.messages[str(ts)] = State.REQUESTED
        if not (crash and notification in self.row.pending_notifications):
            self.step(lambda row: outbox.delivered(row, notification, self.now, ts, rendered))

    def reject_delivery(self, at: int, *, direct: bool) -> None:
        """Slack rejects it for good."""
        notification, rendered = self.in_flight.pop(at)
        if notification is Notification.REQUEST_CARD:
            self.was_rejected = True
            self.step(lambda row: row.card_rejected("is_archived", self.now))
        elif notification in EDITS:
            self.was_rejected = True
            self.step(lambda row: row.without_notification(notification))
        elif rendered.dm_channel_id is None and direct:
            self.step(lambda row: outbox.fall_back_to_dm(row, "D1", self.now))
        else:
            self.step(lambda row: outbox.undeliverable(row, self.now))
