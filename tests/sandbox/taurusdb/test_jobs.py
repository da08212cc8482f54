"""The states of a job, by a manual clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bot.sandbox.taurusdb import JobPlan, ManualClock, StandInCloud

Send = Callable[..., Awaitable[httpx.Response]]


async def get_job(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    response = await client.get("/jobs", params={"id": job_id})
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()["job"]
    return job


async def test_a_job_goes_from_pending_over_percents_to_completed(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade()).json()["job_id"]
    job = await get_job(client, job_id)
    assert (job["status"], job["process"], job["created"]) == ("Pending", "", "2026-11-23T12:00:00+0000")
    assert job["instance"] == {"id": cloud.instances["sr-orders"].id, "name": "sr-orders"}
    percentages = []
    for _ in range(6):
        clock.advance(9)
        percentages.append((await get_job(client, job_id))["process"])
    assert percentages == ["5%", "22%", "38%", "55%", "72%", "88%"]
    clock.advance(60)
    job = await get_job(client, job_id)
    assert (job["status"], job["process"], job["ended"]) == ("Completed", "", "2026-11-23T12:01:00+0000")
    orders = cloud.instances["sr-orders"]
    assert (orders.version, orders.upgrade_available) == ("3.1.18", False)


async def test_a_job_keeps_its_percentage_when_the_speed_changes(
    cloud: StandInCloud, clock: ManualClock, upgrade: Send
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade()).json()["job_id"]
    clock.advance(33)
    assert cloud.job_state(job_id).percent == 50
    cloud.set_speed("paused")
    clock.advance(86_400)
    assert cloud.job_state(job_id).percent == 50
    cloud.set_speed("hours")
    clock.advance(720)
    assert cloud.job_state(job_id).percent == 61
    with pytest.raises(ValueError, match="speed is one of"):
        cloud.set_speed("light")


async def test_progress_and_end_can_be_set(cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send) -> None:
    cloud.set_speed("paused")
    job_id = (await upgrade()).json()["job_id"]
    for percent in (0, 7, 60, 99):
        cloud.set_progress(job_id, percent)
        assert (await get_job(client, job_id))["process"] == f"{percent}%"
    cloud.finish(job_id, "Failed", "disk <full>")
    job = await get_job(client, job_id)
    assert (job["status"], job["fail_reason"]) == ("Failed", "disk <full>")
    assert cloud.instances["sr-orders"].version == "3.1.15"
    assert (await upgrade()).status_code == 200
    with pytest.raises(ValueError, match="has not ended"):
        cloud.finish(job_id)
    with pytest.raises(ValueError, match="a job ends as"):
        cloud.finish(cloud.jobs[-1].id, "Running")


@pytest.mark.parametrize(
    ("fault", "status"), [("job fails", "Failed"), ("job canceled", "Canceled"), ("job unauthorized", "Unauthorized")]
)
async def test_a_job_can_be_made_to_end_badly(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send, fault: str, status: str
) -> None:
    cloud.inject_fault(fault)
    job_id = (await upgrade()).json()["job_id"]
    clock.advance(5)
    job = await get_job(client, job_id)
    assert job["status"] == status
    assert bool(job.get("fail_reason")) == (status == "Failed")
    assert cloud.instances["sr-orders"].upgrade_available


async def test_a_late_job_can_be_found_only_after_some_seconds(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("paused")
    cloud.inject_fault("late job", seconds=7)
    job_id = (await upgrade()).json()["job_id"]
    clock.advance(6)
    assert (await client.get("/jobs", params={"id": job_id})).status_code == 400
    assert (await client.get("/immediate-jobs")).json()["total_count"] == 0
    clock.advance(1)
    assert (await get_job(client, job_id))["status"] == "Pending"


async def test_a_job_is_forgotten_after_a_month(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send
) -> None:
    job_id = (await upgrade()).json()["job_id"]
    clock.advance(31 * 86_400)
    token = cloud.issue_token()
    response = await client.get("/jobs", params={"id": job_id}, headers={"X-Auth-Token": token})
    assert response.status_code == 400


async def test_until_notices_a_job_that_makes_progress_by_the_clock_alone(upgrade: Send) -> None:
    async with StandInCloud() as cloud:
        job = cloud.start_job(cloud.instances["sr-orders"], delay=False, plan=JobPlan())
        cloud.set_progress(job.id, 99)
        await cloud.until(lambda: cloud.job_state(job.id).ended, 3)
        assert cloud.instances["sr-orders"].version == "3.1.18"


def test_by_the_calendar_a_delayed_job_waits_for_its_window_alone() -> None:
    clock = ManualClock(datetime(2026, 1, 1, 20, 0, tzinfo=UTC).timestamp())
    cloud = StandInCloud(clock=clock)
    cloud.windows_by_calendar = True
    job = cloud.start_job(cloud.instances["sr-metrics"], delay=True, plan=JobPlan())  # its window opens at 22:00
    assert cloud.window_opens_at(job) == clock() + 7200
    clock.advance(7199)
    assert cloud.job_state(job.id).waiting
    assert not cloud.running_actions(cloud.instances["sr-metrics"])
    clock.advance(3)
    assert cloud.jobs
    assert (cloud.job_state(job.id).waiting, cloud.job_state(job.id).status) == (False, "Running")
    clock.advance(4)
    assert cloud.find_job(job.id).final_status == "Completed"  # type: ignore[union-attr] # it is there
