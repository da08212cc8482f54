"""Background tasks: work that outlives the acknowledgement of a Slack request, and which upgrades it is busy with."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager

from bot.core.upgrade import current_upgrade_id

log = logging.getLogger("bot.tasks")
MAX_RESTART_PAUSE_SECONDS = 60.0
FIRST_LOG_PAUSE_SECONDS = 2.0
MAX_LOG_PAUSE_SECONDS = 60.0


async def supervise(
    name: str, loop: Callable[[], Awaitable[None]], *fatal: type[Exception], first_pause: float = 0.5
) -> None:
    """Run an endless loop; when it raises or returns, log the cause, pause (growing, with jitter), and run it again.

    Only an exception of the types `fatal` ends it, and is raised.
    """
    clock = asyncio.get_running_loop().time
    failures = 0
    while True:
        started_at = clock()
        try:
            await loop()
            log.error("loop.ended", extra={"loop": name})
        except fatal:
            raise
        except Exception:
            log.exception("loop.failed", extra={"loop": name})
        failures = 0 if clock() - started_at > MAX_RESTART_PAUSE_SECONDS else failures + 1
        pause = min(first_pause * 2.0 ** min(failures, 10), MAX_RESTART_PAUSE_SECONDS)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))


class RareLog:
    """When something that goes on is logged: at once, then after pauses that double, up to a minute."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, first_pause: float = FIRST_LOG_PAUSE_SECONDS
    ) -> None:
        self._clock = clock
        self._first_pause = self._pause = first_pause
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether to log it now; it is asked each time that it happens."""
        now = self._clock()
        if now < self._due_at:
            return False
        self._due_at, self._pause = now + self._pause, min(2 * self._pause, MAX_LOG_PAUSE_SECONDS)
        return True

    def over(self) -> None:
        """It is over; the next time is logged at once."""
        self._pause, self._due_at = self._first_pause, 0.0


class BackgroundTasks:
    """Tasks that are referenced until they end; an exception in one is logged and ends nothing else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def start(self, work: Coroutine[object, object, None], name: str) -> bool:
        """Run it as a task; False when the process is stopping and takes no more work."""
        if self._is_closed:
            work.close()
            return False
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return True

    async def drain(self, seconds: float) -> None:
        """Take no more work, wait so long for what runs, then cancel it: the rows know how to go on."""
        self._is_closed = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("tasks.canceled", extra={"tasks": len(late)})
                await asyncio.wait(late)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("task.failed", extra={"task": task.get_name()}, exc_info=task.exception())


class UpgradesInProcess:
    """The upgrades that a task of this process works on, so that its own poller leaves them alone."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    @contextmanager
    def claim(self, upgrade_id: str) -> Iterator[bool]:
        """Work on an upgrade; False when another task of this process does."""
        if upgrade_id in self._ids:
            yield False
            return
        self._ids.add(upgrade_id)
        token = current_upgrade_id.set(upgrade_id)
        try:
            yield True
        finally:
            current_upgrade_id.reset(token)
            self._ids.discard(upgrade_id)
