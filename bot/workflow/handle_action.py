"""The buttons of request cards and threads: permitted or refused, one winner, then submitted, withdrawn or searched."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bot.core import outbox, polling
from bot.core.actions import EFFECTIVE_ACTIONS, THREAD_ACTIONS, Action, Click, Origin
from bot.core.audit import AuditEntry
from bot.core.errors import (
    CannotRequest,
    CloudError,
    LiveUpgradeExists,
    OutcomeUnknown,
    Refusal,
    Rejected,
    SlackError,
    TooLate,
)
from bot.core.messages import Code, Message
from bot.core.notifications import Notification
from bot.core.permissions import AccessPolicy, Channel, User
from bot.core.polling import CANCELED, FINAL_STATUSES, Job, PollSchedule
from bot.core.ports import CHANNEL_PATIENCE_SECONDS, ChannelDirectory, Cloud, Metrics, Publisher, UserDirectory
from bot.core.replies import Reply, TranslatedCard
from bot.core.upgrade import PENDING, RUNNING, State, Upgrade, current_upgrade_id, replace
from bot.workflow.background_tasks import UpgradesInProcess
from bot.workflow.interaction import Replier
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import Reconciler, upgrade_in_progress
from bot.workflow.submit import Submitter
from bot.workflow.transitions import Transitions, change_attempted

log = logging.getLogger("bot.action")
STARTED_STATUSES = {RUNNING, *FINAL_STATUSES}
DENIED_STATUSES = {401, 403}  # HTTP: nothing was done, whatever the job shows


@dataclass(slots=True, eq=False, repr=False)
class ActionHandler:
    """Handles clicks that name an upgrade; whoever is refused or too late gets a private reply that says why."""

    transitions: Transitions
    cloud: Cloud
    publisher: Publisher
    notifier: Notifier
    users: UserDirectory
    channels: ChannelDirectory
    replier: Replier
    policy: AccessPolicy
    submitter: Submitter
    reconciler: Reconciler
    in_process: UpgradesInProcess
    schedule: PollSchedule
    metrics: Metrics
    clock: Callable[[], float]

    async def handle_click(self, click: Click) -> None:
        """Do what the button says, or tell this person why not."""
        current_upgrade_id.set(click.value)  # for the log, also of what is said after the row was let go
        with self.metrics.interaction("click"):
            await self.replier.reply(click.origin, self._run(click))

    async def _run(self, click: Click) -> Reply | None:
        """Nothing is edited, posted or stored before the rules allow it to this person."""
        (upgrade, channels), user = await asyncio.gather(
            self._find_upgrade_and_channel(click),
            self.users.user(click.origin, has_effect=click.action in EFFECTIVE_ACTIONS),
        )
        refusal = self._check_permission(click, user, upgrade, channels)
        if refusal is not None:
            return await self._refuse(click, upgrade, refusal)
        upgrade = await self._with_own_message(click, upgrade)
        if upgrade is None:
            return await self._refuse(click, None, TooLate("unknown_request"))
        with self.in_process.claim(upgrade.id):
            match click.action:
                case Action.CONFIRM if not self._is_project_set(upgrade):
                    return CannotRequest("project_not_set", project=Code(upgrade.project))
                case Action.CONFIRM:
                    return await self._confirm(click, upgrade) or await self._updated_copy(click, upgrade)
                case Action.CANCEL:
                    return await self._withdraw(click, upgrade) or await self._updated_copy(click, upgrade)
                case Action.SEARCH_AGAIN:
                    return await self.reconciler.search_again(upgrade, click.origin)
                case Action.CANCEL_SCHEDULED:
                    return await self._cancel_scheduled(upgrade, click.origin)
                case _:
                    return TranslatedCard(upgrade)

    def _is_project_set(self, upgrade: Upgrade) -> bool:
        """Whether its project is still in the settings; where one without a project belongs is for the submission."""
        try:
            return not upgrade.project or bool(self.cloud.of(upgrade))
        except CloudError:
            return False

    async def _updated_copy(self, click: Click, upgrade: Upgrade) -> TranslatedCard | None:
        """The private copy that was clicked on, as the card is now; None for the card itself, which is edited."""
        if not click.is_on_private_copy:
            return None
        newest = await self.transitions.storage.get(upgrade.id)
        return TranslatedCard(newest or upgrade, replaces_copy=True)

    async def _find_upgrade_and_channel(self, click: Click) -> tuple[Upgrade | None, Mapping[str, Channel]]:
        upgrade = await self._find_upgrade(click)
        channel_id = upgrade.channel_id if upgrade else click.origin.channel_id
        return upgrade, await self.channels.channels({channel_id}, CHANNEL_PATIENCE_SECONDS)

    async def _find_upgrade(self, click: Click) -> Upgrade | None:
        """The row that the button names, if it belongs to this channel."""
        upgrade = await self.transitions.storage.get(click.value)
        if upgrade is None:
            return None
        dm_channel_id = upgrade.dm_channel_id if click.action in THREAD_ACTIONS else None
        return upgrade if click.origin.channel_id in (upgrade.channel_id, dm_channel_id) else None

    async def _with_own_message(self, click: Click, upgrade: Upgrade | None) -> Upgrade | None:
        """The row, if its card is the very message that was clicked (or the message is in its thread)."""
        is_named = click.action in THREAD_ACTIONS or click.is_on_private_copy
        if upgrade is None or is_named or upgrade.message_ts == click.message_ts:
            return upgrade
        if upgrade.message_ts is None:
            # The process died between posting the card and storing its ts: this click tells it.
            return await self.transitions.update(upgrade, lambda row: self._with_card(row, click.message_ts))
        await self._close_duplicate_card(click)
        return None

    def _with_card(self, row: Upgrade, message_ts: str) -> Upgrade | None:
        if row.message_ts is not None:
            return None
        return outbox.delivered(row, Notification.REQUEST_CARD, self.clock(), message_ts, row)

    async def _close_duplicate_card(self, click: Click) -> None:
        """A card that a crash made the bot post twice: the copy whose ts was not stored loses its buttons."""
        channel_id, message_ts = click.origin.channel_id, click.message_ts
        if await self.transitions.storage.find_by_message(channel_id, message_ts) is None:
            with suppress(SlackError):  # not a message of the bot, or Slack is unavailable: the reply is private anyway
                language = await self.users.language(click.origin.user_id)
                await self.publisher.replace_card(channel_id, message_ts, Message("unknown_request"), language)

    def _check_permission(
        self, click: Click, user: User, upgrade: Upgrade | None, channels: Mapping[str, Channel]
    ) -> Refusal | None:
        """The rules as they are now."""
        if upgrade is None:
            return self.policy.check_use(user, click.origin.channel_id, channels)
        match click.action:
            case Action.CONFIRM:
                return self.policy.check_confirm(user, upgrade, channels)
            case Action.CANCEL_SCHEDULED:
                return self.policy.check_cancel_scheduled(user, upgrade, channels)
            case Action.SEARCH_AGAIN:
                return self.policy.check_instance(user, upgrade.channel_id, upgrade.instance_id, channels)
            case _:
                return self.policy.check_use(user, upgrade.channel_id, channels)

    async def _refuse(self, click: Click, upgrade: Upgrade | None, refusal: Refusal) -> Refusal:
        fields = {"upgrade": upgrade.id if upgrade else "", "user": click.origin.user_id, "reason": refusal.key}
        log.info("click.refused", extra={**fields, "action": click.action.value})
        await self.transitions.record_refusal(click.origin, refusal, upgrade)
        return refusal

    # the request

    async def _confirm(self, click: Click, upgrade: Upgrade) -> Reply | None:
        """Win the confirmation, then submit; whoever does not win is told who did."""
        user_id, team_id = click.origin.user_id, click.origin.team_id
        sender = self.submitter.new_sender()
        too_late: TooLate | None = None

        def step(row: Upgrade) -> Upgrade | None:
            nonlocal too_late
            result = row.confirm(user_id, self.clock(), sender)
            too_late = result if isinstance(result, TooLate) else None
            return None if isinstance(result, TooLate) else result

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            at = row.decided_at or self.clock()
            confirmed = AuditEntry.of(row, at, "confirmed", user_id, team_id=team_id)
            return (confirmed, AuditEntry.of(row, at, "submitting"))

        while True:
            try:
                row = await self.transitions.update(upgrade, step, entries)
                break
            except LiveUpgradeExists:
                live = await self.transitions.storage.live_upgrade(upgrade.instance_id)
                if live is not None:
                    return await self._refuse(click, upgrade, await upgrade_in_progress(self.publisher, live))
                # it ended between the two statements
        if too_late is not None:
            return await self._refuse_late(click, row, too_late)
        if row.state is not State.SUBMITTING:  # the row was deleted under the click
            return TooLate("unknown_request")
        log.info("upgrade.confirmed", extra={"user": user_id, **row.log_fields})
        await asyncio.gather(self.submitter.submit(row), self.reconciler.supersede_others(row))
        return None

    async def _withdraw(self, click: Click, upgrade: Upgrade) -> Reply | None:
        """Cancel the request before anything was sent."""
        user_id, team_id = click.origin.user_id, click.origin.team_id
        too_late: TooLate | None = None

        def step(row: Upgrade) -> Upgrade | None:
            nonlocal too_late
            result = row.withdraw(user_id, self.clock())
            too_late = result if isinstance(result, TooLate) else None
            return None if isinstance(result, TooLate) else result

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            return (AuditEntry.of(row, row.decided_at or self.clock(), "withdrawn", user_id, team_id=team_id),)

        row = await self.transitions.update(upgrade, step, entries)
        if too_late is not None:
            return await self._refuse_late(click, row, too_late)
        log.info("upgrade.withdrawn", extra={"upgrade": row.id, "user": user_id})
        await self.notifier.deliver(row)
        return None

    async def _refuse_late(self, click: Click, upgrade: Upgrade, refusal: TooLate) -> Refusal:
        """Too late; a request that has just expired under the click loses its buttons now."""
        if upgrade.state is State.REQUESTED:
            await self.notifier.deliver(await self.transitions.expire(upgrade, self.clock()))
        return await self._refuse(click, upgrade, refusal)

    # canceling a delayed upgrade before its window

    async def _cancel_scheduled(self, upgrade: Upgrade, origin: Origin) -> Message:
        """Delete the scheduled task. Without an audit entry of the attempt no request is sent."""
        if upgrade.state is State.CANCELED:
            return Message("cancel_scheduled_already", name=upgrade.instance_name)
        if upgrade.state is not State.IN_PROGRESS or not upgrade.job_id or not upgrade.delay:
            return Message("cancel_scheduled_too_late", name=upgrade.instance_name)
        storage = self.transitions.storage
        await storage.record(self._cancel_entry(upgrade, origin, "cancel_requested", upgrade.job_id))
        change_attempted.set(True)
        refusal: CloudError = OutcomeUnknown(200)  # an answer that does not name the job
        try:
            is_canceled = await self.cloud.of(upgrade).cancel_scheduled(upgrade.job_id, upgrade.language)
        except Rejected as error:
            is_canceled, refusal = False, error
        except CloudError as error:
            return await self._cancel_failed(upgrade, origin, error)
        status = CANCELED if is_canceled else await self._read_job_status(upgrade)
        if status == CANCELED:
            await self._store_canceled(upgrade, origin)
            return Message("cancel_scheduled_done", name=upgrade.instance_name)
        if status not in STARTED_STATUSES:
            return await self._cancel_failed(upgrade, origin, refusal, is_waiting=status == PENDING)
        await storage.record(self._cancel_entry(upgrade, origin, "cancel_too_late", upgrade.job_id))
        await self._poll_now(upgrade)
        return Message("cancel_scheduled_too_late", name=upgrade.instance_name)

    async def _read_job_status(self, upgrade: Upgrade) -> str:
        """What the job itself shows after a DELETE that did not name it; empty when it cannot be read.

        It may be canceled all the same: aiohttp repeats a DELETE whose connection was dropped.
        """
        try:
            job = await self.cloud.of(upgrade).job(upgrade.job_id or "", upgrade.language)
        except CloudError as error:
            log.warning("cancel.job_unknown", extra={"upgrade": upgrade.id, "reason": str(error)})
            return ""
        return job.status if job is not None else ""

    async def _store_canceled(self, upgrade: Upgrade, origin: Origin) -> None:
        """The cloud has confirmed it: the job has ended, as if a poll had shown it."""
        job, now = Job(upgrade.job_id or "", CANCELED), self.clock()

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.IN_PROGRESS:
                return None
            return polling.job_polled(replace(row, canceled_by=origin.user_id), job, now, self.schedule)

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            cancel_confirmed = self._cancel_entry(row, origin, "cancel_confirmed", job.id)
            return (cancel_confirmed, AuditEntry.of(row, now, row.state.value, reason=job.id))

        log.info("cancel.confirmed", extra={"upgrade": upgrade.id, "user": origin.user_id})
        await self.notifier.deliver(await self.transitions.update_with_retry(upgrade, step, entries))

    async def _cancel_failed(
        self, upgrade: Upgrade, origin: Origin, error: CloudError, is_waiting: bool = False
    ) -> Message:
        """The error is told; `is_waiting`: the job was looked at after a refusal, and still waits for its window."""
        log.warning("cancel.failed", extra={"upgrade": upgrade.id, "reason": str(error)})
        reason = f"{error.status or ''} {error.code}".strip() or "-"
        is_refused = is_waiting or error.status in DENIED_STATUSES
        is_unknown = not is_refused and isinstance(error, OutcomeUnknown | Rejected)
        entry = self._cancel_entry(upgrade, origin, "cancel_unknown" if is_unknown else "cancel_failed", reason)
        await self.transitions.storage.record(dataclasses.replace(entry, api_request_id=error.api_request_id))
        if is_unknown:
            await self._poll_now(upgrade)
            return Message("cancel_scheduled_unknown", name=upgrade.instance_name)
        if error.status is None:
            return Message("cancel_scheduled_not_sent", name=upgrade.instance_name, console=upgrade.console)
        return Message(
            "cancel_scheduled_failed", name=upgrade.instance_name, error=Code(reason), console=upgrade.console
        )

    async def _poll_now(self, upgrade: Upgrade) -> None:
        """Have the poller look at the job now: while it waits for its window it is polled rarely."""
        now = self.clock()

        def step(row: Upgrade) -> Upgrade | None:
            return replace(row, next_poll_at=now).rescheduled() if row.state is State.IN_PROGRESS else None

        await self.transitions.update_with_retry(upgrade, step)

    def _cancel_entry(self, upgrade: Upgrade, origin: Origin, event: str, reason: str) -> AuditEntry:
        return AuditEntry.of(upgrade, self.clock(), event, origin.user_id, reason, origin.team_id)
