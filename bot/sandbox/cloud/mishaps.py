"""What can go wrong on purpose: the list of mishaps, and which one strikes next.

Mishap
├── an error of the API          "409 DBS.200019", …     no effect, the error is the answer
├── another answer               html, redirect          no effect
├── the answer is spoilt         no job_id, huge, …      takes effect
├── the connection               lost before, hang, …    see each label
└── the job                      job fails, late job, …  takes effect, answered well
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.cloud.answers import ERRORS, ApiError
from bot.sandbox.cloud.operations import OPERATIONS
from bot.sandbox.cloud.region import Fate

CLOSED_AT_ONCE = "closed at once"

WITHOUT_EFFECT: dict[str, str] = {
    CLOSED_AT_ONCE: "the connection is closed before the request is read",
    "lost before": "the request is read, then the connection is closed; nothing happened",
    "hang": "the request is read and never answered; nothing happened",
    "html": "200 with an HTML page instead of JSON; nothing happened",
    "redirect": "302 to another address; nothing happened",
}
"""Mishaps that keep the request from the cloud, besides the API's errors."""

WITH_EFFECT: dict[str, str] = {
    "slow": "answered well, but late",
    "accepted, answer lost": "it happens, then the connection is closed without an answer",
    "accepted, reset": "it happens, then the connection is reset",
    "accepted, hang": "it happens, and is never answered",
    "accepted, 504": "it happens, but the gateway answers 504 APIGW.0201",
    "half answer": "it happens, but the connection is closed in the middle of the answer",
    "no job_id": "it happens, and the answer is 200 {}",
    "huge": "it happens, and the answer is 2 MiB long",
    "wrong types": "it happens, but the answer's values have other types",
    "empty body": "it happens, and the answer is 200 without a body",
}
"""Mishaps that only concern the answer."""

FATES: dict[str, tuple[str, Fate]] = {
    "job fails": (
        "accepted; the job fails at 60 %",
        Fate("Failed", 60, "Failed to upgrade the kernel: node be-1 was not ready after 600 s."),
    ),
    "job canceled": ("accepted; the job is canceled at 30 %", Fate("Canceled", 30)),
    "job unauthorized": ("accepted; the job waits for an authorization", Fate("Unauthorized", 0)),
    "late job": ("accepted; the job can be queried only after some seconds", Fate()),
}
"""What becomes of the upgrade's job; only for the operation `upgrade`."""

_BY_NAME: dict[str, ApiError] = {error.name: error for error in ERRORS}

MISHAPS: dict[str, str] = {
    **{error.name: error.message for error in ERRORS},
    **WITHOUT_EFFECT,
    **WITH_EFFECT,
    **{name: label for name, (label, _) in FATES.items()},
}
"""Every mishap: its name and a short label for people."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A mishap that was chosen: what goes wrong, in which operation, how many more times."""

    name: str
    operation: str
    left: int
    seconds: float
    struck: int = 0

    @property
    def error(self) -> ApiError | None:
        """The API's error that is answered instead, if it is one."""
        return _BY_NAME.get(self.name)

    @property
    def keeps_off(self) -> bool:
        """Whether the request never reaches what it is for."""
        return self.error is not None or self.name in WITHOUT_EFFECT

    @property
    def fate(self) -> Fate:
        """What it means for the job of an upgrade."""
        fate = FATES[self.name][1] if self.name in FATES else Fate()
        return Fate(fate.ends, fate.at_percent, fate.reason, self.seconds) if self.name == "late job" else fate


class Mishaps:
    """At most one chosen mishap for each operation."""

    def __init__(self) -> None:
        self._chosen: dict[str, Mishap] = {}

    @property
    def chosen(self) -> tuple[Mishap, ...]:
        """What will strike."""
        return tuple(self._chosen.values())

    def choose(self, name: str, operation: str, times: int, seconds: float | None) -> Mishap:
        """Let a mishap strike the next calls of an operation, in the place of one chosen before."""
        if name not in MISHAPS:
            raise ValueError(f"no mishap {name!r}; there are: {', '.join(MISHAPS)}")
        if operation not in OPERATIONS:
            raise ValueError(f"no operation {operation!r}; there are: {', '.join(OPERATIONS)}")
        if name in FATES and operation != "upgrade":
            raise ValueError(f"{name!r} can only happen to an upgrade")
        if times < 1:
            raise ValueError("a mishap strikes at least once")
        if seconds is None:
            seconds = 1.0 if name in _BY_NAME else 5.0
        self._chosen[operation] = mishap = Mishap(name, operation, times, seconds)
        return mishap

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._chosen.clear()

    def closes_at_once(self, operation: str) -> bool:
        """Whether the next call of this operation is to be closed before it is read."""
        mishap = self._chosen.get(operation)
        return mishap is not None and mishap.name == CLOSED_AT_ONCE

    def take(self, operation: str) -> Mishap | None:
        """Let the chosen mishap strike once."""
        mishap = self._chosen.get(operation)
        if mishap is None:
            return None
        if mishap.left > 1:
            self._chosen[operation] = Mishap(mishap.name, operation, mishap.left - 1, mishap.seconds, mishap.struck + 1)
        else:
            del self._chosen[operation]
        return mishap
