"""Socket Mode: one live connection, replaced as a whole when it is closed, falls silent or cannot be opened."""

import asyncio
import logging

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import INVALID_TOKEN_ERRORS, InvalidToken

log = logging.getLogger("bot.slack.socket")
PING_SECONDS = 4.0  # a silent connection is noticed after four of these at most
CONNECT_SECONDS = 10.0
CHECK_SECONDS = 0.5
MAX_PAUSE_SECONDS = 15.0


class SocketModeConnection:
    """Keeps a connection; the SDK's own reconnect retries a single-use ticket and is switched off."""

    def __init__(self, app: AsyncApp, app_token: str, web_client: AsyncWebClient) -> None:
        self._app = app
        self._app_token = app_token
        self._web_client = web_client
        self._client: SocketModeClient | None = None
        self.is_connected = False

    @property
    def last_pong_at(self) -> float | None:
        """When Slack answered a ping last (UNIX seconds); None before the first one."""
        return None if self._client is None else self._client.last_ping_pong_time

    async def run(self) -> None:
        """Stay connected until cancelled. Raises `InvalidToken` when Slack does not take the app token."""
        failures = 0
        try:
            while True:
                try:
                    await self._connect()
                    failures = 0
                    await self._wait_until_lost()
                    log.warning("socket.lost")
                except InvalidToken:
                    raise
                except Exception as error:
                    log.warning("socket.not_connected", extra={"reason": f"{type(error).__name__}: {error}"})
                    failures += 1
                await self.close()
                if failures:
                    await asyncio.sleep(min(0.5 * 2.0 ** min(failures, 6), MAX_PAUSE_SECONDS))
        finally:
            await self.close()

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
            client = SocketModeClient(
                app_token=self._app_token,
                web_client=self._web_client,
                logger=logging.getLogger("slack_sdk.socket_mode"),
                auto_reconnect_enabled=False,
                ping_interval=PING_SECONDS,
            )
            self._client = client
            client.wss_uri = url
            client.socket_mode_request_listeners.append(self._on_request)
            await client.connect()  # type: ignore[no-untyped-call]  # the SDK is not fully typed
        self.is_connected = True
        log.info("socket.connected")

    async def _wait_until_lost(self) -> None:
        while self._client is not None and await self._client.is_connected():  # noqa: ASYNC110 - no event tells of silence
            await asyncio.sleep(CHECK_SECONDS)

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            response = await run_async_bolt_app(self._app, request)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # Bolt fails on what Slack never sends; without an acknowledgement it would only be delivered again.
            reason = f"unreadable: {type(error).__name__}"
            log.warning("request.refused", extra={"kind": "socket", "reason": reason})
            response = BoltResponse(status=200)
        await send_async_response(client, request, response, 0.0)


async def open_connection(web_client: AsyncWebClient, app_token: str) -> str:
    """A new single-use URL (`apps.connections.open`). Raises `InvalidToken` when Slack does not take the app token."""
    try:
        response = await web_client.apps_connections_open(app_token=app_token)
    except SlackApiError as api_error:
        data = getattr(api_error.response, "data", None)
        error = str(data.get("error")) if isinstance(data, dict) else ""
        if error in INVALID_TOKEN_ERRORS or error == "not_allowed_token_type":
            raise InvalidToken("SLACK_APP_TOKEN", error) from api_error
        raise
    return str(response["url"])
