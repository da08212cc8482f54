"""What the cloud knows of the instance: doubts before the question, facts on it; never a reason to wait long."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.doubts import Doubt, doubt, not_in_project
from bot.core.instances import nearest
from bot.core.ports import Directory, Store
from bot.core.upgrade import News, State, Upgrade
from bot.flow.changing import change
from bot.flow.telling import Teller

log = logging.getLogger("bot.describing")
PATIENCE = 2.0
NOT_DESCRIBED = "-"  # `Upgrade.about` when the cloud did not describe the instance


@dataclass(frozen=True, slots=True)
class Describing:
    """Asks the directory; a cloud that is slow or does not permit it leaves everything as it was without it."""

    directory: Directory
    store: Store
    teller: Teller
    clock: Callable[[], float]

    async def doubt(self, instance_id: str) -> Doubt | None:
        """What speaks against asking; None when nothing is known to."""
        known = self.directory.known()
        instance = next((one for one in known.instances if one.id == instance_id), None)
        if instance is not None:
            return doubt(instance)
        if not known.instances or not known.is_complete:
            return None  # a list that is empty or unfinished proves nothing
        if await self.directory.one(instance_id, PATIENCE) is not None:
            return None
        listing = await self.directory.listing(PATIENCE)
        if not listing.is_complete or any(one.id == instance_id for one in listing.instances):
            return None
        return not_in_project(instance_id, nearest(instance_id, listing.instances))

    def at_hand(self, instance_id: str) -> str:
        """What is known of the instance without asking, for a new row."""
        known = (one for one in self.directory.known().instances if one.id == instance_id)
        instance = next(known, None)
        return instance.written() if instance else ""

    async def complete(self, upgrade: Upgrade) -> None:
        """Put what the cloud says of the instance on an open question; it was posted without waiting for it."""
        if upgrade.state is not State.ASKED or upgrade.message_ts is None or upgrade.about:
            return
        instance = await self.directory.one(upgrade.instance_id, PATIENCE)
        about = instance.written() if instance else NOT_DESCRIBED

        def step(row: Upgrade) -> Upgrade | None:
            if row.state is not State.ASKED:
                return None
            return replace(row, about=about).with_news(self.clock(), News.CARD)

        described = await change(self.store, upgrade, step)
        if described.about:
            await self.teller.tell(described)
