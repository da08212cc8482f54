"""Socket Mode: tickets, connections, envelopes and acks, and what becomes of connections on a bad day."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.delivery import Envelope, Reply
from bot.sandbox.slack.workspace import APP_ID

CLOSE_SECONDS = 1.0  # how long a close waits for the other side


class Link:
    """One connection of the app; silent, it looks open but nothing goes through it."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.socket = socket
        self.transport = transport
        self.silent = False

    def fall_silent(self) -> None:
        """Stop reading and writing and leave the connection open, as a network that lost it would."""
        self.silent = True
        self.transport.pause_reading()

    async def close(self) -> None:
        """End the connection; a silent one is cut, since nobody there can say goodbye."""
        if self.silent:
            self.transport.abort()
        else:
            await self.socket.close()


class Sockets:
    """All Socket Mode connections of the app."""

    def __init__(self, changes: Changes, host: Callable[[], str]) -> None:
        self._changes = changes
        self._host = host
        self._tickets: set[str] = set()
        self._links: list[Link] = []
        self._acks: dict[str, list[asyncio.Future[Any]]] = {}
        self._turn = 0

    @property
    def live(self) -> list[Link]:
        """The connections that carry something, the oldest first."""
        return [link for link in self._links if not link.silent and not link.socket.closed]

    @property
    def transports(self) -> set[asyncio.Transport]:
        """The transports of all connections, silent ones included."""
        return {link.transport for link in self._links}

    def open_url(self) -> str:
        """Return an address for one new connection; its ticket works once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return f"ws://{self._host()}/link/?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(text="this ticket is not known or was used", status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=CLOSE_SECONDS)
        await socket.prepare(request)
        if not isinstance(request.transport, asyncio.Transport):
            return socket  # gone before it began
        link = Link(socket, request.transport)
        try:
            await socket.send_json(hello(len(self.live) + 1))
            self._links.append(link)
            self._changes.note()
            await self._listen(link)
        finally:
            if link in self._links:
                self._links.remove(link)
            self._changes.note()
        return socket

    async def deliver(self, envelope: Envelope, through: int | None, patience: float) -> Reply:
        """Send an envelope to one connection, in turn or as asked, and wait for its ack."""
        candidates = self.live or self._links  # a silent one only when there is no other
        if not candidates:
            return Reply(acked=False, unreachable=True)
        self._turn += 1
        number = self._turn % len(candidates) if through is None else through
        link = candidates[number]
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._acks.setdefault(envelope.id, []).append(ack)
        try:
            async with asyncio.timeout(patience):
                if not link.silent:
                    await link.socket.send_json(wire_form(envelope))
                return Reply(acked=True, body=await ack, through=number)
        except (TimeoutError, ConnectionError):
            return Reply(acked=False, through=number)
        finally:
            waiting = self._acks[envelope.id]
            waiting.remove(ack)
            if not waiting:
                del self._acks[envelope.id]

    def go_silent(self) -> None:
        """Let every connection of now look open while nothing goes through; later ones work."""
        for link in self.live:
            link.fall_silent()
        self._changes.note()

    async def drop(self, reason: str | None = None) -> None:
        """Close every connection, announced by a `disconnect` message when a reason is given."""
        links = tuple(self._links)
        for link in links:
            if reason is not None and not link.silent and not link.socket.closed:
                await link.socket.send_json({"type": "disconnect", "reason": reason})
        await asyncio.gather(*(link.close() for link in links))

    async def _listen(self, link: Link) -> None:
        """Take acks and answer pings until the connection ends."""
        async for message in link.socket:
            if link.silent:
                continue
            if message.type is WSMsgType.PING:
                await link.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._take_ack(json.loads(message.data))

    def _take_ack(self, told: dict[str, Any]) -> None:
        waiting = self._acks.get(str(told.get("envelope_id")), [])
        ack = next((future for future in waiting if not future.done()), None)
        if ack is not None:
            ack.set_result(told.get("payload"))


def hello(connections: int) -> dict[str, Any]:
    """Return the first message on a connection."""
    return {
        "type": "hello",
        "num_connections": connections,
        "connection_info": {"app_id": APP_ID},
        "debug_info": {"host": "stand-in", "build_number": 1, "approximate_connection_time": 18060},
    }


def wire_form(envelope: Envelope) -> dict[str, Any]:
    """Return an envelope as Socket Mode carries it."""
    told = {
        "envelope_id": envelope.id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": True,
    }
    if envelope.attempt:
        told |= {"retry_attempt": envelope.attempt, "retry_reason": "timeout"}
    return told
