"""AK/SK: the SDK-HMAC-SHA256 signature, computed afresh from a request as it arrived."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an `Authorization` header."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def read(cls, header: str) -> Authorization | None:
        """Take the header apart; None when it is not of this algorithm."""
        found = _AUTHORIZATION.fullmatch(header)
        return cls(found[1], tuple(found[2].split(";")), found[3]) if found else None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers; `path` and `query` as on the wire, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    """Write the request in the one form that both sides hash."""
    uri = "/".join(quote(unquote(part), safe="~") for part in request.path.split("/"))
    pairs = [pair.partition("=") for pair in request.query.split("&") if pair]
    query = sorted(f"{_again(name)}={_again(value)}" for name, _, value in pairs)
    headers = [f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers]
    return "\n".join(
        [
            request.method.upper(),
            uri if uri.endswith("/") else uri + "/",
            "&".join(query),
            "".join(headers),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _again(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def string_to_sign(date: str, canonical: str) -> str:
    """Write what the secret key signs."""
    return f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signature(request: SignedRequest, signed_headers: tuple[str, ...], secret_key: str) -> str:
    """Compute the signature of a request."""
    canonical = canonical_request(request, signed_headers)
    text = string_to_sign(request.headers.get("x-sdk-date", ""), canonical)
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_signed_with(request: SignedRequest, claim: Authorization, secret_key: str) -> bool:
    """Whether the signature is right and covers at least the host, the date and a security token."""
    names = set(claim.signed_headers)
    needed = {"host", "x-sdk-date"} | ({"x-security-token"} & set(request.headers))
    if not needed <= names or not names <= set(request.headers) or list(claim.signed_headers) != sorted(names):
        return False
    return hmac.compare_digest(signature(request, claim.signed_headers, secret_key), claim.signature)


def signed_at(date: str) -> float | None:
    """Read `X-Sdk-Date` (`20261123T080000Z`); None when it is no date."""
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
