"""The web server: Slack's door in HTTP mode, and what operators ask (health, readiness, metrics)."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.slack.door import EventsDoor
from bot.slack.patience import Patience

log = logging.getLogger("bot.web")
LARGEST_BODY = 512 * 1024
LINGERING_SECONDS = 1.0  # how long the rest of a refused body is read
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus's text format
Readiness = Callable[[], Awaitable[Mapping[str, str]]]
Page = Callable[[], Awaitable[bytes]]


def web_app(app: AsyncApp | None, readiness: Readiness, metrics: Page | None = None) -> web.Application:
    """The routes; `app` is None in Socket Mode, where Slack has no business here.

    `readiness` names each part with what is wrong with it, nothing when it is well.
    """
    server = web.Application(client_max_size=LARGEST_BODY)

    async def healthz(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.StreamResponse:
        parts = await readiness()
        reasons = {name: trouble for name, trouble in parts.items() if trouble}
        body = {
            "ready": not reasons,
            "reasons": reasons,
            "parts": {name: {"ready": not trouble, "trouble": trouble} for name, trouble in parts.items()},
        }
        return web.json_response(body, status=503 if reasons else 200)

    async def metered(_: web.Request) -> web.StreamResponse:
        assert metrics is not None
        return web.Response(body=await metrics(), headers={"Content-Type": METRICS_TYPE})

    if app is not None:
        server.router.add_post("/slack/events", EventsDoor(app).handle)
    server.router.add_get("/healthz", healthz)
    server.router.add_get("/readyz", readyz)
    if metrics is not None:
        server.router.add_get("/metrics", metered)
    return server


async def serve(server: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; the runner, for the caller to clean up, and the address."""
    runner = web.AppRunner(
        server,
        access_log=None,
        keepalive_timeout=75,
        lingering_time=LINGERING_SECONDS,
        handle_signals=False,
        shutdown_timeout=2.0,
    )
    Patience().guard(server, runner)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    listening = runner.addresses[0][1]
    log.info("web.listening", extra={"host": host, "port": listening})
    return runner, f"http://{host}:{listening}"
