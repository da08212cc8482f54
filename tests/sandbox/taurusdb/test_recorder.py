"""The request log without secrets, the file of upgrades, waiting for a change, the snapshot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bot.sandbox.taurusdb import StandInCloud

Send = Callable[..., Awaitable[httpx.Response]]


async def test_every_request_is_logged(cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send) -> None:
    answer = await upgrade(headers={"X-Language": "zh-cn"})
    await client.get("/jobs", params={"id": "x"})
    await client.get("/nowhere")
    first, second, third = cloud.calls
    assert (first.operation, first.method, first.status, first.language) == ("upgrade", "POST", 200, "zh-cn")
    assert (first.request_id, first.signed_by) == (answer.headers["X-Request-Id"], "token")
    assert first.answer == answer.text
    assert (second.operation, second.query, second.status) == ("job", "id=x", 400)
    assert (third.operation, third.status) == ("unknown", 404)


async def test_no_secret_is_logged(cloud: StandInCloud, upgrade: Send, sign_in: Send, tmp_path: Path) -> None:
    await sign_in(password='tricky "password" \\')
    token = (await sign_in()).headers["X-Subject-Token"]
    await upgrade()
    logged = repr((cloud.calls, cloud.upgrades)) + json.dumps(cloud.snapshot())
    for secret in (token, cloud.ready_token, cloud.password, cloud.secret_key, "tricky"):
        assert secret not in logged
    assert cloud.upgrades[0].headers["x-auth-token"] == "***"
    assert cloud.calls[0].signed_by == "password"


async def test_upgrades_are_on_the_disk_before_they_are_answered(tmp_path: Path) -> None:
    log = tmp_path / "upgrades.jsonl"
    async with StandInCloud(log_path=log) as cloud, httpx.AsyncClient() as client:
        cloud.inject_fault("accepted, hang")
        path = (
            f"{cloud.endpoint}/v3/{cloud.project_id}/instances/{cloud.instances['sr-orders'].id}/starrocks/db-upgrade"
        )
        headers = {"X-Auth-Token": cloud.ready_token, "X-Language": "zh-cn"}
        with pytest.raises(httpx.ReadTimeout):
            await client.post(path, json={"delay": True, "is_skip_validate": False}, headers=headers, timeout=0.2)
        await client.post(path, content=b"{", headers=headers)
        first, second = (json.loads(line) for line in log.read_text("utf-8").splitlines())
        assert (first["took_effect"], first["job_id"], first["language"]) == (True, cloud.jobs[0].id, "zh-cn")
        assert first["body"] == {"delay": True, "is_skip_validate": False}
        assert (second["took_effect"], second["job_id"], second["body"]) == (False, None, "{")
        assert "answered" not in first


async def test_the_most_requests_at_one_time_are_counted(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("slow", times=3, seconds=0.2)
    await asyncio.gather(*(upgrade(name) for name in ("sr-orders", "sr-metrics", "订单分析")))
    assert (cloud.most_in_flight, cloud.in_flight) == (3, 0)


async def test_until_returns_the_conditions_value_or_raises_with_the_last_calls(
    cloud: StandInCloud, upgrade: Send
) -> None:
    task = asyncio.ensure_future(upgrade())
    assert await cloud.until(lambda: [call.instance_id for call in cloud.upgrades]) == [cloud.instances["sr-orders"].id]
    await task
    with pytest.raises(AssertionError, match=r"not within 0\.05 s.*\n.*db-upgrade -> 200"):
        await cloud.until(lambda: False, timeout=0.05)


async def test_a_listener_is_called_until_it_is_unsubscribed(cloud: StandInCloud, upgrade: Send) -> None:
    changes: list[int] = []
    unsubscribe = cloud.on_change(lambda: changes.append(len(cloud.upgrades)))
    await upgrade()
    assert changes[-1] == 1
    unsubscribe()
    unsubscribe()
    count = len(changes)
    cloud.clear_faults()
    assert len(changes) == count


async def test_the_snapshot_has_instances_jobs_fault_and_speed(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.set_speed("paused")
    cloud.inject_fault("html", "job")
    job_id = (await upgrade()).json()["job_id"]
    cloud.set_progress(job_id, 60)
    snapshot = json.loads(json.dumps(cloud.snapshot()))
    orders = next(row for row in snapshot["instances"] if row["name"] == "sr-orders")
    assert (orders["version"], orders["newer_version"], orders["running_actions"]) == (
        "3.1.15",
        "3.1.18",
        ["UPGRADING"],
    )
    [job] = snapshot["jobs"]
    assert job["waiting"] is False
    assert (job["id"], job["instance"], job["status"], job["percent"]) == (job_id, "sr-orders", "Running", 60)
    assert (snapshot["speed"], snapshot["fault"]["name"], cloud.calls[0].status) == ("paused", "html", 200)
    waiting = (await upgrade("sr-metrics", delay=True)).json()["job_id"]
    job = cloud.snapshot()["jobs"][-1]
    assert (job["id"], job["instance_id"], job["waiting"]) == (waiting, cloud.instances["sr-metrics"].id, True)
