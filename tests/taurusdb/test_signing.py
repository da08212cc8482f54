"""AK/SK against six requests that the official signer signed."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.taurusdb.signing import AkSk, canonical_request, string_to_sign

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "signing_vectors.json").read_text("utf-8"))


def request_of(vector: dict[str, Any]) -> httpx.Request:
    return httpx.Request(
        vector["method"],
        httpx.URL(f"https://{vector['host']}{vector['path']}", params=vector["query"] or None),
        headers={"Host": vector["host"], **vector["headers_in"]},
        content=(vector["body"] or "").encode(),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_each_step_is_the_official_signers(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    names = vector["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    canonical = canonical_request(request, names)
    assert canonical == vector["canonical_request"]
    assert string_to_sign(vector["headers_in"]["X-Sdk-Date"], canonical) == vector["string_to_sign"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_authorization_is_the_official_signers(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    AkSk(vector["ak"], vector["sk"], "", "").sign(request)
    assert request.headers["Authorization"] == vector["authorization"]


def test_a_request_gets_the_headers_that_are_signed() -> None:
    vector = VECTORS[3]
    moment = 1_795_420_800.0  # 2026-11-23 08:00 UTC
    keys = AkSk(vector["ak"], vector["sk"], "STSTOKENEXAMPLE==", "0483b6b16e954cb88930a360d2c4e663", lambda: moment)
    request = request_of(vector)
    for name in ("X-Project-Id", "X-Security-Token", "X-Sdk-Date"):
        del request.headers[name]
    keys.authorise(request)
    assert request.headers["Authorization"] == vector["authorization"]


def test_the_secrets_are_hidden() -> None:
    assert repr(AkSk("key", "secret-1", "secret-2", "project")) == "AkSk(access_key='key', project_id='project')"
