"""Authorised calls of the API: signed in, in a person's language, and repeated once when the token has ended."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from bot.core.reasons import NotSent, Refused
from bot.core.sentence import Language
from bot.taurusdb.answer import Answer
from bot.taurusdb.auth import SignIn
from bot.taurusdb.errors import fault_of, token_outdated
from bot.taurusdb.wire import ANSWER_SECONDS, exchange

READS_IN_FLIGHT = 8
READ_SECONDS = 30.0


class TimeOver(NotSent):
    """The caller does not want it sent any more."""


@dataclass(frozen=True, slots=True)
class SignInRefusal:
    """Why the cloud did not let us in, and when (UNIX seconds); empty when it did."""

    why: str = ""
    at: float = 0.0


class Calls:
    """Requests to the project at one endpoint; reads wait for each other, sending waits for nobody."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        endpoint: str,
        project_id: str,
        sign_in: SignIn,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._project_url = f"{endpoint.rstrip('/')}/v3/{project_id}"
        self._sign_in = sign_in
        self._answer_seconds = answer_seconds
        self._clock = clock
        self.clock_ahead = 0.0
        """By how many seconds the cloud's clock is ahead of ours, as its last answer said."""
        self.refusal = SignInRefusal()
        """The last refusal to let us in, if nothing has been let in since."""
        self._reads = asyncio.Semaphore(READS_IN_FLIGHT)

    async def read(self, path: str, query: Mapping[str, str], language: Language) -> Answer:
        """GET a path of the project."""
        async with self._reads:
            return await self._call("GET", path, query, b"", language, min(READ_SECONDS, self._answer_seconds), _always)

    async def send(
        self, path: str, body: Mapping[str, bool], language: Language, may_send: Callable[[], bool]
    ) -> Answer:
        """POST to a path of the project; TimeOver when `may_send` says no just before it."""
        return await self._call("POST", path, {}, json.dumps(body).encode(), language, self._answer_seconds, may_send)

    async def remove(self, path: str, body: Mapping[str, object], language: Language) -> Answer:
        """DELETE at a path of the project, what the body names."""
        content = json.dumps(body).encode()
        return await self._call("DELETE", path, {}, content, language, min(READ_SECONDS, self._answer_seconds), _always)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        language: Language,
        seconds: float,
        may_send: Callable[[], bool],
    ) -> Answer:
        """Send the request; after a 401 that another token mends, once more: it was not passed on."""
        headers = {"X-Language": language.value, "Content-Type": "application/json"}
        url = httpx.URL(f"{self._project_url}/{path}", params=query) if query else f"{self._project_url}/{path}"
        for _ in range(2):
            try:
                auth = await self._sign_in.ready(self._http)
            except Refused as fault:
                self.refusal = SignInRefusal(str(fault), self._clock())
                raise
            if not may_send():
                raise TimeOver(message="the time for sending was over")
            request = self._http.build_request(method, url, content=body or None, headers=headers)
            answer = await exchange(self._http, request, auth, seconds)
            if answer.date is not None:
                self.clock_ahead = answer.date - self._clock()
            if not (token_outdated(answer) and self._sign_in.outdated(auth)):
                break
        denied = answer.status == 401
        self.refusal = SignInRefusal(str(fault_of(answer)), self._clock()) if denied else SignInRefusal()
        return answer


def _always() -> bool:
    """A read may be sent at any time."""
    return True
