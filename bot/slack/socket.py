"""Socket Mode: one living connection, replaced whole when it is closed, falls silent or will not come up."""

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

from bot.slack.api import DEAD_TOKEN, DeadToken

log = logging.getLogger("bot.socket")
PING_SECONDS = 4.0  # a silent connection is noticed after four of these at most
CONNECT_SECONDS = 10.0
WATCH_SECONDS = 0.5
LONGEST_PAUSE = 15.0


class Socket:
    """Keeps a Socket Mode connection; the SDK's own reconnecting retries a used ticket and is not used."""

    def __init__(self, app: AsyncApp, app_token: str, web: AsyncWebClient) -> None:
        self._app = app
        self._app_token = app_token
        self._web = web
        self._client: SocketModeClient | None = None
        self.is_connected = False

    @property
    def heard_at(self) -> float | None:
        """When Slack answered a ping last (UNIX seconds); None before the first one."""
        return None if self._client is None else self._client.last_ping_pong_time

    async def run(self) -> None:
        """Stay connected until cancelled. Raises `DeadToken` when Slack does not take the app token."""
        failures = 0
        try:
            while True:
                try:
                    await self._connect()
                    failures = 0
                    await self._watch()
                    log.warning("socket.lost")
                except DeadToken:
                    raise
                except Exception as error:
                    log.warning("socket.not_connected", extra={"why": f"{type(error).__name__}: {error}"})
                    failures += 1
                await self.close()
                if failures:
                    await asyncio.sleep(min(0.5 * 2.0 ** min(failures, 6), LONGEST_PAUSE))
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        self.is_connected = False
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # the SDK is not fully typed

    async def _connect(self) -> None:
        """Ask for a fresh ticket and use it once."""
        async with asyncio.timeout(CONNECT_SECONDS):
            url = await open_connection(self._web, self._app_token)
            client = SocketModeClient(
                app_token=self._app_token,
                web_client=self._web,
                logger=logging.getLogger("slack_sdk.socket_mode"),
                auto_reconnect_enabled=False,
                ping_interval=PING_SECONDS,
            )
            self._client = client
            client.wss_uri = url
            client.socket_mode_request_listeners.append(self._handle)
            await client.connect()  # type: ignore[no-untyped-call]  # the SDK is not fully typed
        self.is_connected = True
        log.info("socket.connected")

    async def _watch(self) -> None:
        """Return when the connection is no more."""
        while self._client is not None and await self._client.is_connected():  # noqa: ASYNC110 - no event tells of silence
            await asyncio.sleep(WATCH_SECONDS)

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            response = await run_async_bolt_app(self._app, request)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # Bolt stumbles over what Slack never sends; without an ack it would only come again.
            log.warning("door.refused", extra={"kind": "socket", "why": f"unreadable: {type(error).__name__}"})
            response = BoltResponse(status=200)
        await send_async_response(client, request, response, 0.0)


async def open_connection(web: AsyncWebClient, app_token: str) -> str:
    """A new single-use address of a socket. Raises `DeadToken` when Slack does not take the app token."""
    try:
        response = await web.apps_connections_open(app_token=app_token)
    except SlackApiError as raised:
        data = getattr(raised.response, "data", None)
        error = str(data.get("error")) if isinstance(data, dict) else ""
        if error in DEAD_TOKEN or error == "not_allowed_token_type":
            raise DeadToken("SLACK_APP_TOKEN", error) from raised
        raise
    return str(response["url"])
