"""What a poll of a job, or a search for a lost one, means for the upgrade, and when the next one is due: pure steps."""

from collections.abc import Set
from dataclasses import dataclass
from unicodedata import normalize

from bot.core.instances import Instance, version_text
from bot.core.notifications import Notification
from bot.core.upgrade import (
    END_ALARMS,
    PENDING,
    RUNNING,
    UNAUTHORIZED,
    EndCheck,
    SearchMiss,
    SearchResult,
    State,
    Upgrade,
    replace,
)

MINUTE = 60.0
JOB_RETENTION_SECONDS = 30 * 24 * 60 * MINUTE  # the cloud keeps a job for one month
JOB_GONE_SECONDS = 10 * MINUTE  # a job answered "not found" for so long is gone
JOB_APPEARS_SECONDS = MINUTE  # a new job may be unknown to the API for several seconds
SEARCH_SECONDS = (1.0, 3.0, 6.0, 12.0, 24.0, 40.0, 60.0, 85.0, 120.0)  # searches after a lost answer, from its loss on
FAILED_POLLS_NOTIFIED = 3  # failed polls in a row that people are told of
MAX_BACKOFF_FACTOR = 6.0  # a failed poll is followed by the next one after at most so many intervals, and a minute
MAX_BACKOFF_SECONDS = MINUTE
SLOW_POLL_FACTOR = 12  # a job that waits for its window or for an authorization changes rarely

UNKNOWN_STATUS_SECONDS = 24 * 60 * MINUTE  # a job in a status that nobody understands is given up after so long
UNKNOWN_STATUS_POLL_SECONDS = MINUTE

END_CHECK_SECONDS = 15.0  # between two reads of the instance after its job was completed
END_CHECK_LIMIT_SECONDS = 10 * MINUTE
NOT_READ = "-"  # `Upgrade.end_snapshot` when the instance could not be read

COMPLETED = "Completed"
FAILED = "Failed"
CANCELED = "Canceled"
FINAL_STATUSES = {COMPLETED: State.COMPLETED, FAILED: State.FAILED, CANCELED: State.CANCELED}
# The documented words, and others that mean the same: in lower case, letters only. The last ones are the console's.
_STATUS_WORDS = {
    PENDING: "pending waiting queued queuing 待执行 等待执行 等待中",
    RUNNING: "running inprogress processing executing 执行中 运行中",
    COMPLETED: "completed complete success succeeded succeed successful finished finish done 已完成 完成 成功 执行成功",
    FAILED: "failed fail failure error 失败 执行失败",
    CANCELED: "canceled cancelled cancel 已取消 取消",
    UNAUTHORIZED: "unauthorized unauthorised 待授权",
}
_STATUSES = {word: status for status, words in _STATUS_WORDS.items() for word in words.split()}


def job_status(word: str) -> str:
    """The documented status that a word of the API stands for (`SUCCESS`, `in_progress`), else the word itself."""
    return _STATUSES.get("".join(filter(str.isalpha, normalize("NFKC", word))).lower(), word)


def is_known_status(status: str) -> bool:
    """Whether a status is a documented one; the empty one is of a job that was not read yet."""
    return not status or status in _STATUS_WORDS


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the cloud: `status` as `job_status` has it, `percent` 0 to 100 or None."""

    id: str
    status: str
    percent: int | None = None
    fail_reason: str = ""


@dataclass(frozen=True, slots=True)
class AcceptedUpgrade:
    """The cloud's answer to an accepted POST; `api_request_id` is empty when it named none."""

    job_id: str
    api_request_id: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeSearch:
    """Which upgrade is searched for: confirmed at `since`; `until` is the next confirmation for the instance, if any.

    Both in UNIX seconds by our clock. `other_job_ids` belong to other requests.
    """

    instance_id: str
    delay: bool
    since: float
    until: float | None = None
    other_job_ids: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """When a job is polled next; `poll_seconds` is the interval for a running one."""

    poll_seconds: float = 10.0

    def next_poll_at(self, upgrade: Upgrade, at: float) -> float:
        """The time of the next poll: exponential backoff after failed polls, rarer while the job waits."""
        if upgrade.failed_polls:
            backoff = self.poll_seconds * min(2.0 ** min(upgrade.failed_polls, 6), MAX_BACKOFF_FACTOR)
            return at + min(backoff, max(MAX_BACKOFF_SECONDS, self.poll_seconds))
        if not is_known_status(upgrade.job_status):
            return at + max(UNKNOWN_STATUS_POLL_SECONDS, self.poll_seconds)
        waits = upgrade.job_status == UNAUTHORIZED or (upgrade.delay and upgrade.job_status == PENDING)
        return at + self.poll_seconds * (SLOW_POLL_FACTOR if waits else 1)


