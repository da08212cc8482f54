"""Live upgrades by the thousand, put into a database as the bot would have left them; every second one is delayed."""

import random
import time
from pathlib import Path

from bot.core.sentence import Language
from bot.core.upgrade import State, Upgrade
from bot.store import open_store
from tests.bench.counterpart import CHANNEL, TEAM

AT_ONCE = 1000
RARELY = 12  # how much more rarely than `poll_seconds` a job is looked at that waits for its window


def job_id_of(number: int) -> str:
    """The job of one of them; the cloud knows by the last letter whether it waits for its window."""
    return f"job-{number:032x}{'w' if number % 2 else 'r'}"


def living(number: int, look_at: float) -> Upgrade:
    """One that runs, or waits for its window, told as far as there is anything to tell."""
    asked_at = time.time() - 3600
    waits = number % 2 == 1
    return Upgrade(
        id=f"living-{number}",
        instance_id=f"f{number:031x}in17",
        delay=waits,
        skip_validate=False,
        team_id=TEAM,
        channel_id=CHANNEL,
        trigger_id=f"living-trigger-{number}",
        asked_by="U0SRE",
        language=Language.EN,
        asked_at=asked_at,
        expires_at=asked_at + 600,
        revision=5,
        state=State.FOLLOWING,
        message_ts=f"1600000000.{number:06d}",
        decided_by="U0SRE",
        decided_at=asked_at + 5,
        job_id=job_id_of(number),
        job_status="Pending" if waits else "Running",
        percent=None if waits else 40,
        looks=9,
        look_at=look_at,
        progress_ts=f"1600000001.{number:06d}",
        progress_at=asked_at + 30,
        about="-",
        due_at=look_at,
    )


async def fill(database: Path, many: int, poll_seconds: float) -> None:
    """So many, their next looks spread as evenly as they fell due."""
    store = await open_store(f"sqlite:///{database}")
    try:
        soon = time.time() + 2
        for first in range(0, many, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, many))
            spread = (random.uniform(0, poll_seconds * (RARELY if number % 2 else 1)) for number in numbers)
            await store.fill([living(number, soon + at) for number, at in zip(numbers, spread, strict=True)], ())
    finally:
        await store.close()
