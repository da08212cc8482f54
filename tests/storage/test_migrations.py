"""The tables grow by migrations, each applied once, while replicas of the version before go on."""

import asyncio

import pytest

from bot.storage import migrations
from bot.storage.opening import AnyStorage, open_storage
from tests.storage.examples import confirmed, new_entry, new_upgrade, run_sql

NEXT_VERSION = migrations.MIGRATIONS[-1].version + 1
ADD_COLUMN = migrations.Migration(NEXT_VERSION, ("ALTER TABLE upgrades ADD COLUMN colour text NOT NULL DEFAULT 'red'",))
BROKEN = migrations.Migration(
    NEXT_VERSION, ("ALTER TABLE upgrades ADD COLUMN colour text", "ALTER TABLE nowhere ADD COLUMN x text")
)


async def test_a_new_migration_is_applied_once_beside_a_storage_of_the_version_before(
    storage: AnyStorage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.add(new_upgrade(1), new_entry())
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, ADD_COLUMN))

    newer_storages = await asyncio.gather(*(open_storage(database_url) for _ in range(8)))

    assert await storage.save(new_upgrade(1), confirmed(new_upgrade(1)), new_entry()) is not None
    assert await storage.add(new_upgrade(2), new_entry())
    assert await newer_storages[0].get("upgrade-2") == new_upgrade(2)
    assert await run_sql(database_url, "SELECT colour FROM upgrades") == [("red",), ("red",)]
    count_of_version = f"SELECT count(*) FROM schema_migrations WHERE version = {NEXT_VERSION}"
    assert await run_sql(database_url, count_of_version) == [(1,)]
    for newer_storage in newer_storages:
        await newer_storage.close()


async def test_a_migration_that_fails_leaves_nothing_behind(
    storage: AnyStorage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, BROKEN))
    with pytest.raises(Exception, match="nowhere"):
        await open_storage(database_url)

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS[:-1], ADD_COLUMN))
    await (await open_storage(database_url)).close()
    assert await run_sql(database_url, "SELECT colour FROM upgrades") == []


async def test_migrations_of_a_newer_version_are_left_alone(storage: AnyStorage, database_url: str) -> None:
    await run_sql(database_url, "INSERT INTO schema_migrations (version) VALUES (1000)")
    older_storage = await open_storage(database_url)
    assert await older_storage.add(new_upgrade(1), new_entry())
    await older_storage.close()
