"""Reconciliation of a lost answer: search the cloud for the job, automatically or when a person asks for it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core import polling
from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, LiveUpgradeExists, TooLate, UpgradeInProgress
from bot.core.messages import Code, Link, Message
from bot.core.polling import Job, PollSchedule
from bot.core.ports import CloudApi, Publisher
from bot.core.upgrade import SearchResult, State, Upgrade
from bot.workflow.notifier import Notifier
from bot.workflow.transitions import Step, Transitions

log = logging.getLogger("bot.reconcile")


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Searches for lost upgrades; it never sends one."""

    transitions: Transitions
    cloud: CloudApi
    publisher: Publisher
    notifier: Notifier
    schedule: PollSchedule
    clock: Callable[[], float]

    async def search(self, upgrade: Upgrade, timeout: float) -> Step:
        """One automatic search for an UNKNOWN upgrade, as the transition that it leads to."""
        try:
            async with asyncio.timeout(timeout):
                result = await self._find(upgrade)
        except (CloudError, TimeoutError) as error:
            log.warning("search.failed", extra={"upgrade": upgrade.id, "reason": str(error)})
            result = SearchResult.INCONCLUSIVE
        now = self.clock()
        if isinstance(result, SearchResult):
            return lambda row: polling.search_missed(row, result, now)
        return lambda row: row.accepted(result, now, now + self.schedule.poll_seconds)

    async def search_again(self, upgrade: Upgrade, origin: Origin) -> Message | None:
        """Search for an UNRESOLVED upgrade because a person asks; a job that is found is told in the thread."""
        if upgrade.state is not State.UNRESOLVED:
            return TooLate("nothing_to_search")
        result = await self._find_job(upgrade)
        now, user_id, team_id = self.clock(), origin.user_id, origin.team_id
        if isinstance(result, SearchResult):
            entry = AuditEntry.of(upgrade, now, "searched", user_id, result.value, team_id)
            await self.transitions.storage.record(entry)
            return Message("search_found_nothing")

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.UNRESOLVED:
                return None
            row = row.accepted(result.id, now, now + self.schedule.poll_seconds)
            return polling.job_polled(row, result, now, self.schedule) if result.status else row

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, now, "searched", user_id, result.id, team_id),)

        try:
            row = await self.transitions.update(upgrade, step, entries)
        except LiveUpgradeExists:
            live = await self.transitions.storage.live_upgrade(upgrade.instance_id)
            return await upgrade_in_progress(self.publisher, live) if live else Message("search_found_nothing")
        log.info("upgrade.found", extra={"upgrade": upgrade.id, "user": user_id})
        await self.notifier.deliver(row)
        return None

    async def _find_job(self, upgrade: Upgrade) -> Job | SearchResult:
        """The job by its id if there is one, else by instance and time; its status is empty when not read yet."""
        try:
            if upgrade.job_id:
                return await self.cloud.job(upgrade.job_id, upgrade.language) or SearchResult.INCONCLUSIVE
            result = await self._find(upgrade)
        except CloudError as error:
            log.warning("search.failed", extra={"upgrade": upgrade.id, "reason": str(error)})
            return SearchResult.INCONCLUSIVE
        return result if isinstance(result, SearchResult) else Job(result, "")

    async def _find(self, upgrade: Upgrade) -> str | SearchResult:
        since = upgrade.decided_at or upgrade.requested_at
        return await self.cloud.find_upgrade(
            upgrade.instance_id, delay=upgrade.delay, since=since, language=upgrade.language
        )


async def upgrade_in_progress(publisher: Publisher, live: Upgrade) -> UpgradeInProgress:
    """The refusal of a second upgrade of an instance, with a link to the live one's card."""
    permalink = await publisher.permalink(live)
    return UpgradeInProgress("upgrade_in_progress", instance=Code(live.instance_id), link=Link(permalink))
