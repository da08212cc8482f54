"""What this process has in hand: rows it works on, and leases on the upgrades it is sending."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.core.tracing import UPGRADE


@dataclass(slots=True)
class Lease:
    """Until when this process may send: by the wall clock that others go by, and by one that never jumps."""

    wall: float
    steady: float

    def holds(self, wall: float, steady: float) -> bool:
        """Whether nobody else can have taken the row for dead yet."""
        return wall < self.wall and steady < self.steady


@dataclass(slots=True)
class Hands:
    """The rows this process is at work on, so that its own loop leaves them alone, and the leases of those it sends."""

    at_work: set[str] = field(default_factory=set)
    leases: dict[str, Lease] = field(default_factory=dict)

    @contextmanager
    def on(self, upgrade_id: str) -> Iterator[bool]:
        """Take a row in hand; False when it already is."""
        if upgrade_id in self.at_work:
            yield False
            return
        self.at_work.add(upgrade_id)
        outer = UPGRADE.set(upgrade_id)
        try:
            yield True
        finally:
            UPGRADE.reset(outer)
            self.at_work.discard(upgrade_id)
