"""User tokens: an IAM user who signs in when needed, and a ready-made token. AK/SK is in signing.py.

https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html
"""

import asyncio
import json
import logging
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx

from bot.core.errors import CloudError, NotSent, Rejected
from bot.taurusdb.http import HttpClient, Refusals, RequestAuth, SingleFlight
from bot.taurusdb.responses import ApiResponse, error_from_response, parse_time

SIGN_IN_SECONDS = 20.0
TOKEN_LIFETIME_SECONDS = 24 * 3600.0
RENEW_EARLY_SECONDS = 600.0
RENEW_EARLY_SHARE = 0.1  # of a short lifetime
RENEWAL_RETRY_SECONDS = 30.0  # after a renewal that failed while the token is still valid

_REFUSING_STATUSES = {400, 401, 403}  # others, as a gateway's 404, say nothing about the password
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """Adds a user token to a request."""

    token: str = field(repr=False)

    def authorise(self, request: httpx.Request) -> None:
        """Add the token."""
        request.headers["X-Auth-Token"] = self.token


@dataclass(frozen=True, slots=True)
class ReadyToken:
    """A ready-made user token; a 401 is final."""

    token: str = field(repr=False)
    refusals: Refusals = field(default_factory=Refusals, repr=False)

    async def auth(self, http: HttpClient) -> RequestAuth:
        """The token itself."""
        return TokenAuth(self.token)

    def invalidate(self, used: RequestAuth) -> bool:
        """There is no other token."""
        return False

    async def aclose(self) -> None:
        """Nothing runs."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A token with its times (UNIX seconds, our clock)."""

    auth: TokenAuth
    renew_at: float
    expires_at: float


@dataclass(slots=True, eq=False)
class IamUser:
    """An IAM user with a password: one sign-in for any number of callers, renewed before the token expires."""

    domain: str
    user: str
    password: str = field(repr=False)
    project_id: str
    iam_url: str
    clock: Callable[[], float] = field(default=time.time, repr=False)
    refusals: Refusals = field(default_factory=Refusals, repr=False)
    account_refusals: Refusals | None = field(default=None, repr=False)  # shared by all projects of the user
    _token: _Token | None = field(default=None, init=False, repr=False)
    _sign_ins: SingleFlight[TokenAuth] = field(default_factory=SingleFlight, init=False, repr=False)

    async def auth(self, http: HttpClient) -> RequestAuth:
        """The user token; it is renewed in the background while it is valid, and waited for otherwise."""
        now, token = self.clock(), self._token
        if token is not None and now < token.expires_at:
            if now >= token.renew_at:
                self._start_sign_in(http)
            return token.auth
        return await asyncio.shield(self._start_sign_in(http))

    def invalidate(self, used: RequestAuth) -> bool:
        """Forget this token, unless another caller has renewed it meanwhile."""
        if self._token is not None and self._token.auth is used:
            self._token = None
        return True

    async def aclose(self) -> None:
        """End a sign-in that runs."""
        await self._sign_ins.aclose()

    def _start_sign_in(self, http: HttpClient) -> asyncio.Task[TokenAuth]:
        """The sign-in that runs, or a new one."""
        return self._sign_ins.start("sign in at IAM", lambda: self._sign_in(http))

    async def _sign_in(self, http: HttpClient) -> TokenAuth:
        """Sign in; the log says why it failed, also when no caller waits for it."""
        try:
            return await self._request_token(http)
        except Exception as error:
            unexpected = None if isinstance(error, CloudError) else error
            log.warning("iam.sign_in_failed", extra={"user": self.user, "error": str(error)}, exc_info=unexpected)
            raise

    async def _request_token(self, http: HttpClient) -> TokenAuth:
        """Ask IAM once, and remember the token or the refusal."""
        async with (self.account_refusals or self.refusals).turn():
            return await self._request_token_in_turn(http)

    async def _request_token_in_turn(self, http: HttpClient) -> TokenAuth:
        memories = [self.refusals] + ([self.account_refusals] if self.account_refusals else [])
        earlier_refusals = [(memory, memory.check(self.clock())) for memory in memories]
        try:
            response = await http.send(self._token_request(http), None, SIGN_IN_SECONDS)
            token = self._token_from(response)
        except Rejected as error:
            error.is_sign_in = True
            if not self._renew_later(math.inf) and error.status in _REFUSING_STATUSES:
                for memory, count in earlier_refusals:
                    memory.refused(error, self.clock(), count)
            raise
        except CloudError as error:
            self._renew_later(RENEWAL_RETRY_SECONDS)
            # Whatever became of the sign-in, nothing was sent to the instance.
            raise NotSent(
                error.status,
                error.code,
                error.message,
                error.api_request_id,
                error.retry_after,
                error.note,
                is_sign_in=True,
            ) from error
        self._token = token
        if self.account_refusals is not None:
            self.account_refusals.accepted()  # the password is right
        return token.auth

    def _renew_later(self, seconds: float) -> bool:
        """After a failed renewal: whether the old token still serves; it is then not renewed for so long."""
        now, token = self.clock(), self._token
        if token is None or now >= token.expires_at:
            return False
        self._token = replace(token, renew_at=now + seconds)
        return True

    def _token_request(self, http: HttpClient) -> httpx.Request:
        user = {"domain": {"name": self.domain}, "name": self.user, "password": self.password}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": self.project_id}}}}
        url = f"{self.iam_url.rstrip('/')}/auth/tokens?nocatalog=true"
        return http.build_request("POST", url, json.dumps(body).encode())

    def _token_from(self, response: ApiResponse) -> _Token:
        """The token of a 2xx; raises the error of any other response."""
        token = response.headers.get("X-Subject-Token", "")
        if not 200 <= response.status < 300 or not _TOKEN.fullmatch(token):
            raise error_from_response(response, "IAM gave no token")
        now = self.clock()
        lifetime = _lifetime(response, now)
        renew_early = min(RENEW_EARLY_SECONDS, lifetime * RENEW_EARLY_SHARE)
        return _Token(TokenAuth(token), now + lifetime - renew_early, now + lifetime)


def _lifetime(response: ApiResponse, now: float) -> float:
    """How long the token is valid (seconds), by IAM's own clock if it says; a day when it cannot be read."""
    token = response.get("token")
    if not isinstance(token, dict):
        return TOKEN_LIFETIME_SECONDS
    issued_at = parse_time(token.get("issued_at")) or response.date or now
    expires_at = parse_time(token.get("expires_at"))
    return expires_at - issued_at if expires_at is not None and expires_at > issued_at else TOKEN_LIFETIME_SECONDS
