"""Reconciliation of a lost answer: search the cloud for the job, automatically or when a person asks for it."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core import polling
from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import (
    CloudError,
    JobIdTaken,
    LiveUpgradeExists,
    Rejected,
    StorageUnavailable,
    TooLate,
    UpgradeInProgress,
)
from bot.core.messages import Code, Link, Message
from bot.core.polling import AcceptedUpgrade, Job, PollSchedule, UpgradeSearch
from bot.core.ports import Cloud, Publisher
from bot.core.upgrade import NOTIFY_SECONDS, SearchMiss, SearchResult, State, Upgrade
from bot.workflow.notifier import Notifier
from bot.workflow.transitions import Step, Transitions

log = logging.getLogger("bot.reconcile")
SEARCH_AGAIN_SECONDS = 20.0
CONFLICT_SEARCH_PAUSES = (0.0, 2.0, 4.0)  # before each search
CONFLICT_SEARCH_SECONDS = 8.0
MAX_SUPERSEDED = 50  # open requests that a confirmation closes
MAX_LEFT_OPEN = 200
LEFT_OPEN_SECONDS = 30.0
INCONCLUSIVE = SearchMiss(SearchResult.INCONCLUSIVE)


@dataclass(slots=True, eq=False, repr=False)
class Reconciler:
    """Searches for lost upgrades, and closes requests that another one has overtaken; it never sends one."""

    transitions: Transitions
    cloud: Cloud
    publisher: Publisher
    notifier: Notifier
    schedule: PollSchedule
    clock: Callable[[], float]

    async def search(self, upgrade: Upgrade, timeout: float) -> Step:
        """One automatic search for an UNKNOWN upgrade, as the transition that it leads to."""
        result = await self._find(upgrade, timeout)
        now = self.clock()
        if isinstance(result, SearchMiss):
            return lambda row: polling.search_missed(row, result, now)
        return lambda row: row.accepted(result, now, now + self.schedule.poll_seconds)

    async def explain_conflict(
        self, upgrade: Upgrade, rejected: Rejected
    ) -> tuple[AcceptedUpgrade | CloudError, SearchMiss]:
        """The outcome of a POST that was refused because the instance is busy: our own upgrade may be what runs there.

        Something in between may have passed the request on twice. A new job may not be listed for several seconds, so
        the search is repeated unless an operation from before the confirmation explains the refusal.
        """
        miss = INCONCLUSIVE
        for pause in CONFLICT_SEARCH_PAUSES:
            await asyncio.sleep(pause)
            result = await self._find(upgrade, CONFLICT_SEARCH_SECONDS)
            if not isinstance(result, SearchMiss):
                log.warning("upgrade.found_after_conflict", extra={"upgrade": upgrade.id, "job": result})
                return AcceptedUpgrade(result, rejected.api_request_id), INCONCLUSIVE
            miss = result
            if any((operation.started_at or math.inf) < _confirmed_at(upgrade) for operation in miss.operations):
                break
        return rejected, miss

    async def search_again(self, upgrade: Upgrade, origin: Origin) -> Message | None:
        """Search for an UNRESOLVED upgrade because a person asks; a job that is found is told in the thread."""
        if upgrade.state is not State.UNRESOLVED:
            return TooLate("nothing_to_search")
        result = await self._find_job(upgrade)
        now, user_id, team_id = self.clock(), origin.user_id, origin.team_id
        if isinstance(result, SearchMiss):
            entry = AuditEntry.of(upgrade, now, "searched", user_id, result.result.value, team_id)
            row = await self.transitions.update(
                upgrade,
                lambda row: polling.checked_in_vain(row, result, now) if row.state is State.UNRESOLVED else None,
                lambda _: (entry,),
            )
            await self.notifier.deliver(row)
            if result.result is SearchResult.INCONCLUSIVE:
                return Message("search_inconclusive", name=upgrade.instance_name)
            return Message("search_found_nothing", name=upgrade.instance_name)

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.UNRESOLVED:
                return None
            row = row.accepted(result.id, now, now + self.schedule.poll_seconds)
            return polling.job_polled(row, result, now, self.schedule) if result.status else row

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, now, "searched", user_id, result.id, team_id),)

        try:
            row = await self.transitions.update(upgrade, step, entries)
        except JobIdTaken:
            return Message("search_found_nothing", name=upgrade.instance_name)
        except LiveUpgradeExists:
            live = await self.transitions.storage.live_upgrade(upgrade.instance_id)
            if live is not None:
                return await upgrade_in_progress(self.publisher, live)
            return Message("search_found_nothing", name=upgrade.instance_name)
        log.info("upgrade.found", extra={"upgrade": upgrade.id, "user": user_id})
        await self.notifier.deliver(row)
        return None

    # other open requests for the instance of a confirmed one

    async def supersede_others(self, confirmed: Upgrade) -> None:
        """Close the other open requests for the instance; never raises, the submission must not end with it."""
        try:
            related = await self.transitions.storage.related_upgrades(confirmed.instance_id, MAX_SUPERSEDED)
            others = [row for row in related if row.state is State.REQUESTED and row.id != confirmed.id]
            await self._supersede(others, confirmed)
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"upgrade": confirmed.id, "reason": str(error)})
        except Exception:
            log.exception("supersede.failed", extra={"upgrade": confirmed.id})

    async def supersede_left_open(self) -> None:
        """Now and again, for ever: close what a process that ended right after a confirmation has left open."""
        while True:
            try:
                await self._supersede_left_open()
            except StorageUnavailable as error:
                log.warning("storage.unavailable", extra={"reason": str(error)})
            await asyncio.sleep(LEFT_OPEN_SECONDS)

    async def _supersede_left_open(self) -> None:
        storage = self.transitions.storage
        for row in await storage.open_upgrades(None, MAX_LEFT_OPEN):
            if row.state is not State.REQUESTED:
                continue
            confirmed = await storage.confirmed_since(row.instance_id, row.requested_at)
            # A younger one is being dealt with by the process that took the confirmation.
            if confirmed and _confirmed_at(confirmed[0]) < self.clock() - NOTIFY_SECONDS:
                await self._supersede([row], confirmed[0])

    async def _supersede(self, others: Sequence[Upgrade], confirmed: Upgrade) -> None:
        by, link = confirmed.decided_by or "", await self.publisher.permalink(confirmed) if others else ""

        def step(row: Upgrade) -> Upgrade | None:
            return row.supersede(by, link, self.clock()) if row.state is State.REQUESTED else None

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, row.decided_at or self.clock(), "superseded", by, confirmed.id),)

        for other in others:
            row = await self.transitions.update(other, step, entries)
            if row.state is State.SUPERSEDED:
                log.info("upgrade.superseded", extra={"upgrade": row.id, "by": confirmed.id})
                await self.notifier.deliver(row)

    async def _find_job(self, upgrade: Upgrade) -> Job | SearchMiss:
        """The job by its id if there is one, else by instance and time; its status is empty when not read yet."""
        if upgrade.job_id:
            try:
                return await self.cloud.of(upgrade).job(upgrade.job_id, upgrade.language) or INCONCLUSIVE
            except CloudError as error:
                log.warning("search.failed", extra={"upgrade": upgrade.id, "reason": str(error)})
                return INCONCLUSIVE
        result = await self._find(upgrade, SEARCH_AGAIN_SECONDS)
        return result if isinstance(result, SearchMiss) else Job(result, "")

    async def _find(self, upgrade: Upgrade, timeout: float) -> str | SearchMiss:
        """The job id, or what was seen instead; inconclusive when the cloud does not answer in time (seconds).

        A job that was created after the next confirmation for the instance, or that another request has, is not ours.
        """
        since = _confirmed_at(upgrade)
        rows = await self.transitions.storage.confirmed_since(upgrade.instance_id, since)
        others = [row for row in rows if row.id != upgrade.id]
        search = UpgradeSearch(
            instance_id=upgrade.instance_id,
            delay=upgrade.delay,
            since=since,
            until=min((_confirmed_at(row) for row in others), default=None),
            other_job_ids={row.job_id for row in others if row.job_id},
        )
        try:
            async with asyncio.timeout(timeout):
                return await self.cloud.of(upgrade).find_upgrade(search, upgrade.language)
        except (CloudError, TimeoutError) as error:
            log.warning("search.failed", extra={"upgrade": upgrade.id, "reason": str(error) or repr(error)})
            return INCONCLUSIVE
        except Exception:  # one that is repeated for ever would never come to its end
            log.exception("search.failed", extra={"upgrade": upgrade.id})
            return INCONCLUSIVE


def _confirmed_at(upgrade: Upgrade) -> float:
    return upgrade.decided_at or upgrade.requested_at


async def upgrade_in_progress(publisher: Publisher, live: Upgrade) -> UpgradeInProgress:
    """The refusal of a second upgrade of an instance, with a link to the live one's card."""
    permalink = await publisher.permalink(live)
    return UpgradeInProgress("upgrade_in_progress", instance=Code(live.instance_id), link=Link(permalink))
