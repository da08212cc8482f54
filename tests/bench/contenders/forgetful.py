"""The bot itself, on a store that forgets: what durability costs is what this one does not pay."""

import sys

import bot.wiring
from bot.__main__ import main
from tests.bench.contenders.memory_store import MemoryStore


async def open_memory(_: str) -> MemoryStore:
    """Whatever the settings say."""
    return MemoryStore()


if __name__ == "__main__":
    setattr(bot.wiring, "open_store", open_memory)  # noqa: B010 - another type, on purpose
    sys.exit(main([]))
