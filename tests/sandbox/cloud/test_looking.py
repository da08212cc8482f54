"""Looking at instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from bot.sandbox.cloud import StandInCloud

Ask = Callable[..., Awaitable[httpx.Response]]


async def test_the_details_name_versions_window_nodes_and_what_runs(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
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
    assert (action["job_id"], action["created_at"]) == (job_id, "2026-11-23T12:00:00+0000")
    cloud.finish(job_id)
    [details] = (await client.get(path)).json()["instances"]
    assert (details["actions"], details["new_version_available"]) == ([], False)


async def test_the_busy_instance_shows_its_action(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    billing = cloud.instances["sr-billing"]
    answer = await client.get(f"/instances/{billing.parent_id}/starrocks/{billing.id}")
    [action] = answer.json()["instances"][0]["actions"]
    assert action["action"] == "RESTARTING"


async def test_an_instance_is_found_only_under_its_own_parent(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    orders, archive = cloud.instances["sr-orders"], cloud.instances["sr-archive"]
    answer = await client.get(f"/instances/{archive.parent_id}/starrocks/{orders.id}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DBS.200022")


async def test_an_instance_can_be_found_from_the_top(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    parents = [row["id"] for row in (await client.get("/instances")).json()["instances"]]
    found: dict[str, str] = {}
    for parent in parents:
        answer = (await client.get(f"/instances/{parent}/htap")).json()
        assert answer["total"] == len(answer["instances"])
        found |= {row["name"]: row["id"] for row in answer["instances"]}
    assert found == {name: instance.id for name, instance in cloud.instances.items()}


async def test_nodes_are_listed_with_their_roles(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/instances/{cloud.instances['sr-orders'].id}/starrocks/nodes")
    assert [node["role"] for node in answer.json()["node_list"]] == ["FE", "BE", "BE"]
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
