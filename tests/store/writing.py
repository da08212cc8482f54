"""A process of its own that writes to a store: `python writing.py URL START COUNT`, one line for each answer it got."""

import asyncio
import sys

from bot.core.ports import InstanceTaken
from bot.store import open_store
from bot.store.opening import AnyStore
from tests.store.examples import confirmed, entry, question


async def write(store: AnyStore, number: int) -> None:
    """Ask, confirm, and say so once the store has taken it."""
    asked = question(number)
    await store.add(asked, entry("asked", number))
    saved = await store.save(asked, confirmed(asked), entry("confirmed", number))
    print("won" if saved else "lost", asked.id, flush=True)


async def click(store: AnyStore, number: int) -> None:
    """Confirm what another process may confirm too."""
    asked = question(number)
    try:
        saved = await store.save(asked, confirmed(asked, by="U2"), entry("confirmed", number))
    except InstanceTaken:
        saved = None
    print("won" if saved else "lost", asked.id, flush=True)


async def main(url: str, what: str, start: int, count: int) -> None:
    """Write so many, several at once."""
    store = await open_store(url)
    print("ready", flush=True)
    sys.stdin.readline()
    do = {"write": write, "click": click}[what]
    for first in range(start, start + count, 10):
        await asyncio.gather(*(do(store, number) for number in range(first, min(first + 10, start + count))))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
