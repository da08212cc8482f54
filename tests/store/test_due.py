"""What is due is claimed by one, held for a time, and renewed only while it is being sent."""

import asyncio
import time
from dataclasses import replace

from bot.core.upgrade import State
from bot.store import open_store
from bot.store.opening import AnyStore
from tests.store.examples import PAST, entry, question


async def test_due_rows_are_claimed_oldest_first(store: AnyStore) -> None:
    for number in (3, 1, 2):
        await store.add(question(number, due_at=PAST + number), entry())
    await store.add(question(4, due_at=time.time() + 1000), entry())
    await store.add(question(5), entry())

    first = await store.claim_due(2, 60)
    rest = await store.claim_due(10, 60)

    assert [upgrade.id for upgrade in first] == ["upgrade-1", "upgrade-2"]
    assert [upgrade.id for upgrade in rest] == ["upgrade-3"]
    assert await store.claim_due(10, 60) == []


async def test_a_claim_moves_only_the_time_ahead(store: AnyStore) -> None:
    await store.add(question(1, due_at=PAST), entry())

    (claimed,) = await store.claim_due(1, 60)

    assert claimed.due_at is not None
    assert abs(claimed.due_at - time.time() - 60) < 5
    assert claimed == replace(question(1), due_at=claimed.due_at)
    assert await store.get("upgrade-1") == claimed


async def test_a_claim_that_is_not_renewed_falls_due_again(store: AnyStore) -> None:
    await store.add(question(1, due_at=PAST), entry())
    await store.claim_due(1, -1)
    assert [upgrade.id for upgrade in await store.claim_due(1, 60)] == ["upgrade-1"]


async def test_no_row_is_claimed_by_two_stores(store_url: str) -> None:
    stores = [await open_store(store_url) for _ in range(2)]
    await asyncio.gather(*(stores[0].add(question(n, due_at=PAST + n), entry()) for n in range(200)))

    claims = await asyncio.gather(*(store.claim_due(20, 60) for store in stores * 10))

    ids = [upgrade.id for claim in claims for upgrade in claim]
    assert len(ids) == len(set(ids))
    rest = await stores[0].claim_due(200, 60)
    assert len(ids) + len(rest) == 200
    for store in stores:
        await store.close()


async def test_only_the_lease_of_what_is_being_sent_is_renewed(store: AnyStore) -> None:
    sending = question(1, state=State.SENDING, due_at=PAST, look_at=PAST)
    unknown = question(2, state=State.UNKNOWN, due_at=PAST, look_at=PAST)
    other = question(3, state=State.SENDING, due_at=PAST, look_at=PAST)
    for upgrade in (sending, unknown, other):
        await store.add(upgrade, entry())

    await store.prolong([sending.id, unknown.id, "gone"], 60)

    renewed = await store.get(sending.id)
    assert renewed is not None
    assert renewed.due_at is not None
    assert abs(renewed.due_at - time.time() - 60) < 5
    assert renewed == replace(sending, look_at=renewed.due_at, due_at=renewed.due_at)
    assert await store.get(unknown.id) == unknown
    assert await store.get(other.id) == other


async def test_a_renewed_lease_does_not_put_off_what_is_to_be_told(store: AnyStore) -> None:
    soon = time.time() + 5
    await store.add(question(1, state=State.SENDING, due_at=PAST, look_at=PAST, tell_at=soon), entry())

    await store.prolong(["upgrade-1"], 60)

    renewed = await store.get("upgrade-1")
    assert renewed is not None
    assert renewed.due_at == soon
    assert renewed.look_at is not None
    assert renewed.look_at > soon
    await store.prolong([], 60)
