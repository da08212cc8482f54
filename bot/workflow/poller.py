"""The poller: claims rows that are due and does what their state asks for, then delivers what is pending."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core import polling
from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, JobIdTaken, StorageUnavailable, Unavailable
from bot.core.polling import Job, PollSchedule
from bot.core.ports import Cloud, EphemeralMessages, InstanceInventory
from bot.core.upgrade import END_ALARMS, LEASE_SECONDS, EndCheck, State, Upgrade
from bot.workflow.background_tasks import RareLog, UpgradesInProcess
from bot.workflow.handle_command import not_posted
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import INCONCLUSIVE, Reconciler
from bot.workflow.transitions import Step, Transitions

log = logging.getLogger("bot.poller")
MAX_CONCURRENT_ROWS = 32
POLL_TIMEOUT_SECONDS = LEASE_SECONDS - 2  # a poll ends before the claim on its row does
END_READ_SECONDS = 1.5  # how long the end of a job waits for what the instance is like
IDLE_SECONDS = 1.0
CLOCK_ERROR_SECONDS = 0.5  # by which the time of the storage may be behind the one that has called a row due
ON_TIME_SECONDS = 1.0  # a poll that comes so much early or late is on time
LEASE_EXPIRED = "lease_expired"  # audit reason of an upgrade that is UNKNOWN because its sender stopped renewing


@dataclass(slots=True, eq=False, repr=False)
class Poller:
    """Handles whatever is due: expiry of requests, lost submissions, polls of jobs, searches, pending notifications."""

    transitions: Transitions
    cloud: Cloud
    inventory: InstanceInventory
    notifier: Notifier
    reconciler: Reconciler
    ephemeral: EphemeralMessages
    in_process: UpgradesInProcess
    schedule: PollSchedule
    clock: Callable[[], float]
    _running: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _reports: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Handle due rows for ever; while the database is away, try again."""
        idle_seconds = min(IDLE_SECONDS, self.schedule.poll_seconds / 4)
        unavailable = RareLog()
        while True:
            free = MAX_CONCURRENT_ROWS - len(self._running)
            rows = []
            try:
                rows = list(await self.transitions.storage.claim_due(free, LEASE_SECONDS)) if free else []
                unavailable.over()
            except StorageUnavailable as error:
                if unavailable.is_due():
                    log.warning("storage.unavailable", extra={"reason": str(error)})
            for row in rows:
                task = asyncio.create_task(self._handle_safely(row), name=f"handle {row.id}")
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                self._start_report(row)
            if self._running and (len(rows) == free or not free):
                await asyncio.wait(self._running, timeout=idle_seconds, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(idle_seconds)

    async def stop(self, seconds: float) -> None:
        """Wait so long for the rows in work; the others fall due at the next start."""
        if self._running or self._reports:
            _, late = await asyncio.wait(self._running | self._reports, timeout=seconds)
            for task in late:
                task.cancel()

    def _start_report(self, row: Upgrade) -> None:
        """Deliver a report that is due, beside everything else; when too many hang, it is tried again later."""
        is_due = row.report_at is not None and row.report_at <= self.clock() + CLOCK_ERROR_SECONDS
        if is_due and len(self._reports) < MAX_CONCURRENT_ROWS:
            task = asyncio.create_task(self._report_safely(row), name=f"report {row.id}")
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)

    async def _report_safely(self, row: Upgrade) -> None:
        try:
            await self.notifier.deliver_report(row)
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"upgrade": row.id, "reason": str(error)})
        except Exception:
            log.exception("report.failed", extra={"upgrade": row.id})

    async def _handle_safely(self, row: Upgrade) -> None:
        """An exception concerns one row: it falls due again when its claim ends."""
        try:
            with self.in_process.claim(row.id) as is_free:
                if is_free:
                    await self.handle(row)
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"upgrade": row.id, "reason": str(error)})
        except Exception:
            log.exception("poll.failed", extra={"upgrade": row.id})

    async def handle(self, upgrade: Upgrade) -> None:
        """Do what is due for this row."""
        now = self.clock() + CLOCK_ERROR_SECONDS
        messages_before, next_poll_at = upgrade.pending_messages, upgrade.next_poll_at
        is_held = upgrade.notify_at is not None and upgrade.notify_at > now
        # What is held is being delivered by whoever made the transition, or is tried again at its time.
        is_being_delivered = is_held and bool(messages_before) and not upgrade.notify_attempts
        if next_poll_at is not None and next_poll_at <= now:
            upgrade = await self._poll(upgrade, max(self.clock(), next_poll_at))
        has_new_message = not set(messages_before).issuperset(upgrade.pending_messages)
        if upgrade.pending_notifications and (not is_held or (has_new_message and not is_being_delivered)):
            upgrade = await self.notifier.deliver(upgrade)
        if upgrade.message_ts is None and upgrade.state in (State.WITHDRAWN, State.EXPIRED):
            await self._notify_never_posted(upgrade)

    async def _notify_never_posted(self, upgrade: Upgrade) -> None:
        """A card that never got into its channel is told to the requester, not only to the log."""
        origin = Origin(upgrade.requested_by, upgrade.team_id, upgrade.channel_id)
        await self.ephemeral.send(
            origin, not_posted(upgrade, origin) or Unavailable("slack_unavailable"), upgrade.language
        )

    async def _poll(self, upgrade: Upgrade, now: float) -> Upgrade:
        """The transition that this row's state asks for."""
        match upgrade.state:
            case State.REQUESTED:
                log.info("upgrade.expired", extra={"upgrade": upgrade.id})
                return await self.transitions.expire(upgrade, now)
            case State.SUBMITTING:
                log.warning("upgrade.lease_expired", extra={"upgrade": upgrade.id})
                lease_end = upgrade.next_poll_at  # the sender may renew it until the loss is stored
                return await self._update(
                    upgrade, lambda row: row.outcome_lost(now) if row.next_poll_at == lease_end else None
                )
            case State.IN_PROGRESS:
                step = await self._poll_job(upgrade)
                return upgrade if step is None else await self._update(upgrade, step)
            case State.UNKNOWN:
                step = await self.reconciler.search(upgrade, POLL_TIMEOUT_SECONDS)
                try:
                    return await self._update(upgrade, step)
                except JobIdTaken:
                    log.warning("search.job_id_taken", extra={"upgrade": upgrade.id})
                    return await self._update(upgrade, lambda row: polling.search_missed(row, INCONCLUSIVE, now))
            case State.COMPLETED:
                return await self._check_end(upgrade)
            case _:
                return await self._update(upgrade, lambda row: row)

    async def _poll_job(self, upgrade: Upgrade) -> Step | None:
        """Poll the job once; the transition that it leads to, None when there is nothing to store."""
        try:
            async with asyncio.timeout(POLL_TIMEOUT_SECONDS):
                job = await self.cloud.of(upgrade).job(upgrade.job_id or "", upgrade.language)
        except (CloudError, TimeoutError) as error:
            log.warning("poll.unanswered", extra={"upgrade": upgrade.id, "reason": str(error)})
            return lambda row: polling.poll_failed(row, self.clock(), self.schedule)
        except Exception:  # told to people like any answer that cannot be used
            log.exception("poll.failed", extra={"upgrade": upgrade.id})
            return lambda row: polling.poll_failed(row, self.clock(), self.schedule)
        if job is None:
            return lambda row: polling.job_missing(row, self.clock(), self.schedule)
        if job.status != upgrade.job_status and not polling.is_known_status(job.status):
            log.warning("job.unknown_status", extra={"upgrade": upgrade.id, "job": job.id, "status": job.status})
        if self._is_unchanged(upgrade, job):
            return None
        instance = None
        if job.status in polling.FINAL_STATUSES:
            instance = await self.inventory.instance(upgrade.instance_id, END_READ_SECONDS)
        return lambda row: polling.job_polled(row, job, self.clock(), self.schedule, instance)

    async def _check_end(self, upgrade: Upgrade) -> Upgrade:
        """Read the instance of a completed job again, until it is normal or ten minutes are over."""
        instance = await self.inventory.instance(upgrade.instance_id, POLL_TIMEOUT_SECONDS)

        def step(row: Upgrade) -> Upgrade | None:
            if row.end_check is not EndCheck.CHECKING:
                return None
            return polling.end_checked(row, instance, self.clock())

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            is_over = row.end_check is not EndCheck.CHECKING
            return (AuditEntry.of(row, self.clock(), "instance_checked", reason=row.end_check),) if is_over else ()

        after = await self.transitions.update(upgrade, step, entries)
        if after.end_check in END_ALARMS:
            fields = {"upgrade": after.id, "instance": after.instance_id, "job": after.job_id or "-"}
            log.warning("upgrade.not_proven", extra={**fields, "reason": after.end_check.value})
        return after

    def _is_unchanged(self, upgrade: Upgrade, job: Job) -> bool:
        """Whether the poll showed nothing new and the claim ends when the next poll is due: nothing to write then."""
        is_same = (job.status, job.percent) == (upgrade.job_status, upgrade.progress_percent)
        if not is_same or job.status in polling.FINAL_STATUSES:
            return False
        if upgrade.pending_notifications or upgrade.failed_polls or upgrade.job_missing_since is not None:
            return False
        next_poll_at = self.schedule.next_poll_at(upgrade, self.clock())
        return abs((upgrade.due_at or 0.0) - next_poll_at) <= ON_TIME_SECONDS

    async def _update(self, upgrade: Upgrade, step: Step) -> Upgrade:
        """Store the transition unless the state has changed meanwhile; audit a new state and every search."""
        before = upgrade.state

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            at, result = self.clock(), row.job_id or row.search_result
            searched = (AuditEntry.of(row, at, "searched", reason=result),) if before is State.UNKNOWN else ()
            if row.state is before:
                return searched
            reason = LEASE_EXPIRED if before is State.SUBMITTING else f"{result} {row.fail_reason}".strip()
            return (*searched, AuditEntry.of(row, at, row.state.value, reason=reason))

        after = await self.transitions.update(upgrade, lambda row: step(row) if row.state is before else None, entries)
        if after.ended_at is not None and after.state is not before:
            await self.inventory.instance(after.instance_id, patience=0)  # its version may have changed; nobody waits
        return after
