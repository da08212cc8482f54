"""A network that can swallow all between a store and its database, as a broken switch does: no error, no answer."""

import asyncio
import contextlib
from types import TracebackType


class Hole:
    """A TCP relay to `port`; while `is_open` nothing comes through, connections of that time never work again."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.is_open = False
        self.port = 0

    async def __aenter__(self) -> "Hole":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection("127.0.0.1", self._to)
        pairs = ((reader, away), (there, writer))
        swallowed = asyncio.Event()
        if self.is_open:
            swallowed.set()
        for source, target in pairs:
            relay = asyncio.create_task(self._relay(source, target, swallowed))
            self._relays.add(relay)

    async def _relay(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, swallowed: asyncio.Event
    ) -> None:
        try:
            while data := await source.read(65536):
                if self.is_open:
                    swallowed.set()
                if not swallowed.is_set():
                    target.write(data)
                    await target.drain()
            if swallowed.is_set():
                await asyncio.Event().wait()
        except ConnectionError:
            return
        finally:
            target.close()
            with contextlib.suppress(ConnectionError):  # the other side may be gone already
                await target.wait_closed()
