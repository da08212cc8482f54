"""HTTP mode: commands and clicks as signed requests to the app's request URLs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.interactions import Delivery, Envelope
from bot.sandbox.slack.state import Workspace


class HttpMode:
    """Delivers envelopes to the request URLs of the app in turn."""

    def __init__(self, workspace: Workspace) -> None:
        self.urls: tuple[str, ...] = ()
        self._workspace = workspace
        self._session: aiohttp.ClientSession | None = None
        self._deliveries = 0

    async def deliver(self, envelope: Envelope, url: str | None, ack_seconds: float) -> Delivery:
        """POST an envelope and wait for the answer; only status 200 in time is an acknowledgement."""
        self._deliveries += 1
        url = url or self.urls[self._deliveries % len(self.urls)]
        # A command is sent as flat form fields, anything else as JSON in the form field `payload`.
        fields = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
        body = urlencode(fields).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            **signature_headers(self._workspace.signing_secret, body),
        }
        if envelope.attempt:
            headers |= {"x-slack-retry-num": str(envelope.attempt), "x-slack-retry-reason": "http_timeout"}
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=ack_seconds)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
                answer = _parse_answer(await response.text(), response.content_type)
                return Delivery(envelope, response.status == 200, answer, response.status, through=url)
        except TimeoutError:
            return Delivery(envelope, acked=False, through=url)
        except aiohttp.ClientError:
            return Delivery(envelope, acked=False, through=url, unreachable=True)

    async def close(self) -> None:
        """Close the connections to the app."""
        if self._session is not None:
            await self._session.close()


def signature_headers(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """Return the headers with which Slack signs a request, version v0.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    timestamp = str(int(time.time() if now is None else now))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def _parse_answer(text: str, content_type: str) -> Any:
    """Return the JSON of an answer that is JSON, else its text, None when it is empty."""
    if content_type == "application/json":
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text or None
