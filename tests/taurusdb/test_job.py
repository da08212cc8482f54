"""Looking at a job."""

import asyncio
import json

import pytest

from bot.core.looks import Job
from bot.core.reasons import Fault, NotSent, Refused, Unsure
from bot.core.sentence import Language
from bot.sandbox.cloud import StandInCloud
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.jobs import percent_of
from tests.taurusdb.asking import Connect, send
from tests.taurusdb.raw_server import Conversation, RawServer


async def test_a_job_is_seen_from_its_start_to_its_end(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    assert await taurusdb.job(job_id, Language.ZH) == Job(job_id, "Pending")
    assert cloud.calls[-1].language == "zh-cn"
    cloud.progress(job_id, 60)
    assert await taurusdb.job(job_id, Language.EN) == Job(job_id, "Running", 60)
    cloud.finish(job_id, "Failed", "node be-1 was not ready")
    assert await taurusdb.job(job_id, Language.EN) == Job(job_id, "Failed", None, "node be-1 was not ready")


async def test_a_job_that_is_not_there_yet_is_none(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.choose_mishap("late job", seconds=5)
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    assert await taurusdb.job(job_id, Language.EN) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("429 APIGW.0308", NotSent),
        ("403 APIGW.0302", Refused),
        ("404 APIGW.0101", Refused),
        ("500 DBS.05000000", Unsure),
        ("lost before", Unsure),
        ("html", Unsure),
        ("empty body", Unsure),
        ("huge", Unsure),
        ("wrong types", Unsure),
    ],
)
async def test_a_look_that_fails_is_a_fault(
    cloud: StandInCloud, taurusdb: TaurusDb, name: str, kind: type[Fault]
) -> None:
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    cloud.choose_mishap(name, "job", times=9)
    with pytest.raises(kind):
        await taurusdb.job(job_id, Language.EN)


@pytest.mark.parametrize(
    ("status", "body", "job"),
    [
        ("200 OK", {"job": {"id": "1", "status": "Running", "process": "60"}}, Job("1", "Running", 60)),
        ("200 OK", {"job": {"status": "Running", "process": None, "fail_reason": 5}}, Job("1", "Running")),
        ("200 OK", {"job": {"status": "Rolling back"}}, Job("1", "Rolling back")),
        ("200 OK", {"job": {}}, None),
        ("200 OK", {"job": None}, None),
        ("200 OK", {}, None),
        ("404 Not Found", {"error_code": "DBS.290000"}, None),
        ("404 Not Found", {}, None),
        ("400 Bad Request", {"error_code": "DBS.280446", "error_msg": "The task does not exist."}, None),
    ],
)
async def test_odd_jobs_are_read_with_patience(connect: Connect, status: str, body: object, job: Job | None) -> None:
    async def answers(talk: Conversation) -> None:
        await talk.read_request()
        talk.answer(json.dumps(body), status)

    async with RawServer(answers) as server:
        assert await connect(server.endpoint).job("1", Language.EN) == job


@pytest.mark.parametrize(
    ("process", "percent"),
    [
        ("60%", 60),
        ("60", 60),
        (" 7 % ", 7),
        ("99.9%", 99),
        (60, 60),
        (0.0, 0),
        ("100%", 100),
        ("", None),
        ("101%", None),
        ("-1", None),
        (-1, None),
        ("most", None),
        (None, None),
        (True, None),
        ([60], None),
        (float("nan"), None),
        ("٦٠%", None),
    ],
)
def test_a_percentage_is_read_if_it_is_one(process: object, percent: int | None) -> None:
    assert percent_of(process) == percent


async def test_at_most_eight_reads_are_in_flight_and_they_do_not_hold_an_upgrade_back(
    cloud: StandInCloud, taurusdb: TaurusDb
) -> None:
    await taurusdb.job("first", Language.EN)  # signed in
    cloud.choose_mishap("hang", "job", times=99)
    looks = [asyncio.create_task(taurusdb.job(f"job-{number}", Language.EN)) for number in range(20)]
    await cloud.until(lambda: cloud.in_flight == 8)
    assert await send(taurusdb, cloud.instances["sr-orders"].id)
    assert cloud.most_in_flight == 9
    for task in looks:
        task.cancel()
    await asyncio.gather(*looks, return_exceptions=True)
