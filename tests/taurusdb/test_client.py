"""The client against the stand-in cloud: what an upgrade sends and each response means, jobs, and the metrics."""

import asyncio
import json
import time

import pytest

from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected
from bot.core.messages import Language
from bot.core.polling import Job, UpgradeSearch
from bot.core.ports import NullMetrics
from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.taurusdb.auth import ReadyToken
from bot.taurusdb.client import TaurusDb, parse_percent
from bot.taurusdb.signing import AkSk
from tests.taurusdb.helpers import FakeSleep, MakeClient, cloud_with, send
from tests.taurusdb.raw_server import Connection, RawServer

REJECTED = [
    "400 DBS.200022",
    "400 DBS.05000008",
    "400 DBS.05000012",
    "400 DBS.280001",
    "409 DBS.200019",
    "409 DBS.212033",
    "403 APIGW.0302",
    "403 APIGW.0310",
    "404 APIGW.0101",
]
OUTCOME_UNKNOWN = [
    "500 DBS.05000000",
    "502 APIGW.0201",
    "502 APIGW.0610",
    "504 APIGW.0201",
    "accepted, 504",
    "accepted, answer lost",
    "accepted, reset",
    "lost before",
    "half answer",
    "html",
    "no job_id",
    "redirect",
    "huge",
    "wrong types",
    "empty body",
]
NOT_PASSED_ON = ["429 APIGW.0308", "503 APIGW.0613"]


@pytest.fixture
def orders(cloud: StandInCloud) -> str:
    return cloud.instances["sr-orders"].id


@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("skip_validate", [True, False])
async def test_the_body_is_exactly_the_two_booleans(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, delay: bool, skip_validate: bool
) -> None:
    await send(taurusdb, orders, delay=delay, skip_validate=skip_validate)
    assert cloud.upgrades[0].body == {"delay": delay, "is_skip_validate": skip_validate}


@pytest.mark.parametrize("language", list(Language))
async def test_the_answer_is_the_job_id_and_the_request_carries_the_language(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, language: Language
) -> None:
    job_id = await send(taurusdb, orders, language=language)
    (upgrade,) = cloud.upgrades
    assert (upgrade.job_id, upgrade.instance_id, upgrade.language) == (job_id, orders, language.value)
    assert upgrade.headers["content-type"] == "application/json"
    assert "x-auth-token" in upgrade.headers


async def test_access_keys_sign_instead_of_a_token(cloud: StandInCloud, make_client: MakeClient, orders: str) -> None:
    for security_token, name in (("", "sr-orders"), (cloud.security_token, "sr-metrics")):
        keys = AkSk(cloud.access_key, cloud.secret_key, security_token, cloud.project_id, cloud.clock)
        client = make_client(cloud.endpoint, keys)
        assert await send(client, cloud.instances[name].id) == cloud.jobs[-1].id
        assert await client.job(cloud.jobs[-1].id, Language.EN)
        search = UpgradeSearch(cloud.instances[name].id, delay=True, since=cloud.clock())
        assert isinstance(await client.find_upgrade(search, Language.EN), str)
    assert "x-auth-token" not in cloud.upgrades[0].headers
    assert cloud.sign_ins == 0


