"""Socket Mode: tickets, websocket connections, envelopes and acknowledgements, and failures of connections.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, Final

from aiohttp import WSMsgType, web

from bot.sandbox.slack.interactions import Delivery, Envelope
from bot.sandbox.slack.state import APP_ID, Workspace

CLOSE_SECONDS: Final = 1.0  # how long closing waits for the close frame of the app


class Connection:
    """One websocket of the app; a stalled one stays open but carries nothing."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.socket = socket
        self.transport = transport
        self.is_stalled = False

    @property
    def is_live(self) -> bool:
        """Whether the connection is open and carries messages."""
        return not self.is_stalled and not self.socket.closed

    def stall(self) -> None:
        """Stop reading and writing without closing, as a network that lost the connection would."""
        self.is_stalled = True
        self.transport.pause_reading()

    async def close(self) -> None:
        """Close the connection; a stalled one is aborted, since its close handshake would never end."""
        if self.is_stalled:
            self.transport.abort()
        else:
            await self.socket.close()


class SocketMode:
    """All Socket Mode connections of the app."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._pending_acks: dict[str, list[asyncio.Future[Any]]] = {}  # by envelope id
        self._deliveries = 0
        self.cut_reason: str | None = None  # of new connections, right after hello; "": without a message

    @property
    def live(self) -> tuple[Connection, ...]:
        """The connections that carry messages, the oldest first."""
        return tuple(connection for connection in self._connections if connection.is_live)

    @property
    def transports(self) -> set[asyncio.Transport]:
        """The transports of all connections, stalled ones included."""
        return {connection.transport for connection in self._connections}

    def issue_ticket(self) -> str:
        """Return a ticket that opens one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its hello message to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(text="the ticket is unknown or was used", status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=CLOSE_SECONDS)
        await socket.prepare(request)
        if not isinstance(request.transport, asyncio.Transport):
            return socket  # closed by the app during the handshake
        connection = Connection(socket, request.transport)
        hello = {
            "type": "hello",
            "num_connections": len(self.live) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "stand-in", "build_number": 1, "approximate_connection_time": 18060},
        }
        try:
            await socket.send_json(hello)
            if self.cut_reason is not None:
                if self.cut_reason:
                    await socket.send_json({"type": "disconnect", "reason": self.cut_reason})
                await socket.close()
                return socket
            self._connections.append(connection)
            self._workspace.note_change()
            await self._receive(connection)
        finally:
            if connection in self._connections:
                self._connections.remove(connection)
            self._workspace.note_change()
        return socket

    async def deliver(self, envelope: Envelope, number: int | None, ack_seconds: float) -> Delivery:
        """Send an envelope to the connection of that number, or to the next in turn, and wait for its ack."""
        connections = self.live or self._connections  # stalled ones only when there are no others
        if not connections:
            return Delivery(envelope, acked=False, unreachable=True)
        self._deliveries += 1
        number = self._deliveries % len(connections) if number is None else number
        connection = connections[number]
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        pending = self._pending_acks.setdefault(envelope.id, [])
        pending.append(ack)
        try:
            async with asyncio.timeout(ack_seconds):
                if not connection.is_stalled:
                    await connection.socket.send_json(_envelope_json(envelope))
                return Delivery(envelope, acked=True, body=await ack, through=number)
        except (TimeoutError, ConnectionError):
            return Delivery(envelope, acked=False, through=number)
        finally:
            pending.remove(ack)
            if not pending:
                del self._pending_acks[envelope.id]

    def stall(self) -> None:
        """Stall every connection that is open now; later ones work."""
        for connection in self.live:
            connection.stall()
        self._workspace.note_change()

    async def drop(self, reason: str | None = None) -> None:
        """Close every connection; with a reason, a `disconnect` message comes first."""
        connections = tuple(self._connections)
        for connection in connections:
            if reason is not None and connection.is_live:
                await connection.socket.send_json({"type": "disconnect", "reason": reason})
        await asyncio.gather(*(connection.close() for connection in connections))

    async def _receive(self, connection: Connection) -> None:
        """Take acknowledgements and answer pings until the connection ends."""
        async for message in connection.socket:
            if connection.is_stalled:
                continue
            if message.type is WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                ack_json = json.loads(message.data)
                pending = self._pending_acks.get(str(ack_json.get("envelope_id")), [])
                ack = next((future for future in pending if not future.done()), None)
                if ack is not None:
                    ack.set_result(ack_json.get("payload"))


def _envelope_json(envelope: Envelope) -> dict[str, Any]:
    fields = {
        "envelope_id": envelope.id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": True,
    }
    if envelope.attempt:
        fields |= {"retry_attempt": envelope.attempt, "retry_reason": "timeout"}
    return fields
