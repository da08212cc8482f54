"""To which TaurusDB instance (`…in07`) a StarRocks instance (`…in17`) belongs; the API lists only the other way."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bot.core.instances import Instance
from bot.core.reasons import Fault, Refused
from bot.core.sentence import Language
from bot.taurusdb.answer import Answer, text
from bot.taurusdb.calls import Calls
from bot.taurusdb.errors import fault_of
from bot.taurusdb.instances import listed
from bot.taurusdb.traces import rows

PAGE = 100
MAX_PAGES = 50
IN_FLIGHT = 4  # of the eight reads at a time: a look at a job does not wait for a long walk
ASK_AGAIN_SECONDS = 60.0
REST = 10.0  # after a walk nobody has another one made for so many times as long as it took
MOST_REST_WAITED = 1.0
ASK_AGAIN_AFTER_TROUBLE_SECONDS = 10.0
TOLD = {200, 400, 404}  # most TaurusDB instances have no StarRocks: an error says so, its code is undocumented

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a StarRocks instance belongs: its TaurusDB instance, the names of the others there, the list's words."""

    parent_id: str
    siblings: frozenset[str]
    listed: Instance


class Parents:
    """A walk through all TaurusDB instances, remembered; how often it is repeated has a limit."""

    def __init__(self, calls: Calls, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._clock = clock
        self._known: dict[str, Home] = {}
        self._not_before = 0.0
        self._walking = asyncio.Lock()
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._walked_at = self._rests_until = 0.0  # by the clock that never jumps
        self.is_complete = False
        """Whether the last walk through all of them was told everything."""
        self.is_refused = False
        """Whether the cloud did not let us begin it."""
        self.walked_at = 0.0
        """When it began (UNIX seconds)."""

    async def of(self, instance_id: str, language: Language) -> Home | None:
        """Where the instance belongs, or None when that cannot be found out."""
        if instance_id in self._known:
            return self._known[instance_id]
        async with self._walking:
            if instance_id not in self._known and self._clock() >= self._not_before:
                self._not_before = self._clock() + ASK_AGAIN_AFTER_TROUBLE_SECONDS  # also if it is given up midway
                if await self._walk(language):
                    self._not_before = self._clock() + ASK_AGAIN_SECONDS
        return self._known.get(instance_id)

    async def all(self, language: Language, *, rests: bool = False) -> Mapping[str, Home]:
        """Where every StarRocks instance of the project belongs, as far as the cloud tells, walked anew.

        Who comes while another waits for a walk shares it; with `rests`, the last one is good enough after a long one.
        """
        asked_at = time.monotonic()
        async with self._walking:
            rest = self._rests_until - time.monotonic()
            if self._walked_at >= asked_at or (rests and self.is_complete and rest > MOST_REST_WAITED):
                return dict(self._known)
            if rests and rest > 0.0:
                await asyncio.sleep(min(rest, MOST_REST_WAITED))
            self._not_before = self._clock() + ASK_AGAIN_AFTER_TROUBLE_SECONDS
            if await self._walk(language):
                self._not_before = self._clock() + ASK_AGAIN_SECONDS
            return dict(self._known)

    async def _walk(self, language: Language) -> bool:
        """Ask for every TaurusDB instance's StarRocks instances; whether another walk would find the same."""
        self.is_complete = self.is_refused = False
        self.walked_at, self._walked_at = self._clock(), time.monotonic()
        try:
            parents = await self._all(language)
        except Fault as fault:
            log.warning("instances.not_listed", extra={"fault": str(fault)})
            self.is_refused = isinstance(fault, Refused)  # a permission is missing: no need to hurry
            return self.is_refused
        found: dict[str, Home] = {}
        statuses = await asyncio.gather(*(self._ask(parent, language, found) for parent in parents))
        self._rests_until = time.monotonic() + REST * (time.monotonic() - self._walked_at)
        self.is_complete = TOLD.issuperset(statuses)
        if self.is_complete:
            self._known = found  # without those that are gone
        return all(0 < status < 500 for status in statuses)

    async def _all(self, language: Language) -> list[str]:
        """The ids of the project's TaurusDB instances."""
        ids: dict[str, None] = {}
        for page in range(MAX_PAGES):
            query = {"offset": str(page * PAGE), "limit": str(PAGE)}
            answer = await self._calls.read("instances", query, language)
            if answer.status != 200 or not _lists(answer):
                raise fault_of(answer)
            found = [text(row.get("id")) for row in rows(answer, "instances")]
            ids.update((one, None) for one in found if one)
            if len(found) < PAGE:
                break
        return list(ids)

    async def _ask(self, parent_id: str, language: Language, found: dict[str, Home]) -> int:
        """Note the StarRocks instances of one TaurusDB instance; the answer's status, 0 when there was none."""
        try:
            async with self._room:
                answer = await self._calls.read(f"instances/{quote(parent_id, safe='')}/htap", {}, language)
        except Fault as fault:
            log.info("instances.not_listed", extra={"of": parent_id, "fault": str(fault)})
            return 0
        there = [one for row in rows(answer, "instances") if (one := listed(row, parent_id)).id]
        for one in there:
            siblings = frozenset(other.name for other in there if other.id != one.id)
            found[one.id] = self._known[one.id] = Home(parent_id, siblings, one)
        return answer.status if answer.status != 200 or _lists(answer) else 0


def _lists(answer: Answer) -> bool:
    """Whether a good answer is the list it should be, and not a page of something else."""
    value = answer.value if isinstance(answer.value, dict) else {}
    return isinstance(value.get("instances"), list) or value.get("total") == 0
