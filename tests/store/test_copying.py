"""Everything moves from one store into an empty one, the trail with its chain; nothing else is ever written over."""

from pathlib import Path

import pytest

from bot.core.reasons import StoreAway
from bot.core.upgrade import State
from bot.store import open_store
from bot.store.copy import Copied, NotEmpty, SourceChanged, copy_store
from bot.store.opening import AnyStore
from bot.store.verify import Verdict, verify
from tests.store.examples import confirmed, entry, question, run_in

ROWS = 2345


@pytest.fixture
async def source(tmp_path: Path) -> AnyStore:
    store = await open_store(f"sqlite:///{tmp_path}/old.db")
    for n in range(3):
        await store.add(question(n, state=State.FOLLOWING, due_at=1.5 + n, error_msg="升级 <&>"), entry())
    await store.save(question(0), confirmed(question(0)), entry("confirmed"))
    for n in range(ROWS - 4):
        await store.record(entry("denied", n))
    return store


async def test_everything_is_there_and_the_chain_is_whole(source: AnyStore, store: AnyStore) -> None:
    assert await copy_store(source, store) == Copied(3, ROWS)

    assert [u async for u in store.upgrades()] == [u async for u in source.upgrades()]
    assert [row async for row in store.audit()] == [row async for row in source.audit()]
    assert await verify(store) == Verdict(ROWS)
    await store.record(entry())
    assert await verify(store) == Verdict(ROWS + 1)
    await source.close()


async def test_an_empty_store_can_be_copied(store: AnyStore, tmp_path: Path) -> None:
    source = await open_store(f"sqlite:///{tmp_path}/old.db")
    assert await copy_store(source, store) == Copied(0, 0)
    assert await store.add(question(1), entry())
    await source.close()


async def test_a_store_that_has_rows_is_left_alone(source: AnyStore, store: AnyStore) -> None:
    await store.add(question(9), entry())
    with pytest.raises(NotEmpty):
        await copy_store(source, store)
    assert [u.id async for u in store.upgrades()] == ["upgrade-9"]
    await source.close()


async def test_a_copy_that_was_broken_off_is_never_worked_with(
    source: AnyStore, store: AnyStore, tmp_path: Path
) -> None:
    await run_in(f"sqlite:///{tmp_path}/old.db", "UPDATE audit_head SET count = count + 1")
    with pytest.raises(SourceChanged):
        await copy_store(source, store)

    asked = await store.get("upgrade-1")
    assert asked is not None
    with pytest.raises(StoreAway, match="copied"):
        await store.save(asked, asked, entry("confirmed"))
    with pytest.raises(StoreAway, match="copied"):
        await store.add(question(5), entry())
    with pytest.raises(NotEmpty):
        await copy_store(source, store)
    assert not (await verify(store)).is_whole
    await source.close()
