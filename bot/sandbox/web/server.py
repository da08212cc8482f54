"""The web server of the sandbox page: static files, server-sent events and the page's API.

It listens on loopback and answers only the page that it served itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.api import Api, error_response
from bot.sandbox.web.request_log import RequestLog
from bot.sandbox.web.view_model import PEOPLE, Entities, Entity, cloud_entities, example_entities, slack_entities

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 64 * 1024
SHUTDOWN_SECONDS: Final = 2.0
BATCH_SECONDS: Final = 0.03  # changes within this time are sent as one event
REFRESH_SECONDS: Final = 1.0  # the progress of a job depends on the clock alone, no change is signalled for it
KEEPALIVE_REFRESHES: Final = (
    15  # after so many without a change a comment is sent, so that a dead connection is noticed
)

CONTENT_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATIC_FILES: Final = {  # the only names that can be requested: no path is ever built from a request
    path.name: path for path in (Path(__file__).parent / "static").iterdir() if path.suffix in CONTENT_TYPES
}
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class WebServer:
    """Serves the page while the context is entered; `port=0` takes any free port. OSError when the port is in use."""

    def __init__(self, slack: StandInSlack, cloud: StandInCloud, port: int) -> None:
        self.port = port
        self._slack = slack
        self._cloud = cloud
        self._request_log = RequestLog(slack, cloud)
        self._runner: web.AppRunner | None = None
        self._streams: set[asyncio.Event] = set()  # of each open event stream: set when there may be something to send
        self._closing = False
        self._unsubscribe: list[Callable[[], object]] = []

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.port}/"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._check_origin], client_max_size=MAX_BODY_BYTES)
        app.on_response_prepare.append(_add_security_headers)
        app.add_routes(
            [
                web.get("/", _static_file),
                web.get("/static/{name}", _static_file),
                web.get("/events", self._events),
                web.post("/api/{name}", Api(self._slack, self._cloud).handle),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._unsubscribe = [stand_in.on_change(self._wake_streams) for stand_in in (self._slack, self._cloud)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._closing = True
        self._wake_streams()
        if self._runner is not None:
            await self._runner.cleanup()

    def entities(self, person_key: str) -> Entities:
        """Everything that this person sees now."""
        snapshot = self._cloud.snapshot()
        return {
            **slack_entities(self._slack, self._slack.people[person_key]),
            **example_entities(snapshot["instances"]),
            **cloud_entities(snapshot),
            **self._request_log.entities(),
        }

    @web.middleware
    async def _check_origin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what another web page could send here.

        A foreign `Host` is how a page elsewhere reaches loopback (DNS rebinding), a foreign `Origin` is its cross-site
        request, and a content type other than JSON is what it may post without a CORS preflight.
        """
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return error_response(403, f"This server answers only as 127.0.0.1:{self.port} or localhost:{self.port}.")
        if any(origin != f"http://{hosts[0].lower()}" for origin in request.headers.getall("Origin", [])):
            return error_response(403, "This server answers only to its own page.")
        if request.method == "POST" and request.content_type != "application/json":
            return error_response(415, "API requests are sent as application/json.")
        return await handler(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send server-sent events to one browser tab: first all entities of the person, then what has changed."""
        person_key = request.query.get("person", PEOPLE[0])
        if person_key not in PEOPLE:
            raise web.HTTPNotFound(text="There is no such person to choose.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        wake = asyncio.Event()
        self._streams.add(wake)
        sent: Entities | None = None
        idle_refreshes = 0
        try:
            while not self._closing:
                wake.clear()
                entities = self.entities(person_key)
                update = difference(sent, entities)
                sent = entities
                idle_refreshes = 0 if update else idle_refreshes + 1
                if update:
                    await response.write(f"event: update\ndata: {json.dumps(update, ensure_ascii=False)}\n\n".encode())
                elif idle_refreshes % KEEPALIVE_REFRESHES == 0:
                    await response.write(b": keepalive\n\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), REFRESH_SECONDS)
                await asyncio.sleep(BATCH_SECONDS)
        except ConnectionError:  # the browser has closed the stream
            pass
        finally:
            self._streams.discard(wake)
        return response

    def _wake_streams(self) -> None:
        for wake in self._streams:
            wake.set()


def difference(before: Mapping[str, Entity] | None, after: Mapping[str, Entity]) -> dict[str, object] | None:
    """The update that leads from one view to the next, None when they are equal; `before` is None for a new stream."""
    known = before or {}
    updated = {key: entity for key, entity in after.items() if known.get(key) != entity}
    removed = [key for key in known if key not in after]
    if before is not None and not updated and not removed:
        return None
    return {"reset": before is None, "updated": updated, "removed": removed}


async def _static_file(request: web.Request) -> web.Response:
    path = STATIC_FILES.get(request.match_info.get("name", "index.html"))
    if path is None:
        raise web.HTTPNotFound(text="The page has no such file.")
    return web.Response(body=path.read_bytes(), content_type=CONTENT_TYPES[path.suffix], charset="utf-8")


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)  # of errors, too
