"""A client of the bot's events endpoint: requests signed, badly signed, not signed, or not even HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest

from bot.sandbox.slack.http_mode import signature_headers
from tests.driver import CHANNEL, BotDriver, buttons

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Response:
    """What the endpoint answered."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class EventsClient:
    """Sends requests to one bot over one session."""

    session: aiohttp.ClientSession
    url: str
    signing_secret: str

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Send exactly this."""
        async with self.session.post(f"{self.url}/slack/events", data=body, headers=headers) as response:
            return Response(response.status, await response.text())

    async def post_signed(self, body: bytes, content_type: str = FORM, at: float | None = None) -> Response:
        """Send it with Slack's signature; `at` is the signed time (UNIX seconds)."""
        return await self.post(body, self.signed_headers(body, content_type, at))

    def signed_headers(self, body: bytes, content_type: str = FORM, at: float | None = None) -> dict[str, str]:
        """The headers with Slack's signature of this body."""
        signed_at = time.time() if at is None else at
        return {"Content-Type": content_type, **signature_headers(self.signing_secret, body, signed_at)}

    async def is_healthy(self) -> bool:
        """Whether the bot is alive and ready."""
        for path in ("/healthz", "/readyz"):
            async with self.session.get(f"{self.url}{path}") as response:
                if response.status != 200:
                    return False
        return True


async def send_raw(url: str, *pieces: bytes) -> bytes:
    """Send bytes over a connection of their own, then read until the other side closes it."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(15):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def form_body(payload: Mapping[str, Any]) -> bytes:
    """The body of a slash command."""
    return urlencode({name: str(value) for name, value in payload.items()}).encode()


def interactive_body(payload: object) -> bytes:
    """The body of a click."""
    return urlencode({"payload": json.dumps(payload)}).encode()


async def command_payload(driver: BotDriver, text: str = "", **changes: str) -> dict[str, Any]:
    """The payload of a command as Slack sends it, never delivered before; by default it requests an upgrade."""
    delivery = await driver.slack.command("third", CHANNEL, "help")
    allowed_user = driver.slack.people["sre"]
    return {
        **delivery.payload,
        "user_id": allowed_user.id,
        "team_id": allowed_user.team_id,
        "text": text or driver.instance(),
        "trigger_id": f"made.up.{time.monotonic_ns()}",
        **changes,
    }


def refusals(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log lines about refused requests, with their fields."""
    return [vars(record) for record in caplog.records if record.getMessage() == "request.refused"]


def refusal_reasons(caplog: pytest.LogCaptureFixture) -> set[str]:
    """The reasons of the refused requests, from the log."""
    return {str(refusal.get("reason")) for refusal in refusals(caplog)}


async def assert_nothing_done(driver: BotDriver, client: EventsClient) -> None:
    """The bot has done nothing so far, and works."""
    assert not driver.slack.messages(CHANNEL)
    assert not driver.cloud.upgrades
    assert await client.is_healthy()
    assert buttons(await driver.request(driver.instance("sr-metrics"), person="dba"))
