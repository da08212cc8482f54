"""Making a step true: compare-and-set in the store, again on the newest row when another was faster."""

import asyncio
import logging
from collections.abc import Callable

from bot.core.audit import AuditEntry
from bot.core.ports import Store
from bot.core.reasons import StoreAway
from bot.core.upgrade import Upgrade

log = logging.getLogger("bot.flow")
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)

Step = Callable[[Upgrade], Upgrade | None]
Entries = Callable[[Upgrade], tuple[AuditEntry, ...]]


def no_entries(_: Upgrade) -> tuple[AuditEntry, ...]:
    """Bookkeeping leaves no audit row."""
    return ()


async def change(store: Store, upgrade: Upgrade, step: Step, entries: Entries = no_entries) -> Upgrade:
    """Make a step that needs no person: the stored row after it, or the row as it is when the step no longer applies.

    Raises `StoreAway`; whoever must not lose the step uses `insist`.
    """
    while True:
        after = step(upgrade)
        if after is None or after == upgrade:
            return upgrade
        saved = await store.save(upgrade, after, *entries(after))
        if saved is not None:
            return saved
        newest = await store.get(upgrade.id)
        if newest is None:
            return upgrade
        upgrade = newest


async def insist(store: Store, upgrade: Upgrade, step: Step, entries: Entries = no_entries) -> Upgrade:
    """The same, waiting for a store that is away: what the cloud answered must not be lost while the process lives."""
    attempt = 0
    while True:
        try:
            return await change(store, upgrade, step, entries)
        except StoreAway as error:
            log.warning("store.away", extra={"upgrade": upgrade.id, "why": str(error)})
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
