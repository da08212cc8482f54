"""The task centre: one job, immediate tasks, scheduled tasks and their cancelling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bot.sandbox.cloud.answers import JOB_NOT_FOUND, PARAMETER, Answer, in_json
from bot.sandbox.cloud.jobs import Job, moment_of, stamp
from bot.sandbox.cloud.operations import Asked
from bot.sandbox.cloud.region import Region

JOB_NAME = "UpgradeStarRocksVersion"  # the real name is undocumented: nobody should look for it
SCHEDULED_JOB_NAME = "VERSION_UPGRADE"
MONTH = 30 * 86_400.0
PAGE_SIZES = ("10", "20", "50")


def job(region: Region, asked: Asked) -> Answer:
    """Answer `GET /jobs?id=`."""
    found = region.job(asked.fields.get("id", ""))
    if found is None or not _visible(region, found):
        return JOB_NOT_FOUND.answer(asked.request_id)
    standing = region.standing(found)
    value: dict[str, object] = {
        "id": found.id,
        "name": JOB_NAME,
        "status": standing.status,
        "created": stamp(found.created_at),
        "process": standing.process,
        "instance": {"id": found.instance_id, "name": found.instance_name},
        "entities": {},
    }
    if found.ended_at is not None:
        value["ended"] = stamp(found.ended_at)
    if found.ended == "Failed":
        value["fail_reason"] = found.fail_reason
    return in_json({"job": value})


def immediate(region: Region, asked: Asked, *, under_parent: bool) -> Answer:
    """Answer `GET /immediate-jobs`; the instance may be listed under its TaurusDB instance's id."""
    fields = asked.fields
    try:
        after = moment_of(fields["start_time"]) if "start_time" in fields else 0.0
        before = moment_of(fields["end_time"]) if "end_time" in fields else float("inf")
    except ValueError:
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} start_time, end_time")
    rows = []
    for found in reversed(region.jobs()):
        standing = region.standing(found)
        if standing.waiting or not after <= int(found.created_at) <= before or not _visible(region, found):
            continue
        rows.append(
            {
                "instance_id": found.parent_id if under_parent else found.instance_id,
                "instance_name": found.instance_name,
                "instance_status": "normal",
                "job_id": found.id,
                "job_name": JOB_NAME,
                "status": standing.status,
                "process": standing.process,
                "created_time": stamp(found.created_at),
                "ended_time": stamp(found.ended_at) if found.ended_at is not None else "",
                "fail_reason": found.fail_reason if found.ended == "Failed" else "",
            }
        )
    return _page(asked, "jobs", rows, ("status", "job_name", "job_id"))


def scheduled(region: Region, asked: Asked) -> Answer:
    """Answer `GET /scheduled-jobs`: every delayed upgrade that has not begun or was cancelled before it."""
    rows = []
    for found in reversed(region.jobs()):
        standing = region.standing(found)
        if not found.delayed or not _visible(region, found):
            continue
        opens = region.opens_at(found)
        rows.append(
            {
                "job_id": found.id,
                "instance_id": found.instance_id,
                "instance_name": found.instance_name,
                "job_name": SCHEDULED_JOB_NAME,
                "create_time": stamp(found.created_at),
                "start_time": stamp(opens),
                "end_time": stamp(opens + 4 * 3600),
                "job_status": standing.status,
                "target_config": {},
            }
        )
    return _page(asked, "schedules", rows, ("instance_id", "status", "job_id"), {"status": "job_status"})


def cancel(region: Region, asked: Asked) -> Answer:
    """Answer `DELETE /scheduled-jobs`: what still waits for its window is cancelled."""
    try:
        ids = json.loads(asked.body)["job_ids"]
    except (ValueError, KeyError, TypeError):
        ids = None
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} job_ids")
    waiting = [one for one in ids if (found := region.job(one)) and region.standing(found).waiting]
    for one in waiting:
        region.finish(one, "Canceled")
    return in_json({"job_ids": waiting})


def _visible(region: Region, found: Job) -> bool:
    return found.visible_from <= region.clock() < found.created_at + MONTH


def _page(
    asked: Asked,
    key: str,
    rows: Sequence[Mapping[str, object]],
    filters: Sequence[str],
    renamed: Mapping[str, str] | None = None,
) -> Answer:
    """Filter the rows by the query's fields and cut one page out of them."""
    fields = asked.fields
    if fields.get("limit", "10") not in PAGE_SIZES or not fields.get("offset", "0").isdecimal():
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} limit, offset")
    wanted = {(renamed or {}).get(name, name): fields[name] for name in filters if fields.get(name)}
    kept = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    offset = int(fields.get("offset", "0"))
    return in_json({key: kept[offset : offset + int(fields.get("limit", "10"))], "total_count": len(kept)})
