"""`history`, `status` and the list of instances: what was, what lives, what could be upgraded; told privately."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.pages import NothingListed, NotListed, Page, page_of, shown
from bot.core.ports import Directory, Store, Thread
from bot.core.recount import HistoryTold, NoHistory, NothingLives, StatusTold, recounted
from bot.core.sentence import Code, Sentence
from bot.core.upgrade import Upgrade

MOST = 10
PATIENCE = 1.2  # a list is answered within two seconds, with what is known by then
PAGE_PATIENCE = 0.5  # of which its page has so much to be read anew: what runs changes faster than lists are read


@dataclass(frozen=True, slots=True)
class Recounting:
    """Reads, and changes nothing."""

    store: Store
    thread: Thread
    directory: Directory
    command_name: str

    async def history(self, instance_id: str | None) -> Sentence:
        """The last ten requests with the way to their threads."""
        upgrades = await self.store.history(instance_id, MOST)
        return HistoryTold(await self._lines(upgrades)) if upgrades else NoHistory()

    async def status(self, instance_id: str | None) -> Sentence:
        """What lives now."""
        upgrades = await self.store.open_now(instance_id, MOST)
        return StatusTold(await self._lines(upgrades)) if upgrades else NothingLives()

    async def instances(self, page: int) -> Sentence | Page:
        """A page of the project's instances, or why there is none."""
        listing = await self.directory.listing(PATIENCE)
        if listing.instances:
            _, instances = shown(listing, page)
            found = await asyncio.gather(*(self.directory.one(one.id, PAGE_PATIENCE) for one in instances))
            anew = {one.id: one for one in found if one is not None}
            return page_of(listing, page, f"{self.command_name} <instance_id> [--delay] [--skip-validate]", anew)
        return NothingListed() if listing.is_complete else NotListed(Code(f"{self.command_name} <instance_id>"))

    async def _lines(self, upgrades: Sequence[Upgrade]) -> tuple[Sentence, ...]:
        links = await asyncio.gather(*(self.thread.permalink(upgrade) for upgrade in upgrades))
        return recounted(upgrades, links)
