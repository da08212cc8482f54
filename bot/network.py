"""The way out of this machine: one reader of the proxy environment and one trust of certificates for every connection.

Slack's Web API, its websocket and its response_url, IAM, TaurusDB and the doctor all open their sessions here. What the
libraries would read by themselves is switched off: slack_sdk takes HTTP_PROXY for https addresses and knows no
NO_PROXY, aiohttp's `trust_env` reads ~/.netrc, httpx trusts certifi's certificates instead of the system's.
"""

import errno
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    import aiohttp

DEFAULT_PORTS = {"http": 80, "https": 443}
ENCRYPTED_SCHEMES = ("https", "wss")
DEFAULT_HEADER_BYTES = 8190  # aiohttp's own limit
IDLE_SECONDS = 15.0  # longer than the poll interval of a job, shorter than any gateway's own keep-alive
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")  # how OpenSSL finds a certificate in a folder
_SEPARATORS = re.compile(r"[,\s]+")
_PROXY_FORM = "should be like http://host:port or http://user:password@host:port"

NETWORK_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

NoteMistake = Callable[[str, str], None]
"""Takes the name of a variable and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `address` has no user and no password; `url` is what was set, and may have both."""

    url: str = field(repr=False)
    address: str
    authorization: str = field(repr=False)

    @classmethod
    def parse(cls, value: str) -> "Proxy":
        """Read `host:port` or a URL; raises ValueError with the reason, which never shows the value."""
        url = value if "://" in value else f"http://{value}"
        scheme = url.partition("://")[0].lower()
        if scheme not in DEFAULT_PORTS:
            raise ValueError(f"a proxy of the kind {scheme}:// is not supported, only http:// and https://")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")  # raises what a resolver would raise later
            url.encode()
        except ValueError:
            host, port, parts = "", None, SplitResult("", "", "", "", "")
        if not host or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment or " " in host:
            raise ValueError(f"{_PROXY_FORM}; other characters than letters and digits in a password are written %XX")
        authorization = ""
        if parts.username is not None:
            credentials = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
            authorization = f"Basic {b64encode(credentials).decode()}"
        shown_host = f"[{host}]" if ":" in host else host
        return cls(url, f"{scheme}://{shown_host}:{port or DEFAULT_PORTS[scheme]}", authorization)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What is trusted beside the system's store; an empty path is not set."""

    file: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """Which proxy an address is reached through, and which certificates are trusted there."""

    http_proxy: Proxy | None = None
    https_proxy: Proxy | None = None
    no_proxy: tuple[str, ...] = ()
    certificates: Certificates = Certificates()

    @classmethod
    def read(cls, environ: Mapping[str, str], mistake: NoteMistake) -> "Network":
        """Read NETWORK_VARIABLES (the lower-case name of a proxy's wins) and SSLKEYLOGFILE."""
        check_key_log(environ, mistake)
        return cls(
            http_proxy=_read_proxy(environ, "HTTP_PROXY", mistake),
            https_proxy=_read_proxy(environ, "HTTPS_PROXY", mistake),
            no_proxy=tuple(word for word in _SEPARATORS.split(_either_case(environ, "NO_PROXY")[1].lower()) if word),
            certificates=_read_certificates(environ, mistake),
        )

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy for an http, https, ws or wss address; None when it is reached directly."""
        parts = urlsplit(url)
        is_encrypted = parts.scheme in ENCRYPTED_SCHEMES
        proxy = self.https_proxy if is_encrypted else self.http_proxy
        if proxy is None:
            return None
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or DEFAULT_PORTS["https" if is_encrypted else "http"]
        address = _ip_address(host)
        if _is_loopback(host, address) or any(_excludes(entry, host, port, address) for entry in self.no_proxy):
            return None
        return proxy

    def tls_context(self) -> ssl.SSLContext:
        """The system's certificates and those of SSL_CERT_FILE and SSL_CERT_DIR; the same object each time."""
        return _tls_context(self.certificates)

    def open_session(
        self, *, force_close: bool = False, max_header_bytes: int = DEFAULT_HEADER_BYTES
    ) -> "aiohttp.ClientSession":
        """A session for the running loop. It keeps no cookies, and reads neither ~/.netrc nor the environment.

        `force_close`: no connection is used twice; `max_header_bytes` is the length of one header of a response.
        """
        import aiohttp  # loads TLS, which fails when SSLKEYLOGFILE cannot be written: `read` has to come before

        connector = aiohttp.TCPConnector(
            ssl=self.tls_context(), keepalive_timeout=None if force_close else IDLE_SECONDS, force_close=force_close
        )
        has_proxy = self.http_proxy is not None or self.https_proxy is not None
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            middlewares=(self._choose_proxy,) if has_proxy else (),
            max_line_size=max_header_bytes,
            max_field_size=max_header_bytes,
        )

    async def _choose_proxy(
        self, request: "aiohttp.ClientRequest", handler: "aiohttp.ClientHandlerType"
    ) -> "aiohttp.ClientResponse":
        """The middleware of the session: a decision for each address, whoever makes the request."""
        from multidict import CIMultiDict
        from yarl import URL

        proxy = self.proxy_for(str(request.url))
        if proxy is None:
            request.update_proxy(None, None, None)
            return await handler(request)
        headers = CIMultiDict({"Proxy-Authorization": proxy.authorization} if proxy.authorization else {})
        request.update_proxy(URL(proxy.address), None, headers)
        if not request.is_ssl():  # no tunnel: the proxy reads the request itself
            request.headers.update(headers)
        return await handler(request)


