"""Whatever happens, in whatever order: nothing is sent twice, left without a timer, or ends without a notification."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.core import outbox
from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected
from bot.core.notifications import Notification
from bot.core.polling import Job
from bot.core.upgrade import SearchResult, State
from tests.core.examples import END_NOTIFICATIONS, FINAL, check_invariants, new_upgrade
from tests.core.simulation import Simulation

PEOPLE = st.sampled_from(["UANN", "UBOB", "UEVE"])
SECONDS = st.sampled_from([0.5, 3.0, 9.0, 11.0, 40.0, 130.0])
OUTCOMES: st.SearchStrategy[tuple[str | CloudError, bool]] = st.sampled_from(
    [
        ("job-1", True),
        (Rejected(409, "DBS.200019"), False),
        (NotSent(), False),
        (OutcomeUnknown(), True),
        (OutcomeUnknown(504), False),
    ]
)
STATUSES = ["Pending", "Running", "Completed", "Failed", "Canceled", "Unauthorized", "Odd"]
JOBS = st.builds(Job, st.just("job-1"), st.sampled_from(STATUSES), st.sampled_from([None, 0, 60, 100]))
POLLS: st.SearchStrategy[Job | CloudError | None] = st.one_of(JOBS, st.none(), st.just(CloudError(503)))
SEARCHES: st.SearchStrategy[str | SearchResult] = st.sampled_from(["job-1", *SearchResult])
WHICH = st.integers(0, 7)


class Life(RuleBasedStateMachine):
    """The life of one upgrade in a simulation where everything may fail, be late, or happen twice."""

    @initialize(delay=st.booleans(), so_far=st.integers(0, 4), outcome=OUTCOMES, slow=st.integers(0, 2))
    def somebody_requests(self, delay: bool, so_far: int, outcome: tuple[str | CloudError, bool], slow: int) -> None:
        """Anything between a card that is not posted yet and an answer of the cloud; some deliveries are slow."""
        self.simulation = simulation = Simulation(new_upgrade(delay=delay))
        for _ in range(slow):
            simulation.start_delivery()
        if so_far >= 1:
            simulation.start_delivery()
            simulation.finish_delivery(0, crash=False)
        if so_far >= 2:
            simulation.click(simulation.row.confirm("UBOB", simulation.now, "sender-1"), sends=True)
        if so_far >= 3:
            simulation.start_delivery()
            simulation.submit(simulation.senders[0], outcome[0], really=outcome[1])
        if so_far >= 4:
            simulation.store_outcome(simulation.senders[0])

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.simulation.now += seconds

    @precondition(lambda self: self.simulation.row.state is not State.REQUESTED)
    @rule(seconds=st.sampled_from([601.0, 3600.0, 31 * 86_400.0]))
    def a_long_time_passes(self, seconds: float) -> None:
        self.simulation.now += seconds

    @rule()
    def the_next_timer_falls_due(self) -> None:
        self.simulation.now = max(self.simulation.now, self.simulation.row.due_at or 0.0)

    # people

    @precondition(lambda self: self.simulation.messages)
    @rule(by=PEOPLE, which=WHICH, confirm=st.sampled_from([True, True, True, False]))
    def somebody_clicks(self, by: str, which: int, confirm: bool) -> None:
        simulation = self.simulation
        ts = list(simulation.messages)[which % len(simulation.messages)]
        simulation.store_card(ts)
        if simulation.row.message_ts == ts:
            row = simulation.row
            result = row.confirm(by, simulation.now, "sender-2") if confirm else row.withdraw(by, simulation.now)
            simulation.click(result, sends=confirm)

    @rule(job=st.one_of(st.none(), JOBS, st.just(Job("job-1", ""))))
    def somebody_searches_again(self, job: Job | None) -> None:
        self.simulation.search_again(job)

    # the sender

    @precondition(lambda self: self.simulation.senders)
    @rule()
    def the_sender_updates_the_card(self) -> None:
        self.simulation.update_card(self.simulation.senders[0])

    @precondition(lambda self: self.simulation.senders)
    @rule()
    def the_sender_renews_its_lease(self) -> None:
        self.simulation.renew_lease(self.simulation.senders[0])

    @precondition(lambda self: any(sender.outcome is None for sender in self.simulation.senders))
    @rule(outcome=OUTCOMES)
    def the_sender_submits(self, outcome: tuple[str | CloudError, bool]) -> None:
        sender = next(one for one in self.simulation.senders if one.outcome is None)
        self.simulation.submit(sender, outcome[0], really=outcome[1])

    @precondition(lambda self: any(sender.outcome is not None for sender in self.simulation.senders))
    @rule()
    def the_cloud_has_answered(self) -> None:
        self.simulation.store_outcome(next(one for one in self.simulation.senders if one.outcome is not None))

    @rule()
    def the_process_dies(self) -> None:
        self.simulation.senders.clear()
        self.simulation.in_flight.clear()

    # the poller

    @rule(job=POLLS, search=SEARCHES)
    def the_poller_polls(self, job: Job | CloudError | None, search: str | SearchResult) -> None:
        self.simulation.poll(job, search)

    # notifications

    @rule()
    def a_delivery_starts(self) -> None:
        self.simulation.start_delivery()

    @precondition(lambda self: self.simulation.in_flight)
    @rule(which=WHICH, crash=st.booleans())
    def slack_takes_it(self, which: int, crash: bool) -> None:
        self.simulation.finish_delivery(which % len(self.simulation.in_flight), crash=crash)

    @precondition(lambda self: self.simulation.in_flight)
    @rule(which=WHICH, retry_after=st.sampled_from([None, 0.0, 30.0, 1e12]))
    def slack_is_unavailable(self, which: int, retry_after: float | None) -> None:
        self.simulation.in_flight.pop(which % len(self.simulation.in_flight))
        if self.simulation.row.pending_notifications:
            self.simulation.step(lambda row: outbox.retry_later(row, self.simulation.now, retry_after))

    @precondition(lambda self: self.simulation.in_flight)
    @rule(which=WHICH, direct=st.booleans(), rarely=st.integers(0, 3))
    def slack_rejects_for_good(self, which: int, direct: bool, rarely: int) -> None:
        if rarely == 0:
            self.simulation.reject_delivery(which % len(self.simulation.in_flight), direct=direct)

    # what holds always

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert self.simulation.posts <= 1
        assert len(self.simulation.senders) <= 1

    @invariant()
    def nothing_is_left_without_a_timer(self) -> None:
        check_invariants(self.simulation.row)

    @invariant()
    def nothing_was_sent_that_nobody_confirmed(self) -> None:
        if self.simulation.posts or self.simulation.senders:
            assert self.simulation.row.decided_by is not None
            assert self.simulation.row.state not in {State.REQUESTED, State.WITHDRAWN, State.EXPIRED}

    def teardown(self) -> None:
        """From anywhere, with a cloud that answers and a Slack that takes everything, it ends, and everybody knows."""
        if not hasattr(self, "simulation"):
            return
        simulation = self.simulation
        simulation.senders.clear()
        slow = [simulation.in_flight.pop() for _ in range(len(simulation.in_flight))]
        simulation.settle()
        told = list(simulation.published)
        for old_delivery in slow:  # a second copy of a message may come late: an alarm among them is then edited
            simulation.in_flight.append(old_delivery)
            simulation.finish_delivery(0, crash=False)
        simulation.settle()
        self.everything_was_delivered(told)

    def everything_was_delivered(self, told: list[Notification]) -> None:
        row, published = self.simulation.row, self.simulation.published
        assert row.state in FINAL
        assert row.due_at is None
        assert not row.pending_notifications
        if self.simulation.was_rejected:
            return  # the log has what could not be delivered
        if row.message_ts is not None:
            assert self.simulation.messages[row.message_ts] is row.state
        assert not self.simulation.posts or row.decided_by
        endings = [kind for kind in told if kind in END_NOTIFICATIONS.values()]
        assert endings[-1:] == [END_NOTIFICATIONS[row.state]] if row.state in END_NOTIFICATIONS else not endings
        if self.simulation.posts and row.state is not State.NOT_SENT:
            assert Notification.REQUEST_CARD in published


Life.TestCase.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLife = Life.TestCase
