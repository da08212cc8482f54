"""Slack's door in HTTP mode: what is not Slack's is refused with its reason in the log, a request counts once."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientPayloadError, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

log = logging.getLogger("bot.door")
BODY_SECONDS = 5.0
SIGNED_SECONDS = 300  # how old a signed request may be, as Slack recommends and Bolt checks
LONGEST_STAMP = 12
CONTENT_TYPES = ("application/x-www-form-urlencoded", "application/json")
STAMP, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request is known again by: Slack signs the time with the body, so each of its requests is another."""

    stamp: str
    signature: str
    digest: bytes


class EventsDoor:
    """`POST /slack/events`. Who is the sender is proved by the signature alone, never by an address."""

    def __init__(self, app: AsyncApp, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._clock = clock
        self._taken: dict[Signed, float] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one request; the answer of a refused one says nothing but its status."""
        if request.content_type not in CONTENT_TYPES:
            raise _refused("content_type", web.HTTPUnsupportedMediaType())
        body = await _body(request)
        headers = {name.lower(): request.headers[name] for name in reversed(list(request.headers))}
        stamp, signature = headers.get(STAMP, "0"), headers.get(SIGNATURE, "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= LONGEST_STAMP and signature.isascii()):
            raise _refused("timestamp" if signature.isascii() else "signature", web.HTTPUnauthorized())
        signed = Signed(stamp, signature, hashlib.sha256(body).digest())
        if not self._take(signed):
            log.warning("door.replayed")
            return web.Response()
        try:
            text = body.decode()
            response = await self._app.async_dispatch(AsyncBoltRequest(body=text, headers=dict(headers)))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # Bolt reads the body before it looks at the signature, and stumbles over what Slack never sends.
            self._taken.pop(signed, None)
            raise _refused(f"unreadable: {type(error).__name__}", web.HTTPBadRequest()) from None
        if response.status == web.HTTPUnauthorized.status_code:
            self._taken.pop(signed, None)
            raise _refused(self._why(signed), web.HTTPUnauthorized())
        return await to_aiohttp_response(response)

    def _take(self, signed: Signed) -> bool:
        """Whether this request comes for the first time; older ones are refused by their time alone."""
        now = self._clock()
        while self._taken and next(iter(self._taken.values())) < now:
            self._taken.pop(next(iter(self._taken)))
        if signed in self._taken:
            return False
        self._taken[signed] = now + 2 * SIGNED_SECONDS  # its time may lie as far ahead as behind
        return True

    def _why(self, signed: Signed) -> str:
        if not signed.signature or signed.stamp == "0":
            return "unsigned"
        return "too old" if abs(self._clock() - int(signed.stamp)) > SIGNED_SECONDS else "signature"


async def _body(request: web.Request) -> bytes:
    """The body, bounded in size and time."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise _refused("slow body", web.HTTPRequestTimeout()) from None
    except web.HTTPRequestEntityTooLarge as large:
        raise _refused("oversized", large) from None
    except (OSError, ClientPayloadError, web.RequestPayloadError) as error:
        raise _refused(f"broken off: {type(error).__name__}", web.HTTPBadRequest()) from None


def _refused(why: str, answer: web.HTTPException) -> web.HTTPException:
    """The answer, after the reason was logged; nothing of the request is."""
    log.warning("door.refused", extra={"kind": "http", "why": why})
    answer.text = answer.reason
    answer.headers["Connection"] = "close"
    return answer
