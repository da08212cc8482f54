"""Whatever happens, in whatever order: nothing is sent twice, nothing is left without its time, nothing ends untold."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.core import telling
from bot.core.looks import Job
from bot.core.reasons import Fault, NotSent, Refused, Unsure
from bot.core.upgrade import News, Sight, State
from tests.core.upgrades import ENDING, FINAL, check, question
from tests.core.world import World

PEOPLE = st.sampled_from(["UANN", "UBOB", "UEVE"])
SECONDS = st.sampled_from([0.5, 3.0, 9.0, 11.0, 40.0, 130.0])
OUTCOMES: st.SearchStrategy[tuple[str | Fault, bool]] = st.sampled_from(
    [("job-1", True), (Refused(409, "DBS.200019"), False), (NotSent(), False), (Unsure(), True), (Unsure(504), False)]
)
STATUSES = ["Pending", "Running", "Completed", "Failed", "Canceled", "Unauthorized", "Odd"]
JOBS = st.builds(Job, st.just("job-1"), st.sampled_from(STATUSES), st.sampled_from([None, 0, 60, 100]))
LOOKS: st.SearchStrategy[Job | Fault | None] = st.one_of(JOBS, st.none(), st.just(Fault(503)))
FOUND: st.SearchStrategy[str | Sight] = st.sampled_from(["job-1", *Sight])
WHICH = st.integers(0, 7)


class Life(RuleBasedStateMachine):
    """The life of one upgrade in a world where everything may fail, be late, or happen twice."""

    @initialize(delay=st.booleans(), so_far=st.integers(0, 4), outcome=OUTCOMES, slow=st.integers(0, 2))
    def somebody_asks(self, delay: bool, so_far: int, outcome: tuple[str | Fault, bool], slow: int) -> None:
        """Anything between a question that is not posted yet and an answer of the cloud; some tellings are slow."""
        self.world = world = World(question(delay=delay))
        for _ in range(slow):
            world.begin()
        if so_far >= 1:
            world.begin()
            world.land(0, crash=False)
        if so_far >= 2:
            world.click(world.row.confirm("UBOB", world.now), sends=True)
        if so_far >= 3:
            world.begin()
            world.send(world.senders[0], outcome[0], really=outcome[1])
        if so_far >= 4:
            world.answer(world.senders[0])

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.row.state is not State.ASKED)
    @rule(seconds=st.sampled_from([601.0, 3600.0, 31 * 86_400.0]))
    def a_long_time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule()
    def the_next_thing_falls_due(self) -> None:
        self.world.now = max(self.world.now, self.world.row.due_at or 0.0)

    # people

    @precondition(lambda self: self.world.messages)
    @rule(by=PEOPLE, which=WHICH, confirm=st.sampled_from([True, True, True, False]))
    def somebody_clicks(self, by: str, which: int, confirm: bool) -> None:
        world = self.world
        ts = list(world.messages)[which % len(world.messages)]
        world.adopt(ts)
        if world.row.message_ts == ts:
            row = world.row
            world.click((row.confirm if confirm else row.withdraw)(by, world.now), sends=confirm)

    @rule(job=st.one_of(st.none(), JOBS, st.just(Job("job-1", ""))))
    def somebody_looks_again(self, job: Job | None) -> None:
        self.world.check_outcome(job)

    # whoever sends

    @precondition(lambda self: self.world.senders)
    @rule()
    def the_sender_shows_the_decision(self) -> None:
        self.world.show(self.world.senders[0])

    @precondition(lambda self: self.world.senders)
    @rule()
    def the_sender_renews_its_lease(self) -> None:
        self.world.renew(self.world.senders[0])

    @precondition(lambda self: any(sender.outcome is None for sender in self.world.senders))
    @rule(outcome=OUTCOMES)
    def the_sender_sends(self, outcome: tuple[str | Fault, bool]) -> None:
        sender = next(one for one in self.world.senders if one.outcome is None)
        self.world.send(sender, outcome[0], really=outcome[1])

    @precondition(lambda self: any(sender.outcome is not None for sender in self.world.senders))
    @rule()
    def the_cloud_has_answered(self) -> None:
        self.world.answer(next(one for one in self.world.senders if one.outcome is not None))

    @rule()
    def the_process_dies(self) -> None:
        self.world.senders.clear()
        self.world.tellings.clear()

    # the loop

    @rule(seen=LOOKS, found=FOUND)
    def the_loop_looks(self, seen: Job | Fault | None, found: str | Sight) -> None:
        self.world.attend(seen, found)

    # news

    @rule()
    def somebody_starts_to_tell(self) -> None:
        self.world.begin()

    @precondition(lambda self: self.world.tellings)
    @rule(which=WHICH, crash=st.booleans())
    def slack_takes_it(self, which: int, crash: bool) -> None:
        self.world.land(which % len(self.world.tellings), crash=crash)

    @precondition(lambda self: self.world.tellings)
    @rule(which=WHICH, retry_after=st.sampled_from([None, 0.0, 30.0, 1e12]))
    def slack_is_away(self, which: int, retry_after: float | None) -> None:
        self.world.tellings.pop(which % len(self.world.tellings))
        if self.world.row.untold:
            self.world.step(lambda row: telling.postponed(row, self.world.now, retry_after))

    @precondition(lambda self: self.world.tellings)
    @rule(which=WHICH, direct=st.booleans(), rarely=st.integers(0, 3))
    def slack_refuses_for_good(self, which: int, direct: bool, rarely: int) -> None:
        if rarely == 0:
            self.world.refuse(which % len(self.world.tellings), direct=direct)

    # what holds always

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert self.world.posts <= 1
        assert len(self.world.senders) <= 1

    @invariant()
    def nothing_is_left_without_its_time(self) -> None:
        check(self.world.row)

    @invariant()
    def nothing_was_sent_that_nobody_confirmed(self) -> None:
        if self.world.posts or self.world.senders:
            assert self.world.row.decided_by is not None
            assert self.world.row.state not in {State.ASKED, State.WITHDRAWN, State.EXPIRED}

    def teardown(self) -> None:
        """From anywhere, with a cloud that answers and a Slack that takes everything, it ends, and everybody knows."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.senders.clear()
        slow = [world.tellings.pop() for _ in range(len(world.tellings))]
        world.settle()
        for telling_of_old in slow:
            world.tellings.append(telling_of_old)
            world.land(0, crash=False)
        world.settle()
        self.everything_was_told()

    def everything_was_told(self) -> None:
        row, said = self.world.row, self.world.said
        assert row.state in FINAL
        assert row.due_at is None
        assert not row.untold
        if self.world.is_deaf:
            return  # somebody closed a door for good: the log has what could not be told
        if row.message_ts is not None:
            assert self.world.messages[row.message_ts] is row.state
        assert not self.world.posts or row.decided_by
        endings = [news for news in said if news in ENDING.values()]
        assert endings[-1:] == [ENDING[row.state]] if row.state in ENDING else not endings
        if self.world.posts and row.state is not State.NOT_SENT:
            assert News.QUESTION in said


Life.TestCase.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLife = Life.TestCase
