"""Slack's Web API: one shared client, and its many ways to fail sorted into away, refused and dead token."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.reasons import SlackAway, SlackRefused, Undelivered

CALL_SECONDS = 8  # shorter than a claim on a row, so that nobody else takes the row up meanwhile
PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"}
DEAD_TOKEN = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}


class DeadToken(Exception):
    """Slack does not take a token any more; the process cannot do its work. `setting` names which."""

    def __init__(self, setting: str, error: str) -> None:
        super().__init__(f"{setting}: Slack answers {error}")
        self.setting = setting
        self.error = error


@dataclass(slots=True)
class TokenWatch:
    """Remembers that Slack refused the bot's token in whatever call it was, and wakes who waits for that."""

    dead: asyncio.Event = field(default_factory=asyncio.Event)
    error: str = ""

    def note(self, error: str) -> None:
        """A call was refused; a dead token is remembered."""
        if error in DEAD_TOKEN:
            self.error = error
            self.dead.set()

    async def raise_when_dead(self) -> None:
        """Wait for the token's end, if it comes; raises `DeadToken`."""
        await self.dead.wait()
        raise DeadToken("SLACK_BOT_TOKEN", self.error)


class ApiMeter(Protocol):
    """Whoever counts the calls."""

    def slack_called(self, method: str, outcome: str) -> None:
        """A call was made: `ok`, `refused` (for good) or `away` (for now)."""
        ...

    def slack_limited(self, method: str) -> None:
        """Slack answered 429."""
        ...


class Unmetered:
    """Nobody counts."""

    def slack_called(self, method: str, outcome: str) -> None:
        """Not counted."""

    def slack_limited(self, method: str) -> None:
        """Not counted."""


class SlackApi:
    """The Web API over one session; nothing is re-sent by itself, the flow decides what is told again."""

    def __init__(
        self, token: str, base_url: str, session: aiohttp.ClientSession, meter: ApiMeter | None = None
    ) -> None:
        self.watch = TokenWatch()
        self._meter = meter or Unmetered()
        self.session = session
        self.client = AsyncWebClient(
            token=token, base_url=base_url, session=session, timeout=CALL_SECONDS, retry_handlers=[]
        )

    def anonymous_client(self) -> AsyncWebClient:
        """A client without the token over the same session: Bolt's own, which only ever copies it."""
        return AsyncWebClient(base_url=self.client.base_url, session=self.session, retry_handlers=[])

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method, e.g. `chat.postMessage`; its answer. Raises `SlackAway` or `SlackRefused`."""
        answer, _ = await self.exchange(method, json=arguments)
        return answer

    async def read(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The same for methods that take no JSON (users.info and other reads), as the SDK itself calls them."""
        answer, _ = await self.exchange(method, http_verb="GET", params=arguments)
        return answer

    async def exchange(self, method: str, **request: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
        """One call as the SDK takes it; the answer and its headers. Raises `SlackAway` or `SlackRefused`."""
        try:
            async with self._sorted(method), asyncio.timeout(CALL_SECONDS):
                response = await self.client.api_call(method, **request)
            if not isinstance(response.data, dict):
                raise SlackAway(f"{method}: no JSON")
        except Undelivered as error:
            self._meter.slack_called(method, "refused" if isinstance(error, SlackRefused) else "away")
            raise
        self._meter.slack_called(method, "ok")
        return response.data, response.headers

    @asynccontextmanager
    async def _sorted(self, method: str) -> AsyncIterator[None]:
        """Turn whatever went wrong into the tree of reasons."""
        try:
            yield
        except SlackApiError as raised:
            raise self._reason(method, raised) from raised
        except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError) as raised:
            raise SlackAway(f"{method}: {type(raised).__name__}") from raised

    def _reason(self, method: str, raised: SlackApiError) -> SlackAway | SlackRefused:
        response = raised.response
        data = getattr(response, "data", None)
        error = str(data.get("error") or "") if isinstance(data, dict) else ""
        status = int(getattr(response, "status_code", 0) or 0)
        self.watch.note(error)
        if status == 429:
            self._meter.slack_limited(method)
        if status == 429 or error in PASSING or error in DEAD_TOKEN or status >= 500 or not error:
            return SlackAway(f"{method}: {error or status}", _retry_after(response) if status == 429 else None)
        return SlackRefused(error)


def _retry_after(response: object) -> float | None:
    """Slack's `Retry-After` in seconds."""
    headers = getattr(response, "headers", None) or {}
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(said) if str(said).isascii() and str(said).isdigit() else None
