"""The button that looks again for an upgrade nobody could find: it looks, it never sends."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core import looks
from bot.core.audit import AuditEntry
from bot.core.looks import Job, Pace
from bot.core.news import NothingToCheck, NothingYet
from bot.core.ports import Cloud, InstanceTaken, Presence, Store, Thread
from bot.core.reasons import Fault
from bot.core.sentence import Sentence
from bot.core.upgrade import Sight, State, Upgrade
from bot.flow.asking import busy
from bot.flow.changing import change
from bot.flow.telling import Teller

log = logging.getLogger("bot.checking")


@dataclass(frozen=True, slots=True)
class Checking:
    """Looks again, for a person."""

    store: Store
    cloud: Cloud
    thread: Thread
    teller: Teller
    pace: Pace
    clock: Callable[[], float]

    async def check(self, upgrade: Upgrade, presence: Presence) -> Sentence | None:
        """Look once more; what is found is told in the thread, anything else to this person alone."""
        if upgrade.state is not State.UNRESOLVED:
            return NothingToCheck()
        found = await self._look(upgrade)
        now, person_id, team_id = self.clock(), presence.person_id, presence.team_id
        if isinstance(found, Sight):
            await self.store.record(AuditEntry.of(upgrade, now, "looked", person_id, found.value, team_id))
            return NothingYet()

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.UNRESOLVED:
                return None
            row = row.accepted(found.id, now, now + self.pace.poll_seconds)
            return looks.seen(row, found, now, self.pace) if found.status else row

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, now, "looked", person_id, found.id, team_id),)

        try:
            followed = await change(self.store, upgrade, step, entries)
        except InstanceTaken:
            living = await self.store.live_for(upgrade.instance_id)
            return await busy(self.thread, living) if living else NothingYet()
        log.info("upgrade.found", extra={"upgrade": upgrade.id, "person": person_id})
        await self.teller.tell(followed)
        return None

    async def _look(self, upgrade: Upgrade) -> Job | Sight:
        """The job by its id if there is one, else by instance and time."""
        try:
            if upgrade.job_id:
                return await self.cloud.job(upgrade.job_id, upgrade.language) or Sight.BLIND
            since = upgrade.decided_at or upgrade.asked_at
            found = await self.cloud.find(
                upgrade.instance_id, delay=upgrade.delay, since=since, language=upgrade.language
            )
        except Fault as fault:
            log.warning("check.failed", extra={"upgrade": upgrade.id, "why": str(fault)})
            return Sight.BLIND
        return found if isinstance(found, Sight) else Job(found, "")
