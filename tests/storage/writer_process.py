"""A process that writes to a storage: `python -m tests.storage.writer_process URL ACTION START COUNT`.

It prints "ready", begins at the first line of stdin, and prints one line for each answer: "saved ID" or "lost ID".
"""

import asyncio
import sys

from bot.core.errors import LiveUpgradeExists
from bot.storage.opening import AnyStorage, open_storage
from tests.storage.examples import confirmed, new_entry, new_upgrade


async def request_and_confirm(storage: AnyStorage, number: int) -> None:
    """Add a request and confirm it."""
    requested = new_upgrade(number)
    await storage.add(requested, new_entry("requested", number))
    saved = await storage.save(requested, confirmed(requested), new_entry("confirmed", number))
    print("saved" if saved else "lost", requested.id, flush=True)


async def confirm(storage: AnyStorage, number: int) -> None:
    """Confirm a request that another process may confirm too."""
    requested = new_upgrade(number)
    try:
        saved = await storage.save(requested, confirmed(requested, by="U2"), new_entry("confirmed", number))
    except LiveUpgradeExists:
        saved = None
    print("saved" if saved else "lost", requested.id, flush=True)


async def main(url: str, action: str, start: int, count: int) -> None:
    """Run the action for so many numbers, ten at once."""
    storage = await open_storage(url)
    print("ready", flush=True)
    sys.stdin.readline()
    run = {"request_and_confirm": request_and_confirm, "confirm": confirm}[action]
    for first in range(start, start + count, 10):
        await asyncio.gather(*(run(storage, number) for number in range(first, min(first + 10, start + count))))
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
