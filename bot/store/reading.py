"""What is read of a store, in the same way of both databases."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

from bot.core.audit import AuditRow
from bot.core.ports import Waiting
from bot.core.upgrade import Upgrade
from bot.store.chain import NO_HEAD, audit_of
from bot.store.rows import clean, upgrade_of
from bot.store.sql import Sentences

PAGE = 1000  # rows that are in memory at once while everything is streamed


class Reading(ABC):
    """The reading half of a `Store`; a database adds how its rows are fetched."""

    sql: ClassVar[Sentences]
    before_the_first: ClassVar[int]  # a number smaller than any an audit row can have, forged ones too

    @abstractmethod
    async def _rows(self, sentence: str, *values: object) -> Sequence[Any]:
        """The rows of a query."""

    async def get(self, upgrade_id: str) -> Upgrade | None:
        """The row as it stands."""
        return await self._one(self.sql.get, clean(upgrade_id))

    async def live_for(self, instance_id: str) -> Upgrade | None:
        """The live upgrade of an instance."""
        return await self._one(self.sql.live_for, clean(instance_id))

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        """The upgrade whose question is this message."""
        return await self._one(self.sql.by_message, clean(channel_id), clean(message_ts))

    async def history(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """The newest upgrades first, of one instance or of all."""
        if instance_id is None:
            return await self._all(self.sql.history, limit)
        return await self._all(self.sql.history_of, limit, clean(instance_id))

    async def open_now(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        """What waits for an answer or is live, newest first, of one instance or of all."""
        if instance_id is None:
            return await self._all(self.sql.open_now, limit)
        return await self._all(self.sql.open_now_of, limit, clean(instance_id))

    async def upgrades(self) -> AsyncIterator[Upgrade]:
        """Every upgrade, streamed."""
        last = ""
        while page := await self._all(self.sql.page, last, PAGE):
            for upgrade in page:
                yield upgrade
            last = page[-1].id

    async def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        last = self.before_the_first
        while page := await self._audit_page(last):
            for row in page:
                yield audit_of(row)
            last = page[-1][0]

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash, as noted at each writing."""
        count, hash_ = next(iter(await self._rows(self.sql.head)), NO_HEAD)
        return count, hash_

    async def census(self, now: float) -> Sequence[Waiting]:
        """What waits, by state."""
        return [Waiting(*row) for row in await self._rows(self.sql.census, now)]

    async def _audit_page(self, last: int) -> Sequence[Any]:
        return await self._rows(self.sql.audit_page, last, PAGE)

    async def _one(self, sentence: str, *values: object) -> Upgrade | None:
        return next(iter(await self._all(sentence, *values)), None)

    async def _all(self, sentence: str, *values: object) -> list[Upgrade]:
        return [upgrade_of(row) for row in await self._rows(sentence, *values)]
