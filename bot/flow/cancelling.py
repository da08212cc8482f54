"""Taking a delayed upgrade back before its window: the cloud's scheduled task is deleted, the truth about it told."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.audit import AuditEntry
from bot.core.facts import CancelScheduledDone, CancelScheduledTooLate, CancelScheduledUnclear
from bot.core.ports import Cloud, Store
from bot.core.reasons import Fault
from bot.core.sentence import Code, Sentence
from bot.core.upgrade import State, Upgrade

log = logging.getLogger("bot.cancelling")


@dataclass(frozen=True, slots=True)
class Cancelling:
    """Asks the cloud; what becomes of the job is seen and told by the loop, whoever ended it."""

    store: Store
    cloud: Cloud
    clock: Callable[[], float]

    async def cancel(self, upgrade: Upgrade, person_id: str) -> Sentence:
        """Delete the scheduled task; what came of it, for the person who pressed."""
        if upgrade.state is not State.FOLLOWING or not upgrade.job_id or not upgrade.delay:
            return CancelScheduledTooLate()
        await self.store.record(AuditEntry.of(upgrade, self.clock(), "cancelling", person_id, upgrade.job_id))
        try:
            cancelled = await self.cloud.cancel_scheduled(upgrade.job_id, upgrade.language)
        except Fault as fault:
            log.warning("cancel.failed", extra={"upgrade": upgrade.id, "why": str(fault)})
            why = f"{fault.status or ''} {fault.code}".strip() or "-"
            await self.store.record(AuditEntry.of(upgrade, self.clock(), "cancel_unclear", person_id, why))
            return CancelScheduledUnclear(Code(why))
        what = "cancelled" if cancelled else "cancel_too_late"
        await self.store.record(AuditEntry.of(upgrade, self.clock(), what, person_id, upgrade.job_id))
        return CancelScheduledDone() if cancelled else CancelScheduledTooLate()
