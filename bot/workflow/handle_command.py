"""The slash command: parsed, permitted or refused, carried out. Everything but the request card is a private reply."""

import asyncio
import dataclasses
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.core.actions import Action, Click, Origin
from bot.core.audit import AuditEntry
from bot.core.command import (
    Command,
    DoctorCommand,
    HelpCommand,
    HistoryCommand,
    ListCommand,
    StatusCommand,
    UpgradeCommand,
    parse_command,
)
from bot.core.errors import (
    NOT_IN_CHANNEL_ERRORS,
    CannotRequest,
    CommandMistake,
    NotAnInstance,
    Refusal,
    UpgradeInProgress,
)
from bot.core.instances import Instance, PreflightWarning, not_in_any_project
from bot.core.messages import Code, Language, Message, help_message
from bot.core.notifications import Notification
from bot.core.permissions import AccessPolicy, Channel, User
from bot.core.ports import (
    CHANNEL_PATIENCE_SECONDS,
    ChannelDirectory,
    InstanceInventory,
    Metrics,
    Publisher,
    UserDirectory,
)
from bot.core.replies import (
    PreflightReply,
    Reply,
    instance_list_reply,
    instances_on_page,
    request_open,
    unresolved_before,
    upgrade_lines,
)
from bot.core.upgrade import EarlierRequest, State, Upgrade, current_upgrade_id, replace
from bot.workflow.background_tasks import UpgradesInProcess
from bot.workflow.interaction import Replier
from bot.workflow.notifier import Notifier
from bot.workflow.preflight import Preflight
from bot.workflow.reconcile import upgrade_in_progress
from bot.workflow.transitions import Transitions, change_attempted

