"""The one POST: sent by whoever won the confirmation, while its lease holds; then its outcome is written and told."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from bot.core.audit import AuditEntry
from bot.core.looks import Accepted, Pace
from bot.core.ports import Cloud, InstanceTaken, Store
from bot.core.reasons import Fault, StoreAway, Unsure
from bot.core.upgrade import LEASE_SECONDS, State, Upgrade
from bot.flow.changing import insist
from bot.flow.describing import Describing
from bot.flow.hands import Hands, Lease
from bot.flow.telling import Teller

log = logging.getLogger("bot.sending")
RENEW_SECONDS = LEASE_SECONDS / 4
SHOW_SECONDS = 3.0  # how long an unwilling Slack may hold up the POST


class Sending:
    """Sends confirmed upgrades; one task renews the leases of all that wait for the cloud's answer."""

    def __init__(
        self,
        store: Store,
        cloud: Cloud,
        teller: Teller,
        describing: Describing,
        hands: Hands,
        pace: Pace,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._store = store
        self._cloud = cloud
        self._teller = teller
        self._describing = describing
        self._hands = hands
        self._pace = pace
        self._clock = clock
        self._steady = steady

    def lease(self) -> Lease:
        """A lease from now on; taken before the store is asked, so that it never ends later than the row's."""
        return Lease(self._clock() + LEASE_SECONDS, self._steady() + LEASE_SECONDS)

    async def send(self, upgrade: Upgrade, lease: Lease) -> None:
        """Show that the question is decided, send, write the outcome down, tell it."""
        self._hands.leases[upgrade.id] = lease
        try:
            async with asyncio.timeout(SHOW_SECONDS):
                upgrade = await self._teller.show(upgrade)
        except TimeoutError:
            log.warning("slack.slow", extra={"upgrade": upgrade.id})
        try:
            outcome = await self._post(upgrade)
        finally:
            self._hands.leases.pop(upgrade.id, None)
        upgrade = await self._write(upgrade, outcome)
        await self._teller.tell(await self._describing.what_runs(upgrade))

    async def _post(self, upgrade: Upgrade) -> Accepted | Fault:
        """Ask the cloud; the job, or what became of the request."""
        lease = self._hands.leases[upgrade.id]
        try:
            return await self._cloud.upgrade(
                upgrade.instance_id,
                delay=upgrade.delay,
                skip_validate=upgrade.skip_validate,
                language=upgrade.language,
                may_send=lambda: self._holds(lease),
            )
        except Fault as fault:
            return fault
        except Exception:
            # Whatever went wrong in here, it may have gone wrong after the request was on its way.
            log.exception("send.failed", extra={"upgrade": upgrade.id})
            return Unsure()

    async def _write(self, upgrade: Upgrade, outcome: Accepted | Fault) -> Upgrade:
        """Make the outcome the row's, also when the row was taken for lost meanwhile."""

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is State.UNKNOWN and isinstance(outcome, Unsure):
                return None
            if row.state not in (State.SENDING, State.UNKNOWN) and not (
                row.state is State.UNRESOLVED and isinstance(outcome, Accepted)
            ):
                return None
            now = self._clock()
            if isinstance(outcome, Fault):
                return row.faulted(outcome, now)
            row = replace(row, request_id=outcome.request_id)
            return row.accepted(outcome.job_id, now, now + self._pace.poll_seconds)

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, self._clock(), row.state.value, why=_said(outcome)),)

        log.info("upgrade.answered", extra=_told(upgrade, outcome))
        try:
            return await insist(self._store, upgrade, step, entries)
        except InstanceTaken:  # given up as unresolved, asked for anew, and only now the first answer comes
            log.exception("upgrade.answered_too_late", extra={"upgrade": upgrade.id})
            await self._store.record(entries(upgrade)[0])
            return upgrade

    async def keep_leases(self) -> None:
        """Renew, for ever, the leases of what is being sent: a dead process stops doing so, and others notice."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            until = self.lease()
            # A lease that has run out stays so: a process that was frozen must not wake up and send.
            held = {id: lease for id, lease in self._hands.leases.items() if self._holds(lease)}
            if not held:
                continue
            try:
                await self._store.prolong(list(held), LEASE_SECONDS)
            except StoreAway as away:
                log.warning("store.away", extra={"sending": len(held), "why": str(away)})
                continue
            for lease in held.values():
                lease.wall, lease.steady = until.wall, until.steady

    def _holds(self, lease: Lease) -> bool:
        return lease.holds(self._clock(), self._steady())


def _said(outcome: Accepted | Fault) -> str:
    """What the cloud answered, for the audit trail: the job id, or the error's status and code."""
    if isinstance(outcome, Accepted):
        return outcome.job_id
    return " ".join(str(part) for part in (type(outcome).__name__, outcome.status, outcome.code) if part)


def _told(upgrade: Upgrade, outcome: Accepted | Fault) -> dict[str, object]:
    """The same for the log."""
    told = {"upgrade": upgrade.id, "instance": upgrade.instance_id, "request_id": outcome.request_id}
    if isinstance(outcome, Accepted):
        return {**told, "outcome": "accepted", "job": outcome.job_id}
    return {**told, "outcome": type(outcome).__name__, "why": str(outcome)}
