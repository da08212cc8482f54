"""The view model holds only what its person may see."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.web.server import WebServer


async def test_direct_messages_are_sent_to_their_person_alone(
    server: WebServer, slack: StandInSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=slack.people["dba"].id, text="for you")
    key = f"message:{posted['channel']}:{posted['ts']}"
    assert key in server.entities("dba")
    assert key not in server.entities("sre")
