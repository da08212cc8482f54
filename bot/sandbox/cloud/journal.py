"""What happened: every request, every upgrade that arrived (also in a file), and waiting for it to happen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
KEPT = 20_000  # calls; older ones are let go
SECRET_HEADERS = frozenset({"x-auth-token", "authorization", "x-security-token"})
HIDDEN = "***"
_LATER = ("answered", "status")  # not yet known when the line is written


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without its secrets; `status` is None while there is no answer, or when none was given."""

    at: float
    operation: str
    method: str
    path: str
    query: str
    status: int | None
    request_id: str
    language: str
    signed_by: str
    body: str = ""
    answer: str = ""
    mishap: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeCall:
    """One POST that arrived at the upgrade path; `answered` when the whole answer was written."""

    at: float
    instance_id: str
    body: object
    headers: Mapping[str, str]
    took_effect: bool
    answered: bool
    job_id: str | None
    language: str
    status: int | None = None
    request_id: str = ""


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Copy headers with the secret ones hidden."""
    return {name: HIDDEN if name in SECRET_HEADERS else value for name, value in headers.items()}


@dataclass
class Journal:
    """All that happened, and who wants to hear of it."""

    log_path: Path | None = None
    upgrades: list[UpgradeCall] = field(default_factory=list)
    most_in_flight: int = 0
    in_flight: int = 0
    calls: list[Call] = field(default_factory=list)
    _dropped: int = 0
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def entered(self) -> None:
        """Count a request that came in."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self) -> None:
        """Count a request that is over."""
        self.in_flight -= 1
        self.changed()

    def arrived(self, call: Call) -> int:
        """Write down a request; the number finds it again."""
        self.calls.append(call)
        if len(self.calls) > KEPT:
            del self.calls[: KEPT // 2]
            self._dropped += KEPT // 2
        self.changed()
        return self._dropped + len(self.calls) - 1

    def answering(self, number: int, status: int | None, answer: str = "", mishap: str = "") -> None:
        """Add to a request what it is answered."""
        if (index := number - self._dropped) >= 0:
            self.calls[index] = replace(self.calls[index], status=status, answer=answer, mishap=mishap)
        self.changed()

    def upgrade_arrived(self, call: UpgradeCall) -> int:
        """Write down an upgrade, to the disk before anything is answered."""
        self.upgrades.append(call)
        if self.log_path is not None:
            line = {name: value for name, value in asdict(call).items() if name not in _LATER}
            with self.log_path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
                log.flush()
                os.fsync(log.fileno())
        self.changed()
        return len(self.upgrades) - 1

    def upgrade_answered(self, number: int, status: int) -> None:
        """Note that an upgrade's whole answer was written."""
        self.upgrades[number] = replace(self.upgrades[number], answered=True, status=status)
        self.changed()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each change; what comes back ends it."""
        self._listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):  # ended twice: nothing to do
                self._listeners.remove(listener)

        return stop

    def changed(self) -> None:
        """Wake all who wait."""
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in tuple(self._listeners):
            listener()

    async def until(self, condition: Callable[[], T], timeout: float) -> T:
        """Wait until the condition holds and give its value; AssertionError with the last calls when it never does."""
        try:
            async with asyncio.timeout(timeout):
                while not (value := condition()):
                    await self._changed.wait()
                return value
        except TimeoutError:
            raise AssertionError(f"not within {timeout} s; {self.transcript()}") from None

    def transcript(self) -> str:
        """Tell the last calls in lines."""
        lines = [f"  {c.method} {c.path} -> {c.status} {c.answer[:100]} {c.mishap}" for c in self.calls[-20:]]
        return "the cloud saw:\n" + ("\n".join(lines) or "  nothing")
