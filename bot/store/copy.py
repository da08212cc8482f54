"""Moving house: everything from one store into an empty one, the audit trail with its chain as it is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.core.audit import GENESIS, AuditRow
from bot.core.upgrade import Upgrade

BATCH = 1000
T = TypeVar("T")


class Source(Protocol):
    """What is read of the old store."""

    def upgrades(self) -> AsyncIterator[Upgrade]:
        """Every upgrade, streamed."""
        ...

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        ...

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash."""
        ...


class Target(Protocol):
    """What is written to the new store; between the begin and the end no bot can work with it."""

    async def begin_filling(self) -> None:
        """Raise `NotEmpty`, or keep every writer out from now on."""
        ...

    async def fill(self, upgrades: Sequence[Upgrade], rows: Sequence[AuditRow]) -> None:
        """Write rows as they are."""
        ...

    async def end_filling(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends: the store is ready."""
        ...


class NotEmpty(Exception):
    """The new store has rows already, or a copy into it was broken off."""


class SourceChanged(Exception):
    """The old store was written while it was being copied, or its audit trail does not end as noted."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many rows went over."""

    upgrades: int
    audit_rows: int


async def copy_store(source: Source, target: Target) -> Copied:
    """Copy everything; every bot has to be stopped. A copy that is broken off leaves a target that is never used."""
    head = await source.audit_head()
    await target.begin_filling()
    upgrades = audit_rows = 0
    last_hash = GENESIS
    async for rows in _batches(source.audit()):
        await target.fill((), rows)
        audit_rows += len(rows)
        last_hash = rows[-1].hash
    async for batch in _batches(source.upgrades()):
        await target.fill(batch, ())
        upgrades += len(batch)
    if not head == await source.audit_head() == (audit_rows, last_hash):
        raise SourceChanged("stop every bot; if none was running, `audit --verify` names what is wrong")
    await target.end_filling(audit_rows, last_hash)
    return Copied(upgrades, audit_rows)


async def _batches(rows: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
