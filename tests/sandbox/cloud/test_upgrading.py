"""The upgrade itself: what is taken, what is refused, and with which code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.cloud import StandInCloud

Ask = Callable[..., Awaitable[httpx.Response]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


async def test_an_upgrade_is_accepted_and_makes_a_job_and_an_action(cloud: StandInCloud, upgrade: Ask) -> None:
    answer = await upgrade()
    assert answer.status_code == 200
    assert list(answer.json()) == ["job_id"]
    [job] = cloud.jobs
    assert (job.id, job.instance_name) == (answer.json()["job_id"], "sr-orders")
    [call] = cloud.upgrades
    assert (call.took_effect, call.answered, call.job_id, call.status) == (True, True, job.id, 200)
    assert call.body == {"delay": False, "is_skip_validate": False}


async def test_every_answer_carries_a_request_id_and_the_clocks_date(client: httpx.AsyncClient, upgrade: Ask) -> None:
    for answer in (await upgrade(), await client.get("/no-such-api"), await client.get("/jobs?id=x")):
        assert len(answer.headers["X-Request-Id"]) == 32
        assert answer.headers["Date"] == "Mon, 23 Nov 2026 12:00:00 GMT"


async def test_a_second_upgrade_of_the_same_instance_is_refused_while_one_runs(
    cloud: StandInCloud, upgrade: Ask
) -> None:
    cloud.set_speed("paused")
    await upgrade()
    assert code(await upgrade()) == (409, "DBS.200019")
    assert [call.took_effect for call in cloud.upgrades] == [True, False]


async def test_an_upgrade_that_waits_for_its_window_holds_the_instance_too(upgrade: Ask) -> None:
    await upgrade(delay=True)
    assert code(await upgrade()) == (409, "DBS.200019")


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("sr-reports", (400, "DBS.05000008")),
        ("sr-billing", (409, "DBS.200019")),
        ("sr-archive", (409, "DBS.200047")),
    ],
)
async def test_the_ready_instances_refuse_each_in_its_way(upgrade: Ask, name: str, refused: tuple[int, str]) -> None:
    assert code(await upgrade(name)) == refused


async def test_the_instance_with_a_chinese_name_can_be_upgraded(upgrade: Ask) -> None:
    assert (await upgrade("订单分析")).status_code == 200


async def test_errors_are_in_english_also_for_chinese_readers(upgrade: Ask) -> None:
    answer = await upgrade("sr-reports", headers={"X-Language": "zh-cn"})
    assert answer.json()["error_msg"] == "The current version is the latest. No update is available."


@pytest.mark.parametrize(
    "body", [{"delay": "true", "is_skip_validate": "false"}, {"delay": True, "is_skip_validate": False}]
)
async def test_switches_may_be_booleans_or_their_names(
    cloud: StandInCloud, client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    answer = await client.post(f"/instances/{cloud.instances['sr-orders'].id}/starrocks/db-upgrade", json=body)
    assert answer.status_code == 200
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
    assert code(await client.post(path, **{**right, **sent})) == (400, "DBS.280001")
    assert not cloud.jobs


async def test_ids_that_are_unknown_or_of_another_kind_are_not_found(
    cloud: StandInCloud, client: httpx.AsyncClient
) -> None:
    orders = cloud.instances["sr-orders"]
    for wrong in (orders.parent_id, "0" * 32 + "in17", orders.id.upper()):
        answer = await client.post(
            f"/instances/{wrong}/starrocks/db-upgrade", json={"delay": False, "is_skip_validate": False}
        )
        assert code(answer) == (400, "DBS.200022"), wrong
    assert cloud.upgrades[0].instance_id == orders.parent_id


@pytest.mark.parametrize(
    "tail", ["starrocks/db-upgrade/", "starrocks/db-upgrade/x", "db-upgrade", "starrocks/DB-upgrade"]
)
async def test_another_path_is_no_api(cloud: StandInCloud, client: httpx.AsyncClient, tail: str) -> None:
    answer = await client.post(f"/instances/{cloud.instances['sr-orders'].id}/{tail}", json={})
    assert code(answer) == (404, "APIGW.0101")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


async def test_another_project_is_not_available(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{cloud.endpoint}/v3/{'f' * 32}/instances")
    assert code(answer) == (403, "APIGW.0310")
