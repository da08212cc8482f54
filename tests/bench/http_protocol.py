"""HTTP/1.1, server and client, with as little CPU time as possible: the load generator must not be the bottleneck."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A response with a JSON body."""

    body: bytes
    status: str = "200 OK"
    headers: str = ""


Handler: TypeAlias = Callable[[Request], "Response | Awaitable[Response]"]


class ServerProtocol(asyncio.Protocol):
    """The server side of one connection."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._waiting:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next_request()) is not None:
            response = self._handler(request)
            if isinstance(response, Response):
                self._send(response)
            else:
                task = asyncio.ensure_future(self._send_when_ready(response))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)

    async def _send_when_ready(self, response: Awaitable[Response]) -> None:
        self._send(await response)

    def _send(self, response: Response) -> None:
        head = (
            f"HTTP/1.1 {response.status}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(response.body)}\r\n{response.headers}\r\n"
        )
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + response.body)

    def _next_request(self) -> Request | None:
        """A whole request, taken out of the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end]
        if CHUNKED.search(head):
            raise ValueError("chunked requests are not supported")
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(self._buffer) < end + 4 + size:
            return None
        body = self._buffer[end + 4 : end + 4 + size]
        self._buffer = self._buffer[end + 4 + size :]
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        return Request(method, path, body)


class HttpClient:
    """Keep-alive connections to one port; each carries one request at a time."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes, headers: str) -> int:
        """Send a form; the status of the response."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(
            (
                f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            ).encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None:
            raise ValueError(f"a response without a length: {head!r}")
        await reader.readexactly(int(length[1]))
        self._idle.append((reader, writer))
        return int(head[9:12])

    async def close(self) -> None:
        """Close every connection."""
        for _, writer in self._idle:
            writer.close()
            await writer.wait_closed()
        self._idle.clear()
