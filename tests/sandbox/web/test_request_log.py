"""The request log: what was called, what the response was, and no secret."""

from __future__ import annotations

import json

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import WebServer
from tests.sandbox.web.upgrade_request import send_upgrade


async def test_a_slack_call_shows_its_arguments_and_its_answer(
    server: WebServer, client: AsyncWebClient, slack: StandInSlack
) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a block"}}]
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="hello", blocks=blocks)
    entity = next(entity for key, entity in server.entities("sre").items() if key.startswith("call:slack:"))
    assert (entity["name"], entity["summary"], entity["status"], entity["ok"]) == (
        "chat.postMessage",
        "hello",
        "200",
        True,
    )
    assert '"text": "a block"' in str(entity["sections"]).replace("\\n", "\n")


async def test_an_error_of_slack_is_shown_by_its_name(
    server: WebServer, client: AsyncWebClient, slack: StandInSlack
) -> None:
    slack.fail("chat.postMessage", "is_archived")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="hello")
    entity = server.entities("sre")["call:slack:0"]
    assert (entity["status"], entity["ok"]) == ("is_archived", False)


async def test_html_in_the_place_of_an_answer_is_marked_as_failed(
    server: WebServer, client: AsyncWebClient, slack: StandInSlack
) -> None:
    slack.fail("auth.test", "html")
    with pytest.raises(SlackApiError):
        await client.auth_test()
    entity = server.entities("sre")["call:slack:0"]
    assert (entity["name"], entity["status"], entity["ok"]) == ("auth.test", "200", False)


async def test_a_cloud_request_shows_body_language_answer_and_fault(server: WebServer, cloud: StandInCloud) -> None:
    cloud.inject_fault("409 DBS.200019")
    await send_upgrade(cloud, "sr-orders", skip_validate=True, language="zh-cn")
    entity = next(entity for key, entity in server.entities("sre").items() if key.startswith("call:cloud:"))
    assert (entity["name"], entity["status"], entity["ok"]) == ("upgrade", "409", False)
    log = json.dumps(entity["sections"])
    for part in ("zh-cn", "is_skip_validate", "DBS.200019", "X-Request-Id"):
        assert part in log


async def test_no_secret_ever_reaches_the_page(
    server: WebServer, slack: StandInSlack, cloud: StandInCloud, connected_bot: AsyncApp
) -> None:
    await send_upgrade(cloud, "sr-orders", skip_validate=True, language="zh-cn")
    async with aiohttp.ClientSession(max_field_size=65_536) as session:
        user = {"domain": {"name": cloud.domain}, "name": cloud.user, "password": cloud.password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": cloud.project_id}}
        await session.post(f"{cloud.iam_url}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
    log = json.dumps(server.entities("sre"))
    assert "apps.connections.open" in log
    assert '"token"' in log  # the sign-in is listed
    for secret in (
        slack.bot_token,
        slack.app_token,
        slack.signing_secret,
        cloud.password,
        cloud.ready_token,
        cloud.secret_key,
    ):
        assert secret not in log
    for call in (call for call in slack.calls if call.method == "apps.connections.open"):
        assert call.answer["url"].split("ticket=")[1] not in log
