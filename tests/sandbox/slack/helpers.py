"""A small Bolt app that keeps what it received, blocks with two buttons, and posting to one channel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack


@dataclass
class BoltApp:
    """The app, the bodies and retry numbers it received, and whether and with what it acknowledges."""

    app: AsyncApp
    bodies: list[dict[str, Any]] = field(default_factory=list)
    retry_numbers: list[str] = field(default_factory=list)
    ack_with: Any = None
    acks: bool = True
    released: asyncio.Event = field(default_factory=asyncio.Event)


BLOCKS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Upgrade *sr-orders*?"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "confirm_upgrade",
                "text": {"type": "plain_text", "text": "Upgrade"},
                "value": "req-1",
                "style": "danger",
            },
            {
                "type": "button",
                "action_id": "cancel_upgrade",
                "text": {"type": "plain_text", "text": "Cancel"},
                "value": "req-1",
            },
        ],
    },
]


def make_app(slack: StandInSlack, client: AsyncWebClient) -> BoltApp:
    """Build the app with the options of production: acknowledgement first."""
    bolt = BoltApp(AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True))

    async def listener(ack: Any, body: dict[str, Any], request: Any) -> None:
        bolt.bodies.append(body)
        bolt.retry_numbers += request.headers.get("x-slack-retry-num", [])
        if not bolt.acks:
            await bolt.released.wait()
        await (ack(**bolt.ack_with) if bolt.ack_with else ack())

    bolt.app.command("/starrocks-upgrade")(listener)
    bolt.app.action("confirm_upgrade")(listener)
    return bolt


@contextlib.asynccontextmanager
async def connected(slack: StandInSlack, bolt: BoltApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Open one more Socket Mode connection of the app."""
    count = len(slack.connections)
    client = AsyncWebClient(base_url=slack.api_url)
    handler = AsyncSocketModeHandler(bolt.app, slack.app_token, web_client=client, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt has no types here
    await slack.connected(count + 1)
    try:
        yield handler
    finally:
        bolt.released.set()
        await handler.close_async()  # type: ignore[no-untyped-call]  # nor here


async def post(slack: StandInSlack, client: AsyncWebClient, text: str = "x") -> None:
    """Post to #db-ops."""
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text=text)


def texts(slack: StandInSlack) -> list[str]:
    """Return the texts of the messages in #db-ops."""
    return [message.text for message in slack.messages("db-ops")]
