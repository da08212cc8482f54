"""Prometheus metrics of one process. The names are public: dashboards and alerts stand on them.

Every label has few values, and none comes from people or from the cloud. Imported only where /metrics is served.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.core.errors import StorageUnavailable
from bot.core.ports import Storage
from bot.core.upgrade import State

log = logging.getLogger("bot.metrics")
PREFIX = "starrocks_upgrade"
ACK_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 3.0)  # Slack waits for 3 s
RESPONSE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
CLOUD_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
LAG_INTERVAL_SECONDS = 0.25
STORAGE_SECONDS = 2.0


@dataclass(slots=True, eq=False, repr=False)
class _Interaction:
    kind: str
    started_at: float
    result: str = "done"
    is_answered: bool = False


_current_interaction: ContextVar[_Interaction | None] = ContextVar("current_interaction", default=None)


class PrometheusMetrics:
    """The `Metrics` of the core in a registry of their own; `by_region`: with a label for the cloud's region."""

    def __init__(self, *, by_region: bool = False) -> None:
        self._registry = CollectorRegistry()
        self._region_labels = ("region",) if by_region else ()
        ProcessCollector(registry=self._registry)
        self._acks = self._histogram(
            "request_ack", "A request of Slack until its acknowledgement", ACK_BUCKETS, "transport", "outcome"
        )
        self._interactions = self._counter("interactions", "Commands and clicks by result", "kind", "result")
        self._first_responses = self._histogram(
            "first_response", "A command or click until the person sees a response", RESPONSE_BUCKETS, "kind"
        )
        self._transitions = self._counter("state_transitions", "Upgrades by the state they came to", "state")
        self._refusals = self._counter("refusals", "Refused commands and clicks by reason", "reason")
        self._cloud_calls = self._histogram(
            "cloud_call",
            "Operations of the cloud's API by outcome",
            CLOUD_BUCKETS,
            "operation",
            "outcome",
            *self._region_labels,
        )
        self._slack_calls = self._counter("slack_calls", "Web API calls by outcome", "method", "outcome")
        self._rate_limited = self._counter("slack_rate_limited", "Web API calls answered with 429", "method")
        self._loop_lag = self._histogram("event_loop_lag", "How late the event loop wakes a task", LAG_BUCKETS)
        self._due_rows = self._gauge("due_rows", "Rows that are due and wait for the poller")
        self._unreadable_rows = self._gauge(
            "unreadable_rows", "Rows with a timer that this version cannot read and has set aside"
        )
        self._open_upgrades = self._gauge("open_upgrades", "Upgrades with a timer, by state", "state")

    @contextmanager
    def interaction(self, kind: str) -> Iterator[None]:
        """Around all work for one `command` or `click`: counts its result and times its first response."""
        interaction = _Interaction(kind, time.perf_counter())
        token = _current_interaction.set(interaction)
        try:
            yield
        except BaseException:
            interaction.result = "interrupted"
            raise
        finally:
            _current_interaction.reset(token)
            self._interactions.labels(kind, interaction.result).inc()

    def interaction_result(self, result: str) -> None:
        """What the interaction that runs now came to."""
        interaction = _current_interaction.get()
        if interaction is not None:
            interaction.result = result

    def response_shown(self) -> None:
        """The person sees something of the interaction that runs now; the first call counts."""
        interaction = _current_interaction.get()
        if interaction is not None and not interaction.is_answered:
            interaction.is_answered = True
            self._first_responses.labels(interaction.kind).observe(time.perf_counter() - interaction.started_at)

    def request_acknowledged(self, transport: str, outcome: str, seconds: float) -> None:
        """A request of Slack was answered."""
        self._acks.labels(transport, outcome).observe(seconds)

    def state_entered(self, state: State) -> None:
        """An upgrade came to this state."""
        self._transitions.labels(state.value).inc()

    def refused(self, reason: str) -> None:
        """A command or click was refused."""
        self._refusals.labels(reason).inc()

    def cloud_called(self, operation: str, outcome: str, seconds: float, region: str = "") -> None:
        """A call of the cloud's API ended."""
        regions = (region,) if self._region_labels else ()
        self._cloud_calls.labels(operation, outcome, *regions).observe(seconds)

    def slack_called(self, method: str, outcome: str) -> None:
        """A Web API call ended."""
        self._slack_calls.labels(method, outcome).inc()

    def slack_rate_limited(self, method: str) -> None:
        """Slack answered 429."""
        self._rate_limited.labels(method).inc()

    async def measure_loop_lag(self) -> None:
        """Measure, for ever, how late the event loop wakes this task."""
        while True:
            started_at = time.perf_counter()
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self._loop_lag.observe(max(0.0, time.perf_counter() - started_at - LAG_INTERVAL_SECONDS))

    async def exposition(self, storage: Storage | None) -> bytes:
        """The text that Prometheus reads; the gauges of a database that does not answer are NaN, not old."""
        try:
            if storage is None:
                raise StorageUnavailable("not open yet")
            async with asyncio.timeout(STORAGE_SECONDS):
                stats = await storage.queue_stats(storage.clock())
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("storage.unavailable", extra={"reason": str(error) or "no answer in time"})
            self._due_rows.set(math.nan)
            self._unreadable_rows.set(math.nan)
            for state in State:
                self._open_upgrades.labels(state.value).set(math.nan)
        else:
            self._due_rows.set(sum(row.due for row in stats))
            self._unreadable_rows.set(sum(row.unreadable for row in stats))
            counts = {row.state: row.rows for row in stats}
            for state in State:
                self._open_upgrades.labels(state.value).set(counts.get(state.value, 0))
        return generate_latest(self._registry)

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", description, labels, registry=self._registry)

    def _gauge(self, name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", description, labels, registry=self._registry)

    def _histogram(self, name: str, description: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}_seconds", description, labels, buckets=buckets, registry=self._registry)