def job_polled(
    upgrade: Upgrade, job: Job, at: float, schedule: PollSchedule, instance: Instance | None = None
) -> Upgrade:
    """The cloud showed the job: it goes on, or it has ended; `instance` is as it was read after the end, if it was."""
    changed = (job.status, job.percent) != (upgrade.job_status, upgrade.progress_percent)
    unknown_since = _unknown_since(upgrade, job, at)
    row = replace(
        upgrade,
        job_status=job.status,
        progress_percent=job.percent,
        progress_at=at if changed else upgrade.progress_at,
        started_at=at if upgrade.started_at is None and job.status == RUNNING else upgrade.started_at,
        poll_count=upgrade.poll_count + 1,
        failed_polls=0,
        job_missing_since=unknown_since,
    )
    if unknown_since is not None and (_is_past_retention(upgrade, at) or at - unknown_since >= UNKNOWN_STATUS_SECONDS):
        return unresolved(row, at)
    final_state = FINAL_STATUSES.get(job.status)
    if final_state:
        instance = instance and instance.with_nodes_of(upgrade.instance_before)
        row = replace(row, state=final_state, fail_reason=job.fail_reason, ended_at=at, next_poll_at=None)
        row = replace(row, end_snapshot=instance.to_json() if instance else NOT_READ)
        if final_state is State.COMPLETED:
            row = _end_checked(row, instance, EndCheck.CHECKING, at)
        end = Notification(final_state.value)
        return row.with_notifications(at, end, Notification.CARD_UPDATE, Notification.JOB_PROGRESS, *row.alarm_edits)
    row = replace(row, next_poll_at=schedule.next_poll_at(row, at))
    return row.with_notifications(at, *_progress(upgrade, row)) if changed else row.rescheduled()


def end_checked(upgrade: Upgrade, instance: Instance | None, at: float) -> Upgrade:
    """The instance was read again after its job was completed; None when it could not be read.

    A version that is still the old one at two reads of a normal instance has not changed. In the end what
    the cloud never said is no proof that something is wrong.
    """
    instance = instance and instance.with_nodes_of(upgrade.instance_before)
    earlier = upgrade.instance_after
    last = instance or earlier  # an answer that did not come takes nothing back
    is_back_twice = instance is not None and instance.is_back and earlier is not None and earlier.is_back
    result = EndCheck.CHECKING
    if is_back_twice or at - (upgrade.ended_at or at) >= END_CHECK_LIMIT_SECONDS:
        result = _last_seen(upgrade, last)
    row = replace(upgrade, end_snapshot=instance.to_json()) if instance else upgrade
    row = _end_checked(row, instance, result, at)
    if row.end_check is EndCheck.CHECKING:
        return row.rescheduled()
    alarm = (Notification.END_ALARM,) if row.end_check in END_ALARMS else ()
    return row.with_notifications(at, *alarm, Notification.CARD_UPDATE, Notification.END_UPDATE)


def _last_seen(upgrade: Upgrade, last: Instance | None) -> EndCheck:
    """What the last reading shows, when there is none after it."""
    if last is None or (not last.status and not last.is_busy and last.normal_node_count == last.node_count):
        return EndCheck.NOT_READ
    if not last.is_whole or last.is_busy:
        return EndCheck.NOT_NORMAL
    is_old = version_text(last) and version_text(last) == version_text(upgrade.instance_before)
    return EndCheck.VERSION_UNCHANGED if is_old else EndCheck.NORMAL


def _end_checked(upgrade: Upgrade, instance: Instance | None, otherwise: EndCheck, at: float) -> Upgrade:
    """Normal with a version that is another than before, as far as both are known; else what it is otherwise."""
    is_back = instance is not None and instance.is_back
    before, after = version_text(upgrade.instance_before), version_text(instance)
    result = EndCheck.NORMAL if is_back and after and before != after else otherwise
    normal_at = upgrade.normal_at
    if instance is not None:
        normal_at = (at if normal_at is None else normal_at) if is_back else None
    return replace(
        upgrade,
        end_check=result,
        normal_at=normal_at,
        next_poll_at=at + END_CHECK_SECONDS if result is EndCheck.CHECKING else None,
    )


def _progress(before: Upgrade, after: Upgrade) -> tuple[Notification, ...]:
    """What is told of a poll that showed something new; the card says whether it waits or runs, and each tenth."""
    statuses = (before.job_status, after.job_status)
    is_new_status = before.job_status != after.job_status and (after.delay or UNAUTHORIZED in statuses)
    if not is_new_status and _tenth(after) in (None, _tenth(before)):
        return (Notification.JOB_PROGRESS,)
    alarm = (Notification.AUTHORIZATION_NEEDED,) if is_new_status and after.job_status == UNAUTHORIZED else ()
    return (*alarm, Notification.CARD_UPDATE, Notification.JOB_PROGRESS)


