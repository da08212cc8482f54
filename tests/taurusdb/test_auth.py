"""The IAM user: one sign-in for many callers, renewed in time and after a 401; a wrong password is seldom tried."""

import asyncio
import json
from typing import Any

import pytest

from bot.core.errors import NotSent, Rejected
from bot.core.messages import Language
from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.taurusdb.auth import IamUser
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import REFUSAL_SECONDS
from tests.taurusdb.helpers import PROJECT_ID, MakeClient, send
from tests.taurusdb.raw_server import Connection, RawServer

DAY = 24 * 3600.0


async def poll(client: TaurusDb) -> None:
    assert await client.job("a-job-that-is-not", Language.EN) is None


async def test_the_body_is_as_the_api_wants_it(clock: ManualClock, make_client: MakeClient) -> None:
    bodies: list[Any] = []

    async def iam(connection: Connection) -> None:
        head = (await connection.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        bodies.append(json.loads(await connection.reader.readexactly(length)))
        connection.server.requests.append(head)
        connection.answer("{}", "401 Unauthorized")

    async with RawServer(iam) as server:
        user = IamUser("acct", "bot", "pw", PROJECT_ID, f"{server.endpoint}/v3", clock)
        with pytest.raises(Rejected):
            await send(make_client(server.endpoint, user))
        assert server.requests[0].startswith("post /v3/auth/tokens?nocatalog=true http/1.1")
    identity = {
        "methods": ["password"],
        "password": {"user": {"domain": {"name": "acct"}, "name": "bot", "password": "pw"}},
    }
    assert bodies == [{"auth": {"identity": identity, "scope": {"project": {"id": PROJECT_ID}}}}]


async def test_many_callers_share_one_sign_in(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await asyncio.gather(*(poll(taurusdb) for _ in range(30)))
    assert cloud.sign_ins == 1


async def test_many_callers_whose_token_was_revoked_share_one_renewal(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await poll(taurusdb)
    cloud.revoke_tokens()
    await asyncio.gather(*(poll(taurusdb) for _ in range(30)))
    assert cloud.sign_ins == 2


async def test_a_late_401_for_the_old_token_does_not_cost_the_new_one(
    cloud: StandInCloud, taurusdb: TaurusDb, user: IamUser
) -> None:
    old = await user.auth(taurusdb._http)
    assert user.invalidate(old)
    new = await user.auth(taurusdb._http)
    assert user.invalidate(old)
    assert await user.auth(taurusdb._http) is new
    assert cloud.sign_ins == 2


async def test_a_caller_who_goes_away_does_not_end_the_sign_in_of_the_others(
    cloud: StandInCloud, taurusdb: TaurusDb
) -> None:
    cloud.inject_fault("slow", "token", seconds=0.3)
    first, second = asyncio.create_task(poll(taurusdb)), asyncio.create_task(poll(taurusdb))
    await cloud.until(lambda: cloud.in_flight)
    first.cancel()
    await second
    assert cloud.sign_ins == 1
    assert first.cancelled()


async def test_the_token_is_renewed_in_the_background_ten_minutes_before_its_end(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    await poll(taurusdb)
    clock.advance(DAY - 601)
    await poll(taurusdb)
    assert cloud.sign_ins == 1
    clock.advance(2)
    cloud.inject_fault("slow", "token", seconds=0.2)
    await poll(taurusdb)
    assert [call.operation for call in cloud.calls][-1] == "job"  # the renewal was not waited for
    await cloud.until(lambda: cloud.sign_ins == 2)


async def test_a_short_lifetime_is_renewed_at_its_last_tenth(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    cloud.token_seconds = 100
    await poll(taurusdb)
    clock.advance(89)
    await poll(taurusdb)
    assert cloud.sign_ins == 1
    clock.advance(2)
    await poll(taurusdb)
    await cloud.until(lambda: cloud.sign_ins == 2)


async def test_a_renewal_that_fails_leaves_the_good_token_in_use(
    cloud: StandInCloud, taurusdb: TaurusDb, user: IamUser, clock: ManualClock
) -> None:
    await poll(taurusdb)
    clock.advance(DAY - 300)
    cloud.inject_fault("503 APIGW.0613", "token", times=9)
    await poll(taurusdb)
    await cloud.until(lambda: [call.operation for call in cloud.calls].count("token") == 2)
    for _ in range(5):
        await poll(taurusdb)
    assert [call.operation for call in cloud.calls].count("token") == 2  # not asked again at once
    cloud.clear_faults()
    clock.advance(60)
    await poll(taurusdb)
    await cloud.until(lambda: cloud.sign_ins == 2)


async def test_a_token_past_its_end_is_never_sent(cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock) -> None:
    await poll(taurusdb)
    clock.advance(DAY + 1)
    await poll(taurusdb)
    assert [call.status for call in cloud.calls if call.operation == "job"] == [400, 400]
    assert cloud.sign_ins == 2


async def test_a_wrong_password_rejects_the_upgrade_and_nothing_is_sent(
    cloud: StandInCloud, taurusdb: TaurusDb
) -> None:
    cloud.change_password("another-password")
    with pytest.raises(Rejected) as caught:
        await send(taurusdb)
    assert (caught.value.status, caught.value.code) == (401, "Unauthorized")
    assert caught.value.message == "The username or password is wrong."
    assert cloud.upgrades == []


async def test_a_wrong_password_is_not_tried_again_for_a_while_and_then_ever_more_rarely(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    cloud.change_password("another-password")
    for forward, sign_ins, kind in (
        (0, 1, Rejected),
        (REFUSAL_SECONDS - 1, 1, NotSent),
        (2, 2, Rejected),
        (REFUSAL_SECONDS, 2, NotSent),
        (4 * REFUSAL_SECONDS, 3, Rejected),
        (4 * REFUSAL_SECONDS, 3, NotSent),
    ):
        clock.advance(forward)
        with pytest.raises(kind) as caught:
            await send(taurusdb)
        assert (caught.value.status, caught.value.code) == (401, "Unauthorized")
        assert cloud.sign_ins == sign_ins
    cloud.change_password(cloud_password := "example-password-1")
    assert cloud.password == cloud_password
    clock.advance(3600)
    await poll(taurusdb)
    assert cloud.sign_ins == 4


@pytest.mark.parametrize("name", ["503 APIGW.0613", "500 DBS.05000000", "lost before", "html", "half answer"])
async def test_an_iam_that_fails_means_that_nothing_was_sent(
    cloud: StandInCloud, taurusdb: TaurusDb, name: str
) -> None:
    cloud.inject_fault(name, "token", times=9)
    with pytest.raises(NotSent):
        await send(taurusdb)
    assert cloud.upgrades == []


async def test_an_iam_that_recovers_lets_the_upgrade_through(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.inject_fault("503 APIGW.0613", "token", times=2)
    assert await send(taurusdb, cloud.instances["sr-orders"].id)
    assert len(cloud.upgrades) == 1


async def test_an_iam_out_of_reach_means_that_nothing_was_sent(
    cloud: StandInCloud, make_client: MakeClient, clock: ManualClock, closed_port: int
) -> None:
    user = IamUser(cloud.domain, cloud.user, cloud.password, PROJECT_ID, f"http://127.0.0.1:{closed_port}/v3", clock)
    with pytest.raises(NotSent):
        await send(make_client(cloud.endpoint, user))
    assert cloud.upgrades == []


async def test_closing_ends_a_sign_in_that_hangs(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.inject_fault("hang", "token")
    waiting_poll = asyncio.create_task(poll(taurusdb))
    await cloud.until(lambda: cloud.in_flight)
    await taurusdb.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting_poll


def test_the_password_is_hidden() -> None:
    assert "secret" not in repr(IamUser("acct", "bot", "secret", PROJECT_ID, "https://iam.example.com/v3"))


@pytest.mark.parametrize("token", ["t\u00f6ken", "a token", "\u4ee4\u724c"])
async def test_a_token_that_no_header_can_carry_is_none(make_client: MakeClient, token: str) -> None:
    async def iam(connection: Connection) -> None:
        await connection.read_request()
        connection.answer("{}", "201 Created", f"X-Subject-Token: {token}\r\n")

    async with RawServer(iam, iam) as server:
        client = make_client(server.endpoint, IamUser("d", "u", "p", "0" * 32, f"{server.endpoint}/v3"))
        with pytest.raises(NotSent):
            await send(client)


async def test_a_404_of_a_gateway_before_iam_says_nothing_about_the_password(
    make_client: MakeClient, cloud: StandInCloud
) -> None:
    async def gateway(connection: Connection) -> None:
        await connection.read_request()
        connection.answer("<h1>Not Found</h1>", "404 Not Found")

    async with RawServer(gateway) as server:
        user = IamUser(cloud.domain, cloud.user, cloud.password, cloud.project_id, f"{server.endpoint}/v3")
        client = make_client(cloud.endpoint, user)
        with pytest.raises(Rejected):
            await poll(client)
        user.iam_url = cloud.iam_url
        await poll(client)
