"""The stand-in TaurusDB with a real HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.taurusdb import ManualClock, StandInCloud

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def cloud(clock: ManualClock) -> AsyncIterator[StandInCloud]:
    async with StandInCloud(clock=clock) as cloud:
        cloud.foreign_tasks.clear()
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
    """Send the upgrade of an instance, by its name."""

    async def send(name: str = "sr-orders", *, delay: bool = False, **options: Any) -> httpx.Response:
        path = f"/instances/{cloud.instances[name].id}/starrocks/db-upgrade"
        return await client.post(path, json={"delay": delay, "is_skip_validate": False}, **options)

    return send


@pytest.fixture
def sign_in(cloud: StandInCloud, client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Request a token of IAM; the arguments replace the right values."""

    async def send(**wrong: str) -> httpx.Response:
        user = {"name": cloud.user, "password": wrong.get("password", cloud.password)}
        user_in_domain = {**user, "domain": {"name": wrong.get("domain", cloud.domain)}}
        identity = {"methods": ["password"], "password": {"user": user_in_domain}}
        scope = {"project": {"id": wrong.get("project", cloud.project_id)}}
        auth = {"auth": {"identity": identity, "scope": scope}}
        return await client.post(f"{cloud.iam_url}/auth/tokens?nocatalog=true", json=auth)

    return send
