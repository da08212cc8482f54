"""The cloud at one moment as plain JSON values, for the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.sandbox.cloud import tasks
from bot.sandbox.cloud.instances import Instance
from bot.sandbox.cloud.jobs import SPEEDS, Job
from bot.sandbox.cloud.journal import Journal
from bot.sandbox.cloud.mishaps import MISHAPS, Mishaps
from bot.sandbox.cloud.region import Region

CALLS = 100
JOBS = 100
INSTANCES = 200


def snapshot(region: Region, journal: Journal, mishaps: Mishaps) -> dict[str, Any]:
    """Tell instances, the last jobs and calls (newest last), what will go wrong, and the speed."""
    return {
        "instances": [_instance(region, one) for one in region.instances()[:INSTANCES]],
        "jobs": [_job(region, one) for one in region.jobs()[-JOBS:]],
        "calls": [asdict(call) for call in journal.calls[-CALLS:]],
        "mishap": next((asdict(one) for one in mishaps.chosen), None),
        "mishaps": [{**asdict(one), "label": MISHAPS[one.name]} for one in mishaps.chosen],
        "speed": region.pace.speed,
        "speeds": list(SPEEDS),
    }


def _instance(region: Region, one: Instance) -> dict[str, Any]:
    job = region.live_job(one)
    standing = region.standing(job) if job else None
    return {
        "name": one.name,
        "id": one.id,
        "parent_id": one.parent_id,
        "version": one.version,
        "newer": one.newest if one.newer else "",
        "status": one.status,
        "runs": [action.action for action in region.actions(one)],
        "scheduled": bool(standing and standing.waiting),
        "window": f"{one.window_start}–{one.window_end}",
    }


def _job(region: Region, one: Job) -> dict[str, Any]:
    standing = region.standing(one)
    return {
        "id": one.id,
        "name": tasks.JOB_NAME,
        "instance": one.instance_name,
        "instance_id": one.instance_id,
        "status": standing.status,
        "percent": standing.percent or 0,
        "created": one.created_at,
        "ended": one.ended_at,
        "delayed": one.delayed,
        "waiting": standing.waiting,
        "window": one.instance_id if standing.waiting else "",  # whose window can be opened
        "fail_reason": one.fail_reason if one.ended == "Failed" else "",
    }