DIRECT = Network()


class CannotListen(Exception):
    """The web server cannot listen where HOST and PORT say; `setting` is the one that is wrong."""

    def __init__(self, error: Exception, host: str, port: int) -> None:
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, socket.gaierror | ValueError):  # ValueError: what no host's name has
            self.setting, self.reason = "HOST", f"{host!r} does not resolve"
        elif number == errno.EADDRINUSE:
            self.setting, self.reason = "PORT", f"{port} on {host} is taken by another program"
        elif number == errno.EACCES:
            self.setting, self.reason = "PORT", f"{port} may not be listened on: choose one above 1023"
        else:  # EADDRNOTAVAIL, or what asyncio raises after it has tried every address
            self.setting, self.reason = "HOST", f"{host} is no address of this machine, as 127.0.0.1 and 0.0.0.0 are"
        super().__init__(f"{self.setting}: {self.reason}")
        self.is_taken = number == errno.EADDRINUSE


def try_to_listen(host: str, port: int) -> None:
    """Bind the addresses of the host for a moment; raises `CannotListen` when none can be, or one is taken."""
    bound, last_error = 0, OSError(errno.EADDRNOTAVAIL, "no address")
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                _bind(socket.socket(family, kind, protocol), address)
                bound += 1
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    raise
                last_error = error  # e.g. ::1 of localhost, on a machine without IPv6
        if not bound:
            raise last_error
    except (OSError, ValueError) as error:
        raise CannotListen(error, host, port) from error


def _bind(listener: socket.socket, address: tuple[object, ...]) -> None:
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)


# proxies


