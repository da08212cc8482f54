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


class DeliveryAwareTransport(httpx.AsyncBaseTransport):
    """One session and one pool of connections for the process; no redirect is followed."""

    def __init__(self, network: Network = DIRECT) -> None:
        self._network = network
        self._session: aiohttp.ClientSession | None = None
        self._transport = AiohttpTransport(verify=network.tls_context(), client=self._open_session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; reading the response's body raises by the same rule."""
        with _classified(connecting=True):
            response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=DeliveryAwareStream(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """The session, created by the first request because it belongs to the running loop."""
        if self._session is None:
            self._session = self._network.open_session()
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
