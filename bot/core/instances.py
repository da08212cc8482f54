"""What the cloud knows of a StarRocks instance: as much of it as it has told, and when that can be believed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
IDLE_STATUS = {"", "normal"}


@dataclass(frozen=True, slots=True)
class Instance:
    """A StarRocks instance as the API describes it; what it does not say is empty or None.

    `status` is normal, abnormal, creating or createfail; `running` names the actions in progress; the maintenance
    window's times are `HH:MM` in UTC. What only the list says (`is_detailed` is false) lacks the window and whether
    there is a newer version. GET …/instances/{in07}/starrocks/{in17} and …/instances/{in07}/htap
    """

    id: str
    name: str = ""
    parent_id: str = ""
    status: str = ""
    version: str = ""
    has_newer: bool | None = None
    nodes: int | None = None
    window_start: str = ""
    window_end: str = ""
    running: tuple[str, ...] | None = None
    is_detailed: bool = True

    @property
    def is_busy(self) -> bool:
        """Whether an action is in progress; there is no status for it."""
        return bool(self.running)

    @property
    def is_fit(self) -> bool:
        """Whether the status is one in which an upgrade can be asked for."""
        return self.status.lower() in IDLE_STATUS

    @property
    def is_upgradable(self) -> bool:
        """Whether an upgrade can be expected to be accepted now."""
        return bool(self.has_newer) and not self.is_busy and self.is_fit

    def next_window(self, now: float) -> float | None:
        """When the maintenance window starts next (UNIX seconds), or None when it is not known."""
        at = _today(self.window_start, now)
        return None if at is None else (at if at.timestamp() > now else at + DAY).timestamp()

    def is_window_open(self, now: float) -> bool:
        """Whether the maintenance window is open at this moment; it may reach over midnight."""
        start, end = _today(self.window_start, now), _today(self.window_end, now)
        if start is None or end is None:
            return False
        at = datetime.fromtimestamp(now, UTC)
        return start <= at < end if start < end else not end <= at < start

    def written(self) -> str:
        """As text, for the row of an upgrade."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> "Instance | None":
        """From that text; None when it is not such a text (an older or newer version wrote it)."""
        try:
            fields = json.loads(text)
            known = {name: fields[name] for name in cls.__slots__ if name in fields}
            running = known.get("running")
            return cls(**{**known, "running": None if running is None else tuple(running)})
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Listing:
    """The project's StarRocks instances as far as they are known.

    `is_complete` when the cloud has named them all lately, `is_settled` when nothing more is being read.
    """

    instances: tuple[Instance, ...] = ()
    is_complete: bool = False
    is_settled: bool = False

    def find(self, instance_id: str) -> Instance | None:
        """The instance of this id, if it is known."""
        return next((one for one in self.instances if one.id == instance_id), None)


def by_usefulness(instances: Iterable[Instance]) -> list[Instance]:
    """For a list: first those that can be upgraded, then by name."""
    return sorted(instances, key=lambda one: (not one.is_upgradable, one.name.lower(), one.id))


def _today(time: str, now: float) -> datetime | None:
    """A time of day (`02:00`, UTC) on the day of this moment; None when it is none."""
    try:
        hour, minute = (int(part) for part in time.split(":")[:2])
        return datetime.fromtimestamp(now, UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        return None
