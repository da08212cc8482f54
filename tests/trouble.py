"""A process in which everything that can write does so, in every way a process can go wrong (`-m tests.trouble`)."""

import asyncio
import gc
import logging
import threading
import warnings

from bot.logs import set_up


class Unraisable:
    """Fails where nobody can catch it."""

    def __del__(self) -> None:
        raise ValueError("in a finalizer")


async def fails() -> None:
    raise KeyError("nobody looks")


async def forgotten() -> None:
    """A task that fails unseen, a coroutine that nobody awaits."""
    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    del task
    gc.collect()
    fails()  # type: ignore[unused-coroutine]  # that is the point


def divide() -> float:
    return 1 / 0


if __name__ == "__main__":
    set_up("DEBUG", "json", ["a-known-secret"])
    logging.getLogger("slack_sdk.web").warning("a library speaks of xoxb-1234567-abcdef")
    logging.getLogger("slack_sdk.web").debug("a library whispers")
    logging.getLogger("aiohttp.server").error("two\nlines of %s", "a-known-secret")
    logging.getLogger("bot").info("bot.event", extra={"level": "fake", "number": 1, "object": object})
    logging.getLogger("bot").info("too few %s %s", "values")  # noqa: PLE1206 - that is the point
    warnings.warn("careful", DeprecationWarning, stacklevel=1)
    Unraisable()
    thread = threading.Thread(target=divide)
    thread.start()
    thread.join()
    asyncio.run(forgotten())
    raise RuntimeError("the end, a-known-secret")
