"""httpx on aiohttp's connections, with exceptions that say whether the request can have been delivered.

httpx-aiohttp raises `httpx.ConnectTimeout` both for a connection that was never made and for one that is dropped after
the server has read the request; a client that retries on it sends an upgrade twice. Here the cause of the exception
decides, and the rule is:

    httpx.ConnectError, ConnectTimeout    certainly nothing of the request was delivered
    every other httpx.TransportError      the request may have been delivered

aiohttp repeats a request by itself only for idempotent methods; httpx never does. A POST is sent once.
"""

import contextlib
import logging
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

FRESH_CONNECTION = {"fresh_connection": True}
"""Extensions of a request that must not meet a kept-alive connection which the server is just closing."""
MAX_HEADER_BYTES = 256 * 1024  # a user token has tens of thousands of characters; aiohttp's default is 8,190 bytes
KEEP_ALIVE_SECONDS = 15.0  # longer than the poll interval of a job, shorter than any gateway's own keep-alive

log = logging.getLogger("bot.taurusdb")


class DeliveryAwareTransport(httpx.AsyncBaseTransport):
    """One TLS context and one pool of connections for the process; a request with FRESH_CONNECTION gets its own one.

    HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, SSL_CERT_FILE too; loopback is never reached through a proxy.
    No redirect is followed, no cookie is kept, ~/.netrc is not read.
    """

    def __init__(self) -> None:
        tls: ssl.SSLContext = httpx.create_ssl_context()
        proxies = dict(_environment_proxies())
        self._pooled = _Session(tls, proxies)
        self._fresh = _Session(tls, proxies, force_close=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; reading the response's body raises by the same rule."""
        session = self._fresh if request.extensions.keys() & FRESH_CONNECTION.keys() else self._pooled
        with _classified(connecting=True):
            response = await session.transport_for(request.url).handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=DeliveryAwareStream(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pooled.aclose()
        await self._fresh.aclose()


class _Session:
    """An aiohttp session and how a URL is reached with it: direct, or through a proxy of the environment."""

    def __init__(self, tls: ssl.SSLContext, proxies: Mapping[str, httpx.Proxy], *, force_close: bool = False) -> None:
        self._tls = tls
        self._force_close = force_close
        self._session: aiohttp.ClientSession | None = None
        self._direct = AiohttpTransport(verify=tls, client=self._open)
        self._proxied_by_scheme = {
            scheme: AiohttpTransport(verify=tls, client=self._open, proxy=proxy) for scheme, proxy in proxies.items()
        }

    def transport_for(self, url: httpx.URL) -> AiohttpTransport:
        """Through the proxy of the URL's scheme, or direct."""
        proxied = self._proxied_by_scheme.get(url.scheme)
        if proxied is None or _is_loopback(url.host) or proxy_bypass(url.host):
            return self._direct
        return proxied

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """The session, created by the first request because it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls,
                    keepalive_timeout=None if self._force_close else KEEP_ALIVE_SECONDS,
                    force_close=self._force_close,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
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


def _environment_proxies() -> Iterator[tuple[str, httpx.Proxy]]:
    """The proxies of the environment, by the scheme of the URLs that they are for."""
    for scheme, address in getproxies().items():
        if scheme not in ("http", "https"):
            continue
        if not address.startswith(("http://", "https://")):
            log.warning("proxy.ignored", extra={"variable": f"{scheme.upper()}_PROXY", "reason": "not an HTTP proxy"})
            continue
        yield scheme, _proxy(address)


def _proxy(address: str) -> httpx.Proxy:
    """The proxy, with the password of its URL as a header: what httpx-aiohttp does with it is deprecated in aiohttp."""
    proxy = httpx.Proxy(address)
    if proxy.raw_auth is None:
        return proxy
    credentials = b64encode(b":".join(proxy.raw_auth)).decode()
    return httpx.Proxy(proxy.url, headers={"Proxy-Authorization": f"Basic {credentials}"})


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):  # a name, no IP address
        return ip_address(host).is_loopback
    return False