def _tenth(upgrade: Upgrade) -> int | None:
    """The tenths of the progress that the card shows; edits of it at every percent would use up Slack's rate."""
    return None if upgrade.running_percent is None else upgrade.running_percent // 10


def _unknown_since(upgrade: Upgrade, job: Job, at: float) -> float | None:
    """Since when the job is in a status that nobody understands: it is lost like one that is not shown at all."""
    if is_known_status(job.status):
        return None
    was_known = is_known_status(upgrade.job_status) or upgrade.job_missing_since is None
    return at if was_known else upgrade.job_missing_since


def job_missing(upgrade: Upgrade, at: float, schedule: PollSchedule) -> Upgrade:
    """The cloud knows no such job: normal for a minute after the submission, the end of it after ten."""
    # Without a failed poll in between, the time is that of a job which was shown, in an unknown status.
    since = at if upgrade.job_missing_since is None or not upgrade.failed_polls else upgrade.job_missing_since
    row = replace(upgrade, poll_count=upgrade.poll_count + 1, job_missing_since=since)
    if _is_past_retention(upgrade, at) or at - since >= JOB_GONE_SECONDS:
        return unresolved(row, at)
    if at - (upgrade.decided_at or at) < JOB_APPEARS_SECONDS:
        return replace(row, next_poll_at=at + schedule.poll_seconds).rescheduled()
    return _failed_poll(row, at, schedule)


def poll_failed(upgrade: Upgrade, at: float, schedule: PollSchedule) -> Upgrade:
    """The cloud did not answer the poll; three in a row are told once, and polling goes on more slowly."""
    if _is_past_retention(upgrade, at):
        return unresolved(upgrade, at)
    return _failed_poll(replace(upgrade, poll_count=upgrade.poll_count + 1), at, schedule)


def search_missed(upgrade: Upgrade, miss: SearchMiss, at: float) -> Upgrade:
    """A search for a lost upgrade found no job: search again, unresolved after the last one."""
    row = replace(
        upgrade,
        poll_count=upgrade.poll_count + 1,
        search_result=_worse(upgrade.search_result, miss.result),
        operations=miss.operations or upgrade.operations,
    )
    if row.poll_count >= len(SEARCH_SECONDS):
        return unresolved(row, at)
    pause = SEARCH_SECONDS[row.poll_count] - SEARCH_SECONDS[row.poll_count - 1]
    return replace(row, next_poll_at=at + pause).rescheduled()


def _worse(earlier: str, result: SearchResult) -> str:
    """The result of all searches together: idle only if every one of them saw the instance idle."""
    results = {earlier, result.value}
    for value in (SearchResult.BUSY.value, SearchResult.INCONCLUSIVE.value):
        if value in results:
            return value
    return result.value


def unresolved(upgrade: Upgrade, at: float) -> Upgrade:
    """Nobody can say what became of it; a person decides."""
    row = replace(upgrade, state=State.UNRESOLVED, ended_at=at, next_poll_at=None)
    # The job message of a delayed upgrade offers to cancel it: the edit removes that button.
    edit = (Notification.JOB_PROGRESS,) if row.delay and row.job_message_ts else ()
    edit = (*edit, Notification.OUTCOME_UNKNOWN_UPDATE) if row.unknown_message_ts else edit
    return row.with_notifications(at, Notification.UNRESOLVED, Notification.CARD_UPDATE, *edit)


def checked_in_vain(upgrade: Upgrade, miss: SearchMiss, at: float) -> Upgrade:
    """Somebody looked again and found nothing: the message with the button says so, and what was seen this time."""
    result = _worse(upgrade.search_result, miss.result)
    row = replace(upgrade, checked_at=at, search_result=result, operations=miss.operations or upgrade.operations)
    return row.with_notifications(at, Notification.UNRESOLVED_UPDATE) if row.unresolved_message_ts else row


def _failed_poll(upgrade: Upgrade, at: float, schedule: PollSchedule) -> Upgrade:
    row = replace(upgrade, failed_polls=upgrade.failed_polls + 1)
    row = replace(row, next_poll_at=schedule.next_poll_at(row, at))
    if row.failed_polls == FAILED_POLLS_NOTIFIED:
        return row.with_notifications(at, Notification.POLLS_FAILING)
    return row.rescheduled()


def _is_past_retention(upgrade: Upgrade, at: float) -> bool:
    return at - (upgrade.decided_at or at) > JOB_RETENTION_SECONDS
