"""Rate limits of the Web API: calls of a method that Slack has limited take turns, at the rate that Slack documents.

Slack limits by method, chat.postMessage by method and channel (https://docs.slack.dev/apis/web-api/rate-limits); it
allows bursts of a size that it does not tell. So calls are free until one is answered with 429. From then on the calls
of that method (and channel) alone wait for `Retry-After`, then go one at a time, until there was none for an hour.
Who waits goes by priority, then in order: outcomes are told within a minute, however much else is to be posted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum

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


class Priority(IntEnum):
    """Which calls of a limited method go first: the lowest number."""

    OUTCOME = 0  # how an upgrade ended, or that somebody has to act
    BEFORE_OUTCOME = 1  # what stands before an outcome in its thread, so that both are told soon
    NORMAL = 2
    REPORT = 3  # repeats what the thread tells


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is in a queue: `waiter` keeps its place when it is told to come later.

    A call that gives way goes only when nobody waits.
    """

    waiter: str = ""
    gives_way: bool = False
    priority: Priority = Priority.NORMAL


ANY_TURN = Turn()


@dataclass(slots=True)
class Place:
    """When a waiter may call (monotonic seconds), and before whom it goes."""

    at: float
    priority: Priority


@dataclass(slots=True, eq=False, repr=False)
class Queue:
    """The places of one limited method, and the next free time (monotonic seconds)."""

    interval: float
    next_at: float = 0.0
    places: dict[object, Place] = field(default_factory=dict)

    def turn_of(self, waiter: object, now: float, priority: Priority = Priority.NORMAL) -> float:
        """When this one may call; a new one comes after all others of its priority and before all lower ones."""
        place = self.places.get(waiter)
        if place is None:
            place = self.places[waiter] = Place(max(self.next_at, now), priority)
            self.next_at = place.at + self.interval
            self._sort(now)
        elif priority < place.priority:
            place.priority = priority
            self._sort(now)
        return place.at

    def pause(self, until: float) -> None:
        """Nobody calls until then; the order stays."""
        at = until
        for place in sorted(self.places.values(), key=lambda place: place.at):
            place.at = max(at, place.at)
            at = place.at + self.interval
        self.next_at = max(self.next_at, at)

    def _sort(self, now: float) -> None:
        """Hand the times that are still to come to the waiters by priority; those of one keep their order."""
        coming = sorted((place for place in self.places.values() if place.at > now), key=lambda place: place.at)
        times = [place.at for place in coming]
        for place, at in zip(sorted(coming, key=lambda place: place.priority), times, strict=True):
            place.at = at

    def forget_lost(self, now: float) -> None:
        """Forget who did not come back, e.g. because another replica has made the call."""
        self.places = {waiter: place for waiter, place in self.places.items() if place.at > now - LOST_SECONDS}


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
        if turn.gives_way and (queue.places or free_in > 0):
            raise _limited(method, max(free_in, 0.0) + queue.interval)
        if not turn.waiter and free_in > PATIENCE_SECONDS:
            raise _limited(method, free_in)  # it has no name to come back with
        try:
            patient_until = now + PATIENCE_SECONDS  # also when others of a higher priority come in between
            while (seconds := queue.turn_of(waiter, now, turn.priority) - now) > 0:
                if seconds > patient_until - now:
                    raise _limited(method, max(seconds - PATIENCE_SECONDS, 0.0))
                await self._sleep(seconds)
                now = self._clock()
            del queue.places[waiter]
        finally:
            if not turn.waiter:
                queue.places.pop(waiter, None)

    def limited(self, method: str, channel: str, retry_after: float | None, turn: Turn = ANY_TURN) -> SlackUnavailable:
        """Slack has answered 429: pause; the error that tells the caller when to come back."""
        pause = DEFAULT_RETRY_AFTER_SECONDS if retry_after is None else min(retry_after, MAX_RETRY_AFTER_SECONDS)
        key = _key(method, channel)
        queue = self._queues.setdefault(key, Queue(INTERVAL_SECONDS.get(method, TIER_3)))
        now = self._clock()
        queue.pause(now + pause)
        if turn.waiter and not turn.gives_way:
            turn_at = queue.turn_of(turn.waiter, now, turn.priority)
            return _limited(method, max(turn_at - now - PATIENCE_SECONDS, 0.0))
        return _limited(method, pause)


def _key(method: str, channel: str) -> tuple[str, str]:
    return method, channel if method in METHODS_BY_CHANNEL else ""


def _limited(method: str, retry_after: float) -> SlackUnavailable:
    return SlackUnavailable(f"{method}: rate limit", retry_after)
