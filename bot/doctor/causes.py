"""Why a connection could not be made, for people: the proxy, a certificate that is not trusted, DNS, a firewall."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp

from bot.network import Network, Proxy

LOOK_SECONDS = 5.0
COMMON_NAME, ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"  # OIDs 2.5.4.3 and 2.5.4.10
_EXPLICIT_VERSION, _BMP_STRING = 0xA0, 0x1E  # tags of DER


async def explain(error: BaseException, url: str, network: Network, setting: str) -> tuple[str, str]:
    """What is wrong, and the remedy; `setting` is the variable that the address comes from."""
    proxy = network.proxy_for(url)
    host = urlsplit(url).hostname or ""
    for cause in _causes(error):
        if proxy is not None and (found := _proxy_problem(cause, proxy, host)):
            return found
        if isinstance(cause, aiohttp.ClientConnectorDNSError):
            return "the name does not resolve", f"check {setting}, and this machine's DNS"
        if isinstance(cause, ssl.SSLCertVerificationError):
            verified = getattr(cause, "certificate_error", cause)  # aiohttp's own exception wraps Python's
            reason = getattr(verified, "verify_message", "") or str(verified)
            return await _certificate_problem(reason, url, network, setting)
        if isinstance(cause, aiohttp.ClientSSLError | ssl.SSLError):
            return "no TLS connection", f"correct {setting}: what answers there speaks no TLS"
    if proxy is not None:
        return f"no connection through the proxy {proxy.address}", f"see the proxy's log, or put {host} into NO_PROXY"
    remedy = f"let outgoing connections to {host} through (firewall), set HTTPS_PROXY, or correct {setting}"
    return "no connection", remedy


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__


def _proxy_problem(cause: BaseException, proxy: Proxy, host: str) -> tuple[str, str] | None:
    variable = "HTTPS_PROXY, HTTP_PROXY"
    around = f"or put {host} into NO_PROXY if it is reached directly"
    if isinstance(cause, aiohttp.ClientResponseError) and cause.status == 407:
        remedy = f"{variable}: http://user:password@host:port, special characters as %XX; {around}"
        return f"the proxy {proxy.address} wants a user and password, or other ones (407)", remedy
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        remedy = f"let the proxy pass {host} on, {around}"
        return f"the proxy {proxy.address} refuses to connect: {cause.status} {cause.message}", remedy
    certificate_errors = aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError
    if isinstance(cause, certificate_errors) and proxy.address.endswith(f"//{cause.host}:{cause.port}"):
        remedy = "the certificate of the proxy itself is not trusted, or it speaks no TLS: see SSL_CERT_FILE, or"
        return f"the proxy {proxy.address} cannot be reached", f"{remedy} write {variable} with http://"
    if isinstance(cause, aiohttp.ClientProxyConnectionError | aiohttp.ClientConnectorDNSError):
        return f"the proxy {proxy.address} cannot be reached", f"{variable}: correct or unset it, {around}"
    return None


async def _certificate_problem(reason: str, url: str, network: Network, setting: str) -> tuple[str, str]:
    issuer = await read_issuer(url, network)
    problem = f"its certificate{f', issued by {issuer},' if issuer else ''} is not trusted: {reason}"
    if "mismatch" in reason:
        return problem, f"correct {setting}: the certificate is for another name"
    remedy = "if that is your company's authority: add it to the system's store, or name its file in SSL_CERT_FILE"
    return problem, remedy


async def read_issuer(url: str, network: Network) -> str:
    """Who issued the certificate that is shown there; nothing is sent. Empty when that cannot be seen."""
    certificates: list[bytes] = []

    class Look(ssl.SSLObject):
        """Notes the certificate and ends the connection before anything is sent over it."""

        def do_handshake(self) -> None:
            super().do_handshake()
            certificates.append(self.getpeercert(binary_form=True) or b"")
            raise ssl.SSLError("only looked")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslobject_class = Look
    address = url.replace("wss://", "https://", 1)
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS), network.open_session() as session:
            await session.head(address, ssl=context)
    return issuer_of(certificates[0]) if certificates else ""


def issuer_of(certificate: bytes) -> str:
    """The issuer's common name and organisation in a DER certificate (RFC 5280, 4.1); empty when there is none."""
    with suppress(IndexError, ValueError, UnicodeDecodeError):
        ((_, signed),) = _values(certificate)
        (_, to_be_signed), *_ = _values(signed)
        parts = [part for part in _values(to_be_signed) if part[0] != _EXPLICIT_VERSION]
        _serial, _algorithm, (_, issuer), *_ = parts
        names: dict[bytes, str] = {}
        for _, relative_name in _values(issuer):
            for _, attribute in _values(relative_name):
                (_, kind), (tag, value) = _values(attribute)
                names[kind] = value.decode("utf-16-be" if tag == _BMP_STRING else "utf-8")
        return ", ".join(names[kind] for kind in (COMMON_NAME, ORGANISATION) if kind in names)
    return ""


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the content of each value of a sequence."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        yield tag, der[at : at + length]
        at += length
