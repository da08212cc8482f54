"""Signing in with a password, with a ready token, and with an access key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from bot.sandbox.cloud import HandClock, StandInCloud
from bot.sandbox.cloud.signatures import SignedRequest, signature

Ask = Callable[..., Awaitable[httpx.Response]]
WRONG = (401, "APIGW.0301")
OLD = (401, "APIGW.0307")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error_code", "")


async def with_token(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/instances", headers={"X-Auth-Token": token})


async def test_the_right_password_is_answered_with_a_token_that_works(
    cloud: StandInCloud, client: httpx.AsyncClient, sign_in: Ask
) -> None:
    answer = await sign_in()
    assert answer.status_code == 201
    assert answer.json()["token"]["expires_at"] == "2026-11-24T12:00:00.000000Z"
    assert (await with_token(client, answer.headers["X-Subject-Token"])).status_code == 200
    assert cloud.sign_ins == 1


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"domain": "x"}, {"project": "x"}], ids=str)
async def test_wrong_words_are_refused_in_iams_own_shape(
    cloud: StandInCloud, sign_in: Ask, wrong: dict[str, str]
) -> None:
    answer = await sign_in(**wrong)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["title"]) == (401, 401, "Unauthorized")
    if "project" not in wrong:
        assert error["message"] == "The username or password is wrong."
    assert "X-Subject-Token" not in answer.headers


@pytest.mark.parametrize("body", ["", "[]", '{"auth": 1}', '{"auth": {"identity": {}}}'])
async def test_what_is_no_sign_in_is_a_bad_request(cloud: StandInCloud, client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(f"{cloud.iam_url}/auth/tokens", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


async def test_a_token_ends_after_a_day_or_as_told(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient, sign_in: Ask
) -> None:
    cloud.token_lives_for(60)
    short = (await sign_in()).headers["X-Subject-Token"]
    clock.forward(59)
    assert (await with_token(client, short)).status_code == 200
    clock.forward(1)
    assert code(await with_token(client, short)) == OLD
    assert (await with_token(client, cloud.ready_token)).status_code == 200
    clock.forward(86_400)
    assert code(await with_token(client, cloud.ready_token)) == OLD


async def test_revoked_tokens_and_those_of_an_old_password_must_be_updated(
    cloud: StandInCloud, client: httpx.AsyncClient, sign_in: Ask
) -> None:
    cloud.revoke_tokens()
    assert code(await with_token(client, cloud.ready_token)) == OLD
    fresh = (await sign_in()).headers["X-Subject-Token"]
    cloud.change_password("another-example")
    assert code(await with_token(client, fresh)) == OLD
    assert (await sign_in(password="example-password-1")).status_code == 401
    assert (await sign_in(password="another-example")).status_code == 201


async def test_a_token_that_is_none_or_missing_is_wrong(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    assert code(await with_token(client, "garbage")) == WRONG
    assert code(await with_token(client, "")) == WRONG
    assert [call.status for call in cloud.calls] == [401, 401]


async def signed(
    cloud: StandInCloud, client: httpx.AsyncClient, *, at: float, key: str = "", more: dict[str, str] | None = None
) -> httpx.Response:
    """Send a request that is signed as the official signer does."""
    path, query = f"/v3/{cloud.project_id}/immediate-jobs", "start_time=2026-11-23T08%3A00%3A00%2B0000"
    headers = {
        "host": cloud.endpoint.removeprefix("http://"),
        "x-sdk-date": datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ"),
        "x-project-id": cloud.project_id,
        **(more or {}),
    }
    names = tuple(sorted(headers))
    proof = signature(SignedRequest("GET", path, query, headers, b""), names, key or cloud.secret_key)
    claim = f"SDK-HMAC-SHA256 Access={cloud.access_key}, SignedHeaders={';'.join(names)}, Signature={proof}"
    sent = {**headers, "Authorization": claim}
    async with httpx.AsyncClient() as unsigned:
        return await unsigned.get(f"{cloud.endpoint}{path}?{query}", headers=sent)


async def test_a_signed_request_is_let_in(cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient) -> None:
    assert (await signed(cloud, client, at=clock())).status_code == 200
    assert cloud.calls[-1].signed_by == "ak/sk"
    token = {"x-security-token": cloud.security_token}
    assert (await signed(cloud, client, at=clock(), more=token)).status_code == 200
    assert code(await signed(cloud, client, at=clock(), more={"x-security-token": "other"})) == WRONG
    assert code(await signed(cloud, client, at=clock(), more={"x-project-id": "other"})) == WRONG


async def test_a_clock_that_is_fifteen_minutes_off_is_refused(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient
) -> None:
    for skew in (-899, 899):
        assert (await signed(cloud, client, at=clock() + skew)).status_code == 200
    for skew in (-901, 901):
        assert code(await signed(cloud, client, at=clock() + skew)) == WRONG


async def test_five_wrong_signatures_in_a_row_lock_the_key_for_five_minutes(
    cloud: StandInCloud, clock: HandClock, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        for _ in range(4):
            assert code(await signed(cloud, client, at=clock(), key="wrong")) == WRONG
        assert (await signed(cloud, client, at=clock())).status_code == 200
    for _ in range(5):
        assert code(await signed(cloud, client, at=clock(), key="wrong")) == WRONG
    locked = await signed(cloud, client, at=clock())
    assert code(locked) == WRONG
    assert "reach the limit" in locked.json()["error_msg"]
    clock.forward(300)
    assert (await signed(cloud, client, at=clock())).status_code == 200


async def test_another_key_or_another_algorithm_is_refused(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    for claim in ("Basic abc", f"SDK-HMAC-SHA256 Access=X, SignedHeaders=host, Signature={'0' * 64}"):
        assert code(await client.get("/instances", headers={"Authorization": claim})) == WRONG
