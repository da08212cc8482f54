"""The listening port of the stand-in, which can be closed and opened again while everything else lives on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 1.0


class Port:
    """Serves a web application on loopback, always on the same port once it has one."""

    def __init__(self, app: web.Application, port: int, keep: Callable[[], set[asyncio.Transport]]) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._port = port
        self._keep = keep
        self._site: web.TCPSite | None = None

    @property
    def host(self) -> str:
        """Host and port, as they stand in an address."""
        return f"{LOOPBACK}:{self._port}"

    async def open(self) -> None:
        """Start to listen."""
        if self._site is not None:
            return
        if self._runner.server is None:
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, LOOPBACK, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Stop to listen and end every connection that is not to be kept, so that each new call is refused."""
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        kept = self._keep()
        server = self._runner.server
        for handler in server.connections if server is not None else ():
            if handler.transport not in kept:
                handler.force_close()

    async def close(self) -> None:
        """End everything."""
        await self._runner.cleanup()
