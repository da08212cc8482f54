"""What can go wrong on the way to the stand-in's Web API, and when it shall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

When: TypeAlias = Callable[[Mapping[str, Any]], bool]
How: TypeAlias = str | int | tuple[str, float]


@dataclass(slots=True)
class Fault:
    """One kind of failure of a method ("*" for any), for some calls (None: until healed).

    `how` is an error code of Slack; a status (429, 500 …); "html"; "hang" (nothing happens and no answer comes);
    ("slow", seconds): applied at once, answered late; ("late", seconds): applied late; "drop_before" and "drop_after":
    the connection is closed without an answer, before or after the call took effect.
    """

    method: str
    how: How
    times_left: int | None = 1
    when: When | None = None
    retry_after: int = 1

    def meets(self, method: str, arguments: Mapping[str, Any]) -> bool:
        """Say whether this call is one that shall fail."""
        return self.method in ("*", method) and (self.when is None or self.when(arguments))


class Faults:
    """The failures that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._healed = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Let calls fail in that way."""
        self._waiting.append(fault)

    def take(self, method: str, arguments: Mapping[str, Any]) -> Fault | None:
        """Return the failure this call meets, if any, and count it."""
        fault = next((fault for fault in self._waiting if fault.meets(method, arguments)), None)
        if fault is not None and fault.times_left is not None:
            fault.times_left -= 1
            if fault.times_left <= 0:
                self._waiting.remove(fault)
        return fault

    def heal(self) -> None:
        """Forget all failures; calls that hang lose their connection."""
        self._waiting.clear()
        self._healed.set()
        self._healed = asyncio.Event()

    async def hang(self, seconds: float | None = None) -> bool:
        """Keep a call waiting; True when it was healed before the time was over."""
        try:
            await asyncio.wait_for(self._healed.wait(), seconds)
        except TimeoutError:
            return False
        return True
