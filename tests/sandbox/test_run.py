"""The sandbox as it is started by hand: the real bot between the two stand-ins, driven over the page's own API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import pytest

from tests.pictures import sandbox

Entities = dict[str, dict[str, Any]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with sandbox() as url, aiohttp.ClientSession(url) as session:
        yield session


async def call_api(http: aiohttp.ClientSession, operation: str, /, **body: str) -> None:
    async with http.post(f"/api/{operation}", json=body) as response:
        assert response.status == 200, await response.text()


async def command(http: aiohttp.ClientSession, person: str, channel: str, text: str) -> None:
    await call_api(http, "command", person=person, channel=channel, command="/starrocks-upgrade", text=text)


async def until(http: aiohttp.ClientSession, person: str, find: Callable[[Entities], Any]) -> Any:
    """Follow the page of a person until it shows something, and return that."""
    entities: Entities = {}
    async with asyncio.timeout(20), http.get(f"/events?person={person}") as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                entities |= json.loads(line.removeprefix(b"data: "))["updated"]
            if value := find(entities):
                return value
    raise AssertionError("the stream has ended")


def only(kind: str, words: str) -> Callable[[Entities], Mapping[str, Any] | None]:
    """Find an entity of a kind that holds these words."""

    def find(entities: Entities) -> Mapping[str, Any] | None:
        rows = (entity for key, entity in entities.items() if key.startswith(f"{kind}:"))
        return next((row for row in rows if words in json.dumps(row, ensure_ascii=False)), None)

    return find


async def test_a_person_who_is_not_allowed_is_refused(http: aiohttp.ClientSession) -> None:
    await command(http, "outsider", "db-ops", "sr-metrics")
    assert await until(http, "outsider", only("ephemeral", "not allowed"))


async def test_a_channel_that_is_renamed_out_of_the_patterns_is_refused(http: aiohttp.ClientSession) -> None:
    await call_api(http, "rename", channel="incident-42", name="lounge")
    await command(http, "sre", "incident-42", "sr-metrics")
    assert await until(http, "sre", only("ephemeral", "cannot be used in this channel"))
    await command(http, "sre", "inc-2051", "sr-metrics")  # the bot joins it by itself
    assert await until(http, "sre", only("message", "sr-metrics"))


async def test_a_delayed_upgrade_waits_for_the_window_that_the_page_opens(http: aiohttp.ClientSession) -> None:
    await command(http, "sre", "db-ops", "sr-metrics --delay")
    card = await until(http, "sre", only("message", "confirm_upgrade"))
    click = {"person": "sre", "channel": card["channel"], "ts": card["ts"], "action_id": "confirm_upgrade"}
    button = next(element for block in card["blocks"] for element in block.get("elements", ()) if "value" in element)
    await call_api(http, "click", **click, value=button["value"])
    job = await until(http, "sre", only("job", "sr-metrics"))
    assert (job["waiting"], job["status"]) == (True, "Pending")
    assert job["opens"] > job["created"]
    await call_api(http, "window", instance=job["instance_id"])
    assert await until(http, "sre", only("job", "Completed"))
