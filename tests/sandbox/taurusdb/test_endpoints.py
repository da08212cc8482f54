"""The endpoints of TaurusDB: upgrades, the task centre, instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.taurusdb import ManualClock, StandInCloud

Send = Callable[..., Awaitable[httpx.Response]]


def error_code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error_code"]


async def test_an_upgrade_is_accepted_and_makes_a_job_and_an_action(cloud: StandInCloud, upgrade: Send) -> None:
    response = await upgrade()
    assert response.status_code == 200
    assert list(response.json()) == ["job_id"]
    [job] = cloud.jobs
    assert (job.id, job.instance_name) == (response.json()["job_id"], "sr-orders")
    [call] = cloud.upgrades
    assert (call.took_effect, call.answered, call.job_id, call.status) == (True, True, job.id, 200)
    assert call.body == {"delay": False, "is_skip_validate": False}


async def test_every_response_carries_a_request_id_and_the_clocks_date(
    client: httpx.AsyncClient, upgrade: Send
) -> None:
    for response in (await upgrade(), await client.get("/no-such-api"), await client.get("/jobs?id=x")):
        assert len(response.headers["X-Request-Id"]) == 32
        assert response.headers["Date"] == "Mon, 23 Nov 2026 12:00:00 GMT"


async def test_a_second_upgrade_of_the_same_instance_is_refused_while_one_runs(
    cloud: StandInCloud, upgrade: Send
) -> None:
    cloud.set_speed("paused")
    await upgrade()
    assert error_code(await upgrade()) == (409, "DBS.200019")
    assert [call.took_effect for call in cloud.upgrades] == [True, False]


async def test_an_upgrade_that_waits_for_its_window_holds_the_instance_too(upgrade: Send) -> None:
    await upgrade(delay=True)
    assert error_code(await upgrade()) == (409, "DBS.200019")


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("sr-reports", (400, "DBS.05000008")),
        ("sr-billing", (409, "DBS.200019")),
        ("sr-archive", (409, "DBS.200047")),
    ],
)
async def test_the_ready_instances_refuse_each_in_its_way(upgrade: Send, name: str, refused: tuple[int, str]) -> None:
    assert error_code(await upgrade(name)) == refused


async def test_the_instance_with_a_chinese_name_can_be_upgraded(upgrade: Send) -> None:
    assert (await upgrade("订单分析")).status_code == 200


async def test_errors_are_in_english_also_with_x_language_zh_cn(upgrade: Send) -> None:
    response = await upgrade("sr-reports", headers={"X-Language": "zh-cn"})
    assert response.json()["error_msg"] == "The current version is the latest. No update is available."


@pytest.mark.parametrize(
    "body", [{"delay": "true", "is_skip_validate": "false"}, {"delay": True, "is_skip_validate": False}]
)
async def test_flags_may_be_booleans_or_their_names(
    cloud: StandInCloud, client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    response = await client.post(f"/instances/{cloud.instances['sr-orders'].id}/starrocks/db-upgrade", json=body)
    assert response.status_code == 200
    assert cloud.jobs[0].delayed


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"delay": False}},
        {"json": {"delay": False, "is_skip_validate": False, "target": "3.1.18"}},
        {"json": {"delay": 1, "is_skip_validate": False}},
        {"json": {"delay": "True", "is_skip_validate": False}},
        {"json": {"delay": None, "is_skip_validate": False}},
        {"json": {"delay": [], "is_skip_validate": False}},
        {"json": [True, False]},
        {"content": b"delay=false"},
        {"content": b""},
        {"headers": {"X-Language": "de-de"}},
        {"headers": {"X-Language": ""}},
        {"headers": {"Content-Type": "text/plain"}},
        {"params": {"delay": "true"}},
    ],
    ids=str,
)
async def test_a_request_that_is_not_exactly_right_is_a_parameter_error(
    cloud: StandInCloud, client: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    right = {} if "content" in sent else {"json": {"delay": False, "is_skip_validate": False}}
    path = f"/instances/{cloud.instances['sr-orders'].id}/starrocks/db-upgrade"
    assert error_code(await client.post(path, **{**right, **sent})) == (400, "DBS.280001")
    assert not cloud.jobs


async def test_ids_that_are_unknown_or_of_another_kind_are_not_found(
    cloud: StandInCloud, client: httpx.AsyncClient
) -> None:
    orders = cloud.instances["sr-orders"]
    for wrong in (orders.parent_id, "0" * 32 + "in17", orders.id.upper()):
        response = await client.post(
            f"/instances/{wrong}/starrocks/db-upgrade", json={"delay": False, "is_skip_validate": False}
        )
        assert error_code(response) == (400, "DBS.200022"), wrong
    assert cloud.upgrades[0].instance_id == orders.parent_id


@pytest.mark.parametrize(
    "tail", ["starrocks/db-upgrade/", "starrocks/db-upgrade/x", "db-upgrade", "starrocks/DB-upgrade"]
)
async def test_another_path_is_no_api(cloud: StandInCloud, client: httpx.AsyncClient, tail: str) -> None:
    response = await client.post(f"/instances/{cloud.instances['sr-orders'].id}/{tail}", json={})
    assert error_code(response) == (404, "APIGW.0101")
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


async def test_another_project_is_not_available(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    response = await client.get(f"{cloud.endpoint}/v3/{'f' * 32}/instances")
    assert error_code(response) == (403, "APIGW.0310")


async def list_tasks(client: httpx.AsyncClient, kind: str, **params: str) -> list[dict[str, Any]]:
    response = await client.get(f"/{kind}-jobs", params=params)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["jobs" if kind == "immediate" else "schedules"]
    assert response.json()["total_count"] >= len(rows)
    return rows


async def test_a_delayed_upgrade_stands_under_scheduled_tasks_until_its_window_opens(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    job_id = (await upgrade(delay=True)).json()["job_id"]
    orders = cloud.instances["sr-orders"]
    [row] = await list_tasks(client, "scheduled", instance_id=orders.id, status="Pending")
    assert (row["job_id"], row["job_name"], row["job_status"]) == (job_id, "VERSION_UPGRADE", "Pending")
    assert await list_tasks(client, "immediate") == []
    assert (await client.get("/jobs", params={"id": job_id})).json()["job"]["status"] == "Pending"
    details = await client.get(f"/instances/{orders.parent_id}/starrocks/{orders.id}")
    assert details.json()["instances"][0]["actions"] == []

    cloud.open_window("sr-orders")
    assert [row["job_id"] for row in await list_tasks(client, "immediate")] == [job_id]
    with pytest.raises(ValueError, match="waits for its window"):
        cloud.open_window(orders.id)


async def test_the_window_opens_by_the_speed_and_the_list_has_the_time(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("minute")
    job_id = (await upgrade(delay=True)).json()["job_id"]
    [row] = await list_tasks(client, "scheduled")
    assert row["start_time"] == "2026-11-23T12:02:00+0000"
    clock.advance(119)
    assert cloud.job_state(job_id).waiting
    clock.advance(1)
    assert not cloud.job_state(job_id).waiting
    assert await list_tasks(client, "scheduled", status="Pending", instance_id="0" * 32 + "in17") == []
    clock.advance(60)
    assert cloud.instances["sr-orders"].version == "3.1.18"


async def test_while_time_is_paused_the_list_names_the_next_window_of_the_calendar(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("paused")
    await upgrade(delay=True)
    await upgrade("sr-metrics", delay=True)
    rows = await list_tasks(client, "scheduled")
    assert [row["start_time"] for row in rows] == ["2026-11-23T22:00:00+0000", "2026-11-24T02:00:00+0000"]


async def test_cancelling_takes_what_waits_and_names_it(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    waiting = (await upgrade(delay=True)).json()["job_id"]
    running = (await upgrade("sr-metrics")).json()["job_id"]
    response = await client.request("DELETE", "/scheduled-jobs", json={"job_ids": [waiting, running, "unknown"]})
    assert response.json() == {"job_ids": [waiting]}
    assert cloud.job_state(waiting).status == "Canceled"
    assert (await upgrade()).status_code == 200
    invalid_bodies: tuple[object, ...] = ({}, {"job_ids": []}, {"job_ids": "x"}, {"job_ids": [1]}, [])
    for wrong in invalid_bodies:
        assert (await client.request("DELETE", "/scheduled-jobs", json=wrong)).status_code == 400


async def test_immediate_tasks_are_filtered_by_time_status_and_id(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, upgrade: Send
) -> None:
    first = (await upgrade()).json()["job_id"]
    clock.advance(3600)
    second = (await upgrade("sr-metrics")).json()["job_id"]
    assert [row["job_id"] for row in await list_tasks(client, "immediate")] == [second, first]
    assert [row["status"] for row in await list_tasks(client, "immediate", job_id=first)] == ["Completed"]
    assert [row["job_id"] for row in await list_tasks(client, "immediate", status="Pending")] == [second]
    later = {"start_time": "2026-11-23T20:59:00+0800", "end_time": "2026-11-23T21:01:00+0800"}
    assert [row["job_id"] for row in await list_tasks(client, "immediate", **later)] == [second]
    assert await list_tasks(client, "immediate", end_time="2026-11-23T11:59:59+0000") == []
    for wrong in ({"start_time": "yesterday"}, {"limit": "11"}, {"offset": "-1"}):
        assert (await client.get("/immediate-jobs", params=wrong)).status_code == 400


async def test_the_list_can_name_the_parent_instead_of_the_instance(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    await upgrade()
    orders = cloud.instances["sr-orders"]
    assert (await list_tasks(client, "immediate"))[0]["instance_id"] == orders.id
    cloud.lists_jobs_under_parent = True
    assert (await list_tasks(client, "immediate"))[0]["instance_id"] == orders.parent_id


async def test_tasks_come_in_pages(cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send) -> None:
    names = [instance.name for instance in cloud.add_instances(12)]
    for name in names:
        assert (await upgrade(name)).status_code == 200
    first = await list_tasks(client, "immediate", limit="10")
    rest = await list_tasks(client, "immediate", limit="10", offset="10")
    assert [row["instance_name"] for row in first + rest] == names[::-1]


async def test_other_people_s_tasks_stand_in_every_list(clock: ManualClock) -> None:
    async with StandInCloud(clock=clock) as cloud:
        headers = {"X-Auth-Token": cloud.ready_token, "X-Language": "en-us"}
        base = f"{cloud.endpoint}/v3/{cloud.project_id}"
        async with httpx.AsyncClient(base_url=base, headers=headers) as client:
            orders = cloud.instances["sr-orders"]
            immediate = await list_tasks(client, "immediate", limit="50")
            names = {(row["job_name"], row["instance_id"] == orders.id) for row in immediate}
            assert names >= {("CreateStarRocksBackup", True), ("UpgradeStarRocksVersion", False)}
            scheduled = await list_tasks(client, "scheduled", limit="50")
            names = {(row["job_name"], row["instance_id"] == orders.id) for row in scheduled}
            assert names >= {("RESTART_INSTANCE", True), ("VERSION_UPGRADE", False)}
            restart = next(row["job_id"] for row in scheduled if row["job_name"] == "RESTART_INSTANCE")
            await client.request("DELETE", "/scheduled-jobs", json={"job_ids": [restart]})
            job = (await client.get("/jobs", params={"id": restart})).json()["job"]
            assert (job["name"], job["status"]) == ("RESTART_INSTANCE", "Canceled")
            assert not cloud.jobs


async def test_the_details_name_versions_window_nodes_and_what_runs(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("paused")
    orders = cloud.instances["sr-orders"]
    path = f"/instances/{orders.parent_id}/starrocks/{orders.id}"
    [details] = (await client.get(path)).json()["instances"]
    assert details["id"] == orders.id
    assert (details["status"], details["data_store_version"]) == ("normal", "3.1.15")
    assert details["new_version_available"] is True
    assert (details["ops_window"]["start_time"], details["ops_window"]["end_time"]) == ("02:00", "06:00")
    assert [(group["group_node_type"], len(group["nodes"])) for group in details["groups"]] == [("fe", 1), ("be", 2)]
    assert details["actions"] == []

    job_id = (await upgrade()).json()["job_id"]
    [details] = (await client.get(path)).json()["instances"]
    [action] = details["actions"]
    assert (action["job_id"], action["created_at"]) == (job_id, 1_795_435_200_000)
    cloud.finish(job_id)
    [details] = (await client.get(path)).json()["instances"]
    assert (details["actions"], details["new_version_available"]) == ([], False)


async def test_the_busy_instance_shows_its_action(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    billing = cloud.instances["sr-billing"]
    response = await client.get(f"/instances/{billing.parent_id}/starrocks/{billing.id}")
    [action] = response.json()["instances"][0]["actions"]
    assert action["action"] == "RESTARTING"


async def test_an_instance_is_found_only_under_its_own_parent(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    orders, archive = cloud.instances["sr-orders"], cloud.instances["sr-archive"]
    response = await client.get(f"/instances/{archive.parent_id}/starrocks/{orders.id}")
    assert (response.status_code, response.json()["error_code"]) == (400, "DBS.200022")


async def test_an_instance_can_be_found_from_the_top(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    parents = [row["id"] for row in (await client.get("/instances")).json()["instances"]]
    ids: dict[str, str] = {}
    for parent in parents:
        response = (await client.get(f"/instances/{parent}/htap")).json()
        assert response["total"] == len(response["instances"])
        ids |= {row["name"]: row["id"] for row in response["instances"] if row["engine_name"] == "star-rocks"}
        assert [row["engine_name"] for row in response["instances"]][-1] == "clickhouse"
    assert ids == {name: instance.id for name, instance in cloud.instances.items()}


async def test_nodes_are_listed_with_their_roles(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    response = await client.get(f"/instances/{cloud.instances['sr-orders'].id}/starrocks/nodes")
    assert [node["role"] for node in response.json()["node_list"]] == ["FE", "BE", "BE"]
    assert (await client.get(f"/instances/{'0' * 32}in17/starrocks/nodes")).status_code == 400
    assert (await client.get(f"/instances/{'0' * 32}in07/htap")).status_code == 400


async def test_two_thousand_instances_come_in_pages_of_parents(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    cloud.add_instances(2000)
    parents: set[str] = set()
    while rows := (await client.get("/instances", params={"offset": str(len(parents)), "limit": "20"})).json()[
        "instances"
    ]:
        assert len(rows) <= 20
        parents |= {row["id"] for row in rows}
    assert parents == {instance.parent_id for instance in cloud.instances.values()}
    assert (await client.get("/instances", params={"limit": "101"})).status_code == 400
    assert len(parents) == 2 + 41  # fifty to a parent, counted on from the ready ones
    assert len({instance.id for instance in cloud.instances.values()}) == 2006