def _either_case(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The name as it is set, and its value: as everywhere, the lower-case one wins."""
    found = name.lower() if name.lower() in environ else name
    return found, environ.get(found, "").strip()


def _read_proxy(environ: Mapping[str, str], name: str, mistake: NoteMistake) -> Proxy | None:
    found, value = _either_case(environ, name)
    if not value:
        return None
    try:
        return Proxy.parse(value)
    except ValueError as error:
        mistake(found, str(error))
        return None


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):  # a name
        return ip_address(host)
    return None


def _is_loopback(host: str, address: IPv4Address | IPv6Address | None) -> bool:
    """Whether a host is this machine itself."""
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _excludes(entry: str, host: str, port: int, address: IPv4Address | IPv6Address | None) -> bool:
    """Whether an entry of NO_PROXY is about this host: `*`, host, .suffix, *.suffix, host:port, IP or network."""
    if entry == "*":
        return True
    if address is not None and "/" in entry:
        with suppress(ValueError):
            return address in ip_network(entry, strict=False)
        return False
    if _ip_address(entry) is None:  # an IPv6 address has colons, and no port without brackets
        name, colon, entry_port = entry.rpartition(":")
        if colon and entry_port.isdecimal():
            if int(entry_port) != port:
                return False
            entry = name
    entry = entry.strip("[]").rstrip(".")
    if address is not None:
        return _ip_address(entry) == address
    suffix = entry.removeprefix("*").removeprefix(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


# certificates


def check_key_log(environ: Mapping[str, str], mistake: NoteMistake) -> None:
    """SSLKEYLOGFILE has to be writable: Python opens it with every TLS context, also while it imports a library."""
    path = environ.get("SSLKEYLOGFILE", "")
    if path:
        try:
            if not Path(path).is_fifo():  # to open one would wait for its reader
                with open(path, "ab"):
                    return
            mistake("SSLKEYLOGFILE", "is not a file")
        except (OSError, ValueError) as error:
            mistake("SSLKEYLOGFILE", f"cannot be written: {_reason(error)}; unset it, or name a file in a folder")


def _read_certificates(environ: Mapping[str, str], mistake: NoteMistake) -> Certificates:
    file, folder = (environ.get(name, "").strip() for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if file or folder else None
    if context is not None and file and (problem := _load_file(context, Path(file))):
        mistake("SSL_CERT_FILE", problem)
        file = ""
    if context is not None and folder:
        problems = [_load_folder(context, Path(part)) for part in folder.split(":") if part]
        if "" not in problems:
            mistake("SSL_CERT_DIR", next(iter(problems), "there is no such folder"))
            folder = ""
    return Certificates(file, folder)


@lru_cache(maxsize=8)
def _tls_context(certificates: Certificates) -> ssl.SSLContext:
    """Additive, as OpenSSL itself does it with SSL_CERT_FILE beside the system's folder."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    system = ssl.get_default_verify_paths()
    stores = [Path(path) for path in (system.openssl_cafile, system.openssl_capath) if path]
    if certificates != Certificates():  # then the default context may have left out a part of the system's store
        for store in stores:
            _ = _load_file(context, store) == "" or _load_folder(context, store)
    if not any(store.is_file() or _load_folder(context, store) == "" for store in stores):  # Python without a store
        import certifi  # comes with httpx

        context.load_verify_locations(certifi.where())
    if certificates.file:
        _load_file(context, Path(certificates.file))
    for part in certificates.folder.split(":"):
        if part:
            _load_folder(context, Path(part))
    return context


def _load_file(context: ssl.SSLContext, path: Path) -> str:
    """Trust the certificates of a PEM file; why that did not work, empty when it did."""
    try:
        if not path.exists():
            return "there is no such file"
        if not path.is_file():  # to open a pipe would wait for its writer
            return "is not a file"
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "holds no certificate (PEM)"
    except (OSError, ValueError) as error:
        return f"cannot be read: {_reason(error)}"
    return ""


def _load_folder(context: ssl.SSLContext, folder: Path) -> str:
    """Trust the certificates of a folder, by OpenSSL's names or any other; as `_load_file` does."""
    try:
        if not folder.is_dir():
            return "there is no such folder"
        names = [path.name for path in folder.iterdir()]
    except (OSError, ValueError) as error:
        return f"cannot be read: {_reason(error)}"
    if any(_HASHED_NAME.fullmatch(name) for name in names):
        context.load_verify_locations(capath=folder)  # looked up when they are needed
        return ""
    problems = [_load_file(context, folder / name) for name in names]
    return "" if "" in problems else "holds no certificate"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
