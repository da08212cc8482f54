"""Authentication: IAM user tokens for a password, and AK/SK signatures (SDK-HMAC-SHA256)."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

from bot.sandbox.taurusdb.api import (
    INVALID_CREDENTIALS,
    PROJECT_UNAVAILABLE,
    TOKEN_EXPIRED,
    ApiRequest,
    ApiResponse,
    iam_error_response,
    json_response,
)
from bot.sandbox.taurusdb.jobs import DAY_SECONDS

PROJECT_ID: Final = "0483b6b16e954cb88930a360d2c4e663"
REGION_NAME: Final = "cn-north-4"
MAX_CLOCK_SKEW_SECONDS: Final = 15 * 60.0
MAX_WRONG_SIGNATURES: Final = 5  # in a row, then the key is locked
LOCK_SECONDS: Final = 5 * 60.0
ALGORITHM: Final = "SDK-HMAC-SHA256"
TOKEN_BYTES: Final = 18_000  # random ones: a token has 24,000 characters, as one of an account with many projects
_TOKEN_PREFIX: Final = "MIIF"  # noqa: S105 - how the real ones begin (base64 of their first bytes)
_AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})"
)


class Iam:
    """One account with one user and one access key; one project, and others that are added."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.project_id = PROJECT_ID
        self.projects = {PROJECT_ID: REGION_NAME}  # the regions by project id
        self.domain = "example-account"
        self.user = "upgrade-bot"
        self.password = "example-password-1"  # noqa: S105 - an example of the stand-in's own, valid nowhere else
        self.access_key = "EXAMPLEACCESSKEY0001"
        self.secret_key = "example-secret-key-for-the-stand-in"  # noqa: S105 - as above
        self.security_token = "EXAMPLESECURITYTOKEN=="  # noqa: S105 - as above; optional, but signed when it is sent
        self.token_seconds = DAY_SECONDS  # the lifetime of tokens that are issued from now on
        self.token_bytes = TOKEN_BYTES  # of tokens that are issued from now on
        self.sign_ins = 0  # how often a password was tried
        self._clock = clock
        self._token_expiries: dict[str, float] = {}
        self._token_projects: dict[str, str] = {}
        self._wrong_signatures = 0
        self._locked_until = 0.0

    def issue_token(self) -> str:
        """Return a new valid user token of the first project."""
        token = _TOKEN_PREFIX + secrets.token_urlsafe(self.token_bytes)
        self._token_expiries[token] = self._clock() + self.token_seconds
        return token

    def revoke_tokens(self) -> None:
        """Revoke all tokens."""
        self._token_expiries.clear()

    def change_password(self, password: str) -> None:
        """Change the password, which revokes all tokens."""
        self.password = password
        self.revoke_tokens()

    def sign_in(self, request: ApiRequest) -> ApiResponse:
        """`POST /v3/auth/tokens`."""
        try:
            auth = json.loads(request.body)["auth"]
            identity, project = auth["identity"], auth["scope"]["project"]
            user = identity["password"]["user"]
            credentials = (user["domain"]["name"], user["name"], user["password"])
            ids = [
                id for id, region in self.projects.items() if project.get("id") == id or project.get("name") == region
            ]
            is_by_password = identity["methods"] == ["password"]
        except (ValueError, KeyError, TypeError, AttributeError):
            is_by_password = False
        if not is_by_password:
            return iam_error_response(400, "Request body is invalid.")
        self.sign_ins += 1
        if credentials != (self.domain, self.user, self.password):
            return iam_error_response(401, "The username or password is wrong.")
        if not ids:
            return iam_error_response(401, "The project does not exist or the user may not use it.")
        project_id = ids[0]
        token, now = self.issue_token(), self._clock()
        self._token_projects[token] = project_id
        body = {
            "token": {
                "issued_at": _format_time(now),
                "expires_at": _format_time(self._token_expiries[token]),
                "methods": ["password"],
                "project": {"id": project_id, "name": self.projects[project_id], "domain": {"name": self.domain}},
                "user": {"name": self.user, "domain": {"name": self.domain}},
            }
        }
        return json_response(body, 201, {"X-Subject-Token": token})

    def authentication_error(self, request: ApiRequest) -> ApiResponse | None:
        """Check token or signature and the project; the error response, None when the request is allowed."""
        project_id = request.path_params["project_id"]
        if header := request.headers.get("authorization"):
            if detail := self._signature_error(request, header):
                return INVALID_CREDENTIALS.response(request, f"Incorrect IAM authentication information: {detail}")
        else:
            token = request.headers.get("x-auth-token", "")
            if not token:
                message = "Incorrect IAM authentication information: x-auth-token not found"
                return INVALID_CREDENTIALS.response(request, message)
            if not token.startswith(_TOKEN_PREFIX):
                return INVALID_CREDENTIALS.response(request)
            if self._clock() >= self._token_expiries.get(token, 0.0):
                return TOKEN_EXPIRED.response(request)
            if self._token_projects.get(token, self.project_id) != project_id:
                return PROJECT_UNAVAILABLE.response(request)
        if project_id not in self.projects:
            return PROJECT_UNAVAILABLE.response(request)
        return None

    def _signature_error(self, request: ApiRequest, header: str) -> str:
        """Return the gateway's text for what is wrong with a signature, empty when it is right."""
        now = self._clock()
        authorization = Authorization.parse(header)
        if authorization is None:
            return "the authorization header is invalid"
        if authorization.access_key != self.access_key:
            return "Get secretKey failed, err: ak not exist"
        if now < self._locked_until:
            return "AK access failed to reach the limit, forbidden."
        signed_at = parse_sdk_date(request.headers.get("x-sdk-date", ""))
        if signed_at is None or abs(now - signed_at) > MAX_CLOCK_SKEW_SECONDS:
            return "the signature has expired, check the clock"
        if (
            request.headers.get("x-security-token", self.security_token) == self.security_token
            and request.headers.get("x-project-id", self.project_id) in self.projects
            and is_signed_with(request, authorization, self.secret_key)
        ):
            self._wrong_signatures = 0
            return ""
        self._wrong_signatures += 1
        if self._wrong_signatures >= MAX_WRONG_SIGNATURES:
            self._wrong_signatures, self._locked_until = 0, now + LOCK_SECONDS
        return "verify aksk signature fail"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an `Authorization` header of AK/SK."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> Authorization | None:
        """Return the parts; None when the header is not of this algorithm."""
        match = _AUTHORIZATION.fullmatch(header)
        return cls(match[1], tuple(match[2].split(";")), match[3]) if match else None


