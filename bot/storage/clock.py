"""The one clock by which leases and timers go: the database's, so that all processes that share it agree.

Times are UNIX seconds. A machine's own clock may be wrong, may be set, and may have stood still with its machine.
"""

import time
from collections.abc import Callable


class DatabaseClock:
    """The time of a database server, carried on between readings by a clock that is never set."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ahead = time.time() - monotonic()  # seconds; by this machine's own clock until the first reading

    def __call__(self) -> float:
        """The time now, as far as the last reading tells."""
        return self._monotonic() + self._ahead

    def set(self, at: float, asked_at: float) -> None:
        """The server has answered now with its time; `asked_at` is when it was asked (monotonic)."""
        self._ahead = at - (asked_at + self._monotonic()) / 2


class SteadyClock:
    """A machine's own clock that is never seen to go back: while it has been set back, a monotonic one carries on."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last = wall()
        self._last_monotonic = monotonic()

    def __call__(self) -> float:
        """The time now."""
        monotonic = self._monotonic()
        self._last = max(self._wall(), self._last + monotonic - self._last_monotonic)
        self._last_monotonic = monotonic
        return self._last
