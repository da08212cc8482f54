"""Waiting for something to happen in the stand-in, without sleeping and without waiting for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

# Conditions may also look at things outside (a cloud, a file), whose changes nobody announces here.
SECOND_LOOK_SECONDS: Final = 0.05


class Changes:
    """Counts changes, tells listeners, and wakes those who wait for a condition."""

    def __init__(self) -> None:
        self.count = 0
        self._listeners: list[Callable[[], object]] = []
        self._waiters: set[asyncio.Event] = set()

    def note(self) -> None:
        """Tell everybody that something has changed."""
        self.count += 1
        for event in self._waiters:
            event.set()
        for listener in tuple(self._listeners):
            listener()

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back at every change; returns what ends it."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    async def until(self, condition: Callable[[], T], timeout: float, transcript: Callable[[], str]) -> T:
        """Wait until the condition is true and return its value; AssertionError with the transcript when it is late."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            while not (value := condition()):
                left = deadline - loop.time()
                if left <= 0:
                    raise AssertionError(f"not within {timeout} s; this is what happened:\n{transcript()}")
                with contextlib.suppress(TimeoutError):  # then the condition is looked at again
                    await asyncio.wait_for(event.wait(), min(left, SECOND_LOOK_SECONDS))
                event.clear()
        finally:
            self._waiters.discard(event)
        return value
