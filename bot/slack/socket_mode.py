"""Socket Mode: one live connection and one reconnect loop, whose pauses grow while connections do not last."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import (
    INVALID_TOKEN_ERRORS,
    MAX_ERROR_CHARACTERS,
    TOKEN_DOUBT_INTERVAL,
    InvalidToken,
    TokenDoubt,
)
from bot.slack.payloads import text_field

log = logging.getLogger("bot.slack.socket")
PING_SECONDS = 4.0  # a silent connection is noticed after four of these at most
CONNECT_SECONDS = 10.0
MAX_REASON_CHARACTERS = 100
CHECK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.5  # doubled for each connection that does not last, with jitter
MAX_PAUSE_SECONDS = 60.0
STABLE_SECONDS = 30.0  # a connection that lasted so long was a success


class SingleConnectionClient(SocketModeClient):
    """The SDK's client without its own reconnects, which it makes whether auto-reconnect is off or not.

    The session is the bot's: the SDK's own trusts other certificates and reads its proxy from the environment.
    """

    disconnect_reason = ""

    async def connect(self) -> None:
        """One attempt, for the ticket is good for one; raises what aiohttp raises, where the SDK would try for ever."""
        websocket = await self.aiohttp_client_session.ws_connect(
            self.wss_uri or "", autoping=False, heartbeat=self.ping_interval
        )
        self.current_session = websocket
        await websocket.ping(f"sdk-ping-pong:{time.time()}".encode())
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """End the connection on a `disconnect` and keep its reason; all other messages go to the listeners."""
        if message.get("type") == "disconnect":
            self.disconnect_reason = str(message.get("reason") or "disconnect")[:MAX_REASON_CHARACTERS]
            await self.disconnect()  # type: ignore[no-untyped-call]  # the SDK is not fully typed
        else:
            await super().run_message_listeners(message, raw_message)


class SocketModeConnection:
    """Keeps one connection, opened anew when it is closed, falls silent or cannot be opened."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        web_client: AsyncWebClient,
        open_session: Callable[[], ClientSession],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._web_client = web_client
        self._open_session = open_session
        self._clock = clock
        self._sleep = sleep
        self._doubt = TokenDoubt("SLACK_APP_TOKEN", clock)
        self._client: SingleConnectionClient | None = None
        self.is_connected = False

    @property
    def last_pong_at(self) -> float | None:
        """When Slack answered a ping last (UNIX seconds); None before the first one."""
        return None if self._client is None else self._client.last_ping_pong_time

    async def run(self) -> None:
        """Stay connected until cancelled. Raises `InvalidToken` when Slack has refused the app token for a minute."""
        short_lived = 0  # connections in a row that did not last
        try:
            while True:
                started_at = self._clock()
                reason = await self._connect_and_wait()
                await self.close()
                short_lived = 0 if self._clock() - started_at >= STABLE_SECONDS else short_lived + 1
                pause = _reconnect_pause(short_lived)
                if self._doubt.is_open:
                    pause = min(pause, TOKEN_DOUBT_INTERVAL)
                log.warning("socket.lost", extra={"reason": reason, "reconnect_seconds": round(pause, 1)})
                await self._sleep(pause)
        finally:
            await self.close()

    async def _connect_and_wait(self) -> str:
        """Connect, and wait until the connection is over; the reason."""
        try:
            await self._connect()
        except InvalidToken as invalid:
            self._doubt.refused(invalid.error)
            return f"apps.connections.open: {invalid.error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        client = self._client
        while client is not None and await client.is_connected():  # noqa: ASYNC110 - no event tells of silence
            await asyncio.sleep(CHECK_SECONDS)
        return (client.disconnect_reason if client else "") or "closed or silent"

    async def close(self) -> None:
        """Close the connection."""
        self.is_connected = False
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # the SDK is not fully typed

    async def _connect(self) -> None:
        """Get a new ticket and use it once."""
        async with asyncio.timeout(CONNECT_SECONDS):
            url = await open_connection(self._web_client, self._app_token)
            self._doubt.accepted()
            client = SingleConnectionClient(
                app_token=self._app_token,
                web_client=self._web_client,
                logger=logging.getLogger("slack_sdk.socket_mode"),
                auto_reconnect_enabled=False,
                ping_interval=PING_SECONDS,
            )
            self._client = client
            await client.aiohttp_client_session.close()
            client.aiohttp_client_session = self._open_session()
            client.wss_uri = url
            client.socket_mode_request_listeners.append(self._on_request)
            await client.connect()
        self.is_connected = True
        log.info("socket.connected")

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            response = await run_async_bolt_app(self._app, request)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # Bolt fails on what Slack never sends; without an acknowledgement it would only be delivered again.
            reason = f"unreadable: {type(error).__name__}"
            log.warning("request.refused", extra={"kind": "socket", "reason": reason})
            response = BoltResponse(status=200)
        await send_async_response(client, request, response, 0.0)


def _reconnect_pause(short_lived: int) -> float:
    """Seconds until the next connection: none after one that lasted, then doubled each time, up to a minute."""
    if not short_lived:
        return 0.0
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(short_lived - 1, 8), MAX_PAUSE_SECONDS)
    return pause * random.uniform(0.5, 1.0)


async def open_connection(web_client: AsyncWebClient, app_token: str) -> str:
    """A new single-use URL (`apps.connections.open`). Raises `InvalidToken` when Slack does not take the app token."""
    try:
        response = await web_client.apps_connections_open(app_token=app_token)
    except SlackApiError as api_error:
        error = text_field(getattr(api_error.response, "data", None), "error", MAX_ERROR_CHARACTERS)
        if error in INVALID_TOKEN_ERRORS or error == "not_allowed_token_type":
            raise InvalidToken("SLACK_APP_TOKEN", error) from api_error
        raise
    return str(response["url"])
