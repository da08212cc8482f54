"""The page hears first everything, then only what has changed, and only what its person may see."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk import Desk
from bot.sandbox.slack import StandInSlack


async def next_change(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read the next change off the stream."""
    async with asyncio.timeout(10):
        while not (line := await answer.content.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
    change: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return change


async def test_the_whole_picture_comes_first_and_then_only_changes(
    http: aiohttp.ClientSession, slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    async with http.get("/events?person=sre") as answer:
        assert answer.content_type == "text/event-stream"
        first = await next_change(answer)
        assert first["reset"] is True
        assert {"you", "bot", "command", "person:dba", f"channel:{channel}", "mishaps", "speeds", "example:0"} <= set(
            first["put"]
        )
        posted = await client.chat_postMessage(channel=channel, text="hello")
        change = await next_change(answer)
        assert change["reset"] is False
        assert {key.split(":")[0] for key in change["put"]} == {"message", "call", "wire"}
        await client.chat_update(channel=channel, ts=posted["ts"], text="better")
        change = await next_change(answer)
        assert change["put"][f"message:{channel}:{posted['ts']}"]["text"] == "better"


async def test_a_private_answer_is_told_to_its_person_alone(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await slack.command("sre", "db-ops", "bad")
    await slack.until(lambda: slack.ephemerals("sre"))
    seen = {}
    for person in ("sre", "dba", "guest"):
        async with http.get(f"/events?person={person}") as answer:
            put = (await next_change(answer))["put"]
        seen[person] = [key for key in put if key.startswith("ephemeral:")]
    assert len(seen["sre"]) == 1
    assert seen["dba"] == seen["guest"] == []


async def test_direct_messages_are_told_to_their_person_alone(
    desk: Desk, slack: StandInSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=slack.people["dba"].id, text="for you")
    key = f"message:{posted['channel']}:{posted['ts']}"
    assert key in desk.picture("dba")
    assert key not in desk.picture("sre")


async def test_a_job_is_told_as_the_clock_moves_it(
    http: aiohttp.ClientSession, cloud: StandInCloud, desk: Desk
) -> None:
    instance = cloud.instances["sr-orders"]
    async with http.get("/events") as answer:
        await next_change(answer)
        address = f"{cloud.endpoint}/v3/{cloud.project_id}/instances/{instance.id}/starrocks/db-upgrade"
        headers = {"X-Auth-Token": cloud.ready_token, "X-Language": "en-us"}
        async with aiohttp.ClientSession() as session:
            await session.post(address, json={"delay": False, "is_skip_validate": False}, headers=headers)
        percents: set[int] = set()
        while len(percents) < 3:
            change = await next_change(answer)
            percents |= {item["percent"] for key, item in change["put"].items() if key.startswith("job:")}
        assert max(percents) > min(percents)


async def test_nobody_can_be_who_is_not_offered(http: aiohttp.ClientSession) -> None:
    for person in ("other", "nobody"):
        async with http.get(f"/events?person={person}") as answer:
            assert answer.status == 404


async def test_leaving_the_desk_ends_the_streams_at_once(slack: StandInSlack, cloud: StandInCloud) -> None:
    async with aiohttp.ClientSession() as session:
        async with Desk(slack, cloud, port=0) as desk:
            answer = await session.get(f"{desk.url}events")
            await next_change(answer)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 1.5
        with pytest.raises((AssertionError, aiohttp.ClientError)):
            await next_change(answer)
