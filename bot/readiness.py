"""Whether the bot can do its work right now, part by part, as far as that is known without waiting long."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.ports import Store
from bot.core.reasons import StoreAway
from bot.slack.pulse import Pulse
from bot.slack.socket import Socket
from bot.taurusdb.client import TaurusDb

HEARD_SECONDS = 30.0
REFUSED_SECONDS = 600.0  # after that nobody knows: in HTTP mode nobody asks while this says no
STORE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `/readyz` tells."""

    pulse: Pulse
    socket: Socket | None
    store: Store
    cloud: TaurusDb
    clock: Callable[[], float] = time.time

    async def parts(self) -> dict[str, str]:
        """Each part, with what is wrong with it."""
        parts = {"slack": self.pulse.trouble}
        if self.socket is not None:
            parts["socket"] = self._deafness(self.socket)
        parts["store"] = await self._absence()
        refused = self.cloud.refused_lately(REFUSED_SECONDS)
        parts["cloud"] = f"signing in was refused: {refused}" if refused else ""
        return parts

    def _deafness(self, socket: Socket) -> str:
        """Since when the socket has not heard anything."""
        if not socket.is_connected:
            return "the socket is not connected"
        if socket.heard_at is None:
            return ""
        silent = self.clock() - socket.heard_at
        return f"nothing was heard from Slack for {silent:.0f} s" if silent > HEARD_SECONDS else ""

    async def _absence(self) -> str:
        """Why the store cannot be written."""
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self.store.ping()
        except StoreAway as away:
            return str(away) or "cannot be reached"
        except TimeoutError:
            return f"no answer within {STORE_SECONDS:g} s"
        return ""
