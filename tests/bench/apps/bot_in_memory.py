"""The bot with its storage in memory: the difference to the bot itself is what durability costs."""

import sys

import bot.app
from bot.__main__ import main
from bot.core.ports import Storage
from tests.bench.apps.memory_storage import MemoryStorage


async def open_memory_storage(_: str) -> Storage:
    """A storage in memory, whatever DATABASE_URL says."""
    return MemoryStorage()


if __name__ == "__main__":
    setattr(bot.app, "open_storage", open_memory_storage)  # noqa: B010 - another type, on purpose
    sys.exit(main([]))
