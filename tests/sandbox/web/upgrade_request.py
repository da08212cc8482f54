"""The upgrade request that the bot sends to the cloud, for tests that need its effect but not the bot."""

from __future__ import annotations

import aiohttp

from bot.sandbox.taurusdb import StandInCloud


async def send_upgrade(
    cloud: StandInCloud, name: str, *, delay: bool = False, skip_validate: bool = False, language: str = "en-us"
) -> None:
    """Send POST …/starrocks/db-upgrade for the instance of this name."""
    address = f"{cloud.endpoint}/v3/{cloud.project_id}/instances/{cloud.instances[name].id}/starrocks/db-upgrade"
    headers = {"X-Auth-Token": cloud.ready_token, "X-Language": language}
    async with aiohttp.ClientSession() as session:
        await session.post(address, json={"delay": delay, "is_skip_validate": skip_validate}, headers=headers)
