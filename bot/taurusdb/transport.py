"""httpx on aiohttp's connections, with exceptions that say whether the request can have been delivered.

httpx-aiohttp raises `httpx.ConnectTimeout` both for a connection that was never made and for one that is dropped after
the server has read the request; a client that retries on it sends an upgrade twice. Here the cause of the exception
decides, and the rule is:

    httpx.ConnectError, ConnectTimeout    certainly nothing of the request was delivered
    every other httpx.TransportError      the request may have been delivered

aiohttp repeats a request by itself only for idempotent methods; httpx never does. A POST is sent once.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bot.network import DIRECT, Network

FRESH_CONNECTION = {"fresh_connection": True}
"""Extensions of a request that must not meet a kept-alive connection which the server is just closing."""
MAX_HEADER_BYTES = 256 * 1024  # a user token has tens of thousands of characters; aiohttp's default is 8,190 bytes


class DeliveryAwareTransport(httpx.AsyncBaseTransport):
    """One pool of connections for the process; a request with FRESH_CONNECTION gets its own one.

    No redirect is followed.
    """

    def __init__(self, network: Network = DIRECT) -> None:
        self._pooled = _Session(network)
        self._fresh = _Session(network, force_close=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; reading the response's body raises by the same rule."""
        session = self._fresh if request.extensions.keys() & FRESH_CONNECTION.keys() else self._pooled
        with _classified(connecting=True):
            response = await session.transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = DeliveryAwareStream(response.stream)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pooled.aclose()
        await self._fresh.aclose()


class _Session:
    """An aiohttp session, opened by the first request because it belongs to the running loop."""

    def __init__(self, network: Network, *, force_close: bool = False) -> None:
        self._network = network
        self._force_close = force_close
        self._session: aiohttp.ClientSession | None = None
        self.transport = AiohttpTransport(verify=network.tls_context(), client=self._open)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._network.open_session(force_close=self._force_close, max_header_bytes=MAX_HEADER_BYTES)
        return self._session


class DeliveryAwareStream(httpx.AsyncByteStream):
    """The body of a response: whatever goes wrong here, the request was delivered."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _classified(connecting=False):
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        """Release the connection."""
        with _classified(connecting=False):
            await self._stream.aclose()


@contextlib.contextmanager
def _classified(*, connecting: bool) -> Iterator[None]:
    """Raise by the cause, not by the class that httpx-aiohttp gave it; `connecting`: nothing may have been sent yet."""
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:  # OSError includes TimeoutError
        wrapped = error.__cause__ if isinstance(error, httpx.TransportError) else None
        cause = error if wrapped is None else wrapped
        error_class = (_not_delivered(cause) if connecting else None) or _maybe_delivered(cause)
        raise error_class(str(cause) or type(cause).__name__) from cause


def _not_delivered(cause: BaseException) -> type[httpx.TransportError] | None:
    """The exception for causes that aiohttp raises while it makes a connection or waits for one, None for others."""
    if isinstance(cause, aiohttp.ConnectionTimeoutError):  # also the wait for a free place in the pool
        return httpx.ConnectTimeout
    connect_errors = (
        aiohttp.ClientConnectorError,  # refused, DNS, TLS, connection to the proxy
        aiohttp.ClientHttpProxyError,  # the proxy refuses the tunnel
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
        httpx.UnsupportedProtocol,
    )
    return httpx.ConnectError if isinstance(cause, connect_errors) else None


def _maybe_delivered(cause: BaseException) -> type[httpx.TransportError]:
    """The exception for all other causes."""
    if isinstance(cause, TimeoutError | httpx.TimeoutException):
        return httpx.ReadTimeout
    if isinstance(cause, OSError | aiohttp.ClientPayloadError):
        return httpx.ReadError
    return httpx.RemoteProtocolError
