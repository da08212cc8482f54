"""The drawer's lines: what was called, what was answered, and no secret."""

from __future__ import annotations

import json

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk import Desk
from bot.sandbox.slack import StandInSlack


async def upgrade(cloud: StandInCloud, name: str) -> None:
    """Send an upgrade as the bot does."""
    instance = cloud.instances[name]
    address = f"{cloud.endpoint}/v3/{cloud.project_id}/instances/{instance.id}/starrocks/db-upgrade"
    headers = {"X-Auth-Token": cloud.ready_token, "X-Language": "zh-cn"}
    async with aiohttp.ClientSession() as session:
        await session.post(address, json={"delay": False, "is_skip_validate": True}, headers=headers)


async def test_a_slack_call_shows_its_arguments_and_its_answer(
    desk: Desk, client: AsyncWebClient, slack: StandInSlack
) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a block"}}]
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="hello", blocks=blocks)
    line = next(item for key, item in desk.picture("sre").items() if key.startswith("call:slack:"))
    assert (line["name"], line["brief"], line["status"], line["good"]) == ("chat.postMessage", "hello", "200", True)
    assert '"text": "a block"' in str(line["parts"]).replace("\\n", "\n")


async def test_a_refusal_of_slack_is_shown_by_its_error(
    desk: Desk, client: AsyncWebClient, slack: StandInSlack
) -> None:
    slack.fail("chat.postMessage", "is_archived")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="hello")
    line = desk.picture("sre")["call:slack:0"]
    assert (line["status"], line["good"]) == ("is_archived", False)


async def test_html_in_the_place_of_an_answer_is_marked_as_bad(
    desk: Desk, client: AsyncWebClient, slack: StandInSlack
) -> None:
    slack.fail("auth.test", "html")
    with pytest.raises(SlackApiError):
        await client.auth_test()
    line = desk.picture("sre")["call:slack:0"]
    assert (line["name"], line["status"], line["good"]) == ("auth.test", "200", False)


async def test_a_cloud_request_shows_body_language_answer_and_mishap(desk: Desk, cloud: StandInCloud) -> None:
    cloud.choose_mishap("409 DBS.200019")
    await upgrade(cloud, "sr-orders")
    line = next(item for key, item in desk.picture("sre").items() if key.startswith("call:cloud:"))
    assert (line["name"], line["status"], line["good"]) == ("upgrade", "409", False)
    told = json.dumps(line["parts"])
    for piece in ("zh-cn", "is_skip_validate", "DBS.200019", "X-Request-Id"):
        assert piece in told


async def test_no_secret_ever_reaches_the_page(
    desk: Desk, slack: StandInSlack, cloud: StandInCloud, connected_bot: AsyncApp
) -> None:
    await upgrade(cloud, "sr-orders")
    async with aiohttp.ClientSession() as session:
        user = {"domain": {"name": cloud.domain}, "name": cloud.user, "password": cloud.password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": cloud.project_id}}
        await session.post(f"{cloud.iam_url}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
    told = json.dumps(desk.picture("sre"))
    assert "apps.connections.open" in told
    assert '"token"' in told  # the sign-in is listed
    for secret in (
        slack.bot_token,
        slack.app_token,
        slack.signing_secret,
        cloud.password,
        cloud.ready_token,
        cloud.secret_key,
    ):
        assert secret not in told
    for opened in (call for call in slack.calls if call.method == "apps.connections.open"):
        assert opened.answer["url"].split("ticket=")[1] not in told
