"""A row that this version cannot read, say of a newer one, costs one line of the log; everything else goes on."""

import logging
from pathlib import Path

import pytest

from bot.core.errors import StorageUnavailable
from bot.core.ports import QueueStats
from bot.storage.opening import AnyStorage, open_storage
from tests.storage.examples import PAST, instance_id, new_entry, new_upgrade, run_sql

UNREADABLE = {
    "state": "UPDATE upgrades SET state = 'paused' WHERE id = 'upgrade-1'",
    "language": "UPDATE upgrades SET language = 'fr-fr' WHERE id = 'upgrade-1'",
    "time": "UPDATE upgrades SET requested_at = 1e18 WHERE id = 'upgrade-1'",
    "notification": "UPDATE upgrades SET pending_notifications = 'card_update,new_kind' WHERE id = 'upgrade-1'",
}


@pytest.fixture(params=UNREADABLE)
async def storage_with_one(
    request: pytest.FixtureRequest, storage: AnyStorage, database_url: str, caplog: pytest.LogCaptureFixture
) -> AnyStorage:
    """Three rows that are due; the second cannot be read."""
    for number in range(3):
        await storage.add(new_upgrade(number, due_at=PAST + number), new_entry())
    await run_sql(database_url, UNREADABLE[request.param])
    caplog.clear()
    return storage


async def test_the_others_are_claimed_and_it_is_set_aside(
    storage_with_one: AnyStorage, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    claimed = await storage_with_one.claim_due(10, -1)
    again = await storage_with_one.claim_due(10, 60)

    assert [upgrade.id for upgrade in claimed] == [upgrade.id for upgrade in again] == ["upgrade-0", "upgrade-2"]
    (set_aside_until,), (claimed_until,) = await run_sql(
        database_url, "SELECT due_at FROM upgrades WHERE id IN ('upgrade-0', 'upgrade-1') ORDER BY id DESC"
    )
    assert 3500 < set_aside_until - claimed_until < 3600
    (record,) = (record for record in caplog.records if record.name == "bot.storage")
    assert (record.levelno, record.message, vars(record)["upgrade"]) == (
        logging.ERROR,
        "storage.unreadable_row",
        "upgrade-1",
    )


@pytest.mark.parametrize("column", ["requested_at", "decided_at", "revision", "http_status"])
async def test_a_word_in_a_column_of_numbers_cannot_be_read(tmp_path: Path, column: str) -> None:
    """SQLite keeps any value in any column."""
    url = f"sqlite:///{tmp_path}/bot.db"
    storage = await open_storage(url)
    await storage.add(new_upgrade(1), new_entry())
    await run_sql(url, f"UPDATE upgrades SET {column} = 'soon'")
    assert await storage.get("upgrade-1") is None
    await storage.close()


async def test_many_of_them_do_not_keep_the_others_waiting(storage: AnyStorage, database_url: str) -> None:
    for number in range(6):
        await storage.add(new_upgrade(number, due_at=PAST + number), new_entry())
    await run_sql(database_url, "UPDATE upgrades SET state = 'paused' WHERE id < 'upgrade-5'")
    assert list(await storage.claim_due(5, 60)) == []
    assert [upgrade.id for upgrade in await storage.claim_due(5, 60)] == ["upgrade-5"]


async def test_it_is_in_no_list(storage_with_one: AnyStorage) -> None:
    assert await storage_with_one.get("upgrade-1") is None
    assert await storage_with_one.live_upgrade(instance_id(1)) is None
    assert [upgrade.id for upgrade in await storage_with_one.latest(None, 10)] == ["upgrade-2", "upgrade-0"]
    assert [upgrade.id for upgrade in await storage_with_one.open_upgrades(None, 10)] == ["upgrade-2", "upgrade-0"]


async def test_it_is_counted(storage_with_one: AnyStorage) -> None:
    stats: list[QueueStats] = list(await storage_with_one.queue_stats(PAST + 10))
    assert sum(row.unreadable for row in stats) == 1
    assert sum(row.rows for row in stats) == 3


async def test_a_copy_leaves_nothing_out(storage_with_one: AnyStorage) -> None:
    with pytest.raises(StorageUnavailable, match="upgrade-1 cannot be read"):
        assert [upgrade async for upgrade in storage_with_one.upgrades()]
