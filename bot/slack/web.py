"""The web server: Slack's door in HTTP mode, and what operators ask (health, readiness)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

log = logging.getLogger("bot.web")
LARGEST_BODY = 512 * 1024
BODY_SECONDS = 5.0
Readiness = Callable[[], Awaitable[Mapping[str, str]]]


def web_app(app: AsyncApp | None, readiness: Readiness) -> web.Application:
    """The routes; `app` is None in Socket Mode, where Slack has no business here."""
    server = web.Application(client_max_size=LARGEST_BODY)

    async def slack(request: web.Request) -> web.StreamResponse:
        assert app is not None
        try:
            async with asyncio.timeout(BODY_SECONDS):
                bolt_request = await to_bolt_request(request)
        except TimeoutError:
            log.warning("door.slow_body")
            raise web.HTTPRequestTimeout from None
        except (UnicodeDecodeError, ValueError, LookupError, TypeError) as error:
            log.warning("door.unreadable", extra={"why": type(error).__name__})
            raise web.HTTPBadRequest from None
        stamp = request.headers.get("x-slack-request-timestamp", "0")
        if not stamp.isascii() or not stamp.isdigit():
            log.warning("door.refused", extra={"kind": "timestamp"})
            raise web.HTTPUnauthorized
        return await to_aiohttp_response(await app.async_dispatch(bolt_request))

    async def healthz(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.StreamResponse:
        troubles = await readiness()
        body = {"ready": not troubles, "reasons": dict(troubles)}
        return web.json_response(body, status=503 if troubles else 200)

    if app is not None:
        server.router.add_post("/slack/events", slack)
    server.router.add_get("/healthz", healthz)
    server.router.add_get("/readyz", readyz)
    return server


async def serve(server: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; the runner, for the caller to clean up, and the address."""
    runner = web.AppRunner(server, access_log=None, keepalive_timeout=75, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    listening = runner.addresses[0][1]
    log.info("web.listening", extra={"host": host, "port": listening})
    return runner, f"http://{host}:{listening}"
