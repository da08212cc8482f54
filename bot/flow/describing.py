"""What the cloud knows of the instance: doubts before the question, facts on it; never a reason to wait long."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.doubts import Doubt, doubt, not_in_project
from bot.core.naming import nearest
from bot.core.ports import Directory, Store
from bot.core.reasons import StoreAway
from bot.core.upgrade import News, State, Upgrade
from bot.flow.changing import change
from bot.flow.telling import Teller

log = logging.getLogger("bot.describing")
PATIENCE = 2.0
DOUBT_PATIENCE = 0.8  # how long a doubt waits to be confirmed or cleared
CONFLICT = 409
NOT_DESCRIBED = "-"  # `Upgrade.about` when the cloud did not describe the instance


@dataclass(frozen=True, slots=True)
class Describing:
    """Asks the directory; a cloud that is slow or does not permit it leaves everything as it was without it."""

    directory: Directory
    store: Store
    teller: Teller
    clock: Callable[[], float]

    async def doubt(self, instance_id: str) -> Doubt | None:
        """What speaks against asking; None when nothing is known to.

        Only a doubt costs time: what is kept may be minutes old, so it is looked at again before anybody is told.
        """
        known = self.directory.known()
        instance = known.find(instance_id)
        if instance is not None:
            kept = doubt(instance)
            anew = await self.directory.one(instance_id, DOUBT_PATIENCE) if kept else None
            return doubt(anew) if anew else kept
        if not (known.is_complete and known.instances):
            return None  # a list that is empty or unfinished proves nothing
        listing = await self.directory.listed_anew(PATIENCE)
        new = listing.find(instance_id)
        if new is not None or not listing.is_complete:
            return doubt(new) if new else None
        return not_in_project(instance_id, nearest(instance_id, listing.instances))

    def at_hand(self, instance_id: str) -> str:
        """What is known of the instance without asking, for a new row."""
        instance = self.directory.known().find(instance_id)
        return instance.written() if instance and instance.is_detailed else ""

    async def what_runs(self, upgrade: Upgrade) -> Upgrade:
        """After a refusal because of another operation: the row with what the cloud says of the instance now."""
        if upgrade.state is not State.REFUSED or upgrade.http_status != CONFLICT:
            return upgrade
        instance = await self.directory.one(upgrade.instance_id, PATIENCE)
        if instance is None:
            return upgrade
        return await change(self.store, upgrade, lambda row: replace(row, about=instance.written()))

    async def complete(self, upgrade: Upgrade) -> None:
        """Put what the cloud says now on an open question, by one edit at most; it was posted without waiting."""
        if upgrade.state is not State.ASKED:
            return
        instance = await self.directory.one(upgrade.instance_id, PATIENCE)
        if instance is None and upgrade.about:
            return
        instance = instance or self.directory.known().find(upgrade.instance_id)
        about = instance.written() if instance else NOT_DESCRIBED

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.ASKED or row.about == about:
                return None
            described = replace(row, about=about)
            # A question that stands nowhere yet is posted with it.
            return described if row.message_ts is None else described.with_news(self.clock(), News.CARD)

        try:
            described = await change(self.store, upgrade, step)
            if described.state is State.ASKED and described.untold == (News.CARD,):
                await self.teller.tell(described)
        except StoreAway as away:
            # The question stands all the same.
            log.warning("store.away", extra={"upgrade": upgrade.id, "why": str(away)})
