"""Work that outlives the moment Slack was acknowledged: each task is held, and drained at the end."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger("bot.work")


class Work:
    """The tasks of the process; a failure in one is logged with its traceback and ends nothing else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def start(self, work: Coroutine[object, object, None], name: str) -> bool:
        """Run it on its own; False when the process is stopping and takes no more."""
        if self._closed:
            work.close()
            return False
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return True

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let what runs finish for so long, then cancel it; the store knows how to go on."""
        self._closed = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("work.cut_short", extra={"tasks": len(late)})
                await asyncio.wait(late)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("work.failed", extra={"work": task.get_name()}, exc_info=task.exception())
