"""A process that fails in every way, and whose every source of log lines writes (`python -m tests.failing_process`)."""

import asyncio
import gc
import logging
import threading
import warnings

from bot.logs import configure_logging


class Unraisable:
    """Fails where no caller can catch it."""

    def __del__(self) -> None:
        raise ValueError("in a finalizer")


async def fails() -> None:
    raise KeyError("in a task")


async def fail_unseen() -> None:
    """A task whose exception is never retrieved, a coroutine that is never awaited."""
    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    del task
    gc.collect()
    fails()  # type: ignore[unused-coroutine]  # that is the point


def divide() -> float:
    return 1 / 0


if __name__ == "__main__":
    configure_logging("DEBUG", "json", ["a-known-secret"])
    logging.getLogger("slack_sdk.web").warning("a library logs xoxb-1234567-abcdef")
    logging.getLogger("slack_sdk.web").debug("a debug line of a library")
    logging.getLogger("aiohttp.server").error("two\nlines of %s", "a-known-secret")
    logging.getLogger("bot").info("bot.event", extra={"level": "fake", "number": 1, "object": object})
    logging.getLogger("bot").info("too few %s %s", "values")  # noqa: PLE1206 - that is the point
    warnings.warn("careful", DeprecationWarning, stacklevel=1)
    Unraisable()
    thread = threading.Thread(target=divide)
    thread.start()
    thread.join()
    asyncio.run(fail_unseen())
    raise RuntimeError("the end, a-known-secret")
