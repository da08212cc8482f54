"""Live upgrades by the thousand, inserted into a database as the bot would have left them; every second is delayed."""

import random
import time
from pathlib import Path

from bot.core.messages import Language
from bot.core.polling import SLOW_POLL_FACTOR
from bot.core.upgrade import State, Upgrade
from bot.storage.opening import open_storage
from tests.bench.stub_services import CHANNEL, TEAM

ROWS_PER_INSERT = 1000


def job_id_of(number: int) -> str:
    """The id of its job; the last letter tells the stub of the cloud whether it waits for its window."""
    return f"job-{number:032x}{'w' if number % 2 else 'r'}"


def live_upgrade(number: int, next_poll_at: float) -> Upgrade:
    """An upgrade that runs, or waits for its window, without pending notifications."""
    requested_at = time.time() - 3600
    waits = number % 2 == 1
    return Upgrade(
        id=f"live-{number}",
        instance_id=f"f{number:031x}in17",
        delay=waits,
        skip_validate=False,
        team_id=TEAM,
        channel_id=CHANNEL,
        trigger_id=f"live-trigger-{number}",
        requested_by="U0SRE",
        language=Language.EN,
        requested_at=requested_at,
        expires_at=requested_at + 600,
        revision=5,
        state=State.IN_PROGRESS,
        message_ts=f"1600000000.{number:06d}",
        decided_by="U0SRE",
        decided_at=requested_at + 5,
        job_id=job_id_of(number),
        job_status="Pending" if waits else "Running",
        progress_percent=None if waits else 40,
        poll_count=9,
        next_poll_at=next_poll_at,
        job_message_ts=f"1600000001.{number:06d}",
        job_message_edited_at=requested_at + 30,
        instance_snapshot="-",
        due_at=next_poll_at,
    )


async def insert_live_upgrades(database: Path, count: int, poll_seconds: float) -> None:
    """Insert so many, their next polls spread evenly over the interval."""
    storage = await open_storage(f"sqlite:///{database}")
    try:
        soon = time.time() + 2
        for first in range(0, count, ROWS_PER_INSERT):
            numbers = range(first, min(first + ROWS_PER_INSERT, count))
            delays = (random.uniform(0, poll_seconds * (SLOW_POLL_FACTOR if number % 2 else 1)) for number in numbers)
            rows = [live_upgrade(number, soon + delay) for number, delay in zip(numbers, delays, strict=True)]
            await storage.copy_rows(rows, ())
    finally:
        await storage.close()
