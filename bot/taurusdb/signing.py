"""AK/SK: each request is signed with SDK-HMAC-SHA256, as the official SDK does it.

https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import httpx

ALGORITHM = "SDK-HMAC-SHA256"
_SIGNED = ("content-type", "host", "x-language", "x-project-id", "x-sdk-date", "x-security-token")


@dataclass(frozen=True, slots=True)
class AkSk(httpx.Auth):
    """An access key; a request that it signed is never tried a second time: five wrong signatures lock the key."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(repr=False)
    project_id: str
    clock: Callable[[], float] = field(default=time.time, repr=False)

    async def ready(self, http: httpx.AsyncClient) -> httpx.Auth:
        """What authorises the next request: nothing has to be fetched for it."""
        return self

    def outdated(self, used: httpx.Auth) -> bool:
        """Whether another try could do better after a 401: never."""
        return False

    async def aclose(self) -> None:
        """Nothing runs."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request and send it once."""
        request.headers["X-Project-Id"] = self.project_id
        if self.security_token:
            request.headers["X-Security-Token"] = self.security_token
        request.headers["X-Sdk-Date"] = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        self.sign(request)
        yield request

    def sign(self, request: httpx.Request) -> None:
        """Add the Authorization header for what the request now says."""
        names = sorted(name for name in _SIGNED if name in request.headers)
        to_sign = string_to_sign(request.headers["X-Sdk-Date"], canonical_request(request, names))
        signature = hmac.new(self.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        request.headers["Authorization"] = (
            f"{ALGORITHM} Access={self.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )


def canonical_request(request: httpx.Request, names: Iterable[str]) -> str:
    """The request in the one form that both sides hash; `names` are the signed headers, sorted, in lower case."""
    path = request.url.raw_path.decode().partition("?")[0]
    uri = "/".join(quote(unquote(segment), safe="~") for segment in path.split("/"))
    query = request.url.params.multi_items()
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    return "\n".join(
        (
            request.method,
            uri if uri.endswith("/") else f"{uri}/",
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(names),
            hashlib.sha256(request.content).hexdigest(),
        )
    )


def string_to_sign(sdk_date: str, canonical: str) -> str:
    """What is signed: the algorithm, the time, and the hash of the canonical request."""
    return f"{ALGORITHM}\n{sdk_date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
