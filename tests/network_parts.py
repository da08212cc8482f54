"""What stands between a bot and the world in a company: a proxy with a password, TLS of its own authority."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import trustme


class Authority:
    """A certificate authority that no store has; `file` holds its certificate."""

    def __init__(self, folder: Path, name: str = "Company Test CA") -> None:
        self._authority = trustme.CA(organization_name=name)
        folder.mkdir(exist_ok=True)
        self.file = folder / "company-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """The context of a server with these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(*hosts).configure_cert(context)
        return context


@dataclass(slots=True)
class ConnectProxy:
    """An HTTP proxy on loopback; `routes` says which port of this machine a host is."""

    routes: Mapping[str, int]
    credentials: str = ""
    requests: list[str] = field(default_factory=list)
    """The first line of each request, refused ones too."""
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
            self.requests.append(f"{method} {target}")
            authorization = f"proxy-authorization: basic {b64encode(self.credentials.encode()).decode()}"
            host = target.rpartition(":")[0] if method == "CONNECT" else urlsplit(target).hostname or ""
            if self.credentials and authorization.lower() not in head.decode().lower():
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif host not in self.routes:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            else:
                upstream = await asyncio.open_connection("127.0.0.1", self.routes[host])
                if method == "CONNECT":
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    upstream[1].write(head)
                await _relay((reader, writer), upstream)
        writer.close()


@asynccontextmanager
async def connect_proxy(routes: Mapping[str, int], credentials: str = "") -> AsyncIterator[ConnectProxy]:
    """A running proxy; `credentials` like `user:password` when it asks for them."""
    proxy = ConnectProxy(routes, credentials)
    async with _listening(proxy.handle) as proxy.port:
        yield proxy


@asynccontextmanager
async def tls_front(context: ssl.SSLContext, port: int) -> AsyncIterator[int]:
    """TLS before a plain server on this port of loopback; the port of the front."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _relay((reader, writer), await asyncio.open_connection("127.0.0.1", port))

    async with _listening(handle, context) as front_port:
        yield front_port


Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(handle: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await handle(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _relay(one: Stream, other: Stream) -> None:
    """Pass everything on in both directions until either side ends."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()

    pumps = [asyncio.create_task(pump(one[0], other[1])), asyncio.create_task(pump(other[0], one[1]))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        one[1].close()
        other[1].close()
