"""HTTP/1.1 with as little work as there can be, so that the measuring side is never what is measured."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, or what to wait for before there is one."""

    body: bytes
    status: str = "200 OK"
    headers: str = ""


Answerer: TypeAlias = Callable[[Asked], "Said | Awaitable[Said]"]


class Answering(asyncio.Protocol):
    """The serving end of one connection."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
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
        while (asked := self._next()) is not None:
            said = self._answer(asked)
            if isinstance(said, Said):
                self._send(said)
            else:
                task = asyncio.ensure_future(self._later(said))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)

    async def _later(self, said: Awaitable[Said]) -> None:
        self._send(await said)

    def _send(self, said: Said) -> None:
        head = (
            f"HTTP/1.1 {said.status}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(said.body)}\r\n{said.headers}\r\n"
        )
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + said.body)

    def _next(self) -> Asked | None:
        """A whole request, taken out of the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end]
        if CHUNKED.search(head):
            raise ValueError("nobody here sends in chunks")
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(self._buffer) < end + 4 + size:
            return None
        body = self._buffer[end + 4 : end + 4 + size]
        self._buffer = self._buffer[end + 4 + size :]
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        return Asked(method, path, body)


class Caller:
    """Kept-alive connections to one port; each carries one request at a time."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes, headers: str) -> int:
        """Send it; the status."""
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
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
            raise ValueError(f"an answer without a length: {head!r}")
        await reader.readexactly(int(length[1]))
        self._free.append((reader, writer))
        return int(head[9:12])

    async def close(self) -> None:
        """Let go of every connection."""
        for _, writer in self._free:
            writer.close()
            await writer.wait_closed()
        self._free.clear()
