"""What an operator can ask a running bot: its pages, read as machines read them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.driver import BotDriver, Replica


@dataclass(frozen=True, slots=True)
class Operator:
    """Asks one bot."""

    driver: BotDriver
    bot: Replica

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.bot.url}{path}") as answer:
            return answer.status, await answer.text()

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Status and what /readyz says."""
        status, body = await self.get("/readyz")
        return status, json.loads(body)

    async def until_ready(self, wanted: bool, timeout: float = 25) -> dict[str, Any]:
        """What /readyz says as soon as it says so."""
        async with asyncio.timeout(timeout):
            while True:
                status, body = await self.readiness()
                assert body["ready"] is (status == 200)
                if body["ready"] is wanted:
                    return body
                await self.driver.slack.until(_once(), timeout=1)

    async def until_waiting_for(self, *parts: str, timeout: float = 25) -> None:
        """Wait until /readyz names these parts, and no others, as the reasons why it is not ready."""
        async with asyncio.timeout(timeout):
            while set((await self.readiness())[1]["reasons"]) != set(parts):
                await self.driver.slack.until(_once(), timeout=1)

    async def samples(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample, read by the library's own parser."""
        status, body = await self.get("/metrics")
        assert status == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
        }

    async def until_counted(self, value: float, name: str, **labels: str) -> None:
        """Wait until a sample has come to a value: a private answer is seen before its work is over."""
        async with asyncio.timeout(10):
            while await self.count(name, **labels) != value:
                await self.driver.slack.until(_once(), timeout=1)

    async def count(self, name: str, **labels: str) -> float:
        """One sample; 0 when it is not there yet."""
        return (await self.samples()).get((f"starrocks_upgrade_{name}", frozenset(labels.items())), 0.0)


def _once() -> Any:
    """A condition that holds at the second look."""
    results = iter((False, True))
    return lambda: next(results, True)
