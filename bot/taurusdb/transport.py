"""httpx on aiohttp's connections, with exceptions that say whether the request can have been delivered.

    httpx.ConnectError, ConnectTimeout    certainly nothing of the request was delivered
    every other httpx.TransportError      the request may have been delivered

What aiohttp raised decides: its base classes do not tell a connection that was never made from one that is dropped
after the server has read the request, and a client that retries on those sends an upgrade twice. aiohttp repeats a
request by itself only for idempotent methods. A POST is sent once.
"""

from collections.abc import AsyncIterator

import aiohttp
import httpx
import yarl

from bot.network import DIRECT, Network

FRESH_CONNECTION = {"fresh_connection": True}
"""Extensions of a request that must not meet a kept-alive connection which the server is just closing."""
MAX_HEADER_BYTES = 256 * 1024  # a user token has tens of thousands of characters; aiohttp's default is 8,190 bytes
_ERRORS = (aiohttp.ClientError, OSError)  # OSError includes TimeoutError


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
        try:
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
        except _ERRORS as error:
            raise _classified(error, connecting=True) from error
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
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except _ERRORS as error:
            raise _classified(error, connecting=False) from error

    async def aclose(self) -> None:
        """Release the connection; one whose body was not read to its end is closed."""
        self._response.release()
        try:
            await self._response.wait_for_close()
        except _ERRORS as error:
            raise _classified(error, connecting=False) from error


def _classified(error: Exception, *, connecting: bool) -> httpx.TransportError:
    """The exception for one of aiohttp; `connecting`: nothing may have been sent yet."""
    error_class = (_not_delivered(error) if connecting else None) or _maybe_delivered(error)
    return error_class(str(error) or type(error).__name__)


def _not_delivered(error: Exception) -> type[httpx.TransportError] | None:
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


def _maybe_delivered(error: Exception) -> type[httpx.TransportError]:
    """The exception for all other causes."""
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout
    if isinstance(error, OSError | aiohttp.ClientPayloadError):
        return httpx.ReadError
    return httpx.RemoteProtocolError
