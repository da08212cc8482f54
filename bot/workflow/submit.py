"""The submission: the one POST, sent by whoever won the confirmation, fenced by the database, and its outcome."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.core import polling
from bot.core.audit import AuditEntry
from bot.core.errors import (
    CloudError,
    JobIdTaken,
    LiveUpgradeExists,
    NotSent,
    OutcomeUnknown,
    Rejected,
    StorageUnavailable,
)
from bot.core.notifications import Notification
from bot.core.polling import AcceptedUpgrade, PollSchedule
from bot.core.ports import Cloud, Storage
from bot.core.upgrade import LEASE_SECONDS, NEVER_CONFIRMED, SearchMiss, State, Upgrade, is_conflict, replace
from bot.workflow.notifier import Notifier
from bot.workflow.preflight import Preflight
from bot.workflow.reconcile import INCONCLUSIVE, Reconciler
from bot.workflow.transitions import Transitions

log = logging.getLogger("bot.submit")
RENEW_SECONDS = LEASE_SECONDS / 4
WAITING_STATES = (State.SUBMITTING, State.UNKNOWN, State.UNRESOLVED)  # in which an outcome is still waited for
CARD_UPDATE_SECONDS = 3.0  # how long a slow Slack may hold up the POST


@dataclass(slots=True)
class Fence:
    """Lets a submission send while the database says that it is the one; `upgrade` is the row as last seen there.

    Clocks alone decide nothing: those of a machine that was suspended do not know it.
    """

    storage: Storage
    upgrade: Upgrade
    monotonic: Callable[[], float]

    async def may_send(self) -> bool:
        """Whether this confirmation still holds the lease of the row, which is renewed with it.

        Raises `NotSent` while the database is away.
        """
        asked_at = self.monotonic()
        try:
            row = await self.storage.begin_attempt(self.upgrade.id, self.upgrade.sender, LEASE_SECONDS)
        except StorageUnavailable as error:
            raise NotSent(note=str(error)) from error
        if row is None:
            log.warning("upgrade.fenced", extra={"upgrade": self.upgrade.id})
            return False
        if row.revision == self.upgrade.revision + 1:  # nobody changed it meanwhile: an edit that was made stays noted
            row = replace(self.upgrade, revision=row.revision, next_poll_at=row.next_poll_at).rescheduled()
        self.upgrade = row
        return self.monotonic() - asked_at < LEASE_SECONDS


class Submitter:
    """Submits confirmed upgrades; one task renews the leases of all that wait for the cloud's answer."""

    def __init__(
        self,
        transitions: Transitions,
        cloud: Cloud,
        notifier: Notifier,
        preflight: Preflight,
        reconciler: Reconciler,
        schedule: PollSchedule,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._transitions = transitions
        self._cloud = cloud
        self._notifier = notifier
        self._preflight = preflight
        self._reconciler = reconciler
        self._schedule = schedule
        self._clock = clock
        self._monotonic = monotonic
        self._senders: dict[str, str] = {}  # of what is being submitted, by upgrade id

    def new_sender(self) -> str:
        """The token of one confirmation: the database lets only its owner send."""
        return secrets.token_urlsafe(12)

    async def submit(self, upgrade: Upgrade) -> None:
        """Show that the request is confirmed, send it, store the outcome, notify."""
        self._senders[upgrade.id] = upgrade.sender
        try:
            fence = Fence(self._transitions.storage, await self._show_confirmed(upgrade), self._monotonic)
            outcome, miss = await self._send(fence), None
            if isinstance(outcome, Rejected) and is_conflict(outcome.status, outcome.code):
                outcome, miss = await self._explain_conflict(fence.upgrade, outcome)
            upgrade = await self._store_outcome(fence.upgrade, outcome, miss)
        finally:
            self._senders.pop(upgrade.id, None)
        await self._notifier.deliver(await self._preflight.describe_conflict(upgrade))

    async def _show_confirmed(self, upgrade: Upgrade) -> Upgrade:
        """Take the buttons off the card; whatever goes wrong with that must not keep the request from being sent."""
        try:
            async with asyncio.timeout(CARD_UPDATE_SECONDS):
                return await self._notifier.update_card(upgrade)
        except TimeoutError:
            log.warning("slack.slow", extra={"upgrade": upgrade.id})
        except Exception:
            log.exception("slack.card_not_updated", extra={"upgrade": upgrade.id})
        return upgrade

    async def _send(self, fence: Fence) -> AcceptedUpgrade | CloudError:
        upgrade = fence.upgrade
        try:
            return await self._cloud.of(upgrade).upgrade(
                upgrade.instance_id,
                delay=upgrade.delay,
                skip_validate=upgrade.skip_validate,
                language=upgrade.language,
                may_send=fence.may_send,
            )
        except CloudError as error:
            return error
        except Exception:
            # Whatever went wrong here may have gone wrong after the request was on its way.
            log.exception("submit.failed", extra={"upgrade": upgrade.id})
            return OutcomeUnknown()

    async def _explain_conflict(
        self, upgrade: Upgrade, rejected: Rejected
    ) -> tuple[AcceptedUpgrade | CloudError, SearchMiss]:
        try:
            return await self._reconciler.explain_conflict(upgrade, rejected)
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"upgrade": upgrade.id, "reason": str(error)})
        except Exception:
            log.exception("search.failed", extra={"upgrade": upgrade.id})
        return rejected, INCONCLUSIVE

    async def _store_outcome(
        self, upgrade: Upgrade, outcome: AcceptedUpgrade | CloudError, miss: SearchMiss | None
    ) -> Upgrade:
        """Store what the cloud answered: a definite answer is never dropped, whatever state the row is in."""

        def step(row: Upgrade) -> Upgrade | None:
            if row.state in NEVER_CONFIRMED and not isinstance(outcome, NotSent):
                # While its upgrade is submitted: the database has lost the commit of the confirmation.
                log.error("upgrade.unexpected_state", extra={"upgrade": row.id, "state": row.state.value})
                return self._with_outcome(_confirmed_again(row, upgrade), outcome, miss)
            if isinstance(outcome, AcceptedUpgrade):
                return None if row.job_id else self._with_outcome(row, outcome, miss)  # a search may have found it
            if row.state not in WAITING_STATES:
                return None
            if isinstance(outcome, OutcomeUnknown) and row.state is not State.SUBMITTING:
                return None
            return self._with_outcome(row, outcome, miss)

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, self._clock(), row.state.value, reason=_audit_reason(outcome)),)

        log.info("upgrade.submitted", extra=_log_fields(upgrade, outcome))
        try:
            stored = await self._transitions.update_with_retry(upgrade, step, entries)
        except JobIdTaken:  # the answer to somebody else's request
            log.exception("upgrade.job_id_taken", extra={"upgrade": upgrade.id})
            return await self._store_outcome(upgrade, OutcomeUnknown(api_request_id=outcome.api_request_id), None)
        except LiveUpgradeExists:  # unresolved, requested again, and only now the first answer comes
            log.exception("upgrade.answered_too_late", extra={"upgrade": upgrade.id})
            return await self._store_beside_live(upgrade, outcome)
        if stored.state is not State.SUBMITTING:
            return stored
        log.error("upgrade.row_missing", extra={"upgrade": upgrade.id})  # the database has lost the whole request
        stored = self._with_outcome(upgrade, outcome, miss)
        await self._transitions.storage.add(stored, *entries(stored))
        return stored

    def _with_outcome(
        self, row: Upgrade, outcome: AcceptedUpgrade | CloudError, miss: SearchMiss | None = None
    ) -> Upgrade:
        now = self._clock()
        if isinstance(outcome, AcceptedUpgrade):
            row = replace(row, api_request_id=outcome.api_request_id)
            return row.accepted(outcome.job_id, now, now + self._schedule.poll_seconds)
        row = row.submission_failed(outcome, now)
        return replace(row, search_result=miss.result.value, operations=miss.operations) if miss else row

    async def _store_beside_live(self, upgrade: Upgrade, outcome: AcceptedUpgrade | CloudError) -> Upgrade:
        """Only one upgrade of an instance can be live: this one stays unresolved, with the job id that it has got."""
        now = self._clock()

        def step(row: Upgrade) -> Upgrade | None:
            if row.state in NEVER_CONFIRMED or row.state is State.SUBMITTING:  # the latter as this process last saw it
                row = polling.unresolved(_confirmed_again(row, upgrade), now)
            if not isinstance(outcome, AcceptedUpgrade) or row.job_id:
                return row
            row = replace(row, job_id=outcome.job_id, api_request_id=outcome.api_request_id)
            return row.with_notifications(now, Notification.JOB_FOUND, Notification.CARD_UPDATE)

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, now, row.state.value, reason=_audit_reason(outcome)),)

        return await self._transitions.update_with_retry(upgrade, step, entries)

    async def renew_leases(self) -> None:
        """Renew the leases of what is being submitted, for ever: a dead process stops doing so, and others notice."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            senders = dict(self._senders)
            if not senders:
                continue
            try:
                renewed = await self._transitions.storage.renew_leases(senders, LEASE_SECONDS)
            except StorageUnavailable as error:
                log.warning("storage.unavailable", extra={"submitting": len(senders), "reason": str(error)})
                continue
            for upgrade_id in senders.keys() - renewed:  # answered meanwhile, or taken for lost by others
                self._senders.pop(upgrade_id, None)


def _confirmed_again(row: Upgrade, upgrade: Upgrade) -> Upgrade:
    """The row of a confirmation that the database has lost, as it was confirmed."""
    return replace(
        row,
        state=State.SUBMITTING,
        decided_by=upgrade.decided_by,
        decided_at=upgrade.decided_at,
        sender=upgrade.sender,
        message_ts=row.message_ts or upgrade.message_ts,
    )


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
        **upgrade.log_fields,
        "instance": upgrade.instance_id,
        "outcome": _outcome_name(outcome),
        "api_request_id": outcome.api_request_id,
    }
    if isinstance(outcome, AcceptedUpgrade):
        return {**fields, "job": outcome.job_id}
    return {**fields, "reason": str(outcome)}
