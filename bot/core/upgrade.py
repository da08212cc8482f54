"""One upgrade from question to end: every step as a pure method that returns a new value (states.py draws the way).

A step is true only once the store's compare-and-set on `revision` has taken it. Times are UNIX seconds.
`due_at` is timer and lease at once: the loop attends to rows that are due, and claims one by moving it ahead.
"""

from dataclasses import dataclass, replace

from bot.core.reasons import (
    AlreadyConfirmed,
    AlreadyExpired,
    AlreadyWithdrawn,
    Fault,
    NotSent,
    Refused,
    TooLate,
    UnknownRequest,
)
from bot.core.sentence import Language, Moment, Person
from bot.core.states import EDITS, LIVE, News, Sight, State

LEASE_SECONDS = 10.0  # how long a claim or a send holds without being renewed
TELL_SECONDS = 10.0  # how long the one who made a step has to tell it before others do


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One row of the store; every field is a column."""

    id: str
    instance_id: str
    delay: bool
    skip_validate: bool
    team_id: str
    channel_id: str
    trigger_id: str
    asked_by: str
    language: Language
    asked_at: float
    expires_at: float
    revision: int = 0
    state: State = State.ASKED
    message_ts: str | None = None
    decided_by: str | None = None
    decided_at: float | None = None
    job_id: str | None = None
    job_status: str = ""
    percent: int | None = None
    fail_reason: str = ""
    ended_at: float | None = None
    http_status: int | None = None
    error_code: str = ""
    error_msg: str = ""
    request_id: str = ""
    sight: str = ""
    looks: int = 0
    misses: int = 0
    missing_since: float | None = None
    look_at: float | None = None
    untold: tuple[News, ...] = ()
    tell_at: float | None = None
    tell_attempts: int = 0
    progress_ts: str | None = None
    progress_at: float | None = None
    direct_channel: str | None = None
    about: str = ""  # the instance as the cloud described it, `Instance.written()`; NOT_DESCRIBED when it did not
    due_at: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is being sent, runs or is being looked for: at most one such upgrade an instance."""
        return self.state in LIVE

    def scheduled(self) -> "Upgrade":
        """The same with `due_at` following from the next look and the next telling."""
        times = [at for at in (self.look_at, self.tell_at) if at is not None]
        return replace(self, due_at=min(times, default=None))

    def with_news(self, at: float, *news: News) -> "Upgrade":
        """The same with more to tell; an edit that is still to be made is made once."""
        more = tuple(one for one in news if not (one in EDITS and one in self.untold))
        tell_at = self.tell_at if self.untold else at + TELL_SECONDS
        return replace(self, untold=self.untold + more, tell_at=tell_at).scheduled()

    # the question

    def confirm(self, by: str, at: float) -> "Upgrade | TooLate":
        """Somebody pressed Confirm; whoever gets this step stored is the one who sends."""
        late = self._too_late(at)
        if late:
            return late
        step = replace(self, state=State.SENDING, decided_by=by, decided_at=at, look_at=at + LEASE_SECONDS)
        return step.with_news(at, News.CARD)

    def withdraw(self, by: str, at: float) -> "Upgrade | TooLate":
        """Somebody pressed Cancel before anything was sent."""
        late = self._too_late(at)
        if late:
            return late
        step = replace(self, state=State.WITHDRAWN, decided_by=by, decided_at=at, look_at=None)
        return step.with_news(at, News.CARD)

    def unasked(self, error: str, at: float) -> "Upgrade":
        """Slack did not take the question: nobody can answer it, unless it stands in a message after all."""
        if self.state is not State.ASKED or self.message_ts is not None:
            rest = tuple(news for news in self.untold if news is not News.QUESTION)
            return replace(self, untold=rest, tell_at=self.tell_at if rest else None).scheduled()
        step = replace(self, state=State.WITHDRAWN, decided_at=at, look_at=None, error_code=error)
        return replace(step, untold=(), tell_at=None).scheduled()

    def expire(self, at: float) -> "Upgrade":
        """Nobody answered in time; an unposted question need not be posted any more."""
        shown = replace(self, state=State.EXPIRED, decided_at=at, look_at=None)
        if self.message_ts is None:
            return replace(shown, untold=(), tell_at=None).scheduled()
        return shown.with_news(at, News.CARD)

    def _too_late(self, at: float) -> TooLate | None:
        """Why this question can no longer be answered; None if it can."""
        if self.state is State.ASKED:
            return AlreadyExpired(Moment(self.expires_at)) if at >= self.expires_at else None
        if self.state is State.EXPIRED:
            return AlreadyExpired(Moment(self.expires_at))
        if self.decided_by is None:
            return UnknownRequest()
        by = Person(self.decided_by)
        return AlreadyWithdrawn(by) if self.state is State.WITHDRAWN else AlreadyConfirmed(by)

    # the answer of the cloud

    def accepted(self, job_id: str, at: float, look_at: float) -> "Upgrade":
        """The cloud has a job for it; also after it had been unknown."""
        news = News.STARTED if self.state is State.SENDING else News.FOUND
        untrue = tuple(one for one in self.untold if one is not News.UNRESOLVED)  # what is now known not to be so
        step = replace(self, state=State.FOLLOWING, job_id=job_id, look_at=look_at, looks=0, misses=0, untold=untrue)
        return replace(step, missing_since=None, sight="", ended_at=None).with_news(at, news, News.CARD)

    def faulted(self, fault: Fault, at: float) -> "Upgrade":
        """The POST ended without a job id: refused, not sent, or nobody knows."""
        step = replace(
            self,
            http_status=fault.status,
            error_code=fault.code,
            error_msg=fault.message,
            request_id=fault.request_id,
            looks=0,
        )
        if isinstance(fault, Refused):
            return replace(step, state=State.REFUSED, look_at=None).with_news(at, News.REFUSED, News.CARD)
        if isinstance(fault, NotSent):
            return replace(step, state=State.NOT_SENT, look_at=None).with_news(at, News.NOT_SENT, News.CARD)
        return step.lost(at)

    def lost(self, at: float) -> "Upgrade":
        """It was being sent and nobody knows what became of it."""
        return replace(self, state=State.UNKNOWN, look_at=at + 1, looks=0).with_news(at, News.UNSURE, News.CARD)


__all__ = ["EDITS", "LEASE_SECONDS", "LIVE", "TELL_SECONDS", "News", "Sight", "State", "Upgrade"]
