"""What a lost upgrade may have left behind: jobs and actions of the instance, read and weighed.

The names of the StarRocks jobs and actions are undocumented, so the instance's id and the time decide; a name only
helps to choose. All that is guessed about names is in this file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.taurusdb.answer import Answer, text
from bot.taurusdb.jobs import usable_id

CLOCK_TOLERANCE_SECONDS = 5.0
WHOLE_SECONDS = 2.0  # the API's times and its Date header have no fractions
_TAURUSDB_PRODUCT = "gaussdbformysql"  # in every documented job name of TaurusDB's own instances
_STARROCKS_PRODUCT = ("starrocks", "htap")
_YEAR_5138 = 1e11  # above it a number of seconds is one of milliseconds


@dataclass(frozen=True, slots=True)
class Trace:
    """A job or action: on which instance, since when (UNIX seconds, the cloud's clock)."""

    job_id: str
    instance_id: str
    created_at: float
    name: str
    instance_name: str = ""


def best(traces: Iterable[Trace], instance_id: str, since: float) -> str | None:
    """The job that is most likely the upgrade of this instance sent after `since`, if there is any."""
    ours = _ranked((trace for trace in traces if trace.instance_id == instance_id), since)
    return ours[0].job_id if ours else None


def under_parent(traces: Iterable[Trace], parent_id: str | None, since: float) -> list[Trace]:
    """What may be an upgrade listed under the TaurusDB instance's id (any such, if None), the likeliest first."""
    listed = (
        trace
        for trace in traces
        if (trace.instance_id == parent_id if parent_id else trace.instance_id.endswith("in07"))
        and not _is_of_taurusdb_itself(trace.name)
    )
    return _ranked(listed, since)


def _ranked(traces: Iterable[Trace], since: float) -> list[Trace]:
    """Those of the right time: named an upgrade first, then the older first; older than `since` only at the end."""
    recent = [trace for trace in traces if trace.created_at >= since - CLOCK_TOLERANCE_SECONDS]
    return sorted(
        recent,
        key=lambda trace: (
            trace.created_at < since - WHOLE_SECONDS,
            "upgrad" not in trace.name.lower(),
            trace.created_at,
        ),
    )


def of_immediate_tasks(answer: Answer) -> Iterator[Trace]:
    """Read a page of immediate tasks."""
    for row in rows(answer, "jobs"):
        yield from _trace(row, row.get("instance_id"), row.get("created_time"), row.get("job_name"))


def of_scheduled_tasks(answer: Answer) -> Iterator[Trace]:
    """Read a page of scheduled tasks; only those that still wait."""
    for row in rows(answer, "schedules"):
        if row.get("job_status") == "Pending":
            yield from _trace(row, row.get("instance_id"), row.get("create_time"), row.get("job_name"))


def of_actions(actions: Iterable[Mapping[str, object]], instance_id: str) -> Iterator[Trace]:
    """Read the actions of an instance and its nodes."""
    for action in actions:
        yield from _trace(action, instance_id, action.get("created_at"), action.get("action"))


def rows(answer: Answer, key: str) -> list[Mapping[str, object]]:
    """The objects of a list in an answer; empty when there is no such list."""
    return objects(answer.value.get(key)) if isinstance(answer.value, dict) else []


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects in a list, whatever else may be in it."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _trace(row: Mapping[str, object], instance_id: object, created: object, name: object) -> Iterator[Trace]:
    """A trace, or none when its job or its time cannot be read: it could be any older one."""
    job_id, created_at = usable_id(row.get("job_id")), moment_of(created)
    if job_id and created_at is not None and isinstance(instance_id, str):
        yield Trace(job_id, instance_id, created_at, text(name), text(row.get("instance_name")))


def _is_of_taurusdb_itself(job_name: str) -> bool:
    """Whether a job's name says that it is about the TaurusDB instance, not about StarRocks within it."""
    name = job_name.lower()
    return _TAURUSDB_PRODUCT in name and not any(product in name for product in _STARROCKS_PRODUCT)


def moment_of(value: object) -> float | None:
    """Read `2026-11-23T08:00:00+0000` (UTC when no zone is named), or a number of seconds or milliseconds."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000 if value > _YEAR_5138 else float(value)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def stamp(at: float) -> str:
    """Write a time as the API does."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
