"""A clock that only moves by hand, for what would take minutes or days."""

from __future__ import annotations

import time


class HandClock:
    """Stands still at the moment it was made, until it is put forward."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now

    def __call__(self) -> float:
        """The time, in seconds since 1970."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Put it forward."""
        self.now += seconds
