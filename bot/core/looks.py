"""What a look at the cloud means for an upgrade that runs or is being looked for: pure steps, and when to look next."""

from dataclasses import dataclass, replace

from bot.core.upgrade import News, Sight, State, Upgrade

MINUTE = 60.0
FORGOTTEN_AFTER = 30 * 24 * 60 * MINUTE  # the cloud keeps a job for one month
GONE_AFTER = 10 * MINUTE  # a job answered "not found" for so long is gone
SEARCH_SECONDS = (1.0, 3.0, 6.0, 12.0, 24.0, 40.0, 60.0, 85.0, 120.0)  # looks after a lost answer
TROUBLE_AFTER = 3  # failed looks in a row that are worth a word

ENDS = {"Completed": State.COMPLETED, "Failed": State.FAILED, "Canceled": State.CANCELED}
WAITING = {"Pending", "Unauthorized"}


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the cloud: `status` as the API says it, `percent` 0 to 100 or None."""

    id: str
    status: str
    percent: int | None = None
    fail_reason: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The cloud took an upgrade; `request_id` is what its support asks for, empty when it did not say."""

    job_id: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is looked: `poll_seconds` for a running job, a job that waits for its window much more rarely."""

    poll_seconds: float = 10.0

    def after(self, upgrade: Upgrade, at: float) -> float:
        """When to look at this job again."""
        if upgrade.misses:
            return at + min(self.poll_seconds * 2.0 ** min(upgrade.misses, 6), max(300.0, self.poll_seconds))
        rarely = upgrade.job_status == "Unauthorized" or (upgrade.delay and upgrade.job_status == "Pending")
        return at + self.poll_seconds * (12 if rarely else 1)


def seen(upgrade: Upgrade, job: Job, at: float, pace: Pace) -> Upgrade:
    """The cloud showed the job: it goes on, or it has ended."""
    changed = (job.status, job.percent) != (upgrade.job_status, upgrade.percent)
    step = replace(upgrade, job_status=job.status, percent=job.percent, looks=upgrade.looks + 1)
    step = replace(step, misses=0, missing_since=None)
    end = ENDS.get(job.status)
    if end:
        step = replace(step, state=end, fail_reason=job.fail_reason, ended_at=at, look_at=None)
        return step.with_news(at, News.CARD, News(end.value), News.PROGRESS)
    step = replace(step, look_at=pace.after(step, at))
    return step.with_news(at, News.PROGRESS) if changed else step.scheduled()


def unseen(upgrade: Upgrade, at: float, pace: Pace) -> Upgrade:
    """The cloud knows no such job: normal for a minute after the start, the end of it after ten."""
    since = at if upgrade.missing_since is None else upgrade.missing_since
    step = replace(upgrade, looks=upgrade.looks + 1, missing_since=since)
    if _forgotten(upgrade, at) or at - since >= GONE_AFTER:
        return unresolved(step, at)
    if at - (upgrade.decided_at or at) < MINUTE:
        return replace(step, look_at=at + pace.poll_seconds).scheduled()
    return _missed(step, at, pace)


def unanswered(upgrade: Upgrade, at: float, pace: Pace) -> Upgrade:
    """The cloud did not answer the look; three in a row are told once, looking goes on more slowly."""
    if _forgotten(upgrade, at):
        return unresolved(upgrade, at)
    return _missed(replace(upgrade, looks=upgrade.looks + 1), at, pace)


def not_found(upgrade: Upgrade, sight: Sight, at: float) -> Upgrade:
    """A look for a lost upgrade found nothing: look again, and say so when two minutes of looking are over."""
    step = replace(upgrade, looks=upgrade.looks + 1, sight=sight.value)
    if step.looks >= len(SEARCH_SECONDS):
        return unresolved(step, at)
    wait = SEARCH_SECONDS[step.looks] - SEARCH_SECONDS[step.looks - 1]
    return replace(step, look_at=at + wait).scheduled()


def unresolved(upgrade: Upgrade, at: float) -> Upgrade:
    """Nobody can say what became of it; a person decides."""
    step = replace(upgrade, state=State.UNRESOLVED, ended_at=at, look_at=None)
    button = (News.PROGRESS,) if step.delay and step.progress_ts else ()  # there is nothing to cancel any more
    return step.with_news(at, News.UNRESOLVED, News.CARD, *button)


def _missed(upgrade: Upgrade, at: float, pace: Pace) -> Upgrade:
    """One more failed look in a row."""
    step = replace(upgrade, misses=upgrade.misses + 1)
    step = replace(step, look_at=pace.after(step, at))
    return step.with_news(at, News.TROUBLE) if step.misses == TROUBLE_AFTER else step.scheduled()


def _forgotten(upgrade: Upgrade, at: float) -> bool:
    """Whether the cloud has forgotten the job by now."""
    return at - (upgrade.decided_at or at) > FORGOTTEN_AFTER
