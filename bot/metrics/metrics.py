"""The metrics of one process: the parts wrapped, the loop watched, the page that Prometheus reads."""

import asyncio
import logging
import math
import time

from prometheus_client import CollectorRegistry, generate_latest

from bot.core.ports import Census
from bot.core.reasons import StoreAway
from bot.core.states import State
from bot.metrics.instruments import Instruments

log = logging.getLogger("bot.metrics")
LAG_SECONDS = 0.25
STORE_SECONDS = 2.0


class Metrics:
    """Counts Slack's side by itself; what the store knows is read when somebody asks."""

    def __init__(self) -> None:
        self.instruments = Instruments(CollectorRegistry())

    def acked(self, way: str, outcome: str, seconds: float) -> None:
        """Slack was answered."""
        self.instruments.acks.labels(way, outcome).observe(seconds)

    def slack_called(self, method: str, outcome: str) -> None:
        """A call to Slack was made."""
        self.instruments.slack.labels(method, outcome).inc()

    def slack_limited(self, method: str) -> None:
        """Slack answered 429."""
        self.instruments.limited.labels(method).inc()

    async def watch_loop(self) -> None:
        """Notice, for ever, how late the event loop wakes this task."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(LAG_SECONDS)
            self.instruments.lag.observe(max(0.0, time.perf_counter() - before - LAG_SECONDS))

    async def page(self, store: Census) -> bytes:
        """What Prometheus reads; the gauges of a store that does not answer are NaN, not old."""
        try:
            async with asyncio.timeout(STORE_SECONDS):
                waiting = await store.census(time.time())
        except (StoreAway, TimeoutError) as away:
            log.warning("store.away", extra={"why": str(away) or "no answer in time"})
            self.instruments.due.set(math.nan)
            for state in State:
                self.instruments.open.labels(state.value).set(math.nan)
        else:
            self.instruments.due.set(sum(one.due for one in waiting))
            counts = {one.state: one.rows for one in waiting}
            for state in State:
                self.instruments.open.labels(state.value).set(counts.get(state.value, 0))
        return generate_latest(self.instruments.registry)
