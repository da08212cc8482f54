"""Calls of a limited method take turns; all others are free."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import pytest

from bot.core.errors import SlackUnavailable
from bot.sandbox.slack import StandInSlack
from bot.slack.client import SlackClient
from bot.slack.rate_limits import MAX_RETRY_AFTER_SECONDS, PATIENCE_SECONDS, QUIET_SECONDS, Priority, RateLimits, Turn

POST, UPDATE = "chat.postMessage", "chat.update"
HERE, THERE = "C1", "C2"


@dataclass
class Clock:
    """Sleeping moves it."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits(clock, clock.sleep)


async def when_called(limits: RateLimits, clock: Clock, method: str, channel: str, turn: Turn) -> float:
    """When this call goes, if it comes back each time it is told to; the clock is put back afterwards."""
    began = clock.now
    while True:
        try:
            await limits.wait(method, channel, turn)
        except SlackUnavailable as limited:
            clock.now += limited.retry_after or 0.0
        else:
            called_at, clock.now = clock.now, began
            return called_at - began


async def test_calls_are_free_until_slack_limits_them(limits: RateLimits, clock: Clock) -> None:
    for _ in range(1000):
        await limits.wait(POST, HERE)
    assert clock.slept == []


async def test_a_429_pauses_that_method_and_channel_alone(limits: RateLimits, clock: Clock) -> None:
    assert limits.limited(POST, HERE, 30.0).retry_after == 30
    with pytest.raises(SlackUnavailable) as caught:
        await limits.wait(POST, HERE)
    assert caught.value.retry_after == 30
    for method, channel in ((POST, THERE), (UPDATE, HERE), ("chat.postEphemeral", HERE)):
        await limits.wait(method, channel)
    assert clock.slept == []


async def test_chat_update_is_limited_in_all_channels_at_once(limits: RateLimits) -> None:
    limits.limited(UPDATE, HERE, 30.0)
    with pytest.raises(SlackUnavailable):
        await limits.wait(UPDATE, THERE)


async def test_who_waits_goes_in_order_one_a_second_in_a_channel(limits: RateLimits, clock: Clock) -> None:
    limits.limited(POST, HERE, 5.0, Turn("0"))
    turns = [Turn(str(number)) for number in range(30)]
    for turn in turns:  # all ask at once; each is told when to come back
        with pytest.raises(SlackUnavailable):
            await limits.wait(POST, HERE, turn)
    assert [await when_called(limits, clock, POST, HERE, turn) for turn in turns] == [
        pytest.approx(5.0 + number) for number in range(30)
    ]


async def test_who_comes_later_goes_later_although_others_are_away(limits: RateLimits, clock: Clock) -> None:
    limits.limited(POST, HERE, 5.0, Turn("first"))
    clock.now += 4.0
    assert await when_called(limits, clock, POST, HERE, Turn("second")) == pytest.approx(2.0)
    assert await when_called(limits, clock, POST, HERE, Turn("first")) == pytest.approx(1.0)


async def test_a_further_429_moves_everybody_and_keeps_the_order(limits: RateLimits, clock: Clock) -> None:
    turns = [Turn(str(number)) for number in range(3)]
    for turn in turns:
        limits.limited(POST, HERE, 5.0, turn)
    limits.limited(POST, HERE, 20.0)
    assert [await when_called(limits, clock, POST, HERE, turn) for turn in turns] == [20, 21, 22]


def outcome(name: str) -> Turn:
    return Turn(name, priority=Priority.OUTCOME)


async def test_outcomes_go_before_what_waits_already_and_both_keep_their_order(
    limits: RateLimits, clock: Clock
) -> None:
    normal, outcomes = [Turn("n1"), Turn("n2"), Turn("n3")], [outcome("o1"), outcome("o2")]
    for turn in (*normal, *outcomes):
        limits.limited(POST, HERE, 5.0, turn)
    assert [await when_called(limits, clock, POST, HERE, turn) for turn in (*outcomes, *normal)] == [5, 6, 7, 8, 9]


async def test_who_comes_back_with_an_outcome_is_moved_forward_once(limits: RateLimits, clock: Clock) -> None:
    for name in ("1", "2", "3"):
        limits.limited(POST, HERE, 5.0, Turn(name))
    turns = [outcome("3"), Turn("1"), Turn("2"), Turn("4")]
    for turn in turns * 2:
        with pytest.raises(SlackUnavailable):
            await limits.wait(POST, HERE, turn)
    assert [await when_called(limits, clock, POST, HERE, turn) for turn in turns] == [5, 6, 7, 8]


