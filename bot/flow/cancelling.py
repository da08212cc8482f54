"""Taking a delayed upgrade back before its window: the cloud's scheduled task is deleted, the truth about it told."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core import looks
from bot.core.audit import AuditEntry
from bot.core.denials import OnlyAnother, OnlyRequester
from bot.core.looks import Job, Pace
from bot.core.ports import Cloud, Presence, Store
from bot.core.reasons import Fault, Refusal, Unsure
from bot.core.scheduled import (
    CancelScheduledBefore,
    CancelScheduledDone,
    CancelScheduledNotDone,
    CancelScheduledTooLate,
    CancelScheduledUnclear,
    OnlyAnotherCancels,
    OnlyRequesterCancels,
)
from bot.core.sentence import Code, Sentence
from bot.core.upgrade import State, Upgrade
from bot.flow.changing import insist
from bot.flow.telling import Teller

log = logging.getLogger("bot.cancelling")
CANCELED = "Canceled"


@dataclass(frozen=True, slots=True)
class Cancelling:
    """Asks the cloud; the thread is told what the cloud has confirmed, anything else by what the next look shows."""

    store: Store
    cloud: Cloud
    teller: Teller
    pace: Pace
    clock: Callable[[], float]

    async def cancel(self, upgrade: Upgrade, presence: Presence) -> Sentence:
        """Delete the scheduled task; what came of it, for the person who pressed. No audit row, no request."""
        if upgrade.state is State.CANCELED:
            return CancelScheduledBefore()
        if upgrade.state is not State.FOLLOWING or not upgrade.job_id or not upgrade.delay:
            return CancelScheduledTooLate()
        await self.store.record(self._entry(upgrade, presence, "cancelling", upgrade.job_id))
        try:
            cancelled = await self.cloud.cancel_scheduled(upgrade.job_id, upgrade.language)
        except Fault as fault:
            return await self._faulted(upgrade, presence, fault)
        if cancelled or await self._is_canceled(upgrade):
            await self._ended(upgrade, presence)
            return CancelScheduledDone()
        await self.store.record(self._entry(upgrade, presence, "cancel_too_late", upgrade.job_id))
        await self._look_soon(upgrade)
        return CancelScheduledTooLate()

    async def _is_canceled(self, upgrade: Upgrade) -> bool:
        """Whether it is canceled all the same: a request whose answer was lost is sent once more by the transport."""
        try:
            job = await self.cloud.job(upgrade.job_id or "", upgrade.language)
        except Fault as fault:
            log.warning("cancel.unseen", extra={"upgrade": upgrade.id, "why": str(fault)})
            return False
        return job is not None and job.status == CANCELED

    async def _ended(self, upgrade: Upgrade, presence: Presence) -> None:
        """The cloud has confirmed it: the job is over, as if a look had shown it."""
        job, now = Job(upgrade.job_id or "", CANCELED), self.clock()

        def step(row: Upgrade) -> Upgrade | None:
            return looks.seen(row, job, now, self.pace) if row.state is State.FOLLOWING else None

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            cancelled = self._entry(row, presence, "cancelled", job.id)
            return (cancelled, AuditEntry.of(row, now, row.state.value, why=job.id))

        log.info("upgrade.cancelled", extra={"upgrade": upgrade.id, "person": presence.person_id})
        await self.teller.tell(await insist(self.store, upgrade, step, entries))

    async def _faulted(self, upgrade: Upgrade, presence: Presence, fault: Fault) -> Sentence:
        """The cloud gave no answer, or refused."""
        log.warning("cancel.failed", extra={"upgrade": upgrade.id, "why": str(fault)})
        why = f"{fault.status or ''} {fault.code}".strip() or "-"
        is_unclear = isinstance(fault, Unsure)
        entry = self._entry(upgrade, presence, "cancel_unclear" if is_unclear else "cancel_not_done", why)
        await self.store.record(replace(entry, request_id=fault.request_id))
        if is_unclear:
            await self._look_soon(upgrade)
        return CancelScheduledUnclear(Code(why)) if is_unclear else CancelScheduledNotDone(Code(why))

    async def _look_soon(self, upgrade: Upgrade) -> Upgrade:
        """Have the loop look at the job now: while it waits for its window it is looked at rarely."""
        now = self.clock()

        def step(row: Upgrade) -> Upgrade | None:
            return replace(row, look_at=now).scheduled() if row.state is State.FOLLOWING else None

        return await insist(self.store, upgrade, step)

    def _entry(self, upgrade: Upgrade, presence: Presence, what: str, why: str) -> AuditEntry:
        return AuditEntry.of(upgrade, self.clock(), what, presence.person_id, why, presence.team_id)


def cannot_cancel(refusal: Refusal) -> Sentence:
    """The rules of Confirm, in the words of this button."""
    match refusal:
        case OnlyRequester(asked_by):
            return OnlyRequesterCancels(asked_by)
        case OnlyAnother():
            return OnlyAnotherCancels()
        case _:
            return refusal
