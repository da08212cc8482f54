"""What the tests of the client share: a call with what does not matter left out, and a sleep that takes no time."""

from collections.abc import Callable

from bot.core.sentence import Language
from bot.sandbox.cloud import HandClock
from bot.taurusdb.client import TaurusDb

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC
INSTANCE_ID = "8b6a5f2cf1b94b1fa6e3b0c1d2e3f4a5in17"
PROJECT_ID = "0483b6b16e954cb88930a360d2c4e663"


class Naps:
    """Sleeps no second, but moves the clock and remembers."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.clock.forward(seconds)


Connect = Callable[..., TaurusDb]


async def send(
    client: TaurusDb,
    instance_id: str = INSTANCE_ID,
    *,
    delay: bool = False,
    skip_validate: bool = False,
    language: Language = Language.EN,
    may_send: Callable[[], bool] = lambda: True,
) -> str:
    """Send an upgrade with what does not matter left out."""
    accepted = await client.upgrade(
        instance_id, delay=delay, skip_validate=skip_validate, language=language, may_send=may_send
    )
    return accepted.job_id
