"""A due row is claimed by one process for a time, and its lease is renewed only while it is being submitted."""

import asyncio
import time
from dataclasses import replace

from bot.core.upgrade import State
from bot.storage.opening import AnyStorage, open_storage
from tests.storage.examples import PAST, new_entry, new_upgrade


async def test_due_rows_are_claimed_oldest_first(storage: AnyStorage) -> None:
    for number in (3, 1, 2):
        await storage.add(new_upgrade(number, due_at=PAST + number), new_entry())
    await storage.add(new_upgrade(4, due_at=time.time() + 1000), new_entry())
    await storage.add(new_upgrade(5), new_entry())

    first = await storage.claim_due(2, 60)
    second = await storage.claim_due(10, 60)

    assert [upgrade.id for upgrade in first] == ["upgrade-1", "upgrade-2"]
    assert [upgrade.id for upgrade in second] == ["upgrade-3"]
    assert await storage.claim_due(10, 60) == []


async def test_a_claim_moves_only_due_at_ahead(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, due_at=PAST), new_entry())

    (claimed,) = await storage.claim_due(1, 60)

    assert claimed.due_at is not None
    assert abs(claimed.due_at - time.time() - 60) < 5
    assert claimed == replace(new_upgrade(1), due_at=claimed.due_at)
    assert await storage.get("upgrade-1") == claimed


async def test_a_claim_that_is_not_renewed_falls_due_again(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, due_at=PAST), new_entry())
    await storage.claim_due(1, -1)
    assert [upgrade.id for upgrade in await storage.claim_due(1, 60)] == ["upgrade-1"]


async def test_no_row_is_claimed_by_two_storages(database_url: str) -> None:
    storages = [await open_storage(database_url) for _ in range(2)]
    await asyncio.gather(*(storages[0].add(new_upgrade(n, due_at=PAST + n), new_entry()) for n in range(200)))

    claims = await asyncio.gather(*(storage.claim_due(20, 60) for storage in storages * 10))

    ids = [upgrade.id for claim in claims for upgrade in claim]
    assert len(ids) == len(set(ids))
    unclaimed = await storages[0].claim_due(200, 60)
    assert len(ids) + len(unclaimed) == 200
    for storage in storages:
        await storage.close()


async def test_only_the_lease_of_what_is_being_submitted_is_renewed(storage: AnyStorage) -> None:
    submitting = new_upgrade(1, state=State.SUBMITTING, due_at=PAST, next_poll_at=PAST)
    unknown = new_upgrade(2, state=State.UNKNOWN, due_at=PAST, next_poll_at=PAST)
    other = new_upgrade(3, state=State.SUBMITTING, due_at=PAST, next_poll_at=PAST)
    for upgrade in (submitting, unknown, other):
        await storage.add(upgrade, new_entry())

    await storage.renew_leases([submitting.id, unknown.id, "gone"], 60)

    renewed = await storage.get(submitting.id)
    assert renewed is not None
    assert renewed.due_at is not None
    assert abs(renewed.due_at - time.time() - 60) < 5
    assert renewed == replace(submitting, next_poll_at=renewed.due_at, due_at=renewed.due_at)
    assert await storage.get(unknown.id) == unknown
    assert await storage.get(other.id) == other


async def test_a_renewed_lease_does_not_put_off_a_pending_notification(storage: AnyStorage) -> None:
    soon = time.time() + 5
    submitting = new_upgrade(1, state=State.SUBMITTING, due_at=PAST, next_poll_at=PAST, notify_at=soon)
    await storage.add(submitting, new_entry())

    await storage.renew_leases(["upgrade-1"], 60)

    renewed = await storage.get("upgrade-1")
    assert renewed is not None
    assert renewed.due_at == soon
    assert renewed.next_poll_at is not None
    assert renewed.next_poll_at > soon
    await storage.renew_leases([], 60)