def is_signed_with(request: ApiRequest, authorization: Authorization, secret_key: str) -> bool:
    """Whether the signature is right and covers the host, the date and, if sent, the security token."""
    names = set(authorization.signed_headers)
    required = {"host", "x-sdk-date"} | ({"x-security-token"} & set(request.headers))
    if not required <= names or not names <= set(request.headers):
        return False
    if list(authorization.signed_headers) != sorted(names):
        return False
    return hmac.compare_digest(sign(request, authorization.signed_headers, secret_key), authorization.signature)


def sign(request: ApiRequest, signed_headers: tuple[str, ...], secret_key: str) -> str:
    """Return the signature of a request."""
    text = string_to_sign(request.headers.get("x-sdk-date", ""), canonical_request(request, signed_headers))
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(request: ApiRequest, signed_headers: tuple[str, ...]) -> str:
    """Return the canonical form of a request, of which both sides take the hash."""
    uri = "/".join(quote(unquote(segment), safe="~") for segment in request.path.split("/"))
    pairs = [pair.partition("=") for pair in request.query.split("&") if pair]
    query = sorted(f"{_encode_again(name)}={_encode_again(value)}" for name, _, value in pairs)
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


def string_to_sign(date: str, canonical: str) -> str:
    """Return the text that the secret key signs."""
    return f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def parse_sdk_date(text: str) -> float | None:
    """Read an `X-Sdk-Date` (`20261123T080000Z`); None when it is no date."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _encode_again(text: str) -> str:
    """Percent-encode a part of a query as the signature has it, however it came over the wire."""
    return quote(unquote(text), safe="-_.~")


def _format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
