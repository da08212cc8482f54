"""httpx on aiohttp's connections, with exceptions that tell the truth about what was passed on.

httpx-aiohttp reports a connection that is dropped after the request was taken as `httpx.ConnectTimeout`, exactly as one
that was never made; who believes the name sends an upgrade twice. Here the cause decides, and the rule is:

    httpx.ConnectError, ConnectTimeout    certainly nothing of the request was passed on
    every other httpx.TransportError      the request may have arrived

aiohttp repeats a request by itself only for idempotent methods; httpx never does. A POST is sent once.
"""

import contextlib
import logging
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

KEEP_ALIVE_SECONDS = 15.0  # spans two looks at a job, and is shorter than the patience of any gateway

log = logging.getLogger("bot.taurusdb")


class TruthfulTransport(httpx.AsyncBaseTransport):
    """One session, one TLS context and one pool of connections for the process.

    HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, SSL_CERT_FILE too; loopback is never reached through a proxy.
    No redirect is followed, no cookie is kept, ~/.netrc is not read.
    """

    def __init__(self) -> None:
        self._tls: ssl.SSLContext = httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None
        self._direct = AiohttpTransport(verify=self._tls, client=self._the_session)
        self._proxied = dict(_proxies(self._tls, self._the_session))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the answer's body is read through the same exceptions."""
        with _truth(connecting=True):
            response = await self._way(request.url).handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=TruthfulStream(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _the_session(self) -> aiohttp.ClientSession:
        """Make the session when the first request needs it: it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, keepalive_timeout=KEEP_ALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _way(self, url: httpx.URL) -> AiohttpTransport:
        """The proxy for this address, or none."""
        proxied = self._proxied.get(url.scheme)
        if proxied is None or _is_loopback(url.host) or proxy_bypass(url.host):
            return self._direct
        return proxied


class TruthfulStream(httpx.AsyncByteStream):
    """The body of an answer: whatever goes wrong here, the request had been passed on."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _truth(connecting=False):
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        """Let go of the connection."""
        with _truth(connecting=False):
            await self._stream.aclose()


@contextlib.contextmanager
def _truth(*, connecting: bool) -> Iterator[None]:
    """Raise what is certain, by the cause and not by the name that httpx-aiohttp gave it."""
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:  # OSError includes TimeoutError
        named_here = isinstance(error, httpx.TransportError)
        cause = error.__cause__ if named_here and error.__cause__ is not None else error
        kind = (_before_the_request(cause) if connecting else None) or _after_the_request(cause)
        raise kind(str(cause) or type(cause).__name__) from cause


def _before_the_request(cause: BaseException) -> type[httpx.TransportError] | None:
    """What to raise when nothing was passed on; aiohttp raises these while it makes or waits for a connection."""
    if isinstance(cause, aiohttp.ConnectionTimeoutError):  # also the wait for a free place in the pool
        return httpx.ConnectTimeout
    refused = (
        aiohttp.ClientConnectorError,  # refused, DNS, TLS, the way to the proxy
        aiohttp.ClientHttpProxyError,  # the proxy makes no tunnel
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
        httpx.UnsupportedProtocol,
    )
    return httpx.ConnectError if isinstance(cause, refused) else None


def _after_the_request(cause: BaseException) -> type[httpx.TransportError]:
    """What to raise when the request may have arrived."""
    if isinstance(cause, TimeoutError | httpx.TimeoutException):
        return httpx.ReadTimeout
    if isinstance(cause, OSError | aiohttp.ClientPayloadError):
        return httpx.ReadError
    return httpx.RemoteProtocolError


def _proxies(
    tls: ssl.SSLContext, session: Callable[[], aiohttp.ClientSession]
) -> Iterator[tuple[str, AiohttpTransport]]:
    """The proxies of the environment, by the scheme of the addresses they are for."""
    for scheme, address in getproxies().items():
        if scheme not in ("http", "https"):
            continue
        if not address.startswith(("http://", "https://")):
            log.warning("proxy.left_out", extra={"variable": f"{scheme.upper()}_PROXY", "why": "it is no HTTP proxy"})
            continue
        yield scheme, AiohttpTransport(verify=tls, client=session, proxy=_proxy(address))


def _proxy(address: str) -> httpx.Proxy:
    """The proxy, with the password of its address as a header: httpx-aiohttp's own way is deprecated in aiohttp."""
    proxy = httpx.Proxy(address)
    if proxy.raw_auth is None:
        return proxy
    credentials = b64encode(b":".join(proxy.raw_auth)).decode()
    return httpx.Proxy(proxy.url, headers={"Proxy-Authorization": f"Basic {credentials}"})


def _is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):  # a name, not an address
        return ip_address(host).is_loopback
    return False
