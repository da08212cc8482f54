"""Rate limits of the Web API: calls of a method that Slack has limited take turns, at the rate that Slack documents.

Slack limits by method, chat.postMessage by method and channel (https://docs.slack.dev/apis/web-api/rate-limits); it
allows bursts of a size that it does not tell. So calls are free until one is answered with 429. From then on the calls
of that method (and channel) alone wait for `Retry-After`, then go one at a time, until there was none for an hour.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.core.errors import SlackUnavailable

TIER_2, TIER_3, TIER_4 = 60 / 20, 60 / 50, 60 / 100  # seconds between two calls
INTERVAL_SECONDS = {
    "auth.test": TIER_4,
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": 1.0,
    "chat.update": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.list": TIER_2,
    "conversations.open": TIER_3,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
}
METHODS_BY_CHANNEL = frozenset({"chat.postMessage"})
PATIENCE_SECONDS = 1.5  # how long a call waits itself: with its answer that is shorter than a claim on a row
QUIET_SECONDS = 3600.0  # without calls, after which they are free again
LOST_SECONDS = 60.0  # after its turn
DEFAULT_RETRY_AFTER_SECONDS = 5.0
MAX_RETRY_AFTER_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is in a queue: `waiter` keeps its place when it is told to come later.

    A call that gives way goes only when nobody waits.
    """

    waiter: str = ""
    gives_way: bool = False


ANY_TURN = Turn()


@dataclass(slots=True)
class Queue:
    """The turns of one limited method: when each who waits may call (monotonic seconds), and the next free turn."""

    interval: float
    next_at: float = 0.0
    turns: dict[object, float] = field(default_factory=dict)

    def turn_of(self, waiter: object, now: float) -> float:
        """When this one may call; a new one comes after all others."""
        if waiter not in self.turns:
            self.turns[waiter] = max(self.next_at, now)
            self.next_at = self.turns[waiter] + self.interval
        return self.turns[waiter]

    def pause(self, until: float) -> None:
        """Nobody calls until then; the order stays."""
        at = until
        for waiter, turn in sorted(self.turns.items(), key=lambda item: item[1]):
            self.turns[waiter] = max(at, turn)
            at = self.turns[waiter] + self.interval
        self.next_at = max(self.next_at, at)

    def forget_lost(self, now: float) -> None:
        """Forget who did not come back, e.g. because another replica has made the call."""
        self.turns = {waiter: turn for waiter, turn in self.turns.items() if turn > now - LOST_SECONDS}


class RateLimits:
    """The queues of the methods, and channels, that Slack has limited lately."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._queues: dict[tuple[str, str], Queue] = {}

    async def wait(self, method: str, channel: str, turn: Turn = ANY_TURN) -> None:
        """Wait for the turn; raises `SlackUnavailable` with the time to come back when that takes too long."""
        key = _key(method, channel)
        if key not in self._queues:
            return
        queue, waiter = self._queues[key], turn.waiter or object()
        now = self._clock()
        if queue.next_at + QUIET_SECONDS < now:
            del self._queues[key]
            return
        queue.forget_lost(now)
        free_in = queue.next_at - now
        if turn.gives_way and (queue.turns or free_in > 0):
            raise _limited(method, max(free_in, 0.0) + queue.interval)
        if not turn.waiter and free_in > PATIENCE_SECONDS:
            raise _limited(method, free_in)  # it has no name to come back with
        try:
            while (seconds := queue.turn_of(waiter, now) - now) > 0:
                if seconds > PATIENCE_SECONDS:
                    raise _limited(method, seconds - PATIENCE_SECONDS)
                await self._sleep(seconds)
                now = self._clock()
            del queue.turns[waiter]
        finally:
            if not turn.waiter:
                queue.turns.pop(waiter, None)

    def limited(self, method: str, channel: str, retry_after: float | None, turn: Turn = ANY_TURN) -> SlackUnavailable:
        """Slack has answered 429: pause; the error that tells the caller when to come back."""
        pause = DEFAULT_RETRY_AFTER_SECONDS if retry_after is None else min(retry_after, MAX_RETRY_AFTER_SECONDS)
        key = _key(method, channel)
        queue = self._queues.setdefault(key, Queue(INTERVAL_SECONDS.get(method, TIER_3)))
        now = self._clock()
        queue.pause(now + pause)
        if turn.waiter and not turn.gives_way:
            return _limited(method, max(queue.turn_of(turn.waiter, now) - now - PATIENCE_SECONDS, 0.0))
        return _limited(method, pause)


def _key(method: str, channel: str) -> tuple[str, str]:
    return method, channel if method in METHODS_BY_CHANNEL else ""


def _limited(method: str, retry_after: float) -> SlackUnavailable:
    return SlackUnavailable(f"{method}: rate limit", retry_after)
