"""User tokens for a password, and AK/SK signatures (six of the official signer among them)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.sandbox.taurusdb.api import ApiRequest
from bot.sandbox.taurusdb.auth import (
    Authorization,
    canonical_request,
    is_signed_with,
    parse_sdk_date,
    sign,
    string_to_sign,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "signing_vectors.json").read_text(encoding="utf-8")
)
Send = Callable[..., Awaitable[httpx.Response]]
WRONG = (401, "APIGW.0301")
OLD = (401, "APIGW.0307")


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("error_code", "")


async def with_token(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/instances", headers={"X-Auth-Token": token})


async def test_the_right_password_is_answered_with_a_token_that_works(
    cloud: StandInCloud, client: httpx.AsyncClient, sign_in: Send
) -> None:
    response = await sign_in()
    assert response.status_code == 201
    assert response.json()["token"]["expires_at"] == "2026-11-24T12:00:00.000000Z"
    assert (await with_token(client, response.headers["X-Subject-Token"])).status_code == 200
    assert cloud.sign_ins == 1


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"domain": "x"}, {"project": "x"}], ids=str)
async def test_wrong_credentials_are_refused_in_iams_own_form(
    cloud: StandInCloud, sign_in: Send, wrong: dict[str, str]
) -> None:
    response = await sign_in(**wrong)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["title"]) == (401, 401, "Unauthorized")
    if "project" not in wrong:
        assert error["message"] == "The username or password is wrong."
    assert "X-Subject-Token" not in response.headers


@pytest.mark.parametrize("body", ["", "[]", '{"auth": 1}', '{"auth": {"identity": {}}}'])
async def test_an_invalid_sign_in_is_a_bad_request(cloud: StandInCloud, client: httpx.AsyncClient, body: str) -> None:
    response = await client.post(f"{cloud.iam_url}/auth/tokens", content=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, 400)


async def test_a_token_expires_after_a_day_or_the_time_that_was_set(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient, sign_in: Send
) -> None:
    cloud.token_seconds = 60
    short = (await sign_in()).headers["X-Subject-Token"]
    clock.advance(59)
    assert (await with_token(client, short)).status_code == 200
    clock.advance(1)
    assert code(await with_token(client, short)) == OLD
    assert (await with_token(client, cloud.ready_token)).status_code == 200
    clock.advance(86_400)
    assert code(await with_token(client, cloud.ready_token)) == OLD


async def test_revoked_tokens_and_those_of_an_old_password_must_be_updated(
    cloud: StandInCloud, client: httpx.AsyncClient, sign_in: Send
) -> None:
    cloud.revoke_tokens()
    assert code(await with_token(client, cloud.ready_token)) == OLD
    fresh = (await sign_in()).headers["X-Subject-Token"]
    cloud.change_password("another-example")
    assert code(await with_token(client, fresh)) == OLD
    assert (await sign_in(password="example-password-1")).status_code == 401
    assert (await sign_in(password="another-example")).status_code == 201


async def test_an_invalid_or_missing_token_is_wrong(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    assert code(await with_token(client, "garbage")) == WRONG
    assert code(await with_token(client, "")) == WRONG
    assert [call.status for call in cloud.calls] == [401, 401]


async def signed(
    cloud: StandInCloud, client: httpx.AsyncClient, *, at: float, key: str = "", headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a request that is signed as the official signer does."""
    path, query = f"/v3/{cloud.project_id}/immediate-jobs", "start_time=2026-11-23T08%3A00%3A00%2B0000"
    signed_headers = {
        "host": cloud.endpoint.removeprefix("http://"),
        "x-sdk-date": datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ"),
        "x-project-id": cloud.project_id,
        **(headers or {}),
    }
    names = tuple(sorted(signed_headers))
    signature = sign(ApiRequest.parse("GET", f"{path}?{query}", signed_headers, b""), names, key or cloud.secret_key)
    authorization = f"SDK-HMAC-SHA256 Access={cloud.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    sent = {**signed_headers, "Authorization": authorization}
    async with httpx.AsyncClient() as unsigned:
        return await unsigned.get(f"{cloud.endpoint}{path}?{query}", headers=sent)


async def test_a_signed_request_is_let_in(cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient) -> None:
    assert (await signed(cloud, client, at=clock())).status_code == 200
    assert cloud.calls[-1].signed_by == "ak/sk"
    token = {"x-security-token": cloud.security_token}
    assert (await signed(cloud, client, at=clock(), headers=token)).status_code == 200
    assert code(await signed(cloud, client, at=clock(), headers={"x-security-token": "other"})) == WRONG
    assert code(await signed(cloud, client, at=clock(), headers={"x-project-id": "other"})) == WRONG