log = logging.getLogger("bot.command")
MAX_LINES = 10  # of `history` and `status`
MAX_RELATED = 10  # earlier requests that a new one has to know
READ_ROWS = (MAX_LINES, 100, 1000)  # read for them, ever more while the rules let this person see too few of them
LIST_SECONDS = 1.2  # a list is answered within two seconds, with what is known by then
PAGE_SECONDS = 0.5  # of which its page has so much to be read again: operations start faster than lists are read
CARD_POSTED_TRIES, CARD_POSTED_SECONDS = 10, 0.1
LOCATE_SECONDS = 0.8  # how long a command waits for the project that lists its instance
NAME_SECONDS = 0.6  # how long the reply to a word that may be a name waits for the cloud's list
ROW_CHANNELS_SECONDS = 0.6  # how long each read of rows waits for the names of their channels
ReadUpgrades: TypeAlias = Callable[[str | None, int], Awaitable[Sequence[Upgrade]]]
_PAGE_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a button says besides its command: the person has seen the warning, and chose a project."""

    is_warned: bool = False
    project: str = ""


@dataclass(slots=True, eq=False, repr=False)
class CommandHandler:
    """Carries out typed commands, and buttons that stand for one."""

    transitions: Transitions
    notifier: Notifier
    preflight: Preflight
    inventory: InstanceInventory
    publisher: Publisher
    users: UserDirectory
    channels: ChannelDirectory
    replier: Replier
    policy: AccessPolicy
    in_process: UpgradesInProcess
    metrics: Metrics
    clock: Callable[[], float]
    new_id: Callable[[], str]
    run_doctor: Callable[[], Awaitable[Message]]
    command_name: str
    confirm_ttl_seconds: float
    projects: Sequence[str]  # `region:project_id` of each when there are several, else empty

    async def handle_command(self, origin: Origin, text: str, trigger_id: str) -> None:
        """Do what the text after the command says."""
        with self.metrics.interaction("command"):
            await self._reply(origin, text, trigger_id)

    async def handle_click(self, click: Click) -> None:
        """Do what the button stands for, as if it had been typed."""
        with self.metrics.interaction("click"):
            if click.action is Action.LIST_PAGE:
                page = int(click.value) if _PAGE_NUMBER.fullmatch(click.value) else 0
                await self.replier.reply(click.origin, self._list_page(click.origin, page))
            elif click.action is Action.REQUEST_IN_PROJECT:
                project, _, text = click.value.partition(" ")
                await self._reply(click.origin, text, click.trigger_id, Confirmed(is_warned=True, project=project))
            else:
                confirmed = Confirmed(is_warned=click.action is Action.REQUEST_ANYWAY)
                await self._reply(click.origin, click.value, click.trigger_id, confirmed)

    async def _reply(self, origin: Origin, text: str, trigger_id: str, confirmed: Confirmed | None = None) -> None:
        language = await self.users.language(origin.user_id)
        work = self._run(origin, text, trigger_id, language, confirmed or Confirmed())
        await self.replier.reply(origin, work, language)

    async def _run(
        self, origin: Origin, text: str, trigger_id: str, language: Language, confirmed: Confirmed
    ) -> Reply | None:
        command = self._parse(text)
        if isinstance(command, HelpCommand):
            return help_message(self.command_name)
        user, channels = await self._user_and_channel(origin)
        refusal: Refusal | None = self._check_permission(user, origin, command, channels)
        if refusal is None and isinstance(command, NotAnInstance):
            await self.inventory.refreshed(NAME_SECONDS)
            command = self._parse(text)
            refusal = self._check_permission(user, origin, command, channels)
        if refusal is not None:
            return await self._refuse(origin, refusal, command)
        match command:
            case CommandMistake():
                return command
            case UpgradeCommand():
                reply = await self._request(origin, command, trigger_id, language, confirmed)
                return await self._refuse(origin, reply, command) if isinstance(reply, UpgradeInProgress) else reply
            case HistoryCommand():
                return await self._history(user, command.instance_id)
            case StatusCommand():
                return await self._status(user, command.instance_id)
            case DoctorCommand():
                return await self.run_doctor()
            case ListCommand():
                return await self._list(command.page)
            case _:
                return help_message(self.command_name)

    def _parse(self, text: str) -> Command | CommandMistake:
        instances = tuple(filter(self._may_see, self.inventory.cached().instances))
        return parse_command(text, self.command_name, instances)

    def _may_see(self, instance: Instance) -> bool:
        return self.policy.may_see_instance(instance.id)

    async def _user_and_channel(self, origin: Origin) -> tuple[User, Mapping[str, Channel]]:
        return await asyncio.gather(
            self.users.user(origin), self.channels.channels({origin.channel_id}, CHANNEL_PATIENCE_SECONDS)
        )

    def _check_permission(
        self, user: User, origin: Origin, command: Command | CommandMistake, channels: Mapping[str, Channel]
    ) -> Refusal | None:
        """May this user ask for that here?"""
        channel_id = origin.channel_id
        match command:
            case UpgradeCommand():
                return self.policy.check_request(user, channel_id, command.instance_id, command.skip_validate, channels)
            case HistoryCommand() | StatusCommand():
                return self.policy.check_instance(user, channel_id, command.instance_id, channels)
            case _:
                return self.policy.check_use(user, channel_id, channels)

    async def _refuse(self, origin: Origin, refusal: Refusal, command: Command | CommandMistake) -> Refusal:
        log.info("command.refused", extra={"user": origin.user_id, "reason": refusal.key})
        has_instance = UpgradeCommand | HistoryCommand | StatusCommand
        instance_id = command.instance_id or "" if isinstance(command, has_instance) else ""
        await self.transitions.record_refusal(origin, refusal, instance_id=instance_id)
        return refusal

    # the request

    async def _request(
        self, origin: Origin, command: UpgradeCommand, trigger_id: str, language: Language, confirmed: Confirmed
    ) -> Reply | None:
        """Store the request and post its card; a reply when that was not done."""
        storage = self.transitions.storage
        related = await storage.related_upgrades(command.instance_id, MAX_RELATED)
        live = next((row for row in related if row.is_live), None)
        if live is not None:
            return await upgrade_in_progress(self.publisher, live)
        earlier = await self._earlier_unresolved(related)
        if not confirmed.is_warned:
            warning = unresolved_before(command.instance_id, earlier) if earlier else None
            warning = warning or await self._open_request(related)
            if warning is not None:
                return PreflightReply(warning, command.text)
        project = await self._project(command, confirmed.project)
        if not isinstance(project, str):
            return project
        # Who chose a project was not warned of the instance: it was not listed, but may be by now.
        is_listed_since = bool(confirmed.project) and self.inventory.cached().find(command.instance_id) is not None
        if not confirmed.is_warned or is_listed_since:
            warning = await self.preflight.warning(command.instance_id)
            if warning is not None:
                return PreflightReply(warning, command.text)
        upgrade = self._new_upgrade(origin, command, trigger_id, language)
        upgrade = replace(upgrade, earlier_unresolved=earlier, project=project)
        entry = AuditEntry.of(upgrade, upgrade.requested_at, "requested", origin.user_id)
        change_attempted.set(True)
        if not await storage.add(upgrade, entry):
            log.info("command.duplicate", extra={"user": origin.user_id})
            self.metrics.interaction_result("duplicate")
            return None
        self.metrics.interaction_result("requested")
        self.metrics.state_entered(upgrade.state)
        current_upgrade_id.set(upgrade.id)  # for the log, also of what is said after the row was let go
        log.info("upgrade.requested", extra={"instance": upgrade.instance_id, **upgrade.log_fields})
        with self.in_process.claim(upgrade.id):
            upgrade = await self.notifier.deliver(upgrade)
        await self.preflight.describe_instance(upgrade)
        return not_posted(upgrade, origin)

    async def _earlier_unresolved(self, related: Sequence[Upgrade]) -> EarlierRequest | None:
        """The last upgrade of the instance, if nobody knows what became of it."""
        last = next((row for row in related if row.state is State.UNRESOLVED), None)
        if last is None:
            return None
        permalink = await self.publisher.permalink(last)
        return EarlierRequest(last.requested_by, last.decided_at or last.requested_at, permalink)

    async def _project(self, command: UpgradeCommand, chosen: str) -> str | Reply:
        """The project that lists the instance, else the one that was chosen; empty when there is only one.

        A reply when neither is known: nothing is posted or sent before somebody knows where the instance is.
        """
        if chosen and chosen not in self.projects:
            return CannotRequest("project_not_set", project=Code(chosen))
        if not self.projects:
            return ""
        instances = self.inventory.cached()
        instance = instances.find(command.instance_id)
        if instance is None and not chosen:
            instances = await self.inventory.refreshed(LOCATE_SECONDS)
            instance = instances.find(command.instance_id)
        if instance is not None:
            return instance.project
        if chosen:
            return chosen
        log.info("command.not_listed", extra={"instance": command.instance_id, "unread": instances.unread_projects})
        warning = not_in_any_project(command.instance_id, instances)
        return PreflightReply(warning, command.text, tuple(self.projects))

    async def _open_request(self, related: Sequence[Upgrade]) -> PreflightWarning | None:
        """The warning that a request for the instance is open already."""
        now = self.clock()
        requested = (row for row in related if row.state is State.REQUESTED and row.expires_at > now)
        open_request = next(requested, None)
        if open_request is None:
            return None
        for _ in range(CARD_POSTED_TRIES):
            if open_request.message_ts is not None:
                break
            await asyncio.sleep(CARD_POSTED_SECONDS)  # its card is being posted, and the link leads there
            open_request = await self.transitions.storage.get(open_request.id) or open_request
        return request_open(open_request, await self.publisher.permalink(open_request))

    def _new_upgrade(self, origin: Origin, command: UpgradeCommand, trigger_id: str, language: Language) -> Upgrade:
        now = self.clock()
        upgrade = Upgrade(
            id=self.new_id(),
            instance_id=command.instance_id,
            delay=command.delay,
            skip_validate=command.skip_validate,
            team_id=origin.team_id,
            channel_id=origin.channel_id,
            trigger_id=trigger_id or self.new_id(),
            requested_by=origin.user_id,
            language=language,
            requested_at=now,
            expires_at=now + self.confirm_ttl_seconds,
            next_poll_at=now + self.confirm_ttl_seconds,
            instance_snapshot=self.preflight.cached_snapshot(command.instance_id),
        )
        return upgrade.with_notifications(now, Notification.REQUEST_CARD)

    # queries

    async def _list_page(self, origin: Origin, page: int) -> Reply:
        user, channels = await self._user_and_channel(origin)
        refusal = self.policy.check_use(user, origin.channel_id, channels)
        if refusal is not None:
            return await self._refuse(origin, refusal, ListCommand(page))
        return await self._list(page)

    async def _list(self, page: int) -> Reply:
        """A page of the project's instances that the rules allow, or why there is none."""
        listed = await self.inventory.instances(LIST_SECONDS)
        instances = dataclasses.replace(listed, instances=tuple(filter(self._may_see, listed.instances)))
        if instances.instances:
            _, on_page = instances_on_page(instances, page)
            reads = (self.inventory.instance(instance.id, PAGE_SECONDS) for instance in on_page)
            refreshed = {instance.id: instance for instance in await asyncio.gather(*reads) if instance is not None}
            usage = f"{self.command_name} <instance_id> [--delay] [--skip-validate]"
            return instance_list_reply(instances, page, usage, refreshed)
        if instances.is_complete:
            return Message("no_allowed_instances") if listed.instances else Message("no_instances")
        return Message("instances_not_listed", usage=Code(f"{self.command_name} <instance_id>"))

    async def _history(self, user: User, instance_id: str | None) -> Message:
        upgrades = await self._visible(user, instance_id, self.transitions.storage.latest)
        return Message("history", lines=await self._lines(upgrades)) if upgrades else Message("no_history")

    async def _status(self, user: User, instance_id: str | None) -> Message:
        upgrades = await self._visible(user, instance_id, self.transitions.storage.open_upgrades)
        return Message("status", lines=await self._lines(upgrades)) if upgrades else Message("no_open_upgrades")

    async def _visible(self, user: User, instance_id: str | None, read: ReadUpgrades) -> Sequence[Upgrade]:
        """The newest requests of those that the rules let this user see, wherever they were made."""
        visible: list[Upgrade] = []
        for limit in READ_ROWS:
            rows = await read(instance_id, limit)
            channels = await self.channels.channels({row.channel_id for row in rows}, ROW_CHANNELS_SECONDS)
            visible = [row for row in rows if self.policy.may_see(user, row, channels)][:MAX_LINES]
            if len(visible) == MAX_LINES or len(rows) < limit:
                break
        return visible

    async def _lines(self, upgrades: Sequence[Upgrade]) -> tuple[Message, ...]:
        permalinks = await asyncio.gather(*(self.publisher.permalink(upgrade) for upgrade in upgrades))
        return upgrade_lines(upgrades, permalinks)


def not_posted(upgrade: Upgrade, origin: Origin) -> CannotRequest | None:
    """Why Slack rejected the request card; None when it did not."""
    if not upgrade.is_card_rejected:
        return None
    if upgrade.error_code in NOT_IN_CHANNEL_ERRORS:
        if origin.is_direct_message:
            return CannotRequest("not_in_direct_message")
        return CannotRequest("not_in_channel")
    if upgrade.error_code == "is_archived":
        return CannotRequest("channel_archived")
    return CannotRequest("posting_not_allowed", error=Code(upgrade.error_code))
