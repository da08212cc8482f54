"""Looking at the cloud without effect: does an address answer, is there signing in, what may be read?"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

import aiohttp

from bot.core.reasons import Fault, NotSent
from bot.core.sentence import Language
from bot.taurusdb.answer import Answer
from bot.taurusdb.auth import SignIn
from bot.taurusdb.calls import Calls
from bot.taurusdb.errors import fault_of
from bot.taurusdb.wire import exchange, http_client

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 7.0
SIGN_IN_SECONDS = 9.0


class Hurdle(StrEnum):
    """What keeps a request from an address."""

    NAME = "the name does not resolve"
    TLS = "no trusted TLS connection"
    CONNECTION = "no connection"


@dataclass(eq=False)
class NotReached(Exception):
    """An address gave no answer."""

    hurdle: Hurdle
    why: str


class Probe:
    """Read-only questions to one project; closed at the end."""

    def __init__(self, endpoint: str, project_id: str, sign_in: SignIn, clock: Callable[[], float] = time.time) -> None:
        self._http = http_client(CONNECT_SECONDS, ANSWER_SECONDS)
        self._sign_in = sign_in
        self._clock = clock
        self._calls = Calls(self._http, endpoint, project_id, sign_in, ANSWER_SECONDS, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sign_in.aclose()
        await self._http.aclose()

    async def reach(self, address: str) -> float | None:
        """Ask an address for anything, unsigned; by how many seconds its clock is ahead of ours, if it says."""
        request = self._http.build_request("GET", address)
        try:
            answer = await exchange(self._http, request, None, ANSWER_SECONDS)
        except Fault as fault:
            raise NotReached(_hurdle(fault), fault.message) from fault
        return None if answer.date is None else answer.date - self._clock()

    async def sign_in(self) -> None:
        """Sign in as the bot would. Raises `Fault`."""
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                await self._sign_in.ready(self._http)
        except TimeoutError:
            raise NotSent(message=f"no token within {SIGN_IN_SECONDS:g} s") from None

    async def ask(self, path: str, query: Mapping[str, str]) -> Answer:
        """GET a path of the project; any answer is one. Raises `Fault` when there is none."""
        return await self._calls.read(path, query, Language.EN)


def refusal(answer: Answer) -> Fault:
    """What an answer that says no means."""
    return fault_of(answer)


def _hurdle(fault: Fault) -> Hurdle:
    """Why there was no answer, from what aiohttp had said."""
    for error in _chain(fault):
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return Hurdle.NAME
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return Hurdle.TLS
    return Hurdle.CONNECTION


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__
