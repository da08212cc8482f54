"""A due row is claimed by one process for a time, and its lease is renewed only while it is being submitted."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.upgrade import State
from bot.storage.opening import AnyStorage, open_storage
from bot.storage.sqlite import SqliteStorage
from tests.storage.examples import PAST, new_entry, new_upgrade


def soon() -> float:
    """The end of a lease that holds; of now, for the tests of a session may go on for long."""
    return time.time() + 600


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
    submitting = new_upgrade(1, state=State.SUBMITTING, sender="sender-1", due_at=PAST, next_poll_at=soon())
    unknown = new_upgrade(2, state=State.UNKNOWN, sender="sender-2", due_at=PAST, next_poll_at=soon())
    other = new_upgrade(3, state=State.SUBMITTING, sender="sender-3", due_at=PAST, next_poll_at=soon())
    lost = new_upgrade(4, state=State.SUBMITTING, sender="sender-4", due_at=PAST, next_poll_at=PAST)
    for upgrade in (submitting, unknown, other, lost):
        await storage.add(upgrade, new_entry())

    senders = {submitting.id: "sender-1", unknown.id: "sender-2", other.id: "another", lost.id: "sender-4", "gone": ""}
    assert await storage.renew_leases(senders, 60) == {submitting.id}

    renewed = await storage.get(submitting.id)
    assert renewed is not None
    assert renewed.due_at is not None
    assert abs(renewed.due_at - time.time() - 60) < 5
    assert renewed == replace(submitting, next_poll_at=renewed.due_at, due_at=renewed.due_at)
    assert await storage.get(unknown.id) == unknown
    assert await storage.get(other.id) == other
    assert await storage.get(lost.id) == lost


@pytest.mark.parametrize(
    ("notify_in", "report_in", "due"),
    [
        (None, None, "next_poll_at"),
        (5, None, "notify_at"),
        (None, 5, "report_at"),
        (5, 6, "notify_at"),
        (6, 5, "report_at"),
        (5, 600, "notify_at"),
        (600, 5, "report_at"),
        (600, 700, "next_poll_at"),
    ],
)
@pytest.mark.parametrize("is_attempt", [True, False], ids=["at an attempt", "while the answer is awaited"])
async def test_a_renewed_lease_puts_off_no_notification_and_no_report(
    storage: AnyStorage, notify_in: float | None, report_in: float | None, due: str, is_attempt: bool
) -> None:
    now = time.time()
    row = new_upgrade(1, state=State.SUBMITTING, sender="sender-1", due_at=PAST, next_poll_at=soon())
    row = replace(row, notify_at=notify_in and now + notify_in, report_at=report_in and now + report_in)
    await storage.add(row, new_entry())

    if is_attempt:
        await storage.begin_attempt(row.id, "sender-1", 60)
    else:
        await storage.renew_leases({row.id: "sender-1"}, 60)

    renewed = await storage.get(row.id)
    assert renewed is not None
    assert abs((renewed.next_poll_at or 0.0) - now - 60) < 5
    assert renewed.due_at == getattr(renewed, due)
    assert (renewed.notify_at, renewed.report_at) == (row.notify_at, row.report_at)


async def test_without_senders_no_lease_is_renewed(storage: AnyStorage) -> None:
    assert await storage.renew_leases({}, 60) == set()


async def test_a_row_is_due_at_its_very_time(tmp_path: Path) -> None:
    times = [PAST]
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: times[-1])
    await storage.add(new_upgrade(1, due_at=PAST + 600), new_entry())
    await storage.add(new_upgrade(2, due_at=PAST + 601), new_entry())
    times.append(PAST + 600)
    assert [upgrade.id for upgrade in await storage.claim_due(10, 60)] == ["upgrade-1"]
    await storage.close()


@pytest.mark.parametrize("is_attempt", [True, False], ids=["at an attempt", "while the answer is awaited"])
@pytest.mark.parametrize(("seconds", "holds"), [(600, False), (601, True)])
async def test_a_lease_is_over_at_its_very_end(tmp_path: Path, seconds: int, holds: bool, is_attempt: bool) -> None:
    times = [PAST]
    storage = await SqliteStorage.open(tmp_path / "bot.db", lambda: times[-1])
    row = new_upgrade(1, state=State.SUBMITTING, sender="sender", next_poll_at=PAST + seconds)
    await storage.add(row, new_entry())
    times.append(PAST + 600)
    if is_attempt:
        assert (await storage.begin_attempt("upgrade-1", "sender", 60) is not None) == holds
    else:
        assert (await storage.renew_leases({"upgrade-1": "sender"}, 60) == {"upgrade-1"}) == holds
    await storage.close()


async def test_the_fence_lets_only_the_sender_through_while_the_row_is_submitting(storage: AnyStorage) -> None:
    row = new_upgrade(1, state=State.SUBMITTING, sender="sender-1", due_at=PAST, next_poll_at=soon())
    await storage.add(row, new_entry())

    fenced = await storage.begin_attempt(row.id, "sender-1", 60)

    assert fenced is not None
    assert fenced.next_poll_at is not None
    assert abs(fenced.next_poll_at - time.time() - 60) < 5
    assert fenced == replace(row, revision=1, next_poll_at=fenced.next_poll_at, due_at=fenced.next_poll_at)
    assert await storage.get(row.id) == fenced
    assert await storage.begin_attempt(row.id, "another", 60) is None
    assert await storage.begin_attempt("gone", "sender-1", 60) is None
    lost = new_upgrade(2, state=State.SUBMITTING, sender="sender-2", due_at=PAST, next_poll_at=PAST)
    await storage.add(lost, new_entry())
    assert await storage.begin_attempt(lost.id, "sender-2", 60) is None
    # Whoever read the row before cannot take it for lost any more; once it is taken for lost, nothing is sent.
    assert await storage.save(row, replace(row, state=State.UNKNOWN)) is None
    assert await storage.save(fenced, replace(fenced, state=State.UNKNOWN)) is not None
    assert await storage.begin_attempt(row.id, "sender-1", 60) is None
