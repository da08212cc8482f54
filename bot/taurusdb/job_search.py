"""The search for an upgrade whose answer was lost: is there a job for it, and what runs on the instance?

Only a job that is named an upgrade, of this instance and of the right time, is taken for ours; any other may be
somebody else's backup or restart. Everything that is assumed about the (undocumented) names is in this module.
"""

import asyncio
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.core.errors import CloudError
from bot.core.messages import Language
from bot.core.polling import UpgradeSearch, job_status
from bot.core.upgrade import PENDING, Operation, SearchMiss, SearchResult
from bot.taurusdb.http import ObjectList, ProjectApi
from bot.taurusdb.inventory import InstanceScanner, ListedInstance, actions_of, get_instance
from bot.taurusdb.responses import (
    MAX_NAME,
    JsonObject,
    as_bool,
    as_objects,
    as_text,
    error_from_response,
    format_time,
    parse_job_id,
    parse_time,
)

STEP_SECONDS = 15.0
PAGE_SIZE = 50
MAX_PAGES = 20
MAX_VERIFIED_CANDIDATES = 5
CLOCK_TOLERANCE_SECONDS = 5.0
TIME_RESOLUTION_SECONDS = 2.0  # the API's times and its Date header have no fractions
MAX_OPERATIONS = 3
MAX_AHEAD_SECONDS = 900.0  # a job of so much later is of an earlier time in another time zone
_UPGRADE_NAME = re.compile(r"upgrad", re.IGNORECASE)  # UpgradeStarRocks…, VERSION_UPGRADE, UPGRADING
# What is done about an upgrade, or to something else than the kernel version: RollbackUpgrade…, UPGRADE_PRECHECK
_OTHER_NAME = re.compile(r"cancel|roll_?back|revert|check|storage|volume|flavor|proxy|certificate", re.IGNORECASE)
_TAURUSDB_PRODUCT = "gaussdbformysql"  # in every documented job name of TaurusDB's own instances
_STARROCKS_PRODUCTS = ("starrocks", "htap")

log = logging.getLogger("bot.taurusdb")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobCandidate:
    """A job or action that may be the upgrade: on which instance, created when (UNIX seconds, the cloud's clock)."""

    job_id: str
    instance_id: str
    created_at: float
    name: str
    instance_name: str = ""


@dataclass(frozen=True, slots=True)
class _Tasks:
    """Tasks as a list showed them; `is_complete` is false when others of the instance may have been left out."""

    candidates: Sequence[JobCandidate]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _InstanceView:
    """The instance as the search saw it; `is_idle` only if the cloud says that nothing runs there and it is normal.

    On the newest version, with nothing left to upgrade to, the upgrade may be over already: then it is not idle.
    """

    actions: Sequence[JobCandidate]
    is_busy: bool
    is_idle: bool


@dataclass(frozen=True, slots=True)
class Window:
    """When the job was created (UNIX seconds, the cloud's clock), and the ids that it cannot have."""

    begin: float
    end: float
    other_job_ids: Set[str]

    def may_have(self, candidate: JobCandidate) -> bool:
        """Whether the candidate can be the job by its time and id."""
        return self.begin <= candidate.created_at < self.end and candidate.job_id not in self.other_job_ids


