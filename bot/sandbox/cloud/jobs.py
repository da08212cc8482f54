"""Jobs: where an upgrade stands is a pure function of the clock and of the speed that was set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

SPEEDS: dict[str, float] = {"seconds": 5.0, "minute": 60.0, "hours": 7200.0, "paused": 0.0}
"""How long one job takes at each speed, in seconds (paused: it stands still)."""

PENDING_SHARE = 0.1  # of a job's time; the percentage counts the rest
WINDOW_WAIT = 2.0  # a delayed job waits as long as this many jobs take
ENDS = ("Completed", "Failed", "Canceled", "Unauthorized")


@dataclass(frozen=True, slots=True)
class Pace:
    """A clock that runs in jobs instead of seconds, and keeps its reading when the speed changes."""

    speed: str = "seconds"
    since: float = 0.0
    before: float = 0.0

    def reading(self, now: float) -> float:
        """How much work one job could have done until now, in jobs."""
        return self.before + (now - self.since) * self.rate

    @property
    def rate(self) -> float:
        """Jobs per second."""
        seconds = SPEEDS[self.speed]
        return 1.0 / seconds if seconds else 0.0

    def changed(self, speed: str, now: float) -> Pace:
        """The same clock, going on at another speed."""
        if speed not in SPEEDS:
            raise ValueError(f"speed is one of {', '.join(SPEEDS)}, not {speed!r}")
        return Pace(speed, now, self.reading(now))

    def time_of(self, reading: float, now: float) -> float | None:
        """When this reading is or was reached at the present speed; None while paused."""
        return now + (reading - self.reading(now)) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands at one moment; `waiting`: delayed, and its window has not opened."""

    status: str
    percent: int | None = None
    waiting: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDS

    @property
    def process(self) -> str:
        """The API's own field: `60%` while running, else empty."""
        return f"{self.percent}%" if self.status == "Running" else ""


@dataclass(frozen=True, slots=True)
class Job:
    """One upgrade that the cloud has accepted; `begins` is a reading of the pace, all else is wall-clock time."""

    id: str
    instance_id: str
    instance_name: str
    parent_id: str
    created_at: float
    delayed: bool
    begins: float
    visible_from: float = 0.0
    will_end: str = "Completed"
    will_end_at_percent: int = 100
    fail_reason: str = ""
    ended: str = ""
    ended_at: float | None = None

    def standing(self, reading: float) -> Standing:
        """Where it stands at this reading of the pace."""
        if self.ended:
            return Standing(self.ended, 100 if self.ended == "Completed" else None)
        done = round(reading - self.begins, 6)
        if done < 0:
            return Standing("Pending", waiting=self.delayed)
        if done < PENDING_SHARE:
            return Standing("Pending")
        if done >= self.end_of_work:
            return Standing(self.will_end, 100 if self.will_end == "Completed" else None)
        return Standing("Running", int(round((done - PENDING_SHARE) / (1 - PENDING_SHARE) * 100, 3)))

    @property
    def end_of_work(self) -> float:
        """After how much work it ends, in jobs."""
        return PENDING_SHARE + (1 - PENDING_SHARE) * self.will_end_at_percent / 100


def begins_for(percent: int, reading: float) -> float:
    """The beginning that a job must have had to stand at this percentage now."""
    return reading - PENDING_SHARE - (1 - PENDING_SHARE) * percent / 100


def next_time(of_day: str, now: float) -> float:
    """The next moment at which it is this time of day (`02:00`, UTC)."""
    hours, minutes = of_day.split(":")
    today = datetime.fromtimestamp(now, UTC).replace(hour=int(hours), minute=int(minutes), second=0, microsecond=0)
    return today.timestamp() + (86_400.0 if today.timestamp() <= now else 0.0)


def stamp(moment: float) -> str:
    """Write a time as the API does: `2026-11-23T08:00:00+0000`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def moment_of(text: str) -> float:
    """Read a time of the API; ValueError when it is none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()
