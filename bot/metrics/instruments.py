"""Every instrument, in one registry of its own; each label has few values, and none comes from people or the cloud."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

PREFIX = "starrocks_upgrade"
ACK_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 3.0)  # Slack waits for 3 s
ANSWER_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
CLOUD_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Instruments:
    """What is counted; the names are public: dashboards and alarms stand on them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)
        self.acks = self._times("ack", "A request of Slack until its answer", ACK_BUCKETS, "way", "outcome")
        self.deeds = self._count("commands", "Commands, clicks and presses, by what came of them", "kind", "result")
        self.answers = self._times("first_answer", "A command or click until a person sees it", ANSWER_BUCKETS, "kind")
        self.steps = self._count("steps", "Upgrades by the state they came to", "state")
        self.unknown = self._count("unknown_outcomes", "Upgrades whose outcome could not be known")
        self.denials = self._count("denials", "What the rules refused, by the rule", "why")
        self.cloud = self._times(
            "cloud", "Calls to the cloud, by what came of them", CLOUD_BUCKETS, "operation", "outcome"
        )
        self.slack = self._count("slack_calls", "Calls to Slack", "method", "outcome")
        self.limited = self._count("slack_limited", "Calls that Slack answered with 429", "method")
        self.lag = self._times("loop_lag", "How late the event loop wakes a task", LAG_BUCKETS)
        self.due = self._gauge("due_rows", "Rows that are due and wait to be attended to")
        self.open = self._gauge("open", "Upgrades with something still to be done, by state", "state")

    def _count(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", about, labels, registry=self.registry)

    def _times(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}_seconds", about, labels, buckets=buckets, registry=self.registry)
