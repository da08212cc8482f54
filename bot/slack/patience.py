"""Slow clients: a connection that does not come to the point of a request within seconds is closed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from aiohttp import web

log = logging.getLogger("bot.door")
HEADER_SECONDS = 10.0  # from the connection's begin to the end of its first request's headers
TICK_SECONDS = 1.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Patience:
    """Watches the connections of one server; aiohttp itself waits for headers as long as for an idle connection."""

    def __init__(self, seconds: float = HEADER_SECONDS) -> None:
        self._seconds = seconds
        self._came_to_the_point: set[object] = set()
        self._since: dict[object, float] = {}

    def guard(self, server: web.Application, runner: web.AppRunner) -> None:
        """Watch for as long as the server runs; before the runner is set up."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._came_to_the_point.add(request.protocol)
            return await handler(request)

        async def watch(_: web.Application) -> AsyncIterator[None]:
            task = asyncio.create_task(self._watch(runner), name="slow clients")
            yield
            task.cancel()
            with suppress(asyncio.CancelledError):  # it was just asked to
                await task

        server.middlewares.append(note)
        server.cleanup_ctx.append(watch)

    async def _watch(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            connections = runner.server.connections if runner.server else []
            now = time.monotonic()
            self._since = {one: self._since.get(one, now) for one in connections}
            self._came_to_the_point &= self._since.keys()
            for connection in connections:
                if connection not in self._came_to_the_point and now - self._since[connection] > self._seconds:
                    log.warning("door.refused", extra={"kind": "http", "why": "slow headers"})
                    connection.force_close()
