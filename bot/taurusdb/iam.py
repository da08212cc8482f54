"""The IAM user: one sign-in for any number of callers, renewed before the token ends and after a 401."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from bot.core.reasons import Fault, NotSent, Refused
from bot.taurusdb.answer import Answer
from bot.taurusdb.auth import UserToken
from bot.taurusdb.errors import fault_of
from bot.taurusdb.traces import moment_of
from bot.taurusdb.wire import exchange

SIGN_IN_SECONDS = 20.0
TOKEN_LIFE_SECONDS = 24 * 3600.0
RENEW_EARLY_SECONDS = 600.0
RENEW_EARLY_SHARE = 0.1  # of a short life
RENEW_AGAIN_SECONDS = 30.0  # after a renewal that failed while the token is still good
REFUSAL_SECONDS = 30.0  # so long a refusal is believed without asking; four times longer each time: IAM locks accounts
MAX_REFUSAL_SECONDS = 1800.0

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class _Token:
    """A token with its times (UNIX seconds, our clock)."""

    auth: UserToken
    renew_at: float
    ends_at: float


@dataclass(slots=True, eq=False)
class IamUser:
    """An IAM user with a password, who signs in when needed."""

    domain: str
    user: str
    password: str = field(repr=False)
    project_id: str
    iam_url: str
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _token: _Token | None = field(default=None, init=False, repr=False)
    _signing_in: asyncio.Task[UserToken] | None = field(default=None, init=False, repr=False)
    _refusal: Refused | None = field(default=None, init=False, repr=False)
    _refusals: int = field(default=0, init=False, repr=False)
    _not_before: float = field(default=0.0, init=False, repr=False)

    async def ready(self, http: httpx.AsyncClient) -> httpx.Auth:
        """The user token; it is renewed beside the work while it is good, and waited for otherwise."""
        now, token = self.clock(), self._token
        if token is not None and now < token.ends_at:
            if now >= token.renew_at and now >= self._not_before:
                self._sign_in(http)
            return token.auth
        if self._refusal is not None and now < self._not_before:
            raise _again(self._refusal)
        return await asyncio.shield(self._sign_in(http))

    def outdated(self, used: httpx.Auth) -> bool:
        """The cloud refused this token: forget it, unless another caller has renewed it meanwhile."""
        if self._token is not None and self._token.auth is used:
            self._token = None
        return True

    async def aclose(self) -> None:
        """End a sign-in that runs."""
        if self._signing_in is not None:
            self._signing_in.cancel()
            with contextlib.suppress(asyncio.CancelledError, Fault):  # whoever waited for it has been told
                await self._signing_in

    def _sign_in(self, http: httpx.AsyncClient) -> asyncio.Task[UserToken]:
        """The sign-in that runs, or a new one."""
        if self._signing_in is None:
            self._signing_in = asyncio.create_task(self._fetch(http), name="sign in at IAM")
            self._signing_in.add_done_callback(self._signed_in)
        return self._signing_in

    def _signed_in(self, task: asyncio.Task[UserToken]) -> None:
        """Make room for the next sign-in, and say in the log why this one failed, if it did."""
        self._signing_in = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            unforeseen = None if isinstance(error, Fault) else error
            log.warning("iam.sign_in_failed", extra={"user": self.user, "fault": str(error)}, exc_info=unforeseen)

    async def _fetch(self, http: httpx.AsyncClient) -> UserToken:
        """Ask IAM once, and remember what it said."""
        try:
            answer = await exchange(http, self._request(http), None, SIGN_IN_SECONDS)
            token = self._read(answer)
        except Refused as fault:
            self._refusal, self._refusals = fault, self._refusals + 1
            wait = REFUSAL_SECONDS * 4 ** min(self._refusals - 1, 4)
            self._not_before = self.clock() + min(wait, MAX_REFUSAL_SECONDS)
            raise
        except Fault as fault:
            self._refusal, self._not_before = None, self.clock() + RENEW_AGAIN_SECONDS
            # whatever became of the sign-in, nothing was sent to the instance
            raise NotSent(fault.status, fault.code, fault.message, fault.request_id, fault.retry_after) from fault
        self._token, self._refusal, self._refusals, self._not_before = token, None, 0, 0.0
        return token.auth

    def _request(self, http: httpx.AsyncClient) -> httpx.Request:
        user = {"domain": {"name": self.domain}, "name": self.user, "password": self.password}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": self.project_id}}}}
        url = f"{self.iam_url.rstrip('/')}/auth/tokens"
        return http.build_request("POST", url, params={"nocatalog": "true"}, json=body)

    def _read(self, answer: Answer) -> _Token:
        """The token of a good answer."""
        token = answer.headers.get("X-Subject-Token", "")
        if not 200 <= answer.status < 300 or not token:
            raise fault_of(answer, "IAM gave no token")
        now, life = self.clock(), _life(answer, self.clock())
        early = min(RENEW_EARLY_SECONDS, life * RENEW_EARLY_SHARE)
        return _Token(UserToken(token), now + life - early, now + life)


def _life(answer: Answer, now: float) -> float:
    """How long the token lives, by IAM's own clock as far as it tells; a day when it cannot be read."""
    said = answer.value.get("token") if isinstance(answer.value, dict) else None
    if not isinstance(said, dict):
        return TOKEN_LIFE_SECONDS
    ends, begins = moment_of(said.get("expires_at")), moment_of(said.get("issued_at")) or answer.date or now
    return ends - begins if ends is not None and ends > begins else TOKEN_LIFE_SECONDS


def _again(fault: Refused) -> Refused:
    """The same refusal, raised anew: an exception should not carry an older caller's traceback."""
    return Refused(fault.status, fault.code, fault.message, fault.request_id, fault.retry_after)
