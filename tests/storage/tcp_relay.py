"""A TCP relay between a storage and its database that can drop all traffic without an error, like a broken switch."""

import asyncio
import contextlib
from types import TracebackType


class TcpRelay:
    """Relays to `target_port`. While `drops_traffic` is set, nothing passes; connections of that time stay dead."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.drops_traffic = False
        self.port = 0

    async def __aenter__(self) -> "TcpRelay":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        is_dead = asyncio.Event()
        if self.drops_traffic:
            is_dead.set()
        for reader, writer in ((client_reader, target_writer), (target_reader, client_writer)):
            self._tasks.add(asyncio.create_task(self._relay(reader, writer, is_dead)))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_dead: asyncio.Event) -> None:
        try:
            while data := await reader.read(65536):
                if self.drops_traffic:
                    is_dead.set()
                if not is_dead.is_set():
                    writer.write(data)
                    await writer.drain()
            if is_dead.is_set():
                await asyncio.Event().wait()
        except ConnectionError:
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):  # the other side may be gone already
                await writer.wait_closed()
