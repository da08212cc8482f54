"""To which TaurusDB instance (`…in07`) a StarRocks instance (`…in17`) belongs; the API lists only the other way."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bot.core.reasons import Fault, Refused
from bot.core.sentence import Language
from bot.taurusdb.answer import text
from bot.taurusdb.calls import Calls
from bot.taurusdb.errors import fault_of
from bot.taurusdb.traces import rows

PAGE = 100
MAX_PAGES = 10
ASK_AGAIN_SECONDS = 60.0
ASK_AGAIN_AFTER_TROUBLE_SECONDS = 10.0

log = logging.getLogger("bot.taurusdb")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a StarRocks instance belongs: its TaurusDB instance's id, and the names of the others there."""

    parent_id: str
    siblings: frozenset[str]


class Parents:
    """A walk through all TaurusDB instances, remembered; how often it is repeated has a limit."""

    def __init__(self, calls: Calls, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._clock = clock
        self._known: dict[str, Home] = {}
        self._not_before = 0.0
        self._walking = asyncio.Lock()
        self.is_complete = False
        """Whether the last walk through all of them was told everything."""

    async def of(self, instance_id: str, language: Language) -> Home | None:
        """Where the instance belongs, or None when that cannot be found out."""
        async with self._walking:
            if instance_id not in self._known and self._clock() >= self._not_before:
                self._not_before = self._clock() + ASK_AGAIN_AFTER_TROUBLE_SECONDS  # also if it is given up midway
                if await self._walk(language):
                    self._not_before = self._clock() + ASK_AGAIN_SECONDS
        return self._known.get(instance_id)

    async def all(self, language: Language) -> Mapping[str, Home]:
        """Where every StarRocks instance of the project belongs, as far as the cloud tells, walked anew."""
        async with self._walking:
            self._not_before = self._clock() + ASK_AGAIN_AFTER_TROUBLE_SECONDS
            self.is_complete = await self._walk(language) and bool(self._known)
            if self.is_complete:
                self._not_before = self._clock() + ASK_AGAIN_SECONDS
            return dict(self._known)

    async def _walk(self, language: Language) -> bool:
        """Ask for every TaurusDB instance's StarRocks instances; whether another walk would find the same."""
        try:
            parents = await self._all(language)
        except Fault as fault:
            log.warning("instances.not_listed", extra={"fault": str(fault)})
            return isinstance(fault, Refused)  # a permission is missing: no need to hurry
        return all(await asyncio.gather(*(self._ask(parent, language) for parent in parents)))

    async def _all(self, language: Language) -> list[str]:
        """The ids of the project's TaurusDB instances."""
        ids: dict[str, None] = {}
        for page in range(MAX_PAGES):
            query = {"offset": str(page * PAGE), "limit": str(PAGE)}
            answer = await self._calls.read("instances", query, language)
            if answer.status != 200:
                raise fault_of(answer)
            found = [text(row.get("id")) for row in rows(answer, "instances")]
            ids.update((one, None) for one in found if one)
            if len(found) < PAGE:
                break
        return list(ids)

    async def _ask(self, parent_id: str, language: Language) -> bool:
        """Note the StarRocks instances of one TaurusDB instance; False when there was no answer at all."""
        try:
            answer = await self._calls.read(f"instances/{quote(parent_id, safe='')}/htap", {}, language)
        except Fault as fault:
            log.info("instances.not_listed", extra={"of": parent_id, "fault": str(fault)})
            return False
        names = {text(row.get("id")): text(row.get("name")) for row in rows(answer, "instances")}
        for one in filter(None, names):  # none in an error: most TaurusDB instances have no StarRocks
            siblings = frozenset(name for other, name in names.items() if other != one)
            self._known[one] = Home(parent_id, siblings)
        return answer.status < 500
