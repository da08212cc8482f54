"""The rate limits of Slack's Web API, by method; those of chat.postMessage by method and channel.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls at once, and one more every `seconds / calls`."""

    calls: int
    seconds: float


TIER_2, TIER_3, TIER_4 = Limit(20, MINUTE), Limit(50, MINUTE), Limit(100, MINUTE)
POST_LIMIT: Final = Limit(1, 1.0)
POST_BURST: Final = 3  # Slack allows short bursts and does not tell how short
LIMITS: Final = {
    "chat.postEphemeral": TIER_4,
    "chat.update": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.list": TIER_2,
    "conversations.open": TIER_3,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
}


class RateLimiter:
    """A token bucket for each method, and channel; `speed` is how many times faster than Slack's they fill."""

    def __init__(self, clock: Callable[[], float], speed: float = 1.0) -> None:
        self._clock = clock
        self._speed = speed
        self._buckets: dict[tuple[str, object], tuple[float, float]] = {}  # tokens, and at what time

    def retry_after(self, method: str, arguments: Mapping[str, Any]) -> str | None:
        """The header's value when the call is refused (whole seconds at Slack's own speed); None when it may go on."""
        if method == "chat.postMessage":
            key, limit, burst = (method, arguments.get("channel")), POST_LIMIT, POST_BURST
        elif method in LIMITS:
            key, limit, burst = (method, None), LIMITS[method], LIMITS[method].calls
        else:
            return None
        rate = limit.calls / limit.seconds * self._speed
        now = self._clock()
        tokens, filled_at = self._buckets.get(key, (float(burst), now))
        tokens = min(burst, tokens + max(0.0, now - filled_at) * rate)
        if tokens >= 1:
            self._buckets[key] = (tokens - 1, now)
            return None
        self._buckets[key] = (tokens, now)
        return f"{max(1, math.ceil((1 - tokens) / rate * self._speed)) / self._speed:g}"
