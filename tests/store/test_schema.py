"""The schema grows by steps, each taken once, while replicas of the version before go on."""

import asyncio

import pytest

from bot.store import open_store, schema
from bot.store.opening import AnyStore
from tests.store.examples import confirmed, entry, question, run_in

NEXT = schema.STEPS[-1].number + 1
COLUMN = schema.Step(NEXT, both=("ALTER TABLE upgrades ADD COLUMN colour text NOT NULL DEFAULT 'red'",))
BROKEN = schema.Step(
    NEXT, both=("ALTER TABLE upgrades ADD COLUMN colour text", "ALTER TABLE nowhere ADD COLUMN x text")
)


async def test_a_new_step_is_taken_once_beside_a_store_of_the_version_before(
    store: AnyStore, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add(question(1), entry())
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, COLUMN))

    newer = await asyncio.gather(*(open_store(store_url) for _ in range(8)))

    assert await store.save(question(1), confirmed(question(1)), entry()) is not None
    assert await store.add(question(2), entry())
    assert await newer[0].get("upgrade-2") == question(2)
    assert await run_in(store_url, "SELECT colour FROM upgrades") == [("red",), ("red",)]
    assert await run_in(store_url, f"SELECT count(*) FROM schema_steps WHERE number = {NEXT}") == [(1,)]
    for one in newer:
        await one.close()


async def test_a_step_that_fails_leaves_nothing_behind(
    store: AnyStore, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, BROKEN))
    with pytest.raises(Exception, match="nowhere"):
        await open_store(store_url)

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS[:-1], COLUMN))
    await (await open_store(store_url)).close()
    assert await run_in(store_url, "SELECT colour FROM upgrades") == []


async def test_steps_of_a_newer_version_are_left_alone(store: AnyStore, store_url: str) -> None:
    await run_in(store_url, "INSERT INTO schema_steps (number) VALUES (1000)")
    older = await open_store(store_url)
    assert await older.add(question(1), entry())
    await older.close()
