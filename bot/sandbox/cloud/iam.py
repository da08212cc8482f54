"""Signing in: user tokens for a password, and access keys; who may come in, and why not."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.cloud.answers import NO_PROJECT, OLD_TOKEN, WRONG_SIGN_IN, Answer, ApiError, iam_error, in_json
from bot.sandbox.cloud.signatures import Authorization, SignedRequest, is_signed_with, signed_at

DAY = 86_400.0
SKEW = 15 * 60.0
LOCK = 5 * 60.0
TRIES = 5
_STARTS = "MIIF"  # how a token begins, as the real ones do (base64 of their first bytes)
_WRONG = "Incorrect IAM authentication information: "


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request may not come in, with the words for this case."""

    error: ApiError
    detail: str = ""


class Iam:
    """One account with one user, one access key and one project."""

    def __init__(self, clock: Callable[[], float], project_id: str, region: str) -> None:
        self.project_id = project_id
        self.region = region
        self.domain = "example-account"
        self.user = "upgrade-bot"
        self.password = "example-password-1"  # noqa: S105 - an example of the stand-in's own, valid nowhere else
        self.access_key = "EXAMPLEACCESSKEY0001"
        self.secret_key = "example-secret-key-for-the-stand-in"  # noqa: S105 - as above
        self.security_token = "EXAMPLESECURITYTOKEN=="  # noqa: S105 - as above
        self.sign_ins = 0
        self.token_life = DAY
        self._clock = clock
        self._expiries: dict[str, float] = {}
        self._wrong_signatures = 0
        self._locked_until = 0.0

    def issue(self) -> str:
        """Make a token that is good from now on."""
        token = _STARTS + secrets.token_urlsafe(600)
        self._expiries[token] = self._clock() + self.token_life
        return token

    def revoke_tokens(self) -> None:
        """End every token that has been issued."""
        self._expiries.clear()

    def sign_in(self, body: bytes) -> Answer:
        """Answer `POST /v3/auth/tokens`."""
        try:
            auth = json.loads(body)["auth"]
            identity, project = auth["identity"], auth["scope"]["project"]
            user = identity["password"]["user"]
            who = (user["domain"]["name"], user["name"], user["password"])
            right_place = project.get("id") == self.project_id or project.get("name") == self.region
            methods = identity["methods"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return iam_error(400, "Request body is invalid.")
        if methods != ["password"]:
            return iam_error(400, "Request body is invalid.")
        self.sign_ins += 1
        if who != (self.domain, self.user, self.password):
            return iam_error(401, "The username or password is wrong.")
        if not right_place:
            return iam_error(401, "The project does not exist or the user may not use it.")
        return self._token_answer()

    def _token_answer(self) -> Answer:
        token, now = self.issue(), self._clock()
        body = {
            "token": {
                "issued_at": _moment(now),
                "expires_at": _moment(self._expiries[token]),
                "methods": ["password"],
                "project": {"id": self.project_id, "name": self.region, "domain": {"name": self.domain}},
                "user": {"name": self.user, "domain": {"name": self.domain}},
            }
        }
        return in_json(body, 201, {"X-Subject-Token": token})

    def refusal(self, request: SignedRequest, project_id: str) -> Refused | None:
        """Say why a request for this project is not let in; None when it is."""
        refused = self._who_refused(request)
        if refused is None and project_id != self.project_id:
            return Refused(NO_PROJECT)
        return refused

    def _who_refused(self, request: SignedRequest) -> Refused | None:
        if header := request.headers.get("authorization"):
            return self._signature_refused(request, header)
        token = request.headers.get("x-auth-token", "")
        if not token:
            return Refused(WRONG_SIGN_IN, _WRONG + "x-auth-token not found")
        if not token.startswith(_STARTS):
            return Refused(WRONG_SIGN_IN)
        if self._clock() >= self._expiries.get(token, 0.0):
            return Refused(OLD_TOKEN)
        return None

    def _signature_refused(self, request: SignedRequest, header: str) -> Refused | None:
        now = self._clock()
        claim = Authorization.read(header)
        if claim is None:
            return Refused(WRONG_SIGN_IN, _WRONG + "the authorization header is invalid")
        if claim.access_key != self.access_key:
            return Refused(WRONG_SIGN_IN, _WRONG + "Get secretKey failed, err: ak not exist")
        if now < self._locked_until:
            return Refused(WRONG_SIGN_IN, _WRONG + "AK access failed to reach the limit, forbidden.")
        at = signed_at(request.headers.get("x-sdk-date", ""))
        if at is None or abs(now - at) > SKEW:
            return Refused(WRONG_SIGN_IN, _WRONG + "the signature has expired, check the clock")
        token_right = request.headers.get("x-security-token", self.security_token) == self.security_token
        project_right = request.headers.get("x-project-id", self.project_id) == self.project_id
        if token_right and project_right and is_signed_with(request, claim, self.secret_key):
            self._wrong_signatures = 0
            return None
        self._wrong_signatures += 1
        if self._wrong_signatures >= TRIES:
            self._wrong_signatures, self._locked_until = 0, now + LOCK
        return Refused(WRONG_SIGN_IN, _WRONG + "verify aksk signature fail")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
