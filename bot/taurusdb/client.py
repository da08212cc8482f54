"""TaurusDB as the flow needs it: start an upgrade, look at its job, look for one whose answer was lost.

https://support.huaweicloud.com/intl/en-us/api-taurusdb/UpgradeStarRocksVersion.html
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bot.core.looks import Accepted, Job
from bot.core.reasons import NotSent
from bot.core.sentence import Language
from bot.core.upgrade import Sight
from bot.taurusdb.answer import Answer
from bot.taurusdb.auth import SignIn
from bot.taurusdb.calls import Calls, TimeOver
from bot.taurusdb.directory import InstanceDirectory
from bot.taurusdb.errors import fault_of, job_unknown
from bot.taurusdb.finding import Finding
from bot.taurusdb.jobs import job_id_of, job_of
from bot.taurusdb.parents import Parents
from bot.taurusdb.wire import ANSWER_SECONDS, CONNECT_SECONDS, http_client

TRIES = 3
BACKOFF_SECONDS = 1.0  # doubled each time, with up to a half more at random
NO_TRY_AFTER_SECONDS = 90.0

log = logging.getLogger("bot.taurusdb")


class TaurusDb:
    """The `Cloud` of the core; one for the process, closed at the end."""

    def __init__(
        self,
        endpoint: str,
        project_id: str,
        sign_in: SignIn,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http_client(connect_seconds, answer_seconds)
        self._sign_in = sign_in
        self._calls = Calls(self._http, endpoint, project_id, sign_in, answer_seconds, clock)
        parents = Parents(self._calls, clock)
        self._finding = Finding(self._calls, parents, clock)
        self.directory = InstanceDirectory(self._calls, parents, clock)
        self._clock = clock
        self._sleep = sleep

    def refused_lately(self, seconds: float) -> str:
        """Why the cloud did not let us in within these last seconds; empty when it did since, or was not asked."""
        refusal = self._calls.refusal
        return refusal.why if refusal.why and self._clock() - refusal.at < seconds else ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop signing in and close every connection."""
        await self.directory.aclose()
        await self._sign_in.aclose()
        await self._http.aclose()

    async def upgrade(
        self, instance_id: str, *, delay: bool, skip_validate: bool, language: Language, may_send: Callable[[], bool]
    ) -> Accepted:
        """Send the upgrade, at most once with effect; its job.

        Only what was certainly not passed on is tried again: three tries, none of them begun after 90 s.
        """
        path = f"instances/{quote(instance_id, safe='')}/starrocks/db-upgrade"
        body = {"delay": delay, "is_skip_validate": skip_validate}
        last_try_at = self._clock() + NO_TRY_AFTER_SECONDS
        tries = 0
        while True:
            try:
                return _started(await self._calls.send(path, body, language, may_send))
            except TimeOver:
                raise
            except NotSent as fault:
                tries += 1
                wait = _pause(tries, fault.retry_after)
                if tries == TRIES or self._clock() + wait > last_try_at:
                    raise
                log.info(
                    "upgrade.not_sent", extra={"instance": instance_id, "fault": str(fault), "again_in": round(wait, 1)}
                )
            await self._sleep(wait)

    async def job(self, job_id: str, language: Language) -> Job | None:
        """The job, or None when the cloud knows none of this id."""
        answer = await self._calls.read("jobs", {"id": job_id}, language)
        if job_unknown(answer):
            return None
        if answer.status != 200:
            raise fault_of(answer)
        return job_of(answer, job_id)

    async def cancel_scheduled(self, job_id: str, language: Language) -> bool:
        """Take a scheduled task back: DELETE …/scheduled-jobs; False when the cloud did not name it as cancelled."""
        answer = await self._calls.remove("scheduled-jobs", {"job_ids": [job_id]}, language)
        if answer.status in (400, 404, 409):
            return False  # no longer a scheduled task: it has begun, or is over
        if answer.status != 200 or not isinstance(answer.value, dict):
            raise fault_of(answer)
        cancelled = answer.value.get("job_ids")
        return isinstance(cancelled, list) and job_id in cancelled

    async def find(self, instance_id: str, *, delay: bool, since: float, language: Language) -> str | Sight:
        """Look for an upgrade sent after `since` whose answer was lost."""
        return await self._finding.find(instance_id, delay=delay, since=since, language=language)


def _started(answer: Answer) -> Accepted:
    """The job of an upgrade that was accepted; raises what the answer is instead."""
    job_id = job_id_of(answer)
    if 200 <= answer.status < 300 and job_id:
        return Accepted(job_id, answer.request_id)
    raise fault_of(answer, "the answer holds no job_id")


def _pause(tries: int, retry_after: float | None) -> float:
    """How long to wait after so many tries: longer each time, and never shorter than the cloud wants."""
    backoff = BACKOFF_SECONDS * 2.0 ** (tries - 1)
    return max(backoff, retry_after or 0.0) + random.uniform(0.0, backoff / 2)
