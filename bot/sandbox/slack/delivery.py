"""What Slack sends to an app, and how the app took it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Envelope:
    """One command or click on its way to the app; delivered again, it keeps its id."""

    id: str
    kind: Literal["slash_commands", "interactive"]
    payload: dict[str, Any]
    person_id: str
    channel_id: str
    attempt: int = 0

    def again(self) -> Envelope:
        """Return the same envelope for one more attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back in time: an ack or none, what it carried, the HTTP status if there was one."""

    acked: bool
    body: Any = None
    status: int | None = None
    unreachable: bool = False
    through: int | str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one delivery went, as whoever drives the stand-in gets to see it."""

    acked: bool
    seconds: float
    body: Any
    status: int | None
    payload: dict[str, Any]
    envelope: Envelope
    through: int | str | None  # the number of the connection, or the address, that was used
