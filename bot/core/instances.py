"""What the cloud knows of a StarRocks instance, and what speaks against upgrading it now."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

DAY = timedelta(days=1)
IDLE_STATUS = {"", "normal"}
ALIKE = 0.6  # shared part of two texts from which on one may be a slip of the other


@dataclass(frozen=True, slots=True)
class Instance:
    """A StarRocks instance as the API describes it; what it does not say is empty or None.

    `status` is normal, abnormal, creating or createfail; `running` names the actions in progress; the maintenance
    window's times are `HH:MM` in UTC. GET …/instances/{in07}/starrocks/{in17}
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
    running: tuple[str, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Whether an action is in progress; there is no status for it."""
        return bool(self.running)

    @property
    def is_fit(self) -> bool:
        """Whether the status is one in which an upgrade can be asked for."""
        return self.status.lower() in IDLE_STATUS

    def next_window(self, now: float) -> float | None:
        """When the maintenance window starts next (UNIX seconds), or None when it is not known."""
        try:
            hour, minute = (int(part) for part in self.window_start.split(":")[:2])
            at = datetime.fromtimestamp(now, UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
        except ValueError:
            return None
        return (at if at.timestamp() > now else at + DAY).timestamp()

    def written(self) -> str:
        """As text, for the row of an upgrade."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> "Instance | None":
        """From that text; None when it is not such a text (an older or newer version wrote it)."""
        try:
            fields = json.loads(text)
            known = {name: fields[name] for name in cls.__slots__ if name in fields}
            return cls(**{**known, "running": tuple(known.get("running", ()))})
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Listing:
    """The project's StarRocks instances as far as they are known; `is_complete` when the cloud has told them all."""

    instances: tuple[Instance, ...] = ()
    is_complete: bool = False


def by_usefulness(instances: Iterable[Instance]) -> list[Instance]:
    """For a list: first those that can be upgraded, then by name."""
    return sorted(instances, key=lambda one: (not (one.has_newer and not one.is_busy), one.name.lower(), one.id))


def unique_names(instances: Iterable[Instance]) -> Mapping[str, str]:
    """Ids by name, of the names that only one instance has."""
    ids: dict[str, list[str]] = {}
    for instance in instances:
        if instance.name:
            ids.setdefault(instance.name, []).append(instance.id)
    return {name: found[0] for name, found in ids.items() if len(found) == 1}


def nearest(wanted: str, instances: Sequence[Instance], most: int = 3) -> list[Instance]:
    """The instances whose id or name is most like what was typed; none when nothing is alike."""
    typed = wanted.lower()
    rated = [(max(_alike(typed, one.id), _alike(typed, one.name.lower())), one) for one in instances]
    rated = sorted((pair for pair in rated if pair[0] >= ALIKE), key=lambda pair: -pair[0])
    return [instance for _, instance in rated[:most]]


def _alike(typed: str, candidate: str) -> float:
    """How much of the longer text the two share at their beginning and end: one slip leaves nearly all of it."""
    if not typed or not candidate:
        return 0.0
    if typed in candidate:
        return max(ALIKE, len(typed) / len(candidate))
    start = _same(typed, candidate)
    end = _same(typed[start:][::-1], candidate[start:][::-1])
    return (start + end) / max(len(typed), len(candidate))


def _same(one: str, other: str) -> int:
    """How many letters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
