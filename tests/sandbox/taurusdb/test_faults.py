"""Faults of the response: errors, other responses, corrupt responses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from bot.sandbox.taurusdb import FAULTS, OPERATIONS, StandInCloud
from bot.sandbox.taurusdb.faults import HUGE_BYTES, WRONG_VALUES

Send = Callable[..., Awaitable[httpx.Response]]
DOCUMENTED = """
400 DBS.200022, 400 DBS.05000008, 400 DBS.05000012, 400 DBS.280001, 409 DBS.200019, 409 DBS.200047, 409 DBS.201014,
409 DBS.201015, 409 DBS.05000084, 409 DBS.212033, 500 DBS.05000000, 401 APIGW.0301, 401 APIGW.0307, 403 APIGW.0302,
403 APIGW.0306, 403 APIGW.0310, 403 APIGW.0802, 404 APIGW.0101, 429 APIGW.0308, 502 APIGW.0201, 504 APIGW.0201,
502 APIGW.0610, 503 APIGW.0613, 401 IAM.0011
"""
CODES = [name.strip() for name in DOCUMENTED.split(",")]


def test_every_documented_code_and_every_way_to_lose_an_answer_is_there() -> None:
    named = {
        *CODES, "slow", "hang", "accepted, answer lost", "accepted, reset", "lost before", "closed at once",
        "half answer", "html", "no job_id", "redirect", "huge", "wrong types", "empty body", "job fails",
        "job canceled", "job unauthorized", "job paused", "job in other words", "late job", "repeated",
    }  # fmt: skip
    assert named <= set(FAULTS)
    assert all(FAULTS.values())
    assert sorted(OPERATIONS) == [
        "cancel", "data-sync", "htap", "immediate", "instance", "job", "nodes", "scheduled", "taurusdb", "token",
        "upgrade",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CODES)
async def test_an_error_is_answered_instead_and_nothing_happens(cloud: StandInCloud, upgrade: Send, name: str) -> None:
    cloud.inject_fault(name)
    response = await upgrade()
    status, error_code = name.split()
    assert (response.status_code, response.json()["error_code"]) == (int(status), error_code)
    assert response.json()["error_msg"]
    assert ("request_id" in response.json()) == error_code.startswith("APIGW")
    assert not cloud.jobs
    assert not cloud.upgrades[0].took_effect
    assert (await upgrade()).status_code == 200


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("errorCode", {"errorCode": "DBS.200022", "errorMsg": "Instance not found."}),
        ("errCode", {"errCode": "DBS.200022", "errMsg": "Instance not found."}),
        ("code", {"code": "DBS.200022", "message": "Instance not found."}),
        ("error", {"error": {"code": "DBS.200022", "message": "Instance not found.", "title": "Error"}}),
        ("empty", None),
        ("html", None),
    ],
)
async def test_an_error_comes_in_other_shapes(cloud: StandInCloud, upgrade: Send, shape: str, body: object) -> None:
    cloud.inject_fault("400 DBS.200022", shape=shape)
    response = await upgrade()
    assert response.status_code == 400
    if body is not None:
        assert response.json() == body
    else:
        assert b"DBS" not in response.content
    with pytest.raises(ValueError, match="no shape"):
        cloud.inject_fault("400 DBS.200022", shape="no such")


async def test_a_job_can_be_in_other_words_or_in_a_status_nobody_knows(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.set_speed("paused")
    cloud.inject_fault("job in other words")
    job_id = (await upgrade()).json()["job_id"]
    cloud.set_progress(job_id, 40)
    assert (await client.get("/jobs", params={"id": job_id})).json()["job"]["status"] == "running"
    cloud.finish(job_id)
    assert (await client.get("/jobs", params={"id": job_id})).json()["job"]["status"] == "SUCCESS"
    cloud.inject_fault("job paused")
    job_id = (await upgrade("sr-metrics")).json()["job_id"]
    cloud.set_progress(job_id, 80)
    assert (await client.get("/jobs", params={"id": job_id})).json()["job"]["status"] == "Paused"
    assert cloud.open_job(cloud.instances["sr-metrics"])


async def test_throttling_has_retry_after(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("429 APIGW.0308", seconds=3)
    assert (await upgrade()).headers["Retry-After"] == "3"


async def test_a_fault_applies_as_often_as_set_and_only_to_its_operation(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.inject_fault("500 DBS.05000000", times=2)
    cloud.inject_fault("html", "taurusdb")
    assert [fault.name for fault in cloud.pending_faults] == ["500 DBS.05000000", "html"]
    assert (await client.get("/immediate-jobs")).status_code == 200
    assert [(await upgrade()).status_code for _ in range(3)] == [500, 500, 200]
    response = await client.get("/instances")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")
    assert response.text.startswith("<!DOCTYPE html>")
    assert not cloud.pending_faults


async def test_clear_faults_removes_every_fault(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("hang", times=99)
    cloud.clear_faults()
    assert (await upgrade()).status_code == 200


async def test_a_request_that_is_not_authenticated_does_not_use_a_fault_up(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("500 DBS.05000000")
    assert (await upgrade(headers={"X-Auth-Token": "garbage"})).status_code == 401
    assert (await upgrade()).status_code == 500


@pytest.mark.parametrize(
    ("name", "operation", "times"),
    [("no such", "upgrade", 1), ("html", "no such", 1), ("late job", "job", 1), ("html", "job", 0)],
)
def test_an_impossible_fault_is_refused(name: str, operation: str, times: int) -> None:
    with pytest.raises(ValueError, match=r"no fault|no operation|only happen|at least once"):
        StandInCloud().inject_fault(name, operation, times)


async def test_iam_answers_in_its_own_form_also_for_a_fault(cloud: StandInCloud, sign_in: Send) -> None:
    cloud.inject_fault("401 APIGW.0301", "token")
    assert (await sign_in()).json()["error"]["code"] == 401
    cloud.inject_fault("503 APIGW.0613", "token")
    assert (await sign_in()).json()["error_code"] == "APIGW.0613"
    assert cloud.sign_ins == 0


async def test_a_redirect_leads_nowhere(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("redirect")
    response = await upgrade()
    assert (response.status_code, response.headers["Location"]) == (302, "/login")
    assert not cloud.jobs


@pytest.mark.parametrize(
    ("name", "body"), [("no job_id", b"{}"), ("empty body", b""), ("wrong types", b'{"job_id": 12345}')]
)
async def test_a_corrupt_response_hides_an_upgrade_that_was_accepted(
    cloud: StandInCloud, upgrade: Send, name: str, body: bytes
) -> None:
    cloud.inject_fault(name)
    response = await upgrade()
    assert (response.status_code, response.content) == (200, body)
    assert cloud.upgrades[0].took_effect
    assert len(cloud.jobs) == 1


async def test_wrong_types_are_another_type_each_time(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    cloud.inject_fault("wrong types", "immediate", times=len(WRONG_VALUES))
    values = [(await client.get("/immediate-jobs")).json()["jobs"] for _ in WRONG_VALUES]
    assert values == list(WRONG_VALUES)


async def test_a_huge_answer_is_two_mebibytes_long(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("huge")
    response = await upgrade()
    assert len(response.content) > HUGE_BYTES
    assert response.json()["job_id"] == cloud.jobs[0].id


async def test_the_gateway_may_time_out_on_an_upgrade_that_takes_effect(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("accepted, 504")
    assert (await upgrade()).status_code == 504
    assert cloud.upgrades[0].took_effect


async def test_a_gateway_that_repeats_a_request_passes_on_the_answer_to_the_second_copy(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.inject_fault("repeated")
    response = await upgrade(delay=True)
    assert (response.status_code, response.json()["error_code"]) == (409, "DBS.200019")
    assert len(cloud.upgrades) == len(cloud.jobs) == 1
    assert (cloud.upgrades[0].took_effect, cloud.upgrades[0].job_id) == (True, cloud.jobs[0].id)
    cloud.inject_fault("repeated", "cancel")
    body = {"job_ids": [cloud.jobs[0].id]}
    assert (await client.request("DELETE", "/scheduled-jobs", json=body)).json() == {"job_ids": []}
    assert cloud.job_state(cloud.jobs[0].id).status == "Canceled"


async def test_a_slow_answer_comes_after_the_upgrade_has_long_happened(cloud: StandInCloud, upgrade: Send) -> None:
    cloud.inject_fault("slow", seconds=0.3)
    task = asyncio.ensure_future(upgrade())
    await cloud.until(lambda: cloud.upgrades)
    assert (cloud.upgrades[0].took_effect, cloud.upgrades[0].answered, cloud.calls[0].status) == (True, False, None)
    assert (await task).status_code == 200
    assert cloud.upgrades[0].answered
