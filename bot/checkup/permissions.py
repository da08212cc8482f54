"""What the bot may do in the project, tried by calls that only read."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

from bot.checkup.check import Check, Note, failed, passed, skipped, warned
from bot.core.reasons import Fault
from bot.taurusdb.answer import Answer, text
from bot.taurusdb.probing import Probe, refusal
from bot.taurusdb.traces import rows

NO_JOB = str(UUID(int=0))
MOST_PARENTS = 5  # TaurusDB instances that are asked for a StarRocks instance
UPGRADE = "gaussdbformysql:instance:upgrade"
TASKS = "gaussdbformysql:task:list"
INSTANCES = "gaussdbformysql:instance:list"
DETAILS = "gaussdbformysql:htapInstance:get"
ELSEWHERE = {
    "APIGW.0101": "check HW_REGION_NAME and TAURUSDB_ENDPOINT: this API is not there",
    "APIGW.0310": "check HW_PROJECT_ID: it is the id of the region's project (My Credentials > Projects)",
    "APIGW.0802": "check HW_REGION_NAME: the IAM user may not work in this region",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A call that only reads, and the IAM action that allows it."""

    name: str
    action: str
    path: str
    query: dict[str, str] = field(default_factory=dict)


TASK_LIST = Question("immediate-jobs", TASKS, "immediate-jobs", {"offset": "0", "limit": "10"})
JOB = Question("jobs", TASKS, "jobs", {"id": NO_JOB})
SCHEDULED = Question("scheduled-jobs", TASKS, "scheduled-jobs", {"offset": "0", "limit": "10"})
TAURUSDB = Question("instances", INSTANCES, "instances", {"offset": "0", "limit": "100"})


async def check_permissions(note: Note, probe: Probe, sign_in_remedy: str) -> None:
    """The first question shows whether the cloud knows us at all; only then the others are asked."""
    answer = await _ask(note, probe, TASK_LIST, sign_in_remedy)
    if answer is not None and answer.status == 401:
        note(skipped("cloud.permissions", "there is no signing in"))
        return
    await asyncio.gather(
        _ask(note, probe, JOB, sign_in_remedy),
        _ask(note, probe, SCHEDULED, sign_in_remedy),
        _look_at_instances(note, probe, sign_in_remedy),
    )
    seen = f"{UPGRADE} cannot be tried without upgrading something: see that the policy grants it"
    note(skipped("cloud.permission.db-upgrade", seen))


async def _look_at_instances(note: Note, probe: Probe, sign_in_remedy: str) -> None:
    """From the TaurusDB instances to one StarRocks instance and its details."""
    listed = await _ask(note, probe, TAURUSDB, sign_in_remedy)
    parents = (
        [] if listed is None or listed.status != 200 else [text(row.get("id")) for row in rows(listed, "instances")]
    )
    quiet: Note = lambda _: None  # noqa: E731 - most TaurusDB instances have no StarRocks: that is no finding
    for parent in parents[:MOST_PARENTS]:
        below = Question("htap", DETAILS, f"instances/{quote(parent, safe='')}/htap")
        found = await _ask(quiet, probe, below, sign_in_remedy)
        if found is None:
            continue
        ids = [text(row.get("id")) for row in rows(found, "instances")]
        if ids or found.status == 403:
            note(_verdict(below, found, sign_in_remedy))
        if ids:
            path = f"instances/{quote(parent, safe='')}/starrocks/{quote(ids[0], safe='')}"
            await _ask(note, probe, Question("starrocks", DETAILS, path), sign_in_remedy)
        if ids or found.status == 403:
            return
    why = f"{DETAILS}: no StarRocks instance was found to look at"
    note(skipped("cloud.permission.starrocks", why))


async def _ask(note: Note, probe: Probe, question: Question, sign_in_remedy: str) -> Answer | None:
    """Ask and note what the answer says about the permission; None when there was no answer."""
    try:
        answer = await probe.ask(question.path, question.query)
    except Fault as fault:
        note(_untried(question, str(fault)))
        return None
    note(_verdict(question, answer, sign_in_remedy))
    return answer


def _verdict(question: Question, answer: Answer, sign_in_remedy: str) -> Check:
    """What an answer means: a service that answers about the matter itself has let us in."""
    name, fault = f"cloud.permission.{question.name}", refusal(answer)
    if answer.status == 401:
        return failed("cloud.sign_in", f"the cloud refuses: {fault}", sign_in_remedy)
    if answer.code in ELSEWHERE:
        return failed(name, str(fault), ELSEWHERE[answer.code])
    if answer.status == 403:
        remedy = f"grant {question.action} to the bot's IAM user in this project"
        return failed(name, f"{question.action} is denied: {fault}", remedy)
    told = answer.status == 200 and isinstance(answer.value, dict)
    if told or (answer.status in (400, 404) and answer.code.startswith("DBS.")):
        return passed(name, f"{question.action} is granted")
    return _untried(question, str(fault))


def _untried(question: Question, why: str) -> Check:
    """The cloud did not say."""
    return warned(f"cloud.permission.{question.name}", f"{question.action}: {why}", "run the doctor again in a minute")
