"""Requests to the bot's HTTP door as anybody could send them: signed, badly signed, not signed, or not even HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from bot.sandbox.slack.events import signature

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door answered."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Poster:
    """Sends to one bot over one session."""

    session: aiohttp.ClientSession
    address: str
    secret: str

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send exactly this."""
        async with self.session.post(f"{self.address}/slack/events", data=body, headers=headers) as response:
            return Reply(response.status, await response.text())

    async def signed(self, body: bytes, content_type: str = FORM, at: float | None = None) -> Reply:
        """Send it as Slack would."""
        return await self.send(body, self.headers(body, content_type, at))

    def headers(self, body: bytes, content_type: str = FORM, at: float | None = None) -> dict[str, str]:
        """The headers that prove it to be Slack's."""
        return {"Content-Type": content_type, **signature(self.secret, body, time.time() if at is None else at)}

    async def is_well(self) -> bool:
        """Whether the bot lives and is ready."""
        for path in ("/healthz", "/readyz"):
            async with self.session.get(f"{self.address}{path}") as response:
                if response.status != 200:
                    return False
        return True

    async def raw(self, *pieces: bytes) -> bytes:
        """Send bytes over a connection of their own, then read until the other side closes it."""
        parts = urlsplit(self.address)
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


def form(payload: Mapping[str, Any]) -> bytes:
    """A slash command's body."""
    return urlencode({name: str(value) for name, value in payload.items()}).encode()


def interactive(payload: object) -> bytes:
    """A click's body."""
    return urlencode({"payload": json.dumps(payload)}).encode()
