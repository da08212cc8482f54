"""How soon Slack is acknowledged in HTTP mode: a command, from the request's first byte to the answer's last."""

from contextlib import AsyncExitStack
from statistics import median, quantiles

from tests.bench.effort import Effort
from tests.bench.rivals import Rival, rival
from tests.bench.table import Row, at_most, ratio_of

REQUESTS = 400
LIMIT = 1.3
NAMES = ("bot", "fastest", "documented")
GROUPS = (("bot", "fastest"), ("documented",))  # whoever comes after its 10 ms of waiting finds a machine asleep


async def measure(effort: Effort) -> list[Row]:
    """One request at a time, each contender's turn after the other's: what disturbs one disturbs all."""
    medians: dict[str, list[float]] = {name: [] for name in NAMES}
    tails: dict[str, list[float]] = {name: [] for name in NAMES}
    async with AsyncExitStack() as stack:
        rivals = {name: await stack.enter_async_context(rival(name)) for name in NAMES}
        await acks(rivals, effort.many(REQUESTS // 4))  # warm
        for _ in range(effort.rounds):
            for group in GROUPS:
                seconds = await acks({name: rivals[name] for name in group}, effort.many(REQUESTS))
                for name in group:
                    medians[name].append(median(seconds[name]))
                    tails[name].append(quantiles([*seconds[name], seconds[name][-1]], n=100)[98])
    said = {name: f"{median(medians[name]) * 1e3:.2f} / {median(tails[name]) * 1e3:.2f} ms" for name in NAMES}
    return [
        at_most(
            "ack of a command, p50 / p99, against bare Bolt in its fastest form",
            said["bot"],
            said["fastest"],
            ratio_of(medians["bot"], medians["fastest"]),
            LIMIT,
        ),
        Row(
            "the same against bare Bolt as its documentation writes it",
            said["bot"],
            said["documented"],
            ratio_of(medians["bot"], medians["documented"]),
        ),
    ]


async def acks(rivals: dict[str, Rival], requests: int) -> dict[str, list[float]]:
    """Seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    names = list(rivals)
    for _ in range(requests):
        for name in names:
            seconds[name].append(await rivals[name].people.help())
        names.reverse()
    return seconds
