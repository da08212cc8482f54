"""`POST …/starrocks/db-upgrade`: what is checked, in what order, and what an accepted upgrade does."""

from __future__ import annotations

import json
import re

from bot.sandbox.cloud.answers import BUSY, FAULTY, LATEST, NOT_FOUND, PARAMETER, Answer, ApiError, in_json
from bot.sandbox.cloud.jobs import Job
from bot.sandbox.cloud.operations import Asked
from bot.sandbox.cloud.region import Fate, Region

_ID = re.compile(r"[0-9A-Za-z]{36}")
_SWITCHES = (True, False, "true", "false")  # the page says strings, its example and the SDK send booleans
LANGUAGES = ("en-us", "zh-cn")


def upgrade(region: Region, asked: Asked, fate: Fate) -> tuple[Answer, Job | None]:
    """Answer an upgrade; the job is there when it took effect."""
    delay = _delay(asked)
    if isinstance(delay, str):
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} {delay}"), None
    if not _ID.fullmatch(asked.ids["instance"]):
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} instance_id"), None
    instance = region.instance(asked.ids["instance"])
    if instance is None:
        return NOT_FOUND.answer(asked.request_id), None
    error: ApiError | None = None
    if region.live_job(instance) or instance.actions:
        error = BUSY
    elif instance.status != "normal":
        error = FAULTY
    elif not instance.newer:
        error = LATEST
    if error:
        return error.answer(asked.request_id), None
    job = region.accept(instance, delay, fate)
    return in_json({"job_id": job.id}), job


def _delay(asked: Asked) -> bool | str:
    """Read the request's `delay`; or name what is wrong with the request."""
    if asked.query:
        return "The path takes no query."
    if asked.language not in LANGUAGES:
        return "X-Language"
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "Content-Type"
    try:
        body = json.loads(asked.body)
    except ValueError:
        return "The body is not JSON."
    if not isinstance(body, dict) or set(body) != {"delay", "is_skip_validate"}:
        return "The body has exactly delay and is_skip_validate."
    for name, value in body.items():
        if not isinstance(value, bool | str) or value not in _SWITCHES:
            return str(name)
    return body["delay"] is True or body["delay"] == "true"