async def test_a_clock_that_is_fifteen_minutes_off_is_refused(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient
) -> None:
    for skew in (-899, 899):
        assert (await signed(cloud, client, at=clock() + skew)).status_code == 200
    for skew in (-901, 901):
        assert code(await signed(cloud, client, at=clock() + skew)) == WRONG


async def test_five_wrong_signatures_in_a_row_lock_the_key_for_five_minutes(
    cloud: StandInCloud, clock: ManualClock, client: httpx.AsyncClient
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
    clock.advance(300)
    assert (await signed(cloud, client, at=clock())).status_code == 200


async def test_another_key_or_another_algorithm_is_refused(cloud: StandInCloud, client: httpx.AsyncClient) -> None:
    for authorization in ("Basic abc", f"SDK-HMAC-SHA256 Access=X, SignedHeaders=host, Signature={'0' * 64}"):
        assert code(await client.get("/instances", headers={"Authorization": authorization})) == WRONG


def request_of(vector: dict[str, Any]) -> ApiRequest:
    body = (vector["body"] or "").encode()
    return ApiRequest.parse(vector["method"], vector["request_uri"], vector["headers_out"], body)


def authorization_of(vector: dict[str, Any]) -> Authorization:
    authorization = Authorization.parse(vector["authorization"])
    assert authorization is not None
    return authorization


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_official_signers_requests_are_recognised(vector: dict[str, Any]) -> None:
    request, authorization = request_of(vector), authorization_of(vector)
    canonical = canonical_request(request, authorization.signed_headers)
    assert canonical == vector["canonical_request"]
    assert string_to_sign(request.headers["x-sdk-date"], canonical) == vector["string_to_sign"]
    assert authorization.access_key == vector["ak"]
    assert is_signed_with(request, authorization, vector["sk"])
    assert not is_signed_with(request, authorization, vector["sk"] + "x")


def test_the_order_of_the_query_on_the_wire_does_not_matter() -> None:
    vector = next(vector for vector in VECTORS if vector["name"] == "get_immediate_jobs_time_query")
    request = request_of(vector)
    reordered = replace(request, query="&".join(reversed(request.query.split("&"))))
    assert reordered.query != request.query
    assert is_signed_with(reordered, authorization_of(vector), vector["sk"])


def test_there_are_six_signing_vectors() -> None:
    assert len(VECTORS) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"path": "/v3/other"},
        {"query": "a=b"},
        {"body": b'{"delay": true, "is_skip_validate": false}'},
    ],
    ids=str,
)
def test_a_request_that_was_changed_on_the_way_is_noticed(change: dict[str, Any]) -> None:
    request, authorization = request_of(VECTORS[0]), authorization_of(VECTORS[0])
    assert is_signed_with(request, authorization, VECTORS[0]["sk"])
    assert not is_signed_with(replace(request, **change), authorization, VECTORS[0]["sk"])


def test_a_security_token_has_to_be_signed() -> None:
    vector = VECTORS[0]
    request, authorization = request_of(vector), authorization_of(vector)
    injected = replace(request, headers={**request.headers, "x-security-token": "injected"})
    assert not is_signed_with(injected, authorization, vector["sk"])


def test_what_is_no_authorization_and_no_date_is_none() -> None:
    assert Authorization.parse("Bearer abc") is None
    assert Authorization.parse("SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=short") is None
    assert parse_sdk_date("20261123T080000Z") == 1_795_420_800.0
    assert parse_sdk_date("2026-11-23T08:00:00Z") is None


async def test_tokens_are_as_long_as_those_of_a_large_account(cloud: StandInCloud, sign_in: Send) -> None:
    assert len(cloud.ready_token) > 20_000
    cloud.token_bytes = 90_000
    token = (await sign_in()).headers["X-Subject-Token"]
    assert len(token) > 100_000
    async with aiohttp.ClientSession(headers={"X-Auth-Token": token}) as session:
        response = await session.get(f"{cloud.endpoint}/v3/{cloud.project_id}/immediate-jobs")
        assert response.status == 200


async def test_a_token_is_of_one_project_and_lists_its_instances_alone(
    cloud: StandInCloud, client: httpx.AsyncClient, sign_in: Send
) -> None:
    cloud.add_example_project()
    region, second = next((region, id) for id, region in cloud.projects.items() if id != cloud.project_id)
    response = await sign_in(project=second)
    assert response.json()["token"]["project"]["name"] == region
    token = {"X-Auth-Token": response.headers["X-Subject-Token"]}
    assert code(await client.get("/instances", headers=token)) == (403, "APIGW.0310")
    rows = (await client.get(f"{cloud.endpoint}/v3/{second}/instances", headers=token)).json()["instances"]
    assert [row["name"] for row in rows] == ["taurus-abroad"]
    assert (await client.get(f"/instances/{rows[0]['id']}/htap")).status_code == 400
