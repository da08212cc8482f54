"""The two ways from Slack to an app: its Socket Mode connections, or the addresses it has given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.sandbox.slack.delivery import Envelope, Reply
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.sockets import Sockets

ACK_SECONDS: Final = 3.0


@dataclass(slots=True)
class Ways:
    """Sends an envelope the way the app has chosen and waits for its ack as long as Slack does."""

    sockets: Sockets
    events: Events
    ack_seconds: float = ACK_SECONDS

    async def deliver(self, envelope: Envelope, through: int | str | None) -> Reply:
        """Send by HTTP when the app has given an address, else by Socket Mode; `through` asks for one of them."""
        if isinstance(through, str) or (through is None and self.events.urls):
            return await self.events.deliver(envelope, through, self.ack_seconds)
        return await self.sockets.deliver(envelope, through, self.ack_seconds)
