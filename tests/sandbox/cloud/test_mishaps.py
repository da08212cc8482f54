"""Mishaps of the answer: errors, other answers, answers that are spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from bot.sandbox.cloud import MISHAPS, OPERATIONS, StandInCloud
from bot.sandbox.cloud.breaking import HUGE_BYTES, WRONG_VALUES

Ask = Callable[..., Awaitable[httpx.Response]]
DOCUMENTED = """
400 DBS.200022, 400 DBS.05000008, 400 DBS.05000012, 400 DBS.280001, 409 DBS.200019, 409 DBS.200047, 409 DBS.201014,
409 DBS.201015, 409 DBS.05000084, 409 DBS.212033, 500 DBS.05000000, 401 APIGW.0301, 401 APIGW.0307, 403 APIGW.0302,
403 APIGW.0306, 403 APIGW.0310, 403 APIGW.0802, 404 APIGW.0101, 429 APIGW.0308, 502 APIGW.0201, 504 APIGW.0201,
502 APIGW.0610, 503 APIGW.0613
"""
CODES = [name.strip() for name in DOCUMENTED.split(",")]


def test_every_documented_code_and_every_way_to_lose_an_answer_is_there() -> None:
    named = {
        *CODES, "slow", "hang", "accepted, answer lost", "accepted, reset", "lost before", "closed at once",
        "half answer", "html", "no job_id", "redirect", "huge", "wrong types", "empty body", "job fails",
        "job canceled", "job unauthorized", "late job",
    }  # fmt: skip
    assert named <= set(MISHAPS)
    assert all(MISHAPS.values())
    assert sorted(OPERATIONS) == [
        "cancel", "htap", "immediate", "instance", "job", "nodes", "scheduled", "taurusdb", "token", "upgrade",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CODES)
async def test_an_error_is_answered_instead_and_nothing_happens(cloud: StandInCloud, upgrade: Ask, name: str) -> None:
    cloud.choose_mishap(name)
    answer = await upgrade()
    status, error_code = name.split()
    assert (answer.status_code, answer.json()["error_code"]) == (int(status), error_code)
    assert answer.json()["error_msg"]
    assert ("request_id" in answer.json()) == error_code.startswith("APIGW")
    assert not cloud.jobs
    assert not cloud.upgrades[0].took_effect
    assert (await upgrade()).status_code == 200


async def test_throttling_says_when_to_come_again(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("429 APIGW.0308", seconds=3)
    assert (await upgrade()).headers["Retry-After"] == "3"


async def test_a_mishap_strikes_as_often_as_told_and_only_its_operation(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Ask
) -> None:
    cloud.choose_mishap("500 DBS.05000000", times=2)
    cloud.choose_mishap("html", "taurusdb")
    assert [mishap.name for mishap in cloud.chosen_mishaps] == ["500 DBS.05000000", "html"]
    assert (await client.get("/immediate-jobs")).status_code == 200
    assert [(await upgrade()).status_code for _ in range(3)] == [500, 500, 200]
    answer = await client.get("/instances")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert not cloud.chosen_mishaps


async def test_healing_takes_every_mishap_away(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("hang", times=99)
    cloud.heal()
    assert (await upgrade()).status_code == 200


async def test_a_request_that_may_not_come_in_does_not_use_a_mishap_up(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("500 DBS.05000000")
    assert (await upgrade(headers={"X-Auth-Token": "garbage"})).status_code == 401
    assert (await upgrade()).status_code == 500


@pytest.mark.parametrize(
    ("name", "operation", "times"),
    [("no such", "upgrade", 1), ("html", "no such", 1), ("late job", "job", 1), ("html", "job", 0)],
)
def test_a_mishap_that_cannot_be_is_refused(name: str, operation: str, times: int) -> None:
    with pytest.raises(ValueError, match=r"no mishap|no operation|only happen|at least once"):
        StandInCloud().choose_mishap(name, operation, times)


async def test_iam_answers_in_its_own_shape_also_by_mishap(cloud: StandInCloud, sign_in: Ask) -> None:
    cloud.choose_mishap("401 APIGW.0301", "token")
    assert (await sign_in()).json()["error"]["code"] == 401
    cloud.choose_mishap("503 APIGW.0613", "token")
    assert (await sign_in()).json()["error_code"] == "APIGW.0613"
    assert cloud.sign_ins == 0


async def test_a_redirect_leads_nowhere(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("redirect")
    answer = await upgrade()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert not cloud.jobs


@pytest.mark.parametrize(
    ("name", "body"), [("no job_id", b"{}"), ("empty body", b""), ("wrong types", b'{"job_id": 12345}')]
)
async def test_a_spoilt_answer_hides_an_upgrade_that_was_accepted(
    cloud: StandInCloud, upgrade: Ask, name: str, body: bytes
) -> None:
    cloud.choose_mishap(name)
    answer = await upgrade()
    assert (answer.status_code, answer.content) == (200, body)
    assert cloud.upgrades[0].took_effect
    assert len(cloud.jobs) == 1


async def test_wrong_types_are_another_type_each_time(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    cloud.choose_mishap("wrong types", "immediate", times=len(WRONG_VALUES))
    seen = [(await client.get("/immediate-jobs")).json()["jobs"] for _ in WRONG_VALUES]
    assert seen == list(WRONG_VALUES)


async def test_a_huge_answer_is_two_mebibytes_long(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("huge")
    answer = await upgrade()
    assert len(answer.content) > HUGE_BYTES
    assert answer.json()["job_id"] == cloud.jobs[0].id


async def test_a_gateway_may_lose_patience_with_an_upgrade_that_happens(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("accepted, 504")
    assert (await upgrade()).status_code == 504
    assert cloud.upgrades[0].took_effect


async def test_a_slow_answer_comes_after_the_upgrade_has_long_happened(cloud: StandInCloud, upgrade: Ask) -> None:
    cloud.choose_mishap("slow", seconds=0.3)
    asking = asyncio.ensure_future(upgrade())
    await cloud.until(lambda: cloud.upgrades)
    assert (cloud.upgrades[0].took_effect, cloud.upgrades[0].answered, cloud.calls[0].status) == (True, False, None)
    assert (await asking).status_code == 200
    assert cloud.upgrades[0].answered
