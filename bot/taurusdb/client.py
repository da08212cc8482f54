"""The client of TaurusDB: starts upgrades, polls their jobs, searches for one whose answer was lost.

https://support.huaweicloud.com/intl/en-us/api-taurusdb/UpgradeStarRocksVersion.html
"""

import asyncio
import logging
import math
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from bot.core.errors import NotSent, OutcomeUnknown, Rejected
from bot.core.instances import region_of
from bot.core.messages import Language
from bot.core.polling import AcceptedUpgrade, Job, UpgradeSearch, job_status
from bot.core.ports import NO_METRICS, Metrics
from bot.core.upgrade import SearchMiss
from bot.network import DIRECT, Network
from bot.taurusdb.http import (
    CONNECT_SECONDS,
    RESPONSE_SECONDS,
    Credentials,
    DeadlinePassed,
    HttpClient,
    ProjectApi,
    ReadSlots,
    SignInPaused,
)
from bot.taurusdb.inventory import InstanceScanner, Inventory
from bot.taurusdb.job_search import JobSearch
from bot.taurusdb.responses import MAX_TEXT, ApiResponse, as_text, error_from_response, parse_job_id

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 1.0  # doubled each time, with up to a half more at random
NO_ATTEMPT_AFTER_SECONDS = 90.0

_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", re.ASCII)

log = logging.getLogger("bot.taurusdb")


class TaurusDb:
    """The `CloudApi` of the core for one project; created once for the process and closed at the end.

    `project` (`region:project_id`) is given when there are several (projects.py).
    """

    def __init__(
        self,
        endpoint: str,
        project_id: str,
        credentials: Credentials,
        *,
        network: Network = DIRECT,
        metrics: Metrics = NO_METRICS,
        connect_seconds: float = CONNECT_SECONDS,
        response_seconds: float = RESPONSE_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        slots: ReadSlots | None = None,
        project: str = "",
    ) -> None:
        self._region = region_of(project)
        self._http = HttpClient(network, connect_seconds)
        self._credentials = credentials
        self._metrics = metrics
        self._api = ProjectApi(self._http, endpoint, project_id, credentials, response_seconds, clock, slots, project)
        scanner = InstanceScanner(self._api, clock)
        self._job_search = JobSearch(self._api, scanner, clock)
        self.inventory = Inventory(self._api, scanner, clock)
        self._clock = clock
        self._sleep = sleep

    async def aclose(self) -> None:
        """End what runs in the background and close every connection."""
        await self.inventory.aclose()
        await self._credentials.aclose()
        await self._http.aclose()

    async def upgrade(
        self,
        instance_id: str,
        *,
        delay: bool,
        skip_validate: bool,
        language: Language,
        may_send: Callable[[], Awaitable[bool]],
    ) -> AcceptedUpgrade:
        """Send the upgrade, at most once with effect.

        Only an attempt that was certainly not passed on is repeated: MAX_ATTEMPTS, none begun after 90 s.
        """
        path = f"instances/{quote(instance_id, safe='')}/starrocks/db-upgrade"
        body = {"delay": delay, "is_skip_validate": skip_validate}
        last_attempt_at = self._clock() + NO_ATTEMPT_AFTER_SECONDS
        attempts = 0
        with self._measured("upgrade"):
            while True:
                try:
                    return _accepted_upgrade(await self._api.post(path, body, language, may_send))
                except (DeadlinePassed, SignInPaused):
                    raise
                except NotSent as error:
                    attempts += 1
                    wait = _retry_pause(attempts, error.retry_after)
                    if attempts == MAX_ATTEMPTS or self._clock() + wait > last_attempt_at:
                        raise
                    log.info(
                        "submit.retried",
                        extra={"instance": instance_id, "reason": str(error), "retry_seconds": round(wait, 1)},
                    )
                await self._sleep(wait)

    async def job(self, job_id: str, language: Language) -> Job | None:
        """The job, or None when the cloud knows none with this id."""
        with self._measured("job"):
            response = await self._api.get("jobs", {"id": job_id}, language)
            if _is_job_not_found(response):
                return None
            if response.status != 200:
                raise error_from_response(response)
            return _parse_job(response, job_id)

    async def cancel_scheduled(self, job_id: str, language: Language) -> bool:
        """Delete a scheduled task: DELETE …/scheduled-jobs; False when the cloud did not name it as deleted."""
        with self._measured("cancel_scheduled"):
            response = await self._api.delete("scheduled-jobs", {"job_ids": [job_id]}, language)
            if not response.is_object:
                raise error_from_response(response)
            deleted_ids = response.get("job_ids")
            return isinstance(deleted_ids, list) and job_id in deleted_ids

    async def find_upgrade(self, search: UpgradeSearch, language: Language) -> str | SearchMiss:
        """The job id of an upgrade whose answer was lost, or what was seen of the instance instead."""
        with self._measured("find_upgrade"):
            return await self._job_search.find(search, language)

    @contextmanager
    def _measured(self, operation: str) -> Iterator[None]:
        """Report an operation's outcome and duration to the metrics."""
        began, outcome = time.perf_counter(), "ok"
        try:
            yield
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            self._metrics.cloud_called(operation, outcome, time.perf_counter() - began, self._region)


def _outcome(error: BaseException) -> str:
    """The metrics' word for what ended an operation."""
    match error:
        case NotSent():
            return "not_sent"
        case Rejected():
            return "rejected"
        case OutcomeUnknown():
            return "unknown"
        case _:
            return "cancelled"


def _accepted_upgrade(response: ApiResponse) -> AcceptedUpgrade:
    """The job of a 2xx; raises the error of any other response."""
    job_id = parse_job_id(response.get("job_id"))
    if 200 <= response.status < 300 and job_id:
        return AcceptedUpgrade(job_id, response.api_request_id)
    raise error_from_response(response, "the answer holds no job_id")


def _retry_pause(attempts: int, retry_after: float | None) -> float:
    """Seconds to wait after so many attempts: longer each time, and never shorter than the cloud wants."""
    backoff = BACKOFF_SECONDS * 2.0 ** (attempts - 1)
    return max(backoff, retry_after or 0.0) + random.uniform(0.0, backoff / 2)


def _is_job_not_found(response: ApiResponse) -> bool:
    """Whether the cloud says that it knows no such job.

    The code is undocumented. The job's id is all that varies in this request, so any 400 or 404 of the service is
    taken for it; a code of the gateway is about something else.
    """
    return response.status in (400, 404) and not response.code.startswith("APIG")


def _parse_job(response: ApiResponse, job_id: str) -> Job | None:
    """The job of a 200; None when it holds none; raises `CloudError` when that is no job."""
    if not response.is_object:
        raise error_from_response(response, "the answer is no JSON object")
    job = response.get("job")
    if job is None or job == {}:
        return None
    status = job_status(as_text(job.get("status"))) if isinstance(job, dict) else ""
    if not isinstance(job, dict) or not status:
        raise error_from_response(response, "the answer holds no job")
    return Job(job_id, status, parse_percent(job.get("process")), as_text(job.get("fail_reason"), MAX_TEXT))


def parse_percent(process: object) -> int | None:
    """Read `60%`, `60` or 60 as 60; None when it is no number from 0 to 100."""
    if isinstance(process, str) and (match := _PERCENT.fullmatch(process)):
        process = float(match.group(1))
    if isinstance(process, bool) or not isinstance(process, int | float) or not math.isfinite(process):
        return None
    return int(process) if 0 <= process <= 100 else None