class JobSearch:
    """Searches immediate tasks, scheduled tasks and the instance's actions; what cannot be read is left out."""

    def __init__(self, api: ProjectApi, scanner: InstanceScanner, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._scanner = scanner
        self._clock = clock

    async def find(self, search: UpgradeSearch, language: Language) -> str | SearchMiss:
        """The job id of the upgrade, or what was seen instead."""
        instance_id = search.instance_id
        immediate, scheduled = await asyncio.gather(
            _try_step(self._immediate_tasks(instance_id, search.since, language)),
            _try_step(self._scheduled_tasks(instance_id, language)) if search.delay else _no_step(),
        )
        skew = self._api.clock_skew  # after the answers: they have told it
        window = Window(
            search.since + skew - TIME_RESOLUTION_SECONDS,
            (math.inf if search.until is None else search.until) + skew - TIME_RESOLUTION_SECONDS,
            search.other_job_ids,
        )
        tasks = [candidate for source in (scheduled, immediate) if source for candidate in source.candidates]
        if job_id := upgrade_of(tasks, instance_id, window):
            return job_id
        listed = await _try_step(self._scanner.find(instance_id, language))
        parent_id = listed.instance.parent_id if listed else None
        view = await _try_step(self._view(parent_id, instance_id, language)) if parent_id else None
        if view and (job_id := upgrade_of(view.actions, instance_id, window)):
            return job_id
        for candidate in parent_candidates(tasks, parent_id, window)[:MAX_VERIFIED_CANDIDATES]:
            if await _try_step(self._is_of_instance(candidate, instance_id, listed, language)):
                return candidate.job_id
        sources = (immediate, scheduled) if search.delay else (immediate,)
        others = [task for task in tasks if task.instance_id == instance_id and window.may_have(task)]
        is_blind = any(source is None or not source.is_complete for source in sources)
        result = _search_result(view, is_blind=is_blind, has_other_jobs=bool(others))
        return SearchMiss(result, _operations([*others, *(view.actions if view else ())], search, skew))

    async def _is_of_instance(
        self, candidate: JobCandidate, instance_id: str, listed: ListedInstance | None, language: Language
    ) -> bool:
        """Whether a task listed under a TaurusDB instance's id is one of this StarRocks instance.

        Its details decide; where they name the TaurusDB instance too, its name must not be that of another one there.
        """
        response = await self._api.get("jobs", {"id": candidate.job_id}, language)
        if not response.is_object:
            raise error_from_response(response)
        job = response.get("job")
        instance = job.get("instance") if isinstance(job, dict) else None
        job_instance_id = _instance_id(instance.get("id")) if isinstance(instance, dict) else ""
        if job_instance_id == instance_id:
            return True
        return (
            listed is not None
            and job_instance_id == listed.instance.parent_id
            and candidate.instance_name not in listed.sibling_names
        )

    async def _immediate_tasks(self, instance_id: str, since: float, language: Language) -> _Tasks:
        """The tasks of the project created since then."""
        skew = self._api.clock_skew
        query = {
            "start_time": format_time(since + skew - CLOCK_TOLERANCE_SECONDS),
            "end_time": format_time(max(since, self._clock()) + skew + 60),
        }
        rows = await self._api.get_list(
            "immediate-jobs", query, language, key="jobs", page_size=PAGE_SIZE, max_pages=MAX_PAGES
        )
        return self._tasks(rows, created="created_time", instance_id=instance_id)

    async def _scheduled_tasks(self, instance_id: str, language: Language) -> _Tasks:
        """The tasks of the instance that wait for its maintenance window."""
        query = {"instance_id": instance_id, "status": PENDING}
        rows = await self._api.get_list(
            "scheduled-jobs", query, language, key="schedules", page_size=PAGE_SIZE, max_pages=MAX_PAGES
        )
        pending = [row for row in rows.items if job_status(as_text(row.get("job_status"))) == PENDING]
        return self._tasks(replace(rows, items=pending), created="create_time", instance_id=instance_id)

    async def _view(self, parent_id: str, instance_id: str, language: Language) -> _InstanceView | None:
        """The instance itself; None when the response does not show it."""
        response, row = await get_instance(self._api, parent_id, instance_id, language)
        if not response.is_object:
            raise error_from_response(response)
        if row is None:
            return None
        actions = actions_of(row)
        candidates = (_candidate(action, "created_at", "action", instance_id) for action in as_objects(actions))
        readable = [candidate for candidate in candidates if candidate]
        is_normal = as_text(row.get("status")).lower() in ("", "normal")
        upgrade_available = row.get("new_version_available")
        is_behind = upgrade_available is None or as_bool(upgrade_available) is True
        return _InstanceView(readable, bool(actions), actions == [] and is_normal and is_behind)

    def _tasks(self, rows: ObjectList, *, created: str, instance_id: str) -> _Tasks:
        """The tasks of a list; `created` is the field of their time.

        A row without a readable job or time could be any older job: it is left out, and the list counts as incomplete
        if the row may be of the instance.
        """
        candidates: list[JobCandidate] = []
        is_complete = rows.is_complete and not rows.has_others
        latest = self._clock() + self._api.clock_skew + MAX_AHEAD_SECONDS
        for row in rows.items:
            owner_id = row.get("instance_id")
            candidate = _candidate(row, created, "job_name", owner_id)
            if candidate is not None and candidate.created_at <= latest:
                candidates.append(candidate)
            elif not isinstance(owner_id, str) or _instance_id(owner_id) == instance_id:
                is_complete = False
        return _Tasks(candidates, is_complete)


def upgrade_of(candidates: Iterable[JobCandidate], instance_id: str, window: Window) -> str | None:
    """The job that is named an upgrade, of this instance, of this time; the earliest if there are several."""
    upgrades = _upgrades((candidate for candidate in candidates if candidate.instance_id == instance_id), window)
    return upgrades[0].job_id if upgrades else None


def parent_candidates(candidates: Iterable[JobCandidate], parent_id: str | None, window: Window) -> list[JobCandidate]:
    """What may be an upgrade listed under the TaurusDB instance's id (any such, if None), the earliest first."""
    return _upgrades(
        (
            candidate
            for candidate in candidates
            if (candidate.instance_id == parent_id if parent_id else candidate.instance_id.endswith("in07"))
            and not _is_taurusdb_job(candidate.name)
        ),
        window,
    )


def _upgrades(candidates: Iterable[JobCandidate], window: Window) -> list[JobCandidate]:
    named = (candidate for candidate in candidates if _is_upgrade(candidate.name))
    return sorted(filter(window.may_have, named), key=lambda candidate: candidate.created_at)


def _is_upgrade(job_name: str) -> bool:
    """Whether a job is named the upgrade itself."""
    return bool(_UPGRADE_NAME.search(job_name)) and not _OTHER_NAME.search(job_name)


def _operations(candidates: Iterable[JobCandidate], search: UpgradeSearch, skew: float) -> tuple[Operation, ...]:
    """What runs or ran on the instance, by name, for people to judge; times by our clock, each job once."""
    by_job = {candidate.job_id: candidate for candidate in candidates if candidate.job_id not in search.other_job_ids}
    operations = [Operation(candidate.name or "?", candidate.created_at - skew) for candidate in by_job.values()]
    return tuple(operations[:MAX_OPERATIONS])


def _is_taurusdb_job(job_name: str) -> bool:
    """Whether a job's name says that it is about the TaurusDB instance, not about StarRocks within it."""
    name = job_name.lower()
    return _TAURUSDB_PRODUCT in name and not any(product in name for product in _STARROCKS_PRODUCTS)


def _instance_id(value: object) -> str:
    """An instance's id in the case in which ours are kept."""
    return as_text(value).lower()


def _candidate(row: JsonObject, created: str, name: str, instance_id: object) -> JobCandidate | None:
    """The job in a row, None when its id or time cannot be read; `created` and `name` are fields."""
    job_id, created_at = parse_job_id(row.get("job_id")), parse_time(row.get(created))
    if not job_id or created_at is None:
        return None
    instance_name = as_text(row.get("instance_name"), MAX_NAME)
    return JobCandidate(job_id, _instance_id(instance_id), created_at, as_text(row.get(name)), instance_name)


def _search_result(view: _InstanceView | None, *, is_blind: bool, has_other_jobs: bool) -> SearchResult:
    """The result without a job; IDLE is told as "probably not started", so every source must have answered."""
    if (view is not None and view.is_busy) or has_other_jobs:
        return SearchResult.BUSY
    if view is None or not view.is_idle or is_blind:
        return SearchResult.INCONCLUSIVE
    return SearchResult.IDLE


async def _try_step(step: Awaitable[T]) -> T | None:
    """The result of one step, None when the cloud does not give it in STEP_SECONDS."""
    try:
        async with asyncio.timeout(STEP_SECONDS):
            return await step
    except (CloudError, TimeoutError) as error:
        log.info("search.step_failed", extra={"error": str(error) or f"no answer within {STEP_SECONDS:g} s"})
        return None


async def _no_step() -> None:
    """Stands in for a step that is not needed."""
