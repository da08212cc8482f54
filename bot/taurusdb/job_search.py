"""The search for an upgrade whose answer was lost: is there a job for it, and what runs on the instance?

Only a job that is named an upgrade, of this instance and of the right time, is taken for ours; any other may be
somebody else's backup or restart. Everything that is assumed about the (undocumented) names is in this module.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from bot.core.errors import CloudError
from bot.core.messages import Language
from bot.core.upgrade import SearchResult
from bot.taurusdb.http import (
    JsonObject,
    ProjectApi,
    as_text,
    error_from_response,
    format_time,
    parse_job_id,
    parse_time,
)
from bot.taurusdb.inventory import InstanceScanner, ListedInstance, actions_of, get_instance

STEP_SECONDS = 15.0
PAGE_SIZE = 50
MAX_PAGES = 20
MAX_VERIFIED_CANDIDATES = 5
CLOCK_TOLERANCE_SECONDS = 5.0
TIME_RESOLUTION_SECONDS = 2.0  # the API's times and its Date header have no fractions
_UPGRADE_NAME = re.compile(r"upgrad", re.IGNORECASE)  # UpgradeStarRocks…, VERSION_UPGRADE, UPGRADING
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
class _InstanceView:
    """The instance as the search saw it; `is_latest`: there is no newer version to upgrade to."""

    candidates: tuple[JobCandidate, ...]
    is_busy: bool
    is_latest: bool


class JobSearch:
    """Searches immediate tasks, scheduled tasks and the instance's actions; what cannot be read is left out."""

    def __init__(self, api: ProjectApi, scanner: InstanceScanner, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._scanner = scanner
        self._clock = clock

    async def find(self, instance_id: str, *, delay: bool, since: float, language: Language) -> str | SearchResult:
        """The job id of an upgrade sent after `since` (UNIX seconds, our clock), or what was seen instead."""
        immediate, scheduled = await asyncio.gather(
            _try_step(self._immediate_tasks(since, language)),
            _try_step(self._scheduled_tasks(instance_id, language)) if delay else _no_step(),
        )
        cloud_since = since + self._api.clock_skew
        tasks = (*(scheduled or ()), *(immediate or ()))
        if job_id := best_candidate(tasks, instance_id, cloud_since):
            return job_id
        listed = await _try_step(self._scanner.find(instance_id, language))
        parent_id = listed.instance.parent_id if listed else None
        view = await _try_step(self._view(parent_id, instance_id, language)) if parent_id else None
        if view and (job_id := best_candidate(view.candidates, instance_id, cloud_since)):
            return job_id
        for candidate in parent_candidates(tasks, parent_id, cloud_since)[:MAX_VERIFIED_CANDIDATES]:
            if await _try_step(self._is_of_instance(candidate, instance_id, listed, language)):
                return candidate.job_id
        is_blind = immediate is None or (delay and scheduled is None)
        others = any(
            candidate.instance_id == instance_id and candidate.created_at >= cloud_since - TIME_RESOLUTION_SECONDS
            for candidate in tasks
        )
        return _search_result(view, is_blind=is_blind, has_other_jobs=others)

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
        job_instance_id = instance.get("id") if isinstance(instance, dict) else None
        if job_instance_id == instance_id:
            return True
        return (
            listed is not None
            and job_instance_id == listed.instance.parent_id
            and candidate.instance_name not in listed.sibling_names
        )

    async def _immediate_tasks(self, since: float, language: Language) -> list[JobCandidate]:
        """The tasks of the project created since then."""
        skew = self._api.clock_skew
        query = {
            "start_time": format_time(since + skew - CLOCK_TOLERANCE_SECONDS),
            "end_time": format_time(max(since, self._clock()) + skew + 60),
        }
        rows = await self._api.get_list(
            "immediate-jobs", query, language, key="jobs", page_size=PAGE_SIZE, max_pages=MAX_PAGES
        )
        return _candidates(rows, created="created_time", name="job_name")

    async def _scheduled_tasks(self, instance_id: str, language: Language) -> list[JobCandidate]:
        """The tasks of the instance that wait for its maintenance window."""
        query = {"instance_id": instance_id, "status": "Pending"}
        rows = await self._api.get_list(
            "scheduled-jobs", query, language, key="schedules", page_size=PAGE_SIZE, max_pages=1
        )
        pending = [row for row in rows if row.get("job_status") == "Pending"]
        return _candidates(pending, created="create_time", name="job_name")

    async def _view(self, parent_id: str, instance_id: str, language: Language) -> _InstanceView | None:
        """The instance itself; None when the response does not show it."""
        response, row = await get_instance(self._api, parent_id, instance_id, language)
        if not response.is_object:
            raise error_from_response(response)
        if row is None:
            return None
        actions = actions_of(row)
        candidates = _candidates(actions, created="created_at", name="action", instance_id=instance_id)
        return _InstanceView(tuple(candidates), bool(actions), row.get("new_version_available") is False)


def best_candidate(candidates: Iterable[JobCandidate], instance_id: str, since: float) -> str | None:
    """The job that is most likely the upgrade of this instance sent after `since`, if there is any."""
    ranked = _ranked((candidate for candidate in candidates if candidate.instance_id == instance_id), since)
    return ranked[0].job_id if ranked else None


def parent_candidates(candidates: Iterable[JobCandidate], parent_id: str | None, since: float) -> list[JobCandidate]:
    """What may be an upgrade listed under the TaurusDB instance's id (any such, if None), the most likely first."""
    return _ranked(
        (
            candidate
            for candidate in candidates
            if (candidate.instance_id == parent_id if parent_id else candidate.instance_id.endswith("in07"))
            and not _is_taurusdb_job(candidate.name)
        ),
        since,
    )


def _ranked(candidates: Iterable[JobCandidate], since: float) -> list[JobCandidate]:
    """Those that are named an upgrade, of the right time: the older first, those older than `since` only at the end."""
    upgrades = [
        candidate
        for candidate in candidates
        if _UPGRADE_NAME.search(candidate.name) and candidate.created_at >= since - CLOCK_TOLERANCE_SECONDS
    ]
    return sorted(
        upgrades,
        key=lambda candidate: (candidate.created_at < since - TIME_RESOLUTION_SECONDS, candidate.created_at),
    )


def _is_taurusdb_job(job_name: str) -> bool:
    """Whether a job's name says that it is about the TaurusDB instance, not about StarRocks within it."""
    name = job_name.lower()
    return _TAURUSDB_PRODUCT in name and not any(product in name for product in _STARROCKS_PRODUCTS)


def _candidates(
    rows: Iterable[JsonObject], *, created: str, name: str, instance_id: str | None = None
) -> list[JobCandidate]:
    """The rows whose job and time can be read (without them it could be any older job); `created`, `name` are fields.

    An `instance_id` stands for the field that actions do not have.
    """
    candidates = []
    for row in rows:
        job_id, created_at = parse_job_id(row.get("job_id")), parse_time(row.get(created))
        owner_id = row.get("instance_id") if instance_id is None else instance_id
        if job_id and created_at is not None and isinstance(owner_id, str):
            instance_name = as_text(row.get("instance_name"))
            candidates.append(JobCandidate(job_id, owner_id, created_at, as_text(row.get(name)), instance_name))
    return candidates


def _search_result(view: _InstanceView | None, *, is_blind: bool, has_other_jobs: bool) -> SearchResult:
    """The result without a job; IDLE is told as "probably not started", so every source must have answered.

    On the newest version and with nothing running the upgrade may be over already.
    """
    if (view is not None and view.is_busy) or has_other_jobs:
        return SearchResult.BUSY
    if view is None or view.is_latest or is_blind:
        return SearchResult.INCONCLUSIVE
    return SearchResult.IDLE


async def _try_step(step: Awaitable[T]) -> T | None:
    """The result of one step, None when the cloud does not give it in STEP_SECONDS."""
    try:
        async with asyncio.timeout(STEP_SECONDS):
            return await step
    except (CloudError, TimeoutError) as error:
        log.info("job_search.step_failed", extra={"error": str(error) or f"no answer within {STEP_SECONDS:g} s"})
        return None


async def _no_step() -> None:
    """Stands in for a step that is not needed."""
