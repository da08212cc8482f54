"""One upgrade between a cloud and a Slack that may do anything: what the state machine drives.

The store is a row and a counter: a step is made on the newest row, with the guards that bot/flow has around it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.core import looks, telling
from bot.core.looks import Job
from bot.core.reasons import Fault, NotSent, Refusal, Unsure
from bot.core.upgrade import EDITS, LEASE_SECONDS, News, Sight, State, Upgrade
from tests.core.upgrades import ARROWS, PACE, T0, check, question

Step = Callable[[Upgrade], Upgrade]


@dataclass(slots=True)
class Sender:
    """Whoever won the confirmation, between the click and the outcome."""

    lease: float
    version: int
    has_shown: bool = False
    outcome: str | Fault | None = None


@dataclass(slots=True)
class World:
    """The row, the time, and what really happened outside."""

    row: Upgrade = field(default_factory=question)
    now: float = T0
    version: int = 0
    posts: int = 0  # upgrades sent to the cloud
    job: str | None = None  # the cloud's job, whether or not its answer arrived
    senders: list[Sender] = field(default_factory=list)
    tellings: list[tuple[News, Upgrade]] = field(default_factory=list)  # on their way to Slack, as shown
    messages: dict[str, State] = field(default_factory=dict)  # questions in the channel, and the state each shows
    said: list[News] = field(default_factory=list)
    is_deaf: bool = False  # Slack refused something for good

    def step(self, step: Step) -> None:
        """Make a step true; it moves along the arrows that are drawn, and leaves nothing without its time."""
        before, self.row = self.row, step(self.row)
        self.version += self.row != before
        same = before.state is self.row.state
        assert same or self.row.state in ARROWS.get(before.state, set()), f"{before.state} -> {self.row.state}"
        assert before.message_ts in (None, self.row.message_ts), "a question stays where it stands"
        check(self.row)

    def settle(self) -> None:
        """From now on the cloud answers and Slack takes everything."""
        for _ in range(100):
            if self.row.due_at is None:
                return
            self.now = max(self.now, self.row.due_at)
            self.attend(Job("job-1", "Completed"), self.job or Sight.IDLE)
            while self.row.untold:
                self.begin()
                self.land(0, crash=False)

    # people

    def adopt(self, ts: str) -> None:
        """A click on a message that nobody had written down tells where the question stands."""
        if self.row.message_ts is None:
            self.step(lambda row: telling.told(row, News.QUESTION, self.now, ts, row))

    def click(self, answer: "Upgrade | Refusal", *, sends: bool) -> None:
        """The stored answer of a click; who is late closes a question that has expired."""
        if isinstance(answer, Refusal):
            if self.row.state is State.ASKED:
                self.expire()
            return
        self.step(lambda _: answer)
        if sends:
            self.senders.append(Sender(self.now + LEASE_SECONDS, self.version))

    def expire(self) -> None:
        """Close a question whose time is over."""
        if self.row.state is State.ASKED and self.now >= self.row.expires_at:
            self.step(lambda row: row.expire(self.now))

    # whoever sends

    def show(self, sender: Sender) -> None:
        """The card loses its buttons before the cloud is asked."""
        if self.row.untold[:1] == (News.CARD,) and self.row.message_ts and self.version == sender.version:
            self.messages[self.row.message_ts] = self.row.state
            sender.has_shown = True

    def renew(self, sender: Sender) -> None:
        """A lease that holds is prolonged, in the row and in the process."""
        if self.now < sender.lease and self.row.state is State.SENDING:
            sender.lease = self.now + LEASE_SECONDS
            self.row = replace(self.row, look_at=sender.lease).scheduled()

    def send(self, sender: Sender, outcome: str | Fault, *, really: bool) -> None:
        """The POST, if the lease still holds; `really` is whether the cloud made a job of it."""
        if self.now >= sender.lease:
            sender.outcome = NotSent()
            return
        self.posts += 1
        sender.outcome = outcome
        if really:
            self.job = "job-1"

    def answer(self, sender: Sender) -> None:
        """The outcome is written on whatever the row has become."""
        self.senders.remove(sender)
        outcome = sender.outcome or Unsure()
        if sender.has_shown and sender.version == self.version:
            self.step(lambda row: telling.told(row, News.CARD, self.now, None, row))
        if self.row.state not in (State.SENDING, State.UNKNOWN):
            return
        if isinstance(outcome, str):
            self.step(lambda row: row.accepted(outcome, self.now, self.now + PACE.poll_seconds))
        elif self.row.state is State.SENDING or not isinstance(outcome, Unsure):
            self.step(lambda row: row.faulted(outcome, self.now))

    # the loop

    def attend(self, seen: Job | Fault | None, found: str | Sight) -> None:
        """Make the look that is due, with this answer of the cloud."""
        if self.row.look_at is None or self.row.look_at > self.now:
            return
        match self.row.state:
            case State.ASKED:
                self.expire()
            case State.SENDING:
                self.step(lambda row: row.lost(self.now))
            case State.FOLLOWING if isinstance(seen, Job):
                self.step(lambda row: looks.seen(row, seen, self.now, PACE))
            case State.FOLLOWING if seen is None:
                self.step(lambda row: looks.unseen(row, self.now, PACE))
            case State.FOLLOWING:
                self.step(lambda row: looks.unanswered(row, self.now, PACE))
            case State.UNKNOWN if isinstance(found, Sight):
                self.step(lambda row: looks.not_found(row, found, self.now))
            case State.UNKNOWN:
                self.step(lambda row: row.accepted(str(found), self.now, self.now + PACE.poll_seconds))

    def check_outcome(self, job: Job | None) -> None:
        """A person looks again."""
        if self.row.state is State.UNRESOLVED and News.UNRESOLVED in self.said and job is not None:
            self.step(lambda row: row.accepted(job.id, self.now, self.now + PACE.poll_seconds))
            if job.status:
                self.step(lambda row: looks.seen(row, job, self.now, PACE))

    # news

    def begin(self) -> None:
        """Somebody starts to tell what is next."""
        if self.row.untold:
            self.tellings.append((self.row.untold[0], self.row))

    def land(self, at: int, *, crash: bool) -> None:
        """Slack takes it; after a crash nobody writes that down, so that it is told again."""
        news, shown = self.tellings.pop(at)
        ts = None
        if news is News.CARD and shown.message_ts:
            self.messages[shown.message_ts] = shown.state
        elif news not in EDITS:
            ts = f"{len(self.said)}.0"
            self.said.append(news)
        if news is News.QUESTION:
            self.messages[str(ts)] = State.ASKED
        if not (crash and news in self.row.untold):
            self.step(lambda row: telling.told(row, news, self.now, ts, shown))

    def refuse(self, at: int, *, direct: bool) -> None:
        """Slack will never take it there."""
        news, shown = self.tellings.pop(at)
        self.is_deaf = True
        if news is News.QUESTION:
            self.step(lambda row: row.unasked("is_archived", self.now))
        elif news in EDITS:
            self.step(lambda row: telling.dropped(row, news))
        elif shown.direct_channel is None and direct:
            self.step(lambda row: telling.redirected(row, "D1", self.now))
        else:
            self.step(telling.untellable)
