"""Copying everything from one database into an empty one, the audit trail with its hashes as they are."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.core.audit import GENESIS, AuditRow
from bot.core.upgrade import Upgrade

BATCH_ROWS = 1000
T = TypeVar("T")


class CopySource(Protocol):
    """The part of the old storage that is read."""

    def upgrades(self) -> AsyncIterator[Upgrade]:
        """Every upgrade, streamed."""
        ...

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row in order, streamed."""
        ...

    async def audit_head(self) -> tuple[int, str]:
        """How many audit rows there are, and the last one's hash."""
        ...


class CopyTarget(Protocol):
    """The part of the new storage that is written; between `begin_copy` and `end_copy` no bot can write to it."""

    async def begin_copy(self) -> None:
        """Keep every other writer out from now on; raises `TargetNotEmpty`."""
        ...

    async def copy_rows(self, upgrades: Sequence[Upgrade], audit_rows: Sequence[AuditRow]) -> None:
        """Insert rows as they are."""
        ...

    async def end_copy(self, count: int, last_hash: str) -> None:
        """Note where the audit trail ends, which lets writers in."""
        ...


class TargetNotEmpty(Exception):
    """The new database has rows already, or a copy into it was broken off."""


class SourceChanged(Exception):
    """The old database was written while it was being copied, or its audit trail does not end as noted."""


@dataclass(frozen=True, slots=True)
class CopiedRows:
    """How many rows were copied."""

    upgrades: int
    audit_rows: int


async def copy_storage(source: CopySource, target: CopyTarget) -> CopiedRows:
    """Copy everything; every bot has to be stopped. A target whose copy was broken off takes no writes ever after.

    Raises `TargetNotEmpty`, `SourceChanged` and `StorageUnavailable`.
    """
    head = await source.audit_head()
    await target.begin_copy()
    upgrade_count = audit_count = 0
    last_hash = GENESIS
    async for audit_rows in _batches(source.audit()):
        await target.copy_rows((), audit_rows)
        audit_count += len(audit_rows)
        last_hash = audit_rows[-1].hash
    async for upgrades in _batches(source.upgrades()):
        await target.copy_rows(upgrades, ())
        upgrade_count += len(upgrades)
    if not head == await source.audit_head() == (audit_count, last_hash):
        raise SourceChanged("stop every bot; if none was running, `audit --verify` names what is wrong")
    await target.end_copy(audit_count, last_hash)
    return CopiedRows(upgrade_count, audit_count)


async def _batches(rows: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
