"""The stand-in cloud with a real HTTP client before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.cloud import HandClock, StandInCloud

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
async def cloud(clock: HandClock) -> AsyncIterator[StandInCloud]:
    async with StandInCloud(clock=clock) as cloud:
        yield cloud


@pytest.fixture
async def client(cloud: StandInCloud) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the project, signed in with the ready token."""
    headers = {"X-Auth-Token": cloud.ready_token, "X-Language": "en-us", "Content-Type": "application/json"}
    base = f"{cloud.endpoint}/v3/{cloud.project_id}"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=5) as client:
        yield client


@pytest.fixture
def upgrade(cloud: StandInCloud, client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Ask for the upgrade of an instance by its name."""

    async def ask(name: str = "sr-orders", *, delay: bool = False, **more: Any) -> httpx.Response:
        path = f"/instances/{cloud.instances[name].id}/starrocks/db-upgrade"
        return await client.post(path, json={"delay": delay, "is_skip_validate": False}, **more)

    return ask


@pytest.fixture
def sign_in(cloud: StandInCloud, client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Ask IAM for a token; what is given replaces the right values."""

    async def ask(**other: str) -> httpx.Response:
        user = {"name": cloud.user, "password": other.get("password", cloud.password)}
        user_of = {**user, "domain": {"name": other.get("domain", cloud.domain)}}
        identity = {"methods": ["password"], "password": {"user": user_of}}
        scope = {"project": {"id": other.get("project", cloud.project_id)}}
        auth = {"auth": {"identity": identity, "scope": scope}}
        return await client.post(f"{cloud.iam_url}/auth/tokens?nocatalog=true", json=auth)

    return ask
