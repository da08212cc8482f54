"""The StarRocks instances of the project: read through their TaurusDB instances, kept for five minutes.

TaurusDB instances → their StarRocks instances → the details of each. Without the permission, or with a slow cloud,
nothing is known, and the bot works as it would without.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bot.core.instances import Instance, Listing
from bot.core.reasons import Fault
from bot.core.sentence import Language
from bot.taurusdb.answer import text
from bot.taurusdb.calls import Calls
from bot.taurusdb.parents import Parents
from bot.taurusdb.traces import objects, rows

KEPT_SECONDS = 300.0
IN_FLIGHT = 5  # of the eight reads at a time: looks at running jobs do not wait for a long list

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class _Kept:
    """An instance and until when its details hold."""

    instance: Instance
    until: float


class InstanceDirectory:
    """The `Directory` of the core; it asks when it is asked, never by itself."""

    def __init__(self, calls: Calls, parents: Parents, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._parents = parents
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Task[Instance | None]] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._refresh_at = 0.0
        self._is_complete = False
        self._room = asyncio.Semaphore(IN_FLIGHT)

    def known(self) -> Listing:
        """What is known without asking: details not older than five minutes."""
        now = self._clock()
        fresh = tuple(kept.instance for kept in self._kept.values() if now < kept.until)
        return Listing(fresh, self._is_complete and now < self._refresh_at)

    async def listing(self, patience: float) -> Listing:
        """All instances, waiting at most so many seconds for what is not known yet."""
        if self._clock() >= self._refresh_at and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh(), name="read the instances")
        if self._refreshing is not None and not self._refreshing.done():
            await asyncio.wait({self._refreshing}, timeout=patience)
        return self.known()

    async def one(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details; None when they are not to be had in time."""
        kept = self._kept.get(instance_id)
        if kept is not None and self._clock() < kept.until:
            return kept.instance
        task = self._asking.get(instance_id)
        if task is None:
            task = self._asking[instance_id] = asyncio.create_task(self._read(instance_id), name="read an instance")
            task.add_done_callback(lambda _: self._asking.pop(instance_id, None))
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else None

    async def aclose(self) -> None:
        """Stop asking."""
        tasks = [*self._asking.values(), *([self._refreshing] if self._refreshing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self) -> None:
        """Read every instance's details, few at a time."""
        homes = await self._parents.all(Language.EN)
        self._is_complete = False
        found = await asyncio.gather(*(self._details(one, home.parent_id) for one, home in homes.items()))
        self._refresh_at = self._clock() + KEPT_SECONDS
        self._is_complete = bool(homes) and all(found) and self._parents.is_complete
        for gone in set(self._kept) - set(homes):
            del self._kept[gone]

    async def _read(self, instance_id: str) -> Instance | None:
        """Find the instance's parent, then its details."""
        home = await self._parents.of(instance_id, Language.EN)
        return await self._details(instance_id, home.parent_id) if home else None

    async def _details(self, instance_id: str, parent_id: str) -> Instance | None:
        """Ask for one instance; None when the cloud does not show it."""
        path = f"instances/{quote(parent_id, safe='')}/starrocks/{quote(instance_id, safe='')}"
        async with self._room:
            try:
                answer = await self._calls.read(path, {}, Language.EN)
            except Fault as fault:
                log.info("instance.not_described", extra={"instance": instance_id, "fault": str(fault)})
                return None
        shown = next((row for row in rows(answer, "instances") if row.get("id") == instance_id), None)
        if answer.status != 200 or shown is None:
            log.info("instance.not_described", extra={"instance": instance_id, "status": answer.status})
            return None
        instance = instance_of(shown, parent_id)
        self._kept[instance_id] = _Kept(instance, self._clock() + KEPT_SECONDS)
        return instance


def instance_of(row: Mapping[str, object], parent_id: str) -> Instance:
    """The cloud's JSON, as far as it is what the API page says; half an answer is half an instance."""
    store, window, newer = row.get("data_store_version"), row.get("ops_window"), row.get("new_version_available")
    nodes = [node for group in objects(row.get("groups")) for node in objects(group.get("nodes"))]
    actions = [action for one in (row, *nodes) for action in objects(one.get("actions"))]
    times = window if isinstance(window, dict) else {}
    return Instance(
        id=text(row.get("id")),
        name=text(row.get("name"))[:128],
        parent_id=parent_id,
        status=text(row.get("status"))[:64],
        version=text(store)[:64],
        has_newer=newer if isinstance(newer, bool) else None,
        nodes=len(nodes) if isinstance(row.get("groups"), list) else None,
        window_start=text(times.get("start_time"))[:16],
        window_end=text(times.get("end_time"))[:16],
        running=tuple(dict.fromkeys(text(action.get("action"))[:64] or "?" for action in actions))[:8],
    )
