"""AK/SK: each request is signed with SDK-HMAC-SHA256, as the official SDK does it.

https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import httpx

from bot.taurusdb.http import HttpClient, Refusals, RequestAuth

ALGORITHM = "SDK-HMAC-SHA256"
_SIGNED_HEADERS = ("content-type", "host", "x-language", "x-project-id", "x-sdk-date", "x-security-token")


@dataclass(frozen=True, slots=True)
class AkSk:
    """Signs requests with an access key. A 401 is never retried: five wrong signatures in a row lock the key."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(repr=False)
    project_id: str
    clock: Callable[[], float] = field(default=time.time, repr=False)
    refusals: Refusals = field(default_factory=lambda: Refusals(one_at_a_time=True), repr=False)

    async def auth(self, http: HttpClient) -> RequestAuth:
        """The signer itself: nothing has to be fetched."""
        return self

    def invalidate(self, used: RequestAuth) -> bool:
        """A 401 is final: another signature by the same key would be no better."""
        return False

    async def aclose(self) -> None:
        """Nothing runs."""

    def authorise(self, request: httpx.Request) -> None:
        """Sign the request."""
        request.headers["X-Project-Id"] = self.project_id
        if self.security_token:
            request.headers["X-Security-Token"] = self.security_token
        request.headers["X-Sdk-Date"] = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        self.sign(request)

    def sign(self, request: httpx.Request) -> None:
        """Add the Authorization header; the request must be complete."""
        names = sorted(name for name in _SIGNED_HEADERS if name in request.headers)
        to_sign = string_to_sign(request.headers["X-Sdk-Date"], canonical_request(request, names))
        signature = hmac.new(self.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        request.headers["Authorization"] = (
            f"{ALGORITHM} Access={self.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )


def canonical_request(request: httpx.Request, names: Iterable[str]) -> str:
    """The canonical request; `names` are the signed headers, sorted, in lower case."""
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
    """The string to sign: the algorithm, the time, and the hash of the canonical request."""
    return f"{ALGORITHM}\n{sdk_date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
