"""Upgrades are found by instance, by message and by state, and what waits is counted."""

import pytest

from bot.core.ports import QueueStats
from bot.core.upgrade import LIVE_STATES, NEVER_CONFIRMED, State
from bot.storage import sql
from bot.storage.opening import AnyStorage
from tests.storage.examples import PAST, instance_id, new_entry, new_upgrade


async def test_the_live_upgrade_of_an_instance_is_found(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, instance=7, state=State.COMPLETED), new_entry())
    await storage.add(new_upgrade(3, instance=8, state=State.IN_PROGRESS), new_entry())
    assert await storage.live_upgrade(instance_id(7)) is None
    await storage.add(new_upgrade(2, instance=7, state=State.IN_PROGRESS), new_entry())
    assert await storage.live_upgrade(instance_id(7)) == new_upgrade(2, instance=7, state=State.IN_PROGRESS)


async def test_an_upgrade_is_found_by_its_message(storage: AnyStorage) -> None:
    upgrade = new_upgrade(1, channel_id="C5", message_ts="1.000200")
    await storage.add(upgrade, new_entry())
    assert await storage.find_by_message("C5", "1.000200") == upgrade
    assert await storage.find_by_message("C6", "1.000200") is None
    assert await storage.find_by_message("C5", "1.000201") is None


async def test_of_several_upgrades_of_a_message_the_newest_is_found(storage: AnyStorage) -> None:
    for number in (1, 3, 2):
        await storage.add(new_upgrade(number, channel_id="C5", message_ts="1.000200"), new_entry())
    found = await storage.find_by_message("C5", "1.000200")
    assert found is not None
    assert found.id == "upgrade-3"


async def test_the_latest_upgrades_are_the_newest_first(storage: AnyStorage) -> None:
    for number in (2, 1, 3, 4):
        await storage.add(new_upgrade(number, instance=number % 2), new_entry())

    of_all = await storage.latest(None, 3)
    of_instance = await storage.latest(instance_id(1), 10)

    assert [upgrade.id for upgrade in of_all] == ["upgrade-4", "upgrade-3", "upgrade-2"]
    assert [upgrade.id for upgrade in of_instance] == ["upgrade-3", "upgrade-1"]


async def test_the_latest_of_the_same_time_have_one_order(storage: AnyStorage) -> None:
    for number in (2, 1, 3):
        await storage.add(new_upgrade(number, instance=7, requested_at=PAST), new_entry())
    await storage.add(new_upgrade(0, instance=7, requested_at=PAST + 1), new_entry())
    expected = ["upgrade-0", "upgrade-3", "upgrade-2", "upgrade-1"]
    for upgrades in (
        await storage.latest(None, 9),
        await storage.latest(instance_id(7), 9),
        await storage.open_upgrades(None, 9),
        await storage.open_upgrades(instance_id(7), 9),
        await storage.related_upgrades(instance_id(7), 9),
    ):
        assert [upgrade.id for upgrade in upgrades] == expected


async def test_open_upgrades_are_what_waits_for_a_confirmation_or_is_live(storage: AnyStorage) -> None:
    for number, state in enumerate(State):
        await storage.add(new_upgrade(number, state=state), new_entry())
    await storage.add(new_upgrade(100, instance=0), new_entry())

    of_all = await storage.open_upgrades(None, 10)
    newest = await storage.open_upgrades(None, 2)
    of_instance = await storage.open_upgrades(instance_id(0), 10)

    states = [upgrade.state for upgrade in of_all]
    assert states == ["requested", "unresolved", "unknown", "in_progress", "submitting", "requested"]
    assert [upgrade.id for upgrade in newest] == ["upgrade-100", "upgrade-12"]
    assert [upgrade.id for upgrade in of_instance] == ["upgrade-100", "upgrade-0"]
    assert await storage.open_upgrades(instance_id(9), 10) == []


async def test_an_unresolved_upgrade_stays_open_until_a_later_one_has_a_job(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, instance=7, state=State.UNRESOLVED), new_entry())
    await storage.add(new_upgrade(2, instance=7, state=State.EXPIRED), new_entry())
    await storage.add(new_upgrade(3, instance=8, state=State.COMPLETED, job_id="job-3"), new_entry())
    assert [upgrade.id for upgrade in await storage.open_upgrades(None, 10)] == ["upgrade-1"]
    await storage.add(new_upgrade(4, instance=7, state=State.COMPLETED, job_id="job-4"), new_entry())
    assert await storage.open_upgrades(None, 10) == []


@pytest.mark.parametrize("later", [-1, 0], ids=["before", "at the same time"])
async def test_a_job_that_is_not_of_a_later_request_settles_no_unresolved_one(storage: AnyStorage, later: int) -> None:
    await storage.add(new_upgrade(1, instance=7, state=State.UNRESOLVED), new_entry())
    other = new_upgrade(2, instance=7, state=State.COMPLETED, job_id="job-2", requested_at=PAST + 1 + later)
    await storage.add(other, new_entry())
    for upgrades in (await storage.open_upgrades(None, 10), await storage.open_upgrades(instance_id(7), 10)):
        assert [upgrade.id for upgrade in upgrades] == ["upgrade-1"]


