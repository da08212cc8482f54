"""Upgrade jobs: their state at any time follows from the clock and from the speed that was set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

SPEEDS: Final[dict[str, float]] = {"seconds": 5.0, "minute": 60.0, "hours": 7200.0, "paused": 0.0}
"""How many seconds a job takes at each speed; paused: it makes no progress."""

FINAL_STATUSES: Final = ("Completed", "Failed", "Canceled", "Unauthorized")
OTHER_WORDS: Final = {
    "Pending": "PENDING",
    "Running": "running",
    "Completed": "SUCCESS",
    "Failed": "FAIL",
    "Canceled": "Cancelled",
}
PENDING_SHARE: Final = 0.1  # of a job's duration; the percentage is of the rest
DAY_SECONDS: Final = 86_400.0


class ManualClock:
    """A clock that moves only when it is told to, for what would take minutes or days."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now

    def __call__(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds


@dataclass(frozen=True, slots=True)
class JobClock:
    """A clock whose unit is the duration of a job, so that jobs keep their progress when the speed changes."""

    speed: str = "seconds"
    set_at: float = 0.0
    reading_then: float = 0.0

    @property
    def jobs_per_second(self) -> float:
        """How fast it runs; 0 while paused."""
        seconds = SPEEDS[self.speed]
        return 1.0 / seconds if seconds else 0.0

    def read(self, now: float) -> float:
        """Return its reading, in durations of a job."""
        return self.reading_then + (now - self.set_at) * self.jobs_per_second

    def with_speed(self, speed: str, now: float) -> JobClock:
        """Return the same clock at another speed; ValueError for an unknown one."""
        if speed not in SPEEDS:
            raise ValueError(f"speed is one of {', '.join(SPEEDS)}, not {speed!r}")
        return JobClock(speed, now, self.read(now))

    def time_at(self, reading: float, now: float) -> float | None:
        """Return when it has this reading at the present speed; None while paused."""
        return now + (reading - self.read(now)) / self.jobs_per_second if self.jobs_per_second else None


@dataclass(frozen=True, slots=True)
class JobPlan:
    """How a job is going to end, after how many seconds it can be queried, and how its statuses are spelt."""

    final_status: str = "Completed"
    final_percent: int = 100
    fail_reason: str = ""
    visible_after: float = 0.0
    in_other_words: bool = False
    keeps_version: bool = False
    abnormal_nodes: int = 0  # nodes that do not come back, and the instance with them


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a job at one time; `waiting`: it is delayed and the maintenance window has not opened."""

    status: str
    percent: int | None = None
    waiting: bool = False

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL_STATUSES

    @property
    def process(self) -> str:
        """The API's field of that name: `60%` while running, else empty."""
        return f"{self.percent}%" if self.status == "Running" else ""


@dataclass(frozen=True, slots=True)
class Job:
    """An accepted upgrade; `starts_at` is a reading of the job clock, the other times are seconds since 1970."""

    id: str
    instance_id: str
    instance_name: str
    parent_id: str
    created_at: float
    delayed: bool
    starts_at: float
    plan: JobPlan
    opens_at: float | None = None  # when its window opens by the calendar; it waits until then, `starts_at` or not
    final_status: str = ""  # empty until it has ended
    ended_at: float | None = None
    fail_reason: str = ""

    def spelt(self, status: str) -> str:
        """A status as the API writes it for this job."""
        return OTHER_WORDS.get(status, status) if self.plan.in_other_words else status

    @property
    def planned_duration(self) -> float:
        """Its duration when it ends as planned; 1 when it is completed."""
        return PENDING_SHARE + (1 - PENDING_SHARE) * self.plan.final_percent / 100

    def state(self, reading: float) -> JobState:
        """Return its state at this reading of the job clock."""
        if self.final_status:
            return _final_state(self.final_status)
        if self.opens_at is not None:
            return JobState("Pending", waiting=True)
        elapsed = round(reading - self.starts_at, 6)
        if elapsed < PENDING_SHARE:
            return JobState("Pending", waiting=self.delayed and elapsed < 0)
        if elapsed >= self.planned_duration:
            return _final_state(self.plan.final_status)
        return JobState("Running", int(round((elapsed - PENDING_SHARE) / (1 - PENDING_SHARE) * 100, 3)))


def _final_state(status: str) -> JobState:
    return JobState(status, 100 if status == "Completed" else None)


def start_for_percent(percent: int, reading: float) -> float:
    """Return when a job must have started to be at this percentage now, both as readings of the job clock."""
    return reading - PENDING_SHARE - (1 - PENDING_SHARE) * percent / 100


def next_time_of_day(time_of_day: str, now: float) -> float:
    """Return when it is next this time of day (`02:00`, UTC)."""
    hour, minute = time_of_day.split(":")
    today = datetime.fromtimestamp(now, UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return today.timestamp() + (DAY_SECONDS if today.timestamp() <= now else 0.0)
