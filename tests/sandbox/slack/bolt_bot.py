"""A small real bot on Bolt: it acknowledges what it hears and remembers it."""

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
class BoltBot:
    """The app, what it heard, and whether and with what it acknowledges."""

    app: AsyncApp
    heard: list[dict[str, Any]] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    ack_with: Any = None
    acks: bool = True
    stays: asyncio.Event = field(default_factory=asyncio.Event)


BUTTONS: list[dict[str, Any]] = [
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


def make_bot(slack: StandInSlack, client: AsyncWebClient) -> BoltBot:
    """Build the app as it is built for production: acknowledged first."""
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)
    bot = BoltBot(app)

    async def hear(ack: Any, body: dict[str, Any], request: Any) -> None:
        bot.heard.append(body)
        bot.retries += request.headers.get("x-slack-retry-num", [])
        if not bot.acks:
            await bot.stays.wait()
        await (ack(**bot.ack_with) if bot.ack_with else ack())

    app.command("/starrocks-upgrade")(hear)
    app.action("confirm_upgrade")(hear)
    return bot


@contextlib.asynccontextmanager
async def connected(slack: StandInSlack, bolt: BoltBot) -> AsyncIterator[AsyncSocketModeHandler]:
    """Connect the bot once more by Socket Mode, as Bolt does it."""
    up = len(slack.connections)
    client = AsyncWebClient(base_url=slack.api_url)
    handler = AsyncSocketModeHandler(bolt.app, slack.app_token, web_client=client, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt has no types here
    await slack.connected(up + 1)
    try:
        yield handler
    finally:
        bolt.stays.set()
        await handler.close_async()  # type: ignore[no-untyped-call]  # nor here
