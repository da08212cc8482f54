"""Everything is copied into an empty database, the audit trail with its hashes; rows are never overwritten."""

from pathlib import Path

import pytest

from bot.core.audit import GENESIS, AuditVerdict, verify_audit
from bot.core.errors import StorageUnavailable
from bot.core.upgrade import State
from bot.storage.copy import CopiedRows, SourceChanged, TargetNotEmpty, copy_storage
from bot.storage.opening import AnyStorage, open_storage
from bot.storage.sql import next_audit_rows
from tests.storage.examples import confirmed, new_entry, new_upgrade, run_sql

ROWS = 2345


@pytest.fixture
async def source(tmp_path: Path) -> AnyStorage:
    storage = await open_storage(f"sqlite:///{tmp_path}/old.db")
    for n in range(3):
        await storage.add(new_upgrade(n, state=State.IN_PROGRESS, due_at=1.5 + n, error_msg="升级 <&>"), new_entry())
    await storage.save(new_upgrade(0), confirmed(new_upgrade(0)), new_entry("confirmed"))
    for n in range(ROWS - 4):
        await storage.record(new_entry("denied", n))
    return storage


async def test_everything_is_there_and_the_chain_is_whole(source: AnyStorage, storage: AnyStorage) -> None:
    assert await copy_storage(source, storage) == CopiedRows(3, ROWS)

    assert [upgrade async for upgrade in storage.upgrades()] == [upgrade async for upgrade in source.upgrades()]
    assert [row async for row in storage.audit()] == [row async for row in source.audit()]
    assert await verify_audit(storage) == AuditVerdict(ROWS)
    await storage.record(new_entry())
    assert await verify_audit(storage) == AuditVerdict(ROWS + 1)
    await source.close()


async def test_an_empty_storage_can_be_copied(storage: AnyStorage, tmp_path: Path) -> None:
    source = await open_storage(f"sqlite:///{tmp_path}/old.db")
    assert await copy_storage(source, storage) == CopiedRows(0, 0)
    assert await storage.add(new_upgrade(1), new_entry())
    await source.close()


@pytest.mark.parametrize("kind", ["upgrade", "audit row"])
async def test_whatever_is_left_in_a_storage_keeps_a_copy_out(storage: AnyStorage, kind: str) -> None:
    """Also rows that the end of the audit trail does not tell of."""
    audit_rows = next_audit_rows((0, GENESIS), [new_entry()])
    await storage.copy_rows([new_upgrade(9)] if kind == "upgrade" else [], audit_rows if kind == "audit row" else [])
    with pytest.raises(TargetNotEmpty):
        await storage.begin_copy()


async def test_a_copy_that_was_broken_off_before_its_first_row_keeps_another_out(storage: AnyStorage) -> None:
    await storage.begin_copy()
    with pytest.raises(TargetNotEmpty):
        await storage.begin_copy()


async def test_a_storage_that_has_rows_is_left_alone(source: AnyStorage, storage: AnyStorage) -> None:
    await storage.add(new_upgrade(9), new_entry())
    with pytest.raises(TargetNotEmpty):
        await copy_storage(source, storage)
    assert [upgrade.id async for upgrade in storage.upgrades()] == ["upgrade-9"]
    await source.close()


async def test_a_copy_that_was_broken_off_takes_no_writes(
    source: AnyStorage, storage: AnyStorage, tmp_path: Path
) -> None:
    await run_sql(f"sqlite:///{tmp_path}/old.db", "UPDATE audit_head SET count = count + 1")
    with pytest.raises(SourceChanged):
        await copy_storage(source, storage)

    requested = await storage.get("upgrade-1")
    assert requested is not None
    with pytest.raises(StorageUnavailable, match="copied"):
        await storage.save(requested, requested, new_entry("confirmed"))
    with pytest.raises(StorageUnavailable, match="copied"):
        await storage.add(new_upgrade(5), new_entry())
    with pytest.raises(TargetNotEmpty):
        await copy_storage(source, storage)
    assert not (await verify_audit(storage)).is_whole
    await source.close()
