"""The listening port: it can be shut and opened again, and a connection can be closed before it is read."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.sandbox.cloud.reception import Reception

HOST = "127.0.0.1"
_QUIET = logging.getLogger("bot.sandbox.cloud.access")
_QUIET.setLevel(logging.WARNING)  # the journal tells the requests already


class Connection(RequestHandler):
    """A connection that can be closed before its request is read."""

    __slots__ = ("_reception",)

    def __init__(self, server: web.Server, reception: Reception) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=_QUIET)
        self._reception = reception

    def data_received(self, data: bytes) -> None:
        """Let the bytes through, unless this connection is to be closed at once."""
        if self.transport is None or not self._reception.closes(data):
            super().data_received(data)
        else:
            self.transport.close()


class _Server(web.Server):
    """aiohttp's low-level server, with connections of the kind above."""

    def __init__(self, reception: Reception) -> None:
        super().__init__(reception.receive, handler_cancellation=True)
        self._reception = reception

    def __call__(self) -> RequestHandler:
        return Connection(self, self._reception)


class Door:
    """One port on loopback."""

    def __init__(self, reception: Reception, port: int) -> None:
        self.port = port
        self._reception = reception
        self._server: _Server | None = None
        self._listening: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; a port of 0 becomes the one that was given, and stays it."""
        if self._listening is not None:
            return
        if self._server is None:
            self._server = _Server(self._reception)
        self._listening = await asyncio.get_running_loop().create_server(self._server, HOST, self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening and cut every connection: from now on the port refuses."""
        if self._listening is None or self._server is None:
            return
        self._listening.close()
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self._listening.wait_closed()
        self._listening = None
        await self._server.shutdown(timeout=1.0)
