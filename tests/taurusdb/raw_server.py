"""A server at the level of sockets, for what a well-behaved HTTP server never does."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Behaviour = Callable[["Connection"], Awaitable[None]]


class Connection:
    """One connection, from the server's side."""

    def __init__(self, server: "RawServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer

    async def read_request(self) -> str:
        """Read one whole request and note it; its head."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        for line in head.lower().splitlines():
            if line.startswith("content-length:"):
                await self.reader.readexactly(int(line.partition(":")[2]))
        self.server.requests.append(head)
        return head

    def write(self, text: str) -> None:
        self.writer.write(text.encode())

    def answer(self, body: str, status: str = "200 OK", headers: str = "") -> None:
        """Write a whole answer; the connection stays open."""
        self.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n{headers}\r\n{body}")

    def reset(self) -> None:
        """Leave with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_left(self) -> None:
        """Wait until the client goes."""
        while await self.reader.read(1024):
            continue


class RawServer:
    """Behaves on its n-th connection as the n-th behaviour says, on later ones as the last."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self._behaviours = behaviours
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
        self.connections += 1
        task = asyncio.create_task(self._run(behaviour, Connection(self, reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, behaviour: Behaviour, connection: Connection) -> None:
        try:
            await behaviour(connection)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client left first
        finally:
            connection.writer.close()


async def takes_and_closes(connection: Connection) -> None:
    """Take the request, close without an answer."""
    await connection.read_request()


async def takes_and_resets(connection: Connection) -> None:
    await connection.read_request()
    connection.reset()


async def closes_at_once(connection: Connection) -> None:
    """Close before anything is read."""


async def breaks_off_in_the_head(connection: Connection) -> None:
    await connection.read_request()
    connection.write("HTTP/1.1 200 OK\r\nContent-Le")


async def breaks_off_in_the_body(connection: Connection) -> None:
    await connection.read_request()
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"job_id": "9a7d')


async def resets_in_the_body(connection: Connection) -> None:
    await breaks_off_in_the_body(connection)
    await connection.writer.drain()
    connection.reset()


async def breaks_off_in_a_chunk(connection: Connection) -> None:
    await connection.read_request()
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"job_id": "9a7d')


async def garbles_a_chunk(connection: Connection) -> None:
    """Break the framing of a body that has begun; aiohttp alone would wait for the rest for ever."""
    await connection.read_request()
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"job')
    left = asyncio.ensure_future(connection.until_left())
    await asyncio.wait([left], timeout=0.05)  # so that the first part is read alone
    connection.write("garbage\r\ngarbage\r\n")
    await left


async def speaks_something_else(connection: Connection) -> None:
    await connection.read_request()
    connection.write("220 smtp.example.com ready\r\n")


async def never_answers(connection: Connection) -> None:
    await connection.read_request()
    await connection.until_left()


async def drips(connection: Connection) -> None:
    """Answer so slowly that no wait between two bytes is ever long."""
    await connection.read_request()
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"job_id": "')
    left = asyncio.ensure_future(connection.until_left())
    while not left.done():
        connection.write("9")
        await asyncio.wait([left], timeout=0.02)
    await left


async def answers(connection: Connection) -> None:
    """Accept every upgrade."""
    while True:
        await connection.read_request()
        connection.answer('{"job_id": "9a7d3c1b"}')


async def closes_at_the_second_request(connection: Connection) -> None:
    """Answer, keep the connection alive, and close it when the next request has been read."""
    await connection.read_request()
    connection.answer('{"job_id": "9a7d3c1b"}')
    await connection.read_request()
