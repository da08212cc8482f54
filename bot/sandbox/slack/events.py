"""HTTP mode: commands and clicks as signed requests to the app's address."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.delivery import Envelope, Reply


class Events:
    """Sends envelopes to the addresses that the app has given, each in turn."""

    def __init__(self, signing_secret: str) -> None:
        self.urls: tuple[str, ...] = ()
        self._signing_secret = signing_secret
        self._session: aiohttp.ClientSession | None = None
        self._turn = 0

    async def deliver(self, envelope: Envelope, through: str | None, patience: float) -> Reply:
        """POST an envelope and wait for the answer; only status 200 in time is an ack."""
        self._turn += 1
        url = through or self.urls[self._turn % len(self.urls)]
        body = form_body(envelope)
        headers = {"Content-Type": "application/x-www-form-urlencoded", **signature(self._signing_secret, body)}
        if envelope.attempt:
            headers |= {"x-slack-retry-num": str(envelope.attempt), "x-slack-retry-reason": "http_timeout"}
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=patience)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
                said = read_body(await response.text(), response.content_type)
                return Reply(response.status == 200, said, response.status, through=url)
        except TimeoutError:
            return Reply(acked=False, through=url)
        except aiohttp.ClientError:
            return Reply(acked=False, unreachable=True, through=url)

    async def close(self) -> None:
        """Close the connections to the app."""
        if self._session is not None:
            await self._session.close()


def read_body(text: str, content_type: str) -> Any:
    """Read an app's answer: JSON when it says so and is, else its words, None when it is empty."""
    if content_type == "application/json":
        with contextlib.suppress(ValueError):  # then it is shown as it came
            return json.loads(text)
    return text or None


def form_body(envelope: Envelope) -> bytes:
    """Return the body: a command is flat fields, all else is JSON in the field `payload`."""
    fields = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    return urlencode(fields).encode()


def signature(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """Return the headers that prove a request to come from Slack (version v0)."""
    stamp = str(int(time.time() if now is None else now))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
