"""The StarRocks instances of the project: read through their TaurusDB instances, kept for five minutes.

TaurusDB instances → their StarRocks instances → the details of each. Without the permission, or with a slow cloud,
nothing is known, and the bot works as it would without.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.core.instances import Instance, Listing
from bot.core.reasons import Fault
from bot.core.sentence import Language
from bot.taurusdb.calls import Calls
from bot.taurusdb.instances import detailed
from bot.taurusdb.parents import Home, Parents
from bot.taurusdb.traces import rows

KEPT_SECONDS = 300.0
REFRESH_SECONDS = 240.0  # before what is kept ends
REFRESH_SECONDS_EACH = 0.5  # a large project is read less often: two requests a second on average
AFTER_TROUBLE_SECONDS = 30.0
IN_FLIGHT = 4  # of the eight reads at a time: one instance asked for, or a look at a job, does not wait for the list
FORBIDDEN = {401, 403}

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class _Kept:
    """An instance and until when its details hold."""

    instance: Instance
    until: float


class InstanceDirectory:
    """The `Directory` of the core; nothing in here raises."""

    def __init__(self, calls: Calls, parents: Parents, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._parents = parents
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._listed: Mapping[str, Home] = {}
        self._listed_until = 0.0
        self._is_complete = False
        self._asking: dict[str, asyncio.Task[Instance | None]] = {}
        self._walks: set[asyncio.Task[None]] = set()
        self._refreshing: asyncio.Task[None] | None = None
        self._refresh_at = 0.0
        self._refused_until = 0.0
        self._room = asyncio.Semaphore(IN_FLIGHT)

    def known(self) -> Listing:
        """What is known without asking, not older than five minutes; of some perhaps only what the list says."""
        now = self._clock()
        fresh = {one: kept.instance for one, kept in self._kept.items() if now < kept.until}
        if now >= self._listed_until:
            return Listing(tuple(fresh.values()))
        instances = {one: home.listed for one, home in self._listed.items()} | fresh
        is_settled = self._refreshing is None or self._refreshing.done()
        return Listing(tuple(instances.values()), self._is_complete, is_settled)

    async def listing(self, patience: float) -> Listing:
        """All instances, waiting at most so many seconds for what is not known yet."""
        if self._clock() >= self._refresh_at:
            self._refresh_soon()
        if self._refreshing is not None and not self._refreshing.done():
            await asyncio.wait({self._refreshing}, timeout=patience)
        return self.known()

    async def listed_anew(self, patience: float) -> Listing:
        """The list as it is now, for an instance that it did not have; incomplete when that takes too long."""
        walk = asyncio.create_task(self._list(rests=True), name="list the instances")
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)
        done, _ = await asyncio.wait({walk}, timeout=patience)
        return self.known() if done else replace(self.known(), is_complete=False)

    async def one(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details, read anew; None when they are not to be had in time."""
        task = self._asking.get(instance_id)
        if task is None:
            task = self._asking[instance_id] = asyncio.create_task(self._read(instance_id), name="read an instance")
            task.add_done_callback(lambda _: self._asking.pop(instance_id, None))
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else None

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Read the instances anew for ever, before what is kept ends."""
        while True:
            self._refresh_soon()
            if self._refreshing is not None:
                await asyncio.wait({self._refreshing})
            pause = max(REFRESH_SECONDS, len(self._listed) * REFRESH_SECONDS_EACH)
            await sleep(max(pause, self._refused_until - self._clock()))

    async def aclose(self) -> None:
        """Stop asking."""
        tasks = [*self._asking.values(), *self._walks, *([self._refreshing] if self._refreshing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _refresh_soon(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(), name="read the instances")

    async def _refresh(self) -> None:
        """Read the list, then every instance's details, few at a time."""
        self._refresh_at = self._clock() + AFTER_TROUBLE_SECONDS
        await self._list(rests=False)
        if self._is_complete:
            self._refresh_at = self._clock() + REFRESH_SECONDS
        await asyncio.gather(*(self._details_in_turn(one, home) for one, home in self._listed.items()))

    async def _list(self, *, rests: bool) -> None:
        """Read the list; with `rests`, not right after it was read at length."""
        if self._clock() < self._refused_until:
            return
        try:
            self._listed = await self._parents.all(Language.EN, rests=rests)
        except Exception:
            log.exception("instances.not_read")
            return
        self._is_complete = self._parents.is_complete
        self._listed_until = self._parents.walked_at + KEPT_SECONDS
        for gone in set(self._kept) - set(self._listed):
            del self._kept[gone]
        if self._parents.is_refused:
            self._refused()

    def _refused(self) -> None:
        """The cloud does not let us read: it is not asked again and again, that can lock an account."""
        self._refresh_at = self._refused_until = self._clock() + KEPT_SECONDS

    async def _details_in_turn(self, instance_id: str, home: Home) -> None:
        async with self._room:
            if self._clock() >= self._refused_until:
                await self._told(instance_id, home.parent_id)

    async def _read(self, instance_id: str) -> Instance | None:
        """Find the instance's parent, then its details."""
        if self._clock() < self._refused_until:
            return None
        home = self._listed.get(instance_id) or await self._parents.of(instance_id, Language.EN)
        return await self._told(instance_id, home.parent_id) if home else None

    async def _told(self, instance_id: str, parent_id: str) -> Instance | None:
        """Its details; what goes wrong in here is not the asker's trouble."""
        try:
            return await self._details(instance_id, parent_id)
        except Exception:
            log.exception("instance.not_read", extra={"instance": instance_id})
            return None

    async def _details(self, instance_id: str, parent_id: str) -> Instance | None:
        """Ask for one instance; None when the cloud does not show it."""
        path = f"instances/{quote(parent_id, safe='')}/starrocks/{quote(instance_id, safe='')}"
        try:
            answer = await self._calls.read(path, {}, Language.EN)
        except Fault as fault:
            log.info("instance.not_described", extra={"instance": instance_id, "fault": str(fault)})
            return None
        shown = next((row for row in rows(answer, "instances") if row.get("id") == instance_id), None)
        if answer.status != 200 or shown is None:
            log.info("instance.not_described", extra={"instance": instance_id, "status": answer.status})
            if answer.status in FORBIDDEN:
                self._refused()
            return None
        instance = detailed(shown, parent_id)
        self._kept[instance_id] = _Kept(instance, self._clock() + KEPT_SECONDS)
        return instance