async def test_what_waits_stays_open_beside_a_later_one_with_a_job(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, instance=7), new_entry())
    await storage.add(new_upgrade(2, instance=7, state=State.IN_PROGRESS, job_id="job-2"), new_entry())
    await storage.add(new_upgrade(3, instance=7, state=State.COMPLETED, job_id="job-3"), new_entry())
    assert [upgrade.id for upgrade in await storage.open_upgrades(None, 10)] == ["upgrade-2", "upgrade-1"]


async def test_queue_stats_count_rows_with_a_timer_and_those_that_are_due(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1, due_at=200.0), new_entry())
    await storage.add(new_upgrade(2, due_at=200.5), new_entry())
    await storage.add(new_upgrade(3, state=State.IN_PROGRESS, due_at=300.0), new_entry())
    await storage.add(new_upgrade(4, state=State.COMPLETED), new_entry())

    stats = await storage.queue_stats(200.0)

    assert sorted(stats, key=lambda row: row.state) == [QueueStats("in_progress", 1, 0), QueueStats("requested", 2, 1)]


CONFIRMED_STATES = set(State) - NEVER_CONFIRMED


async def test_what_was_confirmed_since_a_time_is_the_earliest_first(storage: AnyStorage) -> None:
    for number, state in enumerate(State):
        instance = f"instance-{number}" if state in LIVE_STATES else "instance"
        row = new_upgrade(number, state=state, decided_at=PAST + number, instance_id=instance)
        await storage.add(row, new_entry())
    found = await storage.confirmed_since("instance", PAST)
    assert {row.state for row in found} == CONFIRMED_STATES - LIVE_STATES
    assert [row.decided_at for row in found] == sorted(row.decided_at or 0.0 for row in found)
    later = await storage.confirmed_since("instance", found[1].decided_at or 0.0)
    assert [row.id for row in later] == [row.id for row in found[1:]]


@pytest.mark.parametrize("state", State)
async def test_the_last_upgrade_of_an_instance_that_may_have_started(storage: AnyStorage, state: State) -> None:
    earlier = new_upgrade(1, instance_id="instance", state=State.UNRESOLVED, decided_at=PAST)
    later = new_upgrade(2, instance_id="instance", state=state, decided_at=PAST + 1)
    elsewhere = new_upgrade(3, instance_id="another", state=State.COMPLETED, decided_at=PAST + 2)
    for row in (earlier, later, elsewhere):
        await storage.add(row, new_entry())
    related = {row.id for row in await storage.related_upgrades("instance", 10)}
    started = state in CONFIRMED_STATES - {State.REJECTED, State.NOT_SENT}
    open_requests = {later.id} if state is State.REQUESTED else set()
    assert related == {later.id if started else earlier.id} | open_requests


async def test_open_requests_come_after_the_live_upgrade_and_the_newest_first(storage: AnyStorage) -> None:
    states = [State.IN_PROGRESS, State.REQUESTED, State.REQUESTED, State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN]
    for number, state in enumerate(states):
        decided_at = None if state is State.REQUESTED else PAST + number
        row = new_upgrade(
            number, instance_id="instance", state=state, decided_at=decided_at, requested_at=PAST + number
        )
        await storage.add(row, new_entry())
    await storage.add(new_upgrade(9, instance_id="another", state=State.REQUESTED), new_entry())
    related = await storage.related_upgrades("instance", 10)
    assert [row.id for row in related] == ["upgrade-0", "upgrade-2", "upgrade-1"]
    assert [row.id for row in await storage.related_upgrades("instance", 2)] == ["upgrade-0", "upgrade-2"]


async def test_a_live_upgrade_is_related_though_another_was_confirmed_after_it(storage: AnyStorage) -> None:
    """A late answer makes an older one live again."""
    live = new_upgrade(1, instance_id="instance", state=State.IN_PROGRESS, decided_at=PAST + 1)
    for row in (live, new_upgrade(2, instance_id="instance", state=State.COMPLETED, decided_at=PAST + 2)):
        await storage.add(row, new_entry())
    assert {row.id for row in await storage.related_upgrades("instance", 10)} == {"upgrade-1", "upgrade-2"}


async def test_every_upgrade_is_streamed_once_whatever_the_size_of_a_page(
    storage: AnyStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "PAGE_ROWS", 3)
    for number in (5, 3, 8, 1, 7, 2, 6, 4):
        await storage.add(new_upgrade(number), new_entry("requested", number))
    assert [upgrade.id async for upgrade in storage.upgrades()] == [f"upgrade-{number}" for number in range(1, 9)]
    assert [row.number async for row in storage.audit()] == list(range(1, 9))
