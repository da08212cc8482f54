"""Finding out after a lost answer: is there a job of ours on the instance, and does anything run on it?"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from bot.core.reasons import Fault
from bot.core.sentence import Language
from bot.core.upgrade import Sight
from bot.taurusdb.answer import Answer
from bot.taurusdb.calls import Calls
from bot.taurusdb.errors import fault_of
from bot.taurusdb.parents import Home, Parents
from bot.taurusdb.traces import (
    CLOCK_TOLERANCE_SECONDS,
    Trace,
    best,
    objects,
    of_actions,
    of_immediate_tasks,
    of_scheduled_tasks,
    rows,
    stamp,
    under_parent,
)

STEP_SECONDS = 15.0
PAGE = 50
MAX_PAGES = 20
MAX_PROOFS = 5

log = logging.getLogger("bot.taurusdb")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _View:
    """The instance as it was seen."""

    traces: tuple[Trace, ...]
    busy: bool
    newest: bool  # there is no newer version to upgrade to


class Finding:
    """Looks for upgrades; what cannot be asked (a missing permission, no answer) is left out."""

    def __init__(self, calls: Calls, parents: Parents, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._clock = clock
        self._parents = parents

    async def find(self, instance_id: str, *, delay: bool, since: float, language: Language) -> str | Sight:
        """The job id of an upgrade sent after `since`, or what was seen instead."""
        immediate, scheduled = await asyncio.gather(
            _if_told(self._immediate(since, language)),
            _if_told(self._scheduled(instance_id, language)) if delay else _nothing(),
        )
        since_there = since + self._calls.clock_ahead
        listed = (*(scheduled or ()), *(immediate or ()))
        if found := best(listed, instance_id, since_there):
            return found
        home = await _if_told(self._parents.of(instance_id, language))
        view = await _if_told(self._view(home.parent_id, instance_id, language)) if home else None
        if view and (found := best(view.traces, instance_id, since_there)):
            return found
        for trace in under_parent(listed, home.parent_id if home else None, since_there)[:MAX_PROOFS]:
            if await _if_told(self._is_of(trace, instance_id, home, language)):
                return trace.job_id
        return _sight(view, waits_unseen=delay and scheduled is None)

    async def _is_of(self, trace: Trace, instance_id: str, home: Home | None, language: Language) -> bool:
        """Whether a task listed under a TaurusDB instance's id is one of this StarRocks instance.

        Its details decide; where they name the TaurusDB instance too, its name must not be that of another one there.
        """
        job = _good(await self._calls.read("jobs", {"id": trace.job_id}, language)).value
        detail = job.get("job") if isinstance(job, dict) else None
        instance = detail.get("instance") if isinstance(detail, dict) else None
        named = instance.get("id") if isinstance(instance, dict) else None
        if named == instance_id:
            return True
        return home is not None and named == home.parent_id and trace.instance_name not in home.siblings

    async def _immediate(self, since: float, language: Language) -> tuple[Trace, ...]:
        """The tasks of the project created since then."""
        ahead = self._calls.clock_ahead
        query = {
            "start_time": stamp(since + ahead - CLOCK_TOLERANCE_SECONDS),
            "end_time": stamp(max(since, self._clock()) + ahead + 60),
        }
        traces: list[Trace] = []
        for page in range(MAX_PAGES):
            turn = {"offset": str(page * PAGE), "limit": str(PAGE)}
            answer = _good(await self._calls.read("immediate-jobs", query | turn, language))
            traces += of_immediate_tasks(answer)
            if len(rows(answer, "jobs")) < PAGE:
                break
        return tuple(traces)

    async def _scheduled(self, instance_id: str, language: Language) -> tuple[Trace, ...]:
        """The tasks of the instance that wait for its maintenance window."""
        query = {"instance_id": instance_id, "status": "Pending", "offset": "0", "limit": str(PAGE)}
        return tuple(of_scheduled_tasks(_good(await self._calls.read("scheduled-jobs", query, language))))

    async def _view(self, parent_id: str, instance_id: str, language: Language) -> _View | None:
        """The instance itself; None when the answer does not show it."""
        path = f"instances/{quote(parent_id, safe='')}/starrocks/{quote(instance_id, safe='')}"
        answer = _good(await self._calls.read(path, {}, language))
        shown = [row for row in rows(answer, "instances") if row.get("id") == instance_id]
        if not shown:
            return None
        nodes = [node for group in objects(shown[0].get("groups")) for node in objects(group.get("nodes"))]
        actions = [action for one in (shown[0], *nodes) for action in objects(one.get("actions"))]
        newest = shown[0].get("new_version_available") is False
        return _View(tuple(of_actions(actions, instance_id)), bool(actions), newest)


def _sight(view: _View | None, *, waits_unseen: bool) -> Sight:
    """What was seen, when it was not the upgrade; IDLE will be read as "probably not started", so it must be sure.

    On the newest version and with nothing running the upgrade may be over already; and a delayed one shows nowhere but
    in the list of scheduled tasks.
    """
    if view is None:
        return Sight.BLIND
    if view.busy:
        return Sight.BUSY
    return Sight.BLIND if view.newest or waits_unseen else Sight.IDLE


async def _if_told(asking: Awaitable[T]) -> T | None:
    """What the cloud tells in a bearable time, None when it does not."""
    try:
        async with asyncio.timeout(STEP_SECONDS):
            return await asking
    except (Fault, TimeoutError) as error:
        log.info("search.not_told", extra={"fault": str(error) or "no answer in time"})
        return None


async def _nothing() -> None:
    """Stands where nothing has to be asked."""


def _good(answer: Answer) -> Answer:
    """The answer if it is a readable 200."""
    if answer.status != 200 or not isinstance(answer.value, dict):
        raise fault_of(answer)
    return answer
