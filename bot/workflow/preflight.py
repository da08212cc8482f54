"""Before an upgrade is confirmed: what the cloud says against it, and the instance's details on the card."""

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.errors import StorageUnavailable
from bot.core.instances import PreflightWarning, nearest, not_in_project, preflight_warning
from bot.core.notifications import Notification
from bot.core.ports import InstanceInventory
from bot.core.upgrade import State, Upgrade, replace
from bot.workflow.notifier import Notifier
from bot.workflow.transitions import Transitions

log = logging.getLogger("bot.preflight")
PATIENCE_SECONDS = 2.0
READ_SECONDS = 0.4  # how long a command waits for what its instance is like now
NOT_DESCRIBED = "-"  # `Upgrade.instance_snapshot` when the cloud did not describe the instance


@dataclass(slots=True, eq=False, repr=False)
class Preflight:
    """Reads the inventory; a cloud that is slow or denies access holds up and prevents nothing."""

    inventory: InstanceInventory
    transitions: Transitions
    notifier: Notifier
    clock: Callable[[], float]

    async def warning(self, instance_id: str) -> PreflightWarning | None:
        """What speaks against requesting an upgrade; None when nothing is known to.

        What is cached may be minutes old and lacks the data-sync tasks, so the instance is read again, for a moment.
        """
        cached = self.inventory.cached()
        instance = cached.find(instance_id)
        if instance is not None or not (cached.is_complete and cached.instances):
            # A list that is empty or incomplete (the bot has just started) proves nothing.
            instance = await self.inventory.instance(instance_id, READ_SECONDS) or instance
            return preflight_warning(instance) if instance else None
        refreshed = await self.inventory.refreshed(PATIENCE_SECONDS)
        instance = refreshed.find(instance_id)
        if instance is not None or not refreshed.is_complete:
            return preflight_warning(instance) if instance else None
        return not_in_project(instance_id, nearest(instance_id, refreshed.instances))

    def cached_snapshot(self, instance_id: str) -> str:
        """The `instance_snapshot` of a new row, without a request."""
        instance = self.inventory.cached().find(instance_id)
        # Of an entry of the list the name is worth showing; that details are missing is said after they were asked for.
        return dataclasses.replace(instance, is_detailed=True).to_json() if instance else ""

    async def describe_conflict(self, upgrade: Upgrade) -> Upgrade:
        """After a rejection because of another operation: the row with the instance as it is now."""
        if not upgrade.is_conflict:
            return upgrade
        instance = await self.inventory.instance(upgrade.instance_id, PATIENCE_SECONDS)
        if instance is None:
            return upgrade
        snapshot = instance.to_json()
        return await self.transitions.update(upgrade, lambda row: replace(row, instance_snapshot=snapshot))

    async def describe_instance(self, upgrade: Upgrade) -> None:
        """Put the instance's details on an open card, by one edit at most; the card was posted without waiting.

        A card that was decided meanwhile still gets a name that it did not have, a delayed one its window.
        """
        if upgrade.state is not State.REQUESTED:
            return
        read = await self.inventory.instance(upgrade.instance_id, PATIENCE_SECONDS)
        cached = self.inventory.cached().find(upgrade.instance_id)
        if read is None and cached is not None and cached.is_detailed and upgrade.instance_snapshot:
            return
        instance = read or cached
        snapshot = instance.to_json() if instance else NOT_DESCRIBED

        def describe(row: Upgrade) -> Upgrade | None:
            brings_more = instance is not None and (row.delay or not row.is_named)
            described = replace(row, instance_snapshot=snapshot)
            if row.instance_snapshot == snapshot:
                return None
            if not (row.state is State.REQUESTED or brings_more):
                # The end compares the version with the one that was read before the job began.
                is_first_read = row.is_live and row.instance_before is None and described.instance_before is not None
                return described if is_first_read else None
            if row.message_ts is None:
                return described  # the card is posted with it
            return described.with_notifications(self.clock(), Notification.CARD_UPDATE)

        try:
            await self.notifier.edit_and_store(upgrade, describe)
        except StorageUnavailable as error:
            # The card is posted and can be confirmed all the same.
            log.warning("storage.unavailable", extra={"upgrade": upgrade.id, "reason": str(error)})
