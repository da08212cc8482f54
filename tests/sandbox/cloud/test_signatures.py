"""AK/SK: six signatures of the official signer, recomputed by the stand-in's verifier."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.cloud.signatures import (
    Authorization,
    SignedRequest,
    canonical_request,
    is_signed_with,
    signed_at,
    string_to_sign,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "signing_vectors.json").read_text(encoding="utf-8")
)


def arrived(vector: dict[str, Any]) -> SignedRequest:
    path, _, query = vector["request_uri"].partition("?")
    headers = {name.lower(): value for name, value in vector["headers_out"].items()}
    return SignedRequest(vector["method"], path, query, headers, (vector["body"] or "").encode())


def claim_of(vector: dict[str, Any]) -> Authorization:
    claim = Authorization.read(vector["authorization"])
    assert claim is not None
    return claim


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_official_signers_requests_are_recognised(vector: dict[str, Any]) -> None:
    request, claim = arrived(vector), claim_of(vector)
    canonical = canonical_request(request, claim.signed_headers)
    assert canonical == vector["canonical_request"]
    assert string_to_sign(request.headers["x-sdk-date"], canonical) == vector["string_to_sign"]
    assert claim.access_key == vector["ak"]
    assert is_signed_with(request, claim, vector["sk"])
    assert not is_signed_with(request, claim, vector["sk"] + "x")


def test_the_order_of_the_query_on_the_wire_does_not_matter() -> None:
    vector = next(one for one in VECTORS if one["name"] == "get_immediate_jobs_time_query")
    request = arrived(vector)
    turned = replace(request, query="&".join(reversed(request.query.split("&"))))
    assert turned.query != request.query
    assert is_signed_with(turned, claim_of(vector), vector["sk"])


def test_there_are_six_of_them() -> None:
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
    request, claim = arrived(VECTORS[0]), claim_of(VECTORS[0])
    assert is_signed_with(request, claim, VECTORS[0]["sk"])
    assert not is_signed_with(replace(request, **change), claim, VECTORS[0]["sk"])


def test_a_security_token_has_to_be_signed() -> None:
    vector = VECTORS[0]
    request, claim = arrived(vector), claim_of(vector)
    slipped_in = replace(request, headers={**request.headers, "x-security-token": "slipped in"})
    assert not is_signed_with(slipped_in, claim, vector["sk"])


def test_what_is_no_signature_or_no_date_is_told_apart() -> None:
    assert Authorization.read("Bearer abc") is None
    assert Authorization.read("SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=short") is None
    assert signed_at("20261123T080000Z") == 1_795_420_800.0
    assert signed_at("2026-11-23T08:00:00Z") is None
