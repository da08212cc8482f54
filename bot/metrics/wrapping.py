"""The ports with a counter around them: each does what the one inside does, and none inside knows of it.

Without instruments a port stays as it is; the instruments' library is not imported from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from bot.core.audit import AuditEntry
from bot.core.pages import Page
from bot.core.ports import Cloud, Presence, Store, Thread, Whisper
from bot.core.reasons import NotSent, Refused, Unsure
from bot.core.sentence import Language, Sentence
from bot.core.states import News, State
from bot.core.upgrade import Upgrade
from bot.flow.work import Work
from bot.metrics.reaction import came_to, is_seen, reacting, result_of

if TYPE_CHECKING:
    from bot.metrics.instruments import Instruments

P = ParamSpec("P")
T = TypeVar("T")
OPERATIONS = ("upgrade", "job", "find", "cancel_scheduled")
KINDS = ("command", "click", "press")  # the first word of the name of a task that Slack's door starts


class _Around:
    """What is not counted is handed to the one inside as it is."""

    def __init__(self, inside: Any, instruments: Instruments) -> None:
        self._inside = inside
        self._instruments = instruments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)


def metered_cloud(cloud: Cloud, instruments: Instruments | None) -> Cloud:
    """Each operation, with what became of it and how long it took."""
    if instruments is None:
        return cloud
    around: Any = _Around(cloud, instruments)
    for operation in OPERATIONS:
        setattr(around, operation, _timed(getattr(cloud, operation), operation, instruments))
    return cast(Cloud, around)


def metered_store(store: Store, instruments: Instruments | None) -> Store:
    """Steps of upgrades and refusals by the rules, as they are written down."""
    return cast(Store, MeteredStore(store, instruments)) if instruments else store


def metered_thread(thread: Thread, instruments: Instruments | None) -> Thread:
    """The moment at which people see something."""
    return cast(Thread, MeteredThread(thread, instruments)) if instruments else thread


def metered_whisper(whisper: Whisper, instruments: Instruments | None) -> Whisper:
    """What private answers say, and when."""
    return MeteredWhisper(whisper, instruments) if instruments else whisper


def metered_work(work: Work, instruments: Instruments | None) -> Work:
    """What Slack's door sets going."""
    return cast(Work, MeteredWork(work, instruments)) if instruments else work


class MeteredStore(_Around):
    """Counts what is written down."""

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        """A new question, or one that Slack delivered again."""
        is_new: bool = await self._inside.add(upgrade, entry)
        came_to("asked" if is_new else "delivered_again")
        if is_new:
            self._instruments.steps.labels(upgrade.state.value).inc()
        return is_new

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        """A step, if it was the one that won."""
        stored: Upgrade | None = await self._inside.save(before, after, *entries)
        if stored is not None and stored.state is not before.state:
            self._instruments.steps.labels(stored.state.value).inc()
            if stored.state is State.UNKNOWN:
                self._instruments.unknown.inc()
        return stored

    async def record(self, entry: AuditEntry) -> None:
        """A refusal by the rules; its reason is the name of a class."""
        if entry.what == "denied":
            self._instruments.denials.labels(entry.why).inc()
        await self._inside.record(entry)


class MeteredThread(_Around):
    """Notices when something has been shown."""

    async def deliver(self, upgrade: Upgrade, news: News) -> str | None:
        """Show it, then look at the clock."""
        ts: str | None = await self._inside.deliver(upgrade, news)
        is_seen(self._instruments)
        return ts


class MeteredWhisper:
    """Notices what is said to one person."""

    def __init__(self, inside: Whisper, instruments: Instruments) -> None:
        self._inside = inside
        self._instruments = instruments

    async def tell(self, presence: Presence, said: Sentence | Page, language: Language) -> None:
        """Say it, then look at the clock."""
        came_to(result_of(said))
        await self._inside.tell(presence, said, language)
        is_seen(self._instruments)


class MeteredWork(_Around):
    """Counts what people set going, by the kind that its name begins with."""

    def start(self, work: Coroutine[object, object, None], name: str) -> bool:
        """Run it on its own; False when the process is stopping."""
        kind = name.partition(" ")[0]
        if kind not in KINDS:
            return bool(self._inside.start(work, name))
        started = bool(self._inside.start(reacting(self._instruments, kind, work), name))
        if not started:
            work.close()  # the one around it never began, so it cannot
        return started

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._inside)


def _timed(
    call: Callable[P, Coroutine[Any, Any, T]], operation: str, instruments: Instruments
) -> Callable[P, Coroutine[Any, Any, T]]:
    """The call, with its time noted under what became of it."""

    @wraps(call)
    async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        began, outcome = time.perf_counter(), "ok"
        try:
            return await call(*args, **kwargs)
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            instruments.cloud.labels(operation, outcome).observe(time.perf_counter() - began)

    return timed


def _outcome(error: BaseException) -> str:
    """What became of a request, by the tree of reasons."""
    kinds = ((NotSent, "not_sent"), (Refused, "refused"), (Unsure, "unsure"))
    return next((name for kind, name in kinds if isinstance(error, kind)), "cut_short")
