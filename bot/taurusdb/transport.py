"""httpx on aiohttp's connections, with exceptions that say whether the request can have been delivered.

    httpx.ConnectError, ConnectTimeout    certainly nothing of the request was delivered
    every other httpx.TransportError      the request may have been delivered

What aiohttp raised decides: its base classes do not tell a connection that was never made from one that is dropped
after the server has read the request, and a client that retries on those sends an upgrade twice. aiohttp repeats a
request by itself only for idempotent methods. A POST is sent once.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
import yarl

from bot.network import DIRECT, Network

FRESH_CONNECTION = {"fresh_connection": True}
"""Extensions of a request that must not meet a kept-alive connection which the server is just closing."""
MAX_HEADER_BYTES = 256 * 1024  # a user token has tens of thousands of characters; aiohttp's default is 8,190 bytes
CHUNK_BYTES = 64 * 1024


class DeliveryAwareTransport(httpx.AsyncBaseTransport):
    """One pool of connections for the process; a request with FRESH_CONNECTION gets its own one.

    No redirect is followed, and nothing is decompressed. The sessions are opened by the first request, because they
    belong to the running loop.
    """

    def __init__(self, network: Network = DIRECT) -> None:
        self._network = network
        self._pooled: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, whose content is in memory; reading the response's body raises by the same rule."""
        timeout = request.extensions.get("timeout", {})
        with _classified(connecting=True):
            response = await self._session(request).request(
                request.method,
                yarl.URL(str(request.url), encoded=True),  # as it was signed
                headers=request.headers,
                data=request.content or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout.get("pool"), sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
                ),
            )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_BodyStream(response))

    async def aclose(self) -> None:
        """Close every connection."""
        for session in (self._pooled, self._fresh):
            if session is not None:
                await session.close()

    def _session(self, request: httpx.Request) -> aiohttp.ClientSession:
        if request.extensions.keys() & FRESH_CONNECTION.keys():
            self._fresh = self._fresh or self._open_session(force_close=True)
            return self._fresh
        self._pooled = self._pooled or self._open_session(force_close=False)
        return self._pooled

    def _open_session(self, *, force_close: bool) -> aiohttp.ClientSession:
        return self._network.open_session(force_close=force_close, max_header_bytes=MAX_HEADER_BYTES)


class _BodyStream(httpx.AsyncByteStream):
    """The body of a response: whatever goes wrong here, the request was delivered."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _classified(connecting=False):
            async for chunk in self._response.content.iter_chunked(CHUNK_BYTES):
                yield chunk

    async def aclose(self) -> None:
        """Release the connection; one whose body was not read to its end is closed."""
        with _classified(connecting=False):
            self._response.release()
            await self._response.wait_for_close()


@contextlib.contextmanager
def _classified(*, connecting: bool) -> Iterator[None]:
    """Raise httpx's exceptions; `connecting`: nothing may have been sent yet."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:  # OSError includes TimeoutError
        error_class = (_not_delivered(error) if connecting else None) or _maybe_delivered(error)
        raise error_class(str(error) or type(error).__name__) from error


def _not_delivered(error: BaseException) -> type[httpx.TransportError] | None:
    """The exception for what aiohttp raises while it makes a connection or waits for one, None for all else."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):  # also the wait for a free place in the pool
        return httpx.ConnectTimeout
    connect_errors = (
        aiohttp.ClientConnectorError,  # refused, DNS, TLS, connection to the proxy
        aiohttp.ClientHttpProxyError,  # the proxy refuses the tunnel
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
    )
    return httpx.ConnectError if isinstance(error, connect_errors) else None


def _maybe_delivered(error: BaseException) -> type[httpx.TransportError]:
    """The exception for all other causes."""
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout
    if isinstance(error, OSError | aiohttp.ClientPayloadError):
        return httpx.ReadError
    return httpx.RemoteProtocolError
