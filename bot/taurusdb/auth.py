"""Who the cloud sees: one protocol for every way of signing in, and the ready-made user token."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

import httpx


class SignIn(Protocol):
    """A way of signing in: `AkSk` (signing.py), `IamUser` (iam.py) or `ReadyToken`."""

    async def ready(self, http: httpx.AsyncClient) -> httpx.Auth:
        """What authorises the next request; Refused or NotSent when there is no signing in."""
        ...

    def outdated(self, used: httpx.Auth) -> bool:
        """The cloud refused what was used; whether another try can do better."""
        ...

    async def aclose(self) -> None:
        """Stop what runs."""
        ...


@dataclass(frozen=True, slots=True)
class UserToken(httpx.Auth):
    """A user token on a request; no second try is its own affair."""

    token: str = field(repr=False)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token and send the request once."""
        request.headers["X-Auth-Token"] = self.token
        yield request


@dataclass(frozen=True, slots=True)
class ReadyToken:
    """A ready-made user token; when the cloud refuses it, that is final."""

    token: str = field(repr=False)

    async def ready(self, http: httpx.AsyncClient) -> httpx.Auth:
        """The token itself."""
        return UserToken(self.token)

    def outdated(self, used: httpx.Auth) -> bool:
        """There is no other token."""
        return False

    async def aclose(self) -> None:
        """Nothing runs."""
