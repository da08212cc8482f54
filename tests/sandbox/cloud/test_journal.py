"""What the cloud remembers and tells: calls without secrets, the upgrades' file, waiting, the page's picture."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bot.sandbox.cloud import StandInCloud

Ask = Callable[..., Awaitable[httpx.Response]]


async def test_every_request_is_written_down(cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask) -> None:
    answer = await upgrade(headers={"X-Language": "zh-cn"})
    await client.get("/jobs", params={"id": "x"})
    await client.get("/nowhere")
    first, second, third = cloud.calls
    assert (first.operation, first.method, first.status, first.language) == ("upgrade", "POST", 200, "zh-cn")
    assert (first.request_id, first.signed_by) == (answer.headers["X-Request-Id"], "token")
    assert first.answer == answer.text
    assert (second.operation, second.query, second.status) == ("job", "id=x", 400)
    assert (third.operation, third.status) == ("unknown", 404)


async def test_no_secret_is_written_down(cloud: StandInCloud, upgrade: Ask, sign_in: Ask, tmp_path: Path) -> None:
    await sign_in(password='tricky "password" \\')
    token = (await sign_in()).headers["X-Subject-Token"]
    await upgrade()
    written = repr((cloud.calls, cloud.upgrades)) + json.dumps(cloud.snapshot())
    for secret in (token, cloud.ready_token, cloud.password, cloud.secret_key, "tricky"):
        assert secret not in written
    assert cloud.upgrades[0].headers["x-auth-token"] == "***"
    assert cloud.calls[0].signed_by == "password"


async def test_upgrades_are_on_the_disk_before_they_are_answered(tmp_path: Path) -> None:
    log = tmp_path / "upgrades.jsonl"
    async with StandInCloud(log_path=log) as cloud, httpx.AsyncClient() as client:
        cloud.choose_mishap("accepted, hang")
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


async def test_the_most_requests_at_one_time_are_counted(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("slow", times=3, seconds=0.2)
    await asyncio.gather(*(upgrade(name) for name in ("sr-orders", "sr-metrics", "订单分析")))
    assert (cloud.most_in_flight, cloud.in_flight) == (3, 0)


async def test_waiting_gives_the_conditions_value_or_tells_what_was_seen(cloud: StandInCloud, upgrade: Ask) -> None:
    asking = asyncio.ensure_future(upgrade())
    assert await cloud.until(lambda: [call.instance_id for call in cloud.upgrades]) == [cloud.instances["sr-orders"].id]
    await asking
    with pytest.raises(AssertionError, match=r"not within 0\.05 s.*\n.*db-upgrade -> 200"):
        await cloud.until(lambda: False, timeout=0.05)


async def test_a_listener_hears_of_changes_until_it_ends(cloud: StandInCloud, upgrade: Ask) -> None:
    heard: list[int] = []
    stop = cloud.on_change(lambda: heard.append(len(cloud.upgrades)))
    await upgrade()
    assert heard[-1] == 1
    stop()
    stop()
    count = len(heard)
    cloud.heal()
    assert len(heard) == count


async def test_the_picture_shows_instances_jobs_calls_mishap_and_speed(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.set_speed("paused")
    cloud.choose_mishap("html", "job")
    job_id = (await upgrade()).json()["job_id"]
    cloud.progress(job_id, 60)
    picture = json.loads(json.dumps(cloud.snapshot()))
    orders = next(one for one in picture["instances"] if one["name"] == "sr-orders")
    assert (orders["version"], orders["newer"], orders["runs"]) == ("3.1.15", "3.1.18", ["UPGRADING"])
    [job] = picture["jobs"]
    assert job["window"] == ""
    assert (job["id"], job["instance"], job["status"], job["percent"]) == (job_id, "sr-orders", "Running", 60)
    assert (picture["speed"], picture["mishap"]["name"], picture["calls"][0]["status"]) == ("paused", "html", 200)
    waiting = (await upgrade("sr-metrics", delay=True)).json()["job_id"]
    job = cloud.snapshot()["jobs"][-1]
    assert (job["id"], job["window"], job["waiting"]) == (waiting, cloud.instances["sr-metrics"].id, True)


async def test_it_runs_as_a_process_of_its_own_and_ends_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "upgrades.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox.cloud", "--port", "0", "--log", str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        where = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert set(where) == {"endpoint", "iam_url", "project_id", "domain", "user", "password"}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{where['endpoint']}/v3/{where['project_id']}/instances")
        assert answer.status_code == 401
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
