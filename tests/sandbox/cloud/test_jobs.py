"""The life of a job, by a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.cloud import HandClock, StandInCloud

Ask = Callable[..., Awaitable[httpx.Response]]


async def job_of(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    answer = await client.get("/jobs", params={"id": job_id})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()["job"]
    return job


async def test_a_job_goes_from_pending_over_percents_to_completed(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade()).json()["job_id"]
    job = await job_of(client, job_id)
    assert (job["status"], job["process"], job["created"]) == ("Pending", "", "2026-11-23T12:00:00+0000")
    assert job["instance"] == {"id": cloud.instances["sr-orders"].id, "name": "sr-orders"}
    seen = []
    for _ in range(6):
        clock.forward(9)
        seen.append((await job_of(client, job_id))["process"])
    assert seen == ["5%", "22%", "38%", "55%", "72%", "88%"]
    clock.forward(60)
    job = await job_of(client, job_id)
    assert (job["status"], job["process"], job["ended"]) == ("Completed", "", "2026-11-23T12:01:00+0000")
    orders = cloud.instances["sr-orders"]
    assert (orders.version, orders.newer) == ("3.1.18", False)


async def test_a_job_keeps_its_percentage_when_the_speed_changes(
    cloud: StandInCloud, clock: HandClock, upgrade: Ask
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade()).json()["job_id"]
    clock.forward(33)
    assert cloud.standing(job_id).percent == 50
    cloud.set_speed("paused")
    clock.forward(86_400)
    assert cloud.standing(job_id).percent == 50
    cloud.set_speed("hours")
    clock.forward(720)
    assert cloud.standing(job_id).percent == 61
    with pytest.raises(ValueError, match="speed is one of"):
        cloud.set_speed("light")


async def test_progress_and_end_can_be_set_by_hand(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.set_speed("paused")
    job_id = (await upgrade()).json()["job_id"]
    for percent in (0, 7, 60, 99):
        cloud.progress(job_id, percent)
        assert (await job_of(client, job_id))["process"] == f"{percent}%"
    cloud.finish(job_id, "Failed", "disk <full>")
    job = await job_of(client, job_id)
    assert (job["status"], job["fail_reason"]) == ("Failed", "disk <full>")
    assert cloud.instances["sr-orders"].version == "3.1.15"
    assert (await upgrade()).status_code == 200
    with pytest.raises(ValueError, match="has not ended"):
        cloud.finish(job_id)
    with pytest.raises(ValueError, match="a job ends as"):
        cloud.finish(cloud.jobs[-1].id, "Running")


@pytest.mark.parametrize(
    ("mishap", "status"), [("job fails", "Failed"), ("job canceled", "Canceled"), ("job unauthorized", "Unauthorized")]
)
async def test_a_job_can_be_made_to_end_badly(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask, mishap: str, status: str
) -> None:
    cloud.choose_mishap(mishap)
    job_id = (await upgrade()).json()["job_id"]
    clock.forward(5)
    job = await job_of(client, job_id)
    assert job["status"] == status
    assert bool(job.get("fail_reason")) == (status == "Failed")
    assert cloud.instances["sr-orders"].newer


async def test_a_late_job_can_be_found_only_after_some_seconds(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.set_speed("paused")
    cloud.choose_mishap("late job", seconds=7)
    job_id = (await upgrade()).json()["job_id"]
    clock.forward(6)
    assert (await client.get("/jobs", params={"id": job_id})).status_code == 400
    assert (await client.get("/immediate-jobs")).json()["total_count"] == 0
    clock.forward(1)
    assert (await job_of(client, job_id))["status"] == "Pending"


async def test_a_job_is_forgotten_after_a_month(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    job_id = (await upgrade()).json()["job_id"]
    clock.forward(31 * 86_400)
    token = cloud.iam.issue()
    answer = await client.get("/jobs", params={"id": job_id}, headers={"X-Auth-Token": token})
    assert answer.status_code == 400


async def test_someone_who_waits_is_woken_by_a_job_that_moves_by_the_clock_alone(upgrade: Ask) -> None:
    async with StandInCloud() as cloud:
        job = cloud.region.accept(cloud.instances["sr-orders"], False, cloud.choose_mishap("slow").fate)
        cloud.progress(job.id, 99)
        await cloud.until(lambda: cloud.standing(job.id).ended, 3)
        assert cloud.instances["sr-orders"].version == "3.1.18"