@pytest.mark.parametrize("name", REJECTED)
async def test_a_rejection_is_final_and_carries_the_codes(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.inject_fault(name, times=5)
    with pytest.raises(Rejected) as caught:
        await send(taurusdb, orders)
    status, code = name.split()
    assert (caught.value.status, caught.value.code) == (int(status), code)
    assert caught.value.message
    assert caught.value.api_request_id == cloud.upgrades[0].request_id
    assert len(cloud.upgrades) == 1


@pytest.mark.parametrize("name", OUTCOME_UNKNOWN)
async def test_what_may_have_happened_is_unknown_and_never_sent_again(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.inject_fault(name, times=5)
    with pytest.raises(OutcomeUnknown):
        await send(taurusdb, orders)
    assert len(cloud.upgrades) == 1


@pytest.mark.parametrize("name", NOT_PASSED_ON)
async def test_what_was_not_passed_on_is_sent_again_a_few_times(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, fake_sleep: FakeSleep, name: str
) -> None:
    cloud.inject_fault(name, times=2)
    assert await send(taurusdb, orders) == cloud.jobs[0].id
    assert (len(cloud.upgrades), len(cloud.jobs), len(fake_sleep.durations)) == (3, 1, 2)
    first, second = fake_sleep.durations
    assert 1 <= first <= 1.5
    assert 2 <= second <= 3


@pytest.mark.parametrize("name", NOT_PASSED_ON)
async def test_after_three_tries_it_is_reported(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, fake_sleep: FakeSleep, name: str
) -> None:
    cloud.inject_fault(name, times=9)
    with pytest.raises(NotSent) as caught:
        await send(taurusdb, orders)
    assert f"{caught.value.status} {caught.value.code}" == name
    assert (len(cloud.upgrades), len(fake_sleep.durations)) == (3, 2)


async def test_the_cloud_says_how_long_to_wait(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, fake_sleep: FakeSleep
) -> None:
    cloud.inject_fault("429 APIGW.0308", times=1, seconds=17)
    await send(taurusdb, orders)
    assert 17 <= fake_sleep.durations[0] < 18


async def test_no_try_begins_after_the_time_for_tries(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, fake_sleep: FakeSleep
) -> None:
    cloud.inject_fault("429 APIGW.0308", times=9, seconds=50)
    with pytest.raises(NotSent):
        await send(taurusdb, orders)
    assert (len(cloud.upgrades), len(fake_sleep.durations)) == (2, 1)


@pytest.mark.parametrize("name", ["401 APIGW.0301", "401 APIGW.0307"])
async def test_a_refused_token_is_renewed_once_and_the_upgrade_sent_again(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.inject_fault(name)
    assert await send(taurusdb, orders) == cloud.jobs[0].id
    assert (len(cloud.upgrades), cloud.sign_ins) == (2, 2)


@pytest.mark.parametrize("name", ["401 APIGW.0301", "401 APIG.0301", "401 IAM.0011"])
@pytest.mark.parametrize("shape", ["error_code", "errorCode", "code", "error", "empty", "html"])
async def test_any_401_has_the_token_renewed(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str, shape: str
) -> None:
    await taurusdb.job("a-job", Language.EN)  # the token is cached
    cloud.inject_fault(name, shape=shape)
    assert await send(taurusdb, orders) == cloud.jobs[0].id
    assert (len(cloud.upgrades), cloud.sign_ins) == (2, 2)
    cloud.inject_fault(name, "job", shape=shape)
    assert await taurusdb.job(cloud.jobs[0].id, Language.EN)
    assert cloud.sign_ins == 3


async def test_a_token_refused_twice_is_final(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    cloud.inject_fault("401 APIGW.0301", times=9)
    with pytest.raises(Rejected):
        await send(taurusdb, orders)
    assert (len(cloud.upgrades), cloud.sign_ins) == (2, 2)


async def test_a_ready_token_and_access_keys_are_not_tried_again(
    cloud: StandInCloud, make_client: MakeClient, orders: str
) -> None:
    keys = AkSk(cloud.access_key, "a-wrong-key", "", cloud.project_id, cloud.clock)
    for count, credentials in enumerate((ReadyToken("a-wrong-token"), keys), 1):
        with pytest.raises(Rejected) as caught:
            await send(make_client(cloud.endpoint, credentials), orders)
        assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")
        assert len(cloud.upgrades) == count


async def test_after_a_wrong_signature_nothing_is_sent_for_a_while(
    cloud: StandInCloud, make_client: MakeClient, orders: str, clock: ManualClock
) -> None:
    keys = AkSk(cloud.access_key, "a-wrong-key", "", cloud.project_id, cloud.clock)
    client = make_client(cloud.endpoint, keys)
    with pytest.raises(Rejected):
        await send(client, orders)
    for _ in range(60):  # ten minutes of polls
        with pytest.raises((NotSent, Rejected)) as caught:
            await client.job("a-job", Language.EN)
        assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")
        clock.advance(10)
    with pytest.raises(NotSent, match="next attempt in"):
        await send(client, orders)
    assert (len(cloud.upgrades), len(cloud.calls)) == (1, 3)  # the second after 30 s, the third after 2 min


async def test_of_many_requests_that_start_together_with_a_wrong_key_one_is_sent(
    cloud: StandInCloud, make_client: MakeClient, clock: ManualClock
) -> None:
    keys = AkSk(cloud.access_key, "a-wrong-key", "", cloud.project_id, cloud.clock)
    client = make_client(cloud.endpoint, keys)
    for calls in (1, 2):
        await asyncio.gather(*(client.job(f"job-{n}", Language.EN) for n in range(20)), return_exceptions=True)
        assert len(cloud.calls) == calls
        clock.advance(40)


async def test_one_right_answer_ends_the_memory_of_refusals(
    cloud: StandInCloud, make_client: MakeClient, orders: str, clock: ManualClock
) -> None:
    client = make_client(cloud.endpoint, AkSk(cloud.access_key, cloud.secret_key, "", cloud.project_id, cloud.clock))
    for _ in range(3):
        cloud.inject_fault("401 APIGW.0301", "job")
        with pytest.raises(Rejected):
            await client.job("a-job", Language.EN)
        with pytest.raises(NotSent):
            await client.job("a-job", Language.EN)
        clock.advance(31)  # never longer: the answer before was right
        assert await client.job("a-job", Language.EN) is None
    assert await send(client, orders)


async def test_a_token_that_iam_gives_and_the_service_refuses_is_not_renewed_at_every_poll(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    cloud.inject_fault("401 APIGW.0301", "job", times=999)
    for _ in range(60):
        with pytest.raises((NotSent, Rejected)):
            await taurusdb.job("a-job", Language.EN)
        clock.advance(10)
    assert cloud.sign_ins <= 4
    cloud.clear_faults()
    clock.advance(1800)
    assert await taurusdb.job("a-job", Language.EN) is None


async def test_an_operation_that_refuses_even_a_fresh_token_silences_no_other(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    job_id = await send(taurusdb, orders)
    cloud.inject_fault("401 APIGW.0301", "immediate", times=999)
    for _ in range(3):
        await taurusdb.find_upgrade(UpgradeSearch(orders, delay=False, since=clock()), Language.EN)
        assert await taurusdb.job(job_id, Language.EN)
        clock.advance(10)
    assert cloud.sign_ins <= 3
    cloud.clear_faults()
    cloud.inject_fault("401 APIGW.0301", "job")  # the token itself is refused
    assert await taurusdb.job(job_id, Language.EN)


async def test_an_operation_that_refused_fresh_tokens_works_at_once_when_it_takes_them_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    job_id = await send(taurusdb, orders)
    cloud.inject_fault("401 APIGW.0301", "job", times=6)
    for _ in range(4):
        with pytest.raises(Rejected):
            await taurusdb.job(job_id, Language.EN)
        clock.advance(10)
    assert await taurusdb.job(job_id, Language.EN)


async def test_a_token_of_a_hundred_thousand_characters_is_taken_and_sent(
    cloud: StandInCloud, taurusdb: TaurusDb, make_client: MakeClient, orders: str
) -> None:
    cloud.token_bytes = 90_000
    assert len(cloud.issue_token()) > 100_000
    assert await send(taurusdb, orders)
    ready = make_client(cloud.endpoint, ReadyToken(cloud.issue_token()))
    assert await ready.job(cloud.jobs[0].id, Language.EN)


async def test_may_send_is_asked_just_before_each_attempt(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    calls: list[tuple[int, int]] = []

    async def may_send() -> bool:
        calls.append((cloud.sign_ins, len(cloud.upgrades)))
        return len(calls) < 3

    cloud.inject_fault("429 APIGW.0308", times=9)
    with pytest.raises(NotSent, match="the time for sending was over"):
        await send(taurusdb, orders, may_send=may_send)
    assert calls == [(1, 0), (1, 1), (1, 2)]
    assert len(cloud.upgrades) == 2


async def test_it_is_asked_again_after_the_token_was_renewed(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    async def may_send() -> bool:
        return not cloud.upgrades

    cloud.inject_fault("401 APIGW.0307")
    with pytest.raises(NotSent, match="the time for sending was over"):
        await send(taurusdb, orders, may_send=may_send)
    assert (len(cloud.upgrades), cloud.sign_ins) == (1, 2)


async def test_nothing_secret_is_in_an_error_or_in_a_repr(
    cloud: StandInCloud, make_client: MakeClient, orders: str
) -> None:
    keys = AkSk(cloud.access_key, "the-secret-key", "the-security-token", cloud.project_id, cloud.clock)
    token = ReadyToken("the-token")
    with pytest.raises(CloudError) as caught:
        await send(make_client(cloud.endpoint, token), orders)
    text = f"{keys!r} {token!r} {caught.value!r} {caught.value}"
    assert not any(secret in text for secret in ("the-secret-key", "the-security-token", "the-token"))


# jobs


async def test_a_job_is_polled_from_its_start_to_its_end(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    assert await taurusdb.job(job_id, Language.ZH) == Job(job_id, "Pending")
    assert cloud.calls[-1].language == "zh-cn"
    cloud.set_progress(job_id, 60)
    assert await taurusdb.job(job_id, Language.EN) == Job(job_id, "Running", 60)
    cloud.finish(job_id, "Failed", "node be-1 was not ready")
    assert await taurusdb.job(job_id, Language.EN) == Job(job_id, "Failed", None, "node be-1 was not ready")


async def test_a_job_that_is_not_there_yet_is_none(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.inject_fault("late job", seconds=5)
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    assert await taurusdb.job(job_id, Language.EN) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("429 APIGW.0308", NotSent),
        ("403 APIGW.0302", Rejected),
        ("404 APIGW.0101", Rejected),
        ("500 DBS.05000000", OutcomeUnknown),
        ("lost before", OutcomeUnknown),
        ("html", OutcomeUnknown),
        ("empty body", OutcomeUnknown),
        ("huge", OutcomeUnknown),
        ("wrong types", OutcomeUnknown),
    ],
)
async def test_a_poll_that_fails_is_an_error(
    cloud: StandInCloud, taurusdb: TaurusDb, name: str, kind: type[CloudError]
) -> None:
    job_id = await send(taurusdb, cloud.instances["sr-orders"].id)
    cloud.inject_fault(name, "job", times=9)
    with pytest.raises(kind):
        await taurusdb.job(job_id, Language.EN)


@pytest.mark.parametrize(
    ("status", "body", "job"),
    [
        ("200 OK", {"job": {"id": "1", "status": "Running", "process": "60"}}, Job("1", "Running", 60)),
        ("200 OK", {"job": {"status": "Running", "process": None, "fail_reason": 5}}, Job("1", "Running")),
        ("200 OK", {"job": {"status": "Rolling back"}}, Job("1", "Rolling back")),
        ("200 OK", {"job": {"status": " SUCCESS "}}, Job("1", "Completed")),
        (
            "200 OK",
            {"job": {"status": "FAIL", "fail_reason": "disk\n\u0000full\ud800"}},
            Job("1", "Failed", None, "disk full"),
        ),
        ("200 OK", {"job": {"status": "x" * 9999}}, Job("1", "x" * 63 + "…")),
        ("200 OK", {"job": {}}, None),
        ("200 OK", {"job": None}, None),
        ("200 OK", {}, None),
        ("404 Not Found", {"error_code": "DBS.290000"}, None),
        ("404 Not Found", {}, None),
        ("400 Bad Request", {"error_code": "DBS.280446", "error_msg": "The task does not exist."}, None),
    ],
)
async def test_odd_jobs_are_read(make_client: MakeClient, status: str, body: object, job: Job | None) -> None:
    async def answers(connection: Connection) -> None:
        await connection.read_request()
        connection.answer(json.dumps(body), status)

    async with RawServer(answers) as server:
        assert await make_client(server.endpoint).job("1", Language.EN) == job


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
    assert parse_percent(process) == percent


# metrics


class RecordedCalls(NullMetrics):
    """Keeps the calls of the cloud that were reported."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.created_at = time.perf_counter()

    def cloud_called(self, operation: str, outcome: str, seconds: float, region: str = "") -> None:
        assert 0 <= seconds <= time.perf_counter() - self.created_at
        self.calls.append((operation, outcome))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("429 APIGW.0308", "not_sent"),
        ("409 DBS.200019", "rejected"),
        ("lost before", "unknown"),
    ],
)
async def test_the_outcome_of_every_upgrade_is_reported_once(
    cloud: StandInCloud, make_client: MakeClient, orders: str, fault: str, outcome: str
) -> None:
    metrics = RecordedCalls()
    client = make_client(cloud.endpoint, ReadyToken(cloud.ready_token), metrics=metrics)
    cloud.inject_fault(fault, times=9)
    with pytest.raises(CloudError):
        await send(client, orders)
    cloud.clear_faults()
    await send(client, orders)
    assert metrics.calls == [("upgrade", outcome), ("upgrade", "ok")]


@pytest.mark.parametrize("answer", [{"job_ids": ["another"]}, {"job_ids": []}, {"job_ids": "job-1"}, {}])
async def test_a_task_is_cancelled_only_if_the_cloud_names_it(make_client: MakeClient, answer: object) -> None:
    async with cloud_with({"scheduled-jobs": answer}) as endpoint:
        assert not await make_client(endpoint).cancel_scheduled("job-1", Language.EN)
    async with cloud_with({"scheduled-jobs": {"job_ids": ["another", "job-1"]}}) as endpoint:
        assert await make_client(endpoint).cancel_scheduled("job-1", Language.EN)


async def test_every_operation_is_reported_by_its_name(
    cloud: StandInCloud, make_client: MakeClient, orders: str
) -> None:
    metrics = RecordedCalls()
    client = make_client(cloud.endpoint, ReadyToken(cloud.ready_token), metrics=metrics)
    job_id = await send(client, orders, delay=True)
    assert await client.job(job_id, Language.EN)
    assert await client.find_upgrade(UpgradeSearch(orders, True, cloud.clock()), Language.EN) == job_id
    assert await client.cancel_scheduled(job_id, Language.EN)
    operations = ("upgrade", "job", "find_upgrade", "cancel_scheduled")
    assert metrics.calls == [(operation, "ok") for operation in operations]


async def test_a_call_that_is_cancelled_is_reported_as_such(cloud: StandInCloud, make_client: MakeClient) -> None:
    metrics = RecordedCalls()
    client = make_client(cloud.endpoint, ReadyToken(cloud.ready_token), metrics=metrics)
    cloud.inject_fault("hang", "job")
    poll = asyncio.create_task(client.job("a-job", Language.EN))
    await cloud.until(lambda: cloud.in_flight)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    assert metrics.calls == [("job", "cancelled")]
