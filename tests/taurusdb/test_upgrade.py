"""Sending an upgrade to a cloud that speaks HTTP: what arrives, and what each answer means."""

import pytest

from bot.core.reasons import Fault, NotSent, Refused, Unsure
from bot.core.sentence import Language
from bot.sandbox.cloud import StandInCloud
from bot.taurusdb.auth import ReadyToken
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.signing import AkSk
from tests.taurusdb.asking import Connect, Naps, send

REFUSED = [
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
UNSURE = [
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
    (arrived,) = cloud.upgrades
    assert (arrived.job_id, arrived.instance_id, arrived.language) == (job_id, orders, language.value)
    assert arrived.headers["content-type"] == "application/json"
    assert "x-auth-token" in arrived.headers


async def test_access_keys_sign_instead_of_a_token(cloud: StandInCloud, connect: Connect, orders: str) -> None:
    for security_token, name in (("", "sr-orders"), (cloud.security_token, "sr-metrics")):
        keys = AkSk(cloud.access_key, cloud.secret_key, security_token, cloud.project_id, cloud.clock)
        client = connect(cloud.endpoint, keys)
        assert await send(client, cloud.instances[name].id) == cloud.jobs[-1].id
        assert await client.job(cloud.jobs[-1].id, Language.EN)
        assert await client.find(cloud.instances[name].id, delay=True, since=cloud.clock(), language=Language.EN)
    assert "x-auth-token" not in cloud.upgrades[0].headers
    assert cloud.sign_ins == 0


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_is_final_and_carries_the_codes(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.choose_mishap(name, times=5)
    with pytest.raises(Refused) as caught:
        await send(taurusdb, orders)
    status, code = name.split()
    assert (caught.value.status, caught.value.code) == (int(status), code)
    assert caught.value.message
    assert caught.value.request_id == cloud.upgrades[0].request_id
    assert len(cloud.upgrades) == 1


@pytest.mark.parametrize("name", UNSURE)
async def test_what_may_have_happened_is_unsure_and_never_sent_again(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.choose_mishap(name, times=5)
    with pytest.raises(Unsure):
        await send(taurusdb, orders)
    assert len(cloud.upgrades) == 1


@pytest.mark.parametrize("name", NOT_PASSED_ON)
async def test_what_was_not_passed_on_is_sent_again_a_few_times(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, naps: Naps, name: str
) -> None:
    cloud.choose_mishap(name, times=2)
    assert await send(taurusdb, orders) == cloud.jobs[0].id
    assert (len(cloud.upgrades), len(cloud.jobs), len(naps.taken)) == (3, 1, 2)
    assert naps.taken[0] < naps.taken[1]


@pytest.mark.parametrize("name", NOT_PASSED_ON)
async def test_after_three_tries_it_is_reported(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, naps: Naps, name: str
) -> None:
    cloud.choose_mishap(name, times=9)
    with pytest.raises(NotSent) as caught:
        await send(taurusdb, orders)
    assert f"{caught.value.status} {caught.value.code}" == name
    assert (len(cloud.upgrades), len(naps.taken)) == (3, 2)


async def test_the_cloud_says_how_long_to_wait(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, naps: Naps
) -> None:
    cloud.choose_mishap("429 APIGW.0308", times=1, seconds=17)
    await send(taurusdb, orders)
    assert 17 <= naps.taken[0] < 18


async def test_no_try_begins_after_the_time_for_tries(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, naps: Naps
) -> None:
    cloud.choose_mishap("429 APIGW.0308", times=9, seconds=50)
    with pytest.raises(NotSent):
        await send(taurusdb, orders)
    assert (len(cloud.upgrades), len(naps.taken)) == (2, 1)


@pytest.mark.parametrize("name", ["401 APIGW.0301", "401 APIGW.0307"])
async def test_a_refused_token_is_renewed_once_and_the_upgrade_sent_again(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, name: str
) -> None:
    cloud.choose_mishap(name)
    assert await send(taurusdb, orders) == cloud.jobs[0].id
    assert (len(cloud.upgrades), cloud.sign_ins) == (2, 2)


async def test_a_token_refused_twice_is_final(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    cloud.choose_mishap("401 APIGW.0301", times=9)
    with pytest.raises(Refused):
        await send(taurusdb, orders)
    assert (len(cloud.upgrades), cloud.sign_ins) == (2, 2)


async def test_a_ready_token_and_access_keys_are_not_tried_again(
    cloud: StandInCloud, connect: Connect, orders: str
) -> None:
    keys = AkSk(cloud.access_key, "a-wrong-key", "", cloud.project_id, cloud.clock)
    for count, sign_in in enumerate((ReadyToken("a-wrong-token"), keys), 1):
        with pytest.raises(Refused) as caught:
            await send(connect(cloud.endpoint, sign_in), orders)
        assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")
        assert len(cloud.upgrades) == count


async def test_may_send_is_asked_just_before_each_attempt(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    seen: list[tuple[int, int]] = []

    def may_send() -> bool:
        seen.append((cloud.sign_ins, len(cloud.upgrades)))
        return len(seen) < 3

    cloud.choose_mishap("429 APIGW.0308", times=9)
    with pytest.raises(NotSent, match="the time for sending was over"):
        await send(taurusdb, orders, may_send=may_send)
    assert seen == [(1, 0), (1, 1), (1, 2)]
    assert len(cloud.upgrades) == 2


async def test_it_is_asked_again_after_the_token_was_renewed(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.choose_mishap("401 APIGW.0307")
    with pytest.raises(NotSent, match="the time for sending was over"):
        await send(taurusdb, orders, may_send=lambda: not cloud.upgrades)
    assert (len(cloud.upgrades), cloud.sign_ins) == (1, 2)


async def test_nothing_secret_is_in_a_fault_or_in_a_repr(cloud: StandInCloud, connect: Connect, orders: str) -> None:
    keys = AkSk(cloud.access_key, "the-secret-key", "the-security-token", cloud.project_id, cloud.clock)
    token = ReadyToken("the-token")
    with pytest.raises(Fault) as caught:
        await send(connect(cloud.endpoint, token), orders)
    shown = f"{keys!r} {token!r} {caught.value!r} {caught.value}"
    assert not any(secret in shown for secret in ("the-secret-key", "the-security-token", "the-token"))
