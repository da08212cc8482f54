"""The loop: rows that are due, one look at each, told if something changed, and when to look next."""

import asyncio
import logging
from collections.abc import Callable

from bot.core import looks
from bot.core.audit import AuditEntry
from bot.core.looks import Job, Pace
from bot.core.ports import Cloud, Directory, Presence, Store, Whisper
from bot.core.reasons import Fault, SlackTrouble, StoreAway
from bot.core.upgrade import LEASE_SECONDS, Sight, State, Upgrade
from bot.flow.asking import cannot_ask
from bot.flow.changing import Step, change
from bot.flow.expiring import expire
from bot.flow.hands import Hands
from bot.flow.telling import Teller

log = logging.getLogger("bot.following")
AT_ONCE = 32  # rows attended to at the same time
LOOK_SECONDS = LEASE_SECONDS - 2  # a look ends before the claim does
IDLE_SECONDS = 1.0
SAME_MOMENT_SECONDS = 1.0  # a look that comes so much early or late is on time
SENDER_GONE = "sender_gone"  # why an upgrade is unknown that nobody answered for: its lease was not renewed


class Following:
    """Attends to whatever is due: questions that expire, sends whose sender died, jobs, lost upgrades, news."""

    def __init__(
        self,
        store: Store,
        cloud: Cloud,
        directory: Directory,
        teller: Teller,
        whisper: Whisper,
        hands: Hands,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cloud = cloud
        self._directory = directory
        self._teller = teller
        self._whisper = whisper
        self._hands = hands
        self._pace = pace
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Attend to due rows for ever; a store that is away is asked again."""
        idle = min(IDLE_SECONDS, self._pace.poll_seconds / 4)
        while True:
            room = AT_ONCE - len(self._running)
            rows = []
            try:
                rows = list(await self._store.claim_due(room, LEASE_SECONDS)) if room else []
            except StoreAway as away:
                log.warning("store.away", extra={"why": str(away)})
            for row in rows:
                task = asyncio.create_task(self._bounded(row), name=f"attend {row.id}")
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            if self._running and (len(rows) == room or not room):
                await asyncio.wait(self._running, timeout=idle, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(idle)

    async def stop(self, seconds: float) -> None:
        """Let what is being attended to finish; the rest falls due for the next start."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()

    async def _bounded(self, row: Upgrade) -> None:
        """One row's trouble is its own: it falls due again when its claim ends."""
        try:
            with self._hands.on(row.id) as free:
                if free:
                    await self.attend(row)
        except StoreAway as away:
            log.warning("store.away", extra={"upgrade": row.id, "why": str(away)})
        except Exception:
            log.exception("attend.failed", extra={"upgrade": row.id})

    async def attend(self, upgrade: Upgrade) -> None:
        """Do what is due for this row."""
        now = self._clock()
        waits = bool(upgrade.untold) and upgrade.tell_at is not None and upgrade.tell_at > now
        if upgrade.look_at is not None and upgrade.look_at <= now:
            upgrade = await self._look(upgrade, now)
        if upgrade.untold and not waits:
            upgrade = await self._teller.tell(upgrade)
        await self._tell_unasked(upgrade)

    async def _tell_unasked(self, upgrade: Upgrade) -> None:
        """A question that never got into its channel is told to who asked, not only to the log."""
        if upgrade.message_ts is None and upgrade.state in (State.WITHDRAWN, State.EXPIRED):
            presence = Presence(upgrade.asked_by, upgrade.team_id, upgrade.channel_id)
            await self._whisper.tell(presence, cannot_ask(upgrade) or SlackTrouble(), upgrade.language)

    async def _look(self, upgrade: Upgrade, now: float) -> Upgrade:
        """The step that this row's state asks for."""
        match upgrade.state:
            case State.ASKED:
                log.info("upgrade.expired", extra={"upgrade": upgrade.id})
                return await expire(self._store, upgrade, now)
            case State.SENDING:
                log.warning("upgrade.lost", extra={"upgrade": upgrade.id})
                return await self._step(upgrade, lambda row: row.lost(now))
            case State.FOLLOWING:
                step = await self._look_at_job(upgrade)
                return upgrade if step is None else await self._step(upgrade, step)
            case State.UNKNOWN:
                return await self._step(upgrade, await self._search(upgrade))
            case _:
                return await self._step(upgrade, lambda row: row)

    async def _look_at_job(self, upgrade: Upgrade) -> Step | None:
        """One look at the job; what it means, None when there is nothing to write down."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                job = await self._cloud.job(upgrade.job_id or "", upgrade.language)
        except (Fault, TimeoutError) as fault:
            log.warning("look.failed", extra={"upgrade": upgrade.id, "why": str(fault)})
            return lambda row: looks.unanswered(row, self._clock(), self._pace)
        if job is None:
            return lambda row: looks.unseen(row, self._clock(), self._pace)
        if self._is_as_before(upgrade, job):
            return None
        return lambda row: looks.seen(row, job, self._clock(), self._pace)

    def _is_as_before(self, upgrade: Upgrade, job: Job) -> bool:
        """Whether the look showed nothing new and the claim ends when the next look is due: no need to write that."""
        shown = (job.status, job.percent) == (upgrade.job_status, upgrade.percent) and job.status not in looks.ENDS
        if not shown or upgrade.untold or upgrade.misses:
            return False
        next_look = self._pace.after(upgrade, self._clock())
        return upgrade.missing_since is None and abs((upgrade.due_at or 0.0) - next_look) <= SAME_MOMENT_SECONDS

    async def _search(self, upgrade: Upgrade) -> Step:
        """One search for an upgrade whose answer was lost."""
        since = upgrade.decided_at or upgrade.asked_at
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await self._cloud.find(
                    upgrade.instance_id, delay=upgrade.delay, since=since, language=upgrade.language
                )
        except (Fault, TimeoutError) as fault:
            log.warning("search.failed", extra={"upgrade": upgrade.id, "why": str(fault)})
            found = Sight.BLIND
        now = self._clock()
        if isinstance(found, Sight):
            return lambda row: looks.not_found(row, found, now)
        return lambda row: row.accepted(found, now, now + self._pace.poll_seconds)

    async def _step(self, upgrade: Upgrade, step: Step) -> Upgrade:
        """Make the step unless the row has gone on meanwhile; a new state leaves an audit row, as does each search."""
        before = upgrade.state

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            at, seen = self._clock(), row.job_id or row.sight
            looked = (AuditEntry.of(row, at, "looked", why=seen),) if before is State.UNKNOWN else ()
            if row.state is before:
                return looked
            why = SENDER_GONE if before is State.SENDING else f"{seen} {row.fail_reason}".strip()
            return (*looked, AuditEntry.of(row, at, row.state.value, why=why))

        after = await change(self._store, upgrade, lambda row: step(row) if row.state is before else None, entries)
        if after.ended_at is not None and after.state is not before:
            await self._directory.one(after.instance_id, patience=0)  # its version may be another; nobody waits for it
        return after
