"""Reading jobs: the cloud's JSON ends here."""

import math
import re

from bot.core.looks import Job
from bot.taurusdb.answer import Answer
from bot.taurusdb.errors import fault_of

_JOB_ID = re.compile(r"[!-~]{1,128}")  # visible ASCII: it goes into addresses and headers
_NUMBER = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", re.ASCII)


def job_id_of(answer: Answer) -> str | None:
    """The `job_id` of an answer if it is one."""
    return usable_id(answer.value.get("job_id")) if isinstance(answer.value, dict) else None


def usable_id(value: object) -> str | None:
    """A job id, None for anything else."""
    return value if isinstance(value, str) and _JOB_ID.fullmatch(value) else None


def job_of(answer: Answer, job_id: str) -> Job | None:
    """The job of a 200; None when there is none in it; a Fault when that is no job."""
    if not isinstance(answer.value, dict):
        raise fault_of(answer, "the answer is no JSON object")
    job = answer.value.get("job")
    if job is None or job == {}:
        return None
    if not isinstance(job, dict) or not isinstance(job.get("status"), str):
        raise fault_of(answer, "the answer holds no job")
    reason = job.get("fail_reason")
    return Job(job_id, job["status"].strip(), percent_of(job.get("process")), reason if isinstance(reason, str) else "")


def percent_of(process: object) -> int | None:
    """Read `60%`, `60` or 60 as 60; None when there is no number from 0 to 100 in it."""
    if isinstance(process, str) and (found := _NUMBER.fullmatch(process)):
        process = float(found.group(1))
    if isinstance(process, bool) or not isinstance(process, int | float) or not math.isfinite(process):
        return None
    return int(process) if 0 <= process <= 100 else None