async def test_a_pause_holds_outcomes_too_and_keeps_them_in_front(limits: RateLimits, clock: Clock) -> None:
    limits.limited(POST, HERE, 5.0, Turn("normal"))
    limits.limited(POST, HERE, 5.0, outcome("first"))
    limits.limited(POST, HERE, 20.0)
    turns = [outcome("first"), Turn("normal")]
    assert [await when_called(limits, clock, POST, HERE, turn) for turn in turns] == [20, 21]


async def test_a_call_that_others_go_before_is_told_to_come_later_instead_of_waiting_on(clock: Clock) -> None:
    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        busy.limited(POST, HERE, 0.5, outcome(f"at {clock.now}"))

    busy = RateLimits(clock, sleep)
    busy.limited(POST, HERE, 1.0)
    with pytest.raises(SlackUnavailable):
        await busy.wait(POST, HERE, Turn("normal"))
    assert sum(clock.slept) <= PATIENCE_SECONDS


async def test_a_short_wait_is_waited_for(limits: RateLimits, clock: Clock) -> None:
    limits.limited(POST, HERE, PATIENCE_SECONDS)
    await limits.wait(POST, HERE)
    assert clock.slept == [PATIENCE_SECONDS]


async def test_progress_gives_way_to_whoever_waits(limits: RateLimits, clock: Clock) -> None:
    progress = Turn("job", gives_way=True)
    limits.limited(UPDATE, HERE, 1.0, Turn("card"))
    clock.now += 10
    with pytest.raises(SlackUnavailable):
        await limits.wait(UPDATE, HERE, progress)
    await limits.wait(UPDATE, HERE, Turn("card"))
    clock.now += 10
    await limits.wait(UPDATE, HERE, progress)


async def test_after_a_quiet_hour_calls_are_free_again(limits: RateLimits, clock: Clock) -> None:
    limits.limited(POST, HERE, 1.0)
    clock.now += 2 + QUIET_SECONDS
    for _ in range(100):
        await limits.wait(POST, HERE)
    assert clock.slept == []


async def test_a_waiter_that_never_comes_back_holds_up_nobody(limits: RateLimits, clock: Clock) -> None:
    limits.limited(UPDATE, HERE, 1.0, Turn("lost"))
    for _ in range(70):
        clock.now += 1.2
        await limits.wait(UPDATE, HERE, Turn("other"))
    clock.now += 1.2
    await limits.wait(UPDATE, HERE, Turn("job", gives_way=True))
    assert sum(clock.slept) < 2


@pytest.mark.parametrize(("said", "pause"), [(None, 5.0), (1e9, MAX_RETRY_AFTER_SECONDS), (0.0, 0.0)])
async def test_any_retry_after_is_bounded(limits: RateLimits, said: float | None, pause: float) -> None:
    assert limits.limited(POST, HERE, said).retry_after == pause


async def test_posts_go_on_while_slack_limits_edits() -> None:
    async with StandInSlack() as slack, aiohttp.ClientSession() as session:
        client = SlackClient(slack.bot_token, slack.api_url, session)
        channel = slack.channels["db-ops"].id
        ts = (await client.call(POST, channel=channel, text="x"))["ts"]
        slack.fail(UPDATE, 429, retry_after=30)
        for _ in range(2):
            with pytest.raises(SlackUnavailable) as caught:
                await client.call(UPDATE, channel=channel, ts=ts, text="y")
            assert 29 < (caught.value.retry_after or 0) <= 30
        assert [call.method for call in slack.calls].count(UPDATE) == 1, "during the pause nothing is sent"
        await client.call(POST, channel=channel, text="z")


async def test_many_posts_at_once_all_arrive_within_slacks_limit() -> None:
    async with StandInSlack() as slack, aiohttp.ClientSession() as session:
        client = SlackClient(slack.bot_token, slack.api_url, session)
        slack.limit_rates()

        async def post(text: str) -> None:
            while True:
                try:
                    await client.call(POST, turn=Turn(text), channel=slack.channels["db-ops"].id, text=text)
                except SlackUnavailable as limited:
                    await asyncio.sleep(limited.retry_after or 0)
                else:
                    return

        await asyncio.gather(*(post(f"message {number}") for number in range(7)))
        refused = [call for call in slack.calls if call.status == 429]
        assert len(slack.messages("db-ops")) == 7
        assert len(refused) == 4, "each is refused once, and then waits for its turn"
