"""Answers of Slack kept for a while: asked once for many who wait, never waited for longer than one can."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.core.reasons import Undelivered

log = logging.getLogger("bot.people")
Value = TypeVar("Value")
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """A value and when it was read (by the cache's clock)."""

    value: Value
    at: float


class Cache(Generic[Value]):
    """Values by id; one that cannot be read is None to this caller and is asked again by the next."""

    def __init__(self, fetch: Callable[[str], Awaitable[Value]], seconds: float, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[str, Kept[Value]] = {}
        self._asking: dict[str, asyncio.Task[Value | None]] = {}

    async def get(self, key: str, patience: float, seconds: float | None = None) -> Value | None:
        """The value, not older than `seconds`, or None when Slack refuses or does not answer within `patience` seconds.

        The question goes on after the patience is over, so that the next caller finds the answer.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.at + (self._seconds if seconds is None else seconds):
            return kept.value
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key), name=f"ask Slack for {key}")
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else None

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, key: str) -> Value | None:
        try:
            value = await self._fetch(key)
        except Undelivered as error:
            log.warning("slack.unread", extra={"id": key, "why": repr(error)})
            return None
        finally:
            self._asking.pop(key, None)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = Kept(value, self._clock())
        return value
