"""Rings for everybody who watches when something in a stand-in has changed."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """Counts changes; a watcher waits for a count that it has not seen."""

    def __init__(self) -> None:
        self.rung = 0
        self.stopped = False
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Tell of a change."""
        self.rung += 1
        self._next.set()
        self._next = asyncio.Event()

    def stop(self) -> None:
        """Tell all watchers to go home."""
        self.stopped = True
        self.ring()

    async def heard(self, seen: int, patience: float) -> int:
        """Wait until there was a change after the one seen, at most `patience` seconds; return the count."""
        if self.rung == seen:
            with contextlib.suppress(TimeoutError):  # nothing has changed: the watcher looks itself
                await asyncio.wait_for(self._next.wait(), patience)
        return self.rung
