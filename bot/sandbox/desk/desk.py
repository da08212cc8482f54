"""The page's server as a whole: one port on loopback with the page, its events, and its actions."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk.actions import Actions
from bot.sandbox.desk.bell import Bell
from bot.sandbox.desk.clouds import cloud_items
from bot.sandbox.desk.conversations import PEOPLE_TO_BE, conversations
from bot.sandbox.desk.examples import examples
from bot.sandbox.desk.files import PageFiles
from bot.sandbox.desk.guard import add_headers, make_guard
from bot.sandbox.desk.items import Items
from bot.sandbox.desk.stream import stream
from bot.sandbox.desk.wire import Wire
from bot.sandbox.slack import StandInSlack

HOST: Final = "127.0.0.1"
PORT: Final = 8765
LARGEST_BODY: Final = 64 * 1024
GOODBYE_SECONDS: Final = 2.0


class Desk:
    """Serves the page while it is entered; `port=0` takes any free port."""

    def __init__(
        self, slack: StandInSlack, cloud: StandInCloud, port: int = PORT, command: str = "/starrocks-upgrade"
    ) -> None:
        self.port = port
        self._slack = slack
        self._cloud = cloud
        self._command = command
        self._bell = Bell()
        self._wire = Wire()
        self._runner: web.AppRunner | None = None
        self._unlisten: list[Callable[[], object]] = []

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.port}/"

    async def __aenter__(self) -> Self:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=GOODBYE_SECONDS)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, self.port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._unlisten = [one.on_change(self._bell.ring) for one in (self._slack, self._cloud)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._unlisten:
            self._unlisten.pop()()
        self._bell.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    def picture(self, person_key: str) -> Items:
        """Draw everything that this person sees now."""
        person = self._slack.people[person_key]
        told = self._cloud.snapshot()
        return {
            **conversations(self._slack, person, self._command),
            **examples(told["instances"], self._command),
            **cloud_items(told),
            **self._wire.items(self._slack, self._cloud),
        }

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[make_guard(lambda: self.port)], client_max_size=LARGEST_BODY)
        app.on_response_prepare.append(add_headers)
        files, actions = PageFiles(), Actions(self._slack, self._cloud)
        app.add_routes(
            [
                web.get("/", files.index),
                web.get("/page/{name:.+}", files.file),
                web.get("/events", self._events),
                web.post("/act/{name}", actions.handle),
            ]
        )
        return app

    async def _events(self, request: web.Request) -> web.StreamResponse:
        person_key = request.query.get("person", PEOPLE_TO_BE[0])
        if person_key not in PEOPLE_TO_BE:
            raise web.HTTPNotFound(text="There is no such person to be.")
        return await stream(request, lambda: self.picture(person_key), self._bell)
