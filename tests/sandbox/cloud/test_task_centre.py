"""Immediate and scheduled tasks: what is listed where, filters, pages, cancelling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.cloud import HandClock, StandInCloud

Ask = Callable[..., Awaitable[httpx.Response]]


async def listed(client: httpx.AsyncClient, kind: str, **fields: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/{kind}-jobs", params=fields)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["jobs" if kind == "immediate" else "schedules"]
    assert answer.json()["total_count"] >= len(rows)
    return rows


async def test_a_delayed_upgrade_stands_under_scheduled_tasks_until_its_window_opens(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    job_id = (await upgrade(delay=True)).json()["job_id"]
    orders = cloud.instances["sr-orders"]
    [row] = await listed(client, "scheduled", instance_id=orders.id, status="Pending")
    assert (row["job_id"], row["job_name"], row["job_status"]) == (job_id, "VERSION_UPGRADE", "Pending")
    assert await listed(client, "immediate") == []
    assert (await client.get("/jobs", params={"id": job_id})).json()["job"]["status"] == "Pending"
    details = await client.get(f"/instances/{orders.parent_id}/starrocks/{orders.id}")
    assert details.json()["instances"][0]["actions"] == []

    cloud.open_window("sr-orders")
    assert [row["job_id"] for row in await listed(client, "immediate")] == [job_id]
    with pytest.raises(ValueError, match="waits for its window"):
        cloud.open_window(orders.id)


async def test_the_window_opens_by_the_speed_and_the_list_says_when(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade(delay=True)).json()["job_id"]
    [row] = await listed(client, "scheduled")
    assert row["start_time"] == "2026-11-23T12:02:00+0000"
    clock.forward(119)
    assert cloud.standing(job_id).waiting
    clock.forward(1)
    assert not cloud.standing(job_id).waiting
    assert await listed(client, "scheduled", status="Pending", instance_id="0" * 32 + "in17") == []
    clock.forward(60)
    assert cloud.instances["sr-orders"].version == "3.1.18"


async def test_while_time_is_paused_the_list_names_the_next_window_of_the_calendar(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.set_speed("paused")
    await upgrade(delay=True)
    await upgrade("sr-metrics", delay=True)
    rows = await listed(client, "scheduled")
    assert [row["start_time"] for row in rows] == ["2026-11-23T22:00:00+0000", "2026-11-24T02:00:00+0000"]


async def test_cancelling_takes_what_waits_and_names_it(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    waiting = (await upgrade(delay=True)).json()["job_id"]
    running = (await upgrade("sr-metrics")).json()["job_id"]
    answer = await client.request("DELETE", "/scheduled-jobs", json={"job_ids": [waiting, running, "unknown"]})
    assert answer.json() == {"job_ids": [waiting]}
    assert cloud.standing(waiting).status == "Canceled"
    assert (await upgrade()).status_code == 200
    not_ids: tuple[object, ...] = ({}, {"job_ids": []}, {"job_ids": "x"}, {"job_ids": [1]}, [])
    for wrong in not_ids:
        assert (await client.request("DELETE", "/scheduled-jobs", json=wrong)).status_code == 400


async def test_immediate_tasks_are_filtered_by_time_status_and_id(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    first = (await upgrade()).json()["job_id"]
    clock.forward(3600)
    second = (await upgrade("sr-metrics")).json()["job_id"]
    assert [row["job_id"] for row in await listed(client, "immediate")] == [second, first]
    assert [row["status"] for row in await listed(client, "immediate", job_id=first)] == ["Completed"]
    assert [row["job_id"] for row in await listed(client, "immediate", status="Pending")] == [second]
    later = {"start_time": "2026-11-23T20:59:00+0800", "end_time": "2026-11-23T21:01:00+0800"}
    assert [row["job_id"] for row in await listed(client, "immediate", **later)] == [second]
    assert await listed(client, "immediate", end_time="2026-11-23T11:59:59+0000") == []
    for wrong in ({"start_time": "yesterday"}, {"limit": "11"}, {"offset": "-1"}):
        assert (await client.get("/immediate-jobs", params=wrong)).status_code == 400


async def test_the_list_can_name_the_parent_instead_of_the_instance(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    await upgrade()
    orders = cloud.instances["sr-orders"]
    assert (await listed(client, "immediate"))[0]["instance_id"] == orders.id
    cloud.list_jobs_under_parent()
    assert (await listed(client, "immediate"))[0]["instance_id"] == orders.parent_id


async def test_tasks_come_in_pages(cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask) -> None:
    names = [instance.name for instance in cloud.add_instances(12)]
    for name in names:
        assert (await upgrade(name)).status_code == 200
    first = await listed(client, "immediate", limit="10")
    rest = await listed(client, "immediate", limit="10", offset="10")
    assert [row["instance_name"] for row in first + rest] == names[::-1]
