"""How soon Slack is acknowledged in HTTP mode: a command, from the request's first byte to the response's last."""

from contextlib import AsyncExitStack
from statistics import median, quantiles

from tests.bench.app_under_test import AppUnderTest, run_app
from tests.bench.scale import Scale
from tests.bench.table import Row, at_most, ratio_of

REQUESTS = 400
MAX_P50_RATIO, MAX_P99_RATIO = 1.2, 1.5
APPS = ("bot", "bolt_fastest", "bolt_as_documented")
# Bolt as documented waits 10 ms in each request: the app after it would find a processor that has gone to sleep.
GROUPS = (("bot", "bolt_fastest"), ("bolt_as_documented",))


async def measure(scale: Scale) -> list[Row]:
    """One request at a time, the apps in turns: what disturbs one disturbs all."""
    p50: dict[str, list[float]] = {name: [] for name in APPS}
    p99: dict[str, list[float]] = {name: [] for name in APPS}
    async with AsyncExitStack() as stack:
        apps = {name: await stack.enter_async_context(run_app(name)) for name in APPS}
        await ack_seconds(apps, scale.count(REQUESTS // 4))  # warm up
        for _ in range(scale.rounds):
            for group in GROUPS:
                seconds = await ack_seconds({name: apps[name] for name in group}, scale.count(REQUESTS))
                for name in group:
                    p50[name].append(median(seconds[name]))
                    p99[name].append(quantiles([*seconds[name], seconds[name][-1]], n=100)[98])
    texts = {name: f"{median(p50[name]) * 1e3:.2f} / {median(p99[name]) * 1e3:.2f} ms" for name in APPS}
    return [
        at_most(
            "ack of a command, p50 / p99, against bare Bolt in its fastest form: p50",
            texts["bot"],
            texts["bolt_fastest"],
            ratio_of(p50["bot"], p50["bolt_fastest"]),
            MAX_P50_RATIO,
        ),
        at_most(
            "the same: p99",
            texts["bot"],
            texts["bolt_fastest"],
            ratio_of(p99["bot"], p99["bolt_fastest"]),
            MAX_P99_RATIO,
        ),
        Row(
            "the same against bare Bolt as its documentation writes it: p50",
            texts["bot"],
            texts["bolt_as_documented"],
            ratio_of(p50["bot"], p50["bolt_as_documented"]),
        ),
    ]


async def ack_seconds(apps: dict[str, AppUnderTest], requests: int) -> dict[str, list[float]]:
    """The seconds of every request, by app."""
    seconds: dict[str, list[float]] = {name: [] for name in apps}
    names = list(apps)
    for _ in range(requests):
        for name in names:
            seconds[name].append(await apps[name].load.help())
        names.reverse()
    return seconds
