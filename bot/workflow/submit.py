"""The submission: the one POST, sent by whoever won the confirmation while its lease holds, and its outcome."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, LiveUpgradeExists, NotSent, OutcomeUnknown, Rejected, StorageUnavailable
from bot.core.polling import AcceptedUpgrade, PollSchedule
from bot.core.ports import CloudApi
from bot.core.upgrade import LEASE_SECONDS, State, Upgrade
from bot.workflow.notifier import Notifier
from bot.workflow.preflight import Preflight
from bot.workflow.transitions import Transitions

log = logging.getLogger("bot.submit")
RENEW_SECONDS = LEASE_SECONDS / 4
OUTCOME_STATES = (State.SUBMITTING, State.UNKNOWN, State.UNRESOLVED)  # in which an outcome is still waited for
CARD_UPDATE_SECONDS = 3.0  # how long a slow Slack may hold up the POST


@dataclass(slots=True)
class Lease:
    """Until when this process may send: by the wall clock that others go by, and by one that is never set back."""

    wall_until: float
    monotonic_until: float


class Submitter:
    """Submits confirmed upgrades; one task renews the leases of all that wait for the cloud's answer."""

    def __init__(
        self,
        transitions: Transitions,
        cloud: CloudApi,
        notifier: Notifier,
        preflight: Preflight,
        schedule: PollSchedule,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._transitions = transitions
        self._cloud = cloud
        self._notifier = notifier
        self._preflight = preflight
        self._schedule = schedule
        self._clock = clock
        self._monotonic = monotonic
        self._leases: dict[str, Lease] = {}

    def new_lease(self) -> Lease:
        """A lease from now on; taken before the confirmation is stored, so that it never ends after the row's."""
        return Lease(self._clock() + LEASE_SECONDS, self._monotonic() + LEASE_SECONDS)

    async def submit(self, upgrade: Upgrade, lease: Lease) -> None:
        """Show that the request is confirmed, send it, store the outcome, notify."""
        self._leases[upgrade.id] = lease
        try:
            async with asyncio.timeout(CARD_UPDATE_SECONDS):
                upgrade = await self._notifier.update_card(upgrade)
        except TimeoutError:
            log.warning("slack.slow", extra={"upgrade": upgrade.id})
        try:
            outcome = await self._send(upgrade, lease)
        finally:
            self._leases.pop(upgrade.id, None)
        upgrade = await self._store_outcome(upgrade, outcome)
        await self._notifier.deliver(await self._preflight.describe_conflict(upgrade))

    async def _send(self, upgrade: Upgrade, lease: Lease) -> AcceptedUpgrade | CloudError:
        try:
            return await self._cloud.upgrade(
                upgrade.instance_id,
                delay=upgrade.delay,
                skip_validate=upgrade.skip_validate,
                language=upgrade.language,
                may_send=lambda: self._holds(lease),
            )
        except CloudError as error:
            return error
        except Exception:
            # Whatever went wrong here may have gone wrong after the request was on its way.
            log.exception("submit.failed", extra={"upgrade": upgrade.id})
            return OutcomeUnknown()

    async def _store_outcome(self, upgrade: Upgrade, outcome: AcceptedUpgrade | CloudError) -> Upgrade:
        """Store what the cloud answered; a job id is stored whatever state the row is in."""

        def step(row: Upgrade) -> Upgrade | None:
            now = self._clock()
            if isinstance(outcome, AcceptedUpgrade):
                if row.job_id is not None:
                    return None  # a search has found it meanwhile
                if row.state not in OUTCOME_STATES:  # e.g. the database has lost the commit of the confirmation
                    log.error("upgrade.unexpected_state", extra={"upgrade": row.id, "state": row.state.value})
                    row = replace(row, decided_by=upgrade.decided_by, decided_at=upgrade.decided_at)
                row = replace(row, api_request_id=outcome.api_request_id)
                return row.accepted(outcome.job_id, now, now + self._schedule.poll_seconds)
            if row.state not in OUTCOME_STATES:
                return None
            if isinstance(outcome, OutcomeUnknown) and row.state is not State.SUBMITTING:
                return None
            return row.submission_failed(outcome, now)

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, self._clock(), row.state.value, reason=_audit_reason(outcome)),)

        log.info("upgrade.submitted", extra=_log_fields(upgrade, outcome))
        try:
            return await self._transitions.update_with_retry(upgrade, step, entries)
        except LiveUpgradeExists:  # unresolved, requested again, and only now the first answer comes
            log.exception("upgrade.answered_too_late", extra={"upgrade": upgrade.id})
            await self._transitions.storage.record(entries(upgrade)[0])
            return upgrade

    async def renew_leases(self) -> None:
        """Renew the leases of what is being submitted, for ever: a dead process stops doing so, and others notice."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            renewed = self.new_lease()
            # An expired lease stays expired: a process that was suspended must not wake up and send.
            held = {id: lease for id, lease in self._leases.items() if self._holds(lease)}
            if not held:
                continue
            try:
                await self._transitions.storage.renew_leases(list(held), LEASE_SECONDS)
            except StorageUnavailable as error:
                log.warning("storage.unavailable", extra={"submitting": len(held), "reason": str(error)})
                continue
            for lease in held.values():
                lease.wall_until, lease.monotonic_until = renewed.wall_until, renewed.monotonic_until

    def _holds(self, lease: Lease) -> bool:
        """Whether nobody else can have taken the row for lost yet."""
        return self._clock() < lease.wall_until and self._monotonic() < lease.monotonic_until


def _outcome_name(outcome: AcceptedUpgrade | CloudError) -> str:
    match outcome:
        case AcceptedUpgrade():
            return "accepted"
        case NotSent():
            return "not_sent"
        case Rejected():
            return "rejected"
        case _:
            return "unknown"


def _audit_reason(outcome: AcceptedUpgrade | CloudError) -> str:
    """The job id, or the error's outcome, status and code."""
    if isinstance(outcome, AcceptedUpgrade):
        return outcome.job_id
    return " ".join(str(part) for part in (_outcome_name(outcome), outcome.status, outcome.code) if part)


def _log_fields(upgrade: Upgrade, outcome: AcceptedUpgrade | CloudError) -> dict[str, object]:
    fields: dict[str, object] = {
        "upgrade": upgrade.id,
        "instance": upgrade.instance_id,
        "outcome": _outcome_name(outcome),
        "api_request_id": outcome.api_request_id,
    }
    if isinstance(outcome, AcceptedUpgrade):
        return {**fields, "job": outcome.job_id}
    return {**fields, "reason": str(outcome)}
