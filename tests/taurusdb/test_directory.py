"""The instances of the project: read through their TaurusDB instances, kept for five minutes, believed no longer."""

import asyncio

import pytest

from bot.core.instances import Instance, Listing
from bot.sandbox.cloud import HandClock, StandInCloud
from bot.sandbox.cloud.instances import make_instance
from bot.taurusdb.client import TaurusDb

PATIENCE = 5.0


def count(cloud: StandInCloud, operation: str) -> int:
    return [call.operation for call in cloud.calls].count(operation)


def names(listing: Listing) -> set[str]:
    return {one.name for one in listing.instances}


async def test_every_instance_is_listed_with_its_details(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    listing = await taurusdb.directory.listing(PATIENCE)
    assert (listing.is_complete, listing.is_settled) == (True, True)
    assert names(listing) == set(cloud.instances)
    found = listing.find(cloud.instances["sr-billing"].id)
    assert found == Instance(
        id=cloud.instances["sr-billing"].id,
        name="sr-billing",
        parent_id=cloud.instances["sr-billing"].parent_id,
        status="normal",
        version="3.1.15",
        has_newer=True,
        nodes=3,
        window_start="03:00",
        window_end="07:00",
        running=("RESTARTING",),
    )


async def test_nothing_is_asked_before_anybody_asks(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    assert taurusdb.directory.known() == Listing()
    assert not cloud.calls


async def test_what_is_kept_is_believed_for_five_minutes(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock
) -> None:
    await taurusdb.directory.listing(PATIENCE)
    before = len(cloud.calls)
    clock.forward(200)
    assert (await taurusdb.directory.listing(PATIENCE)).is_complete
    assert len(cloud.calls) == before
    clock.forward(101)
    assert taurusdb.directory.known() == Listing()
    assert (await taurusdb.directory.listing(PATIENCE)).is_complete
    assert len(cloud.calls) == 2 * before - 1  # without signing in


async def test_it_is_read_anew_in_the_background_before_what_is_kept_ends(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock
) -> None:
    rounds = asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        clock.forward(seconds)
        assert taurusdb.directory.known().is_complete
        rounds.release()
        await asyncio.sleep(0)

    keeping = asyncio.create_task(taurusdb.directory.keep_fresh(sleep))
    for _ in range(3):
        await rounds.acquire()
    keeping.cancel()
    assert count(cloud, "taurusdb") >= 3


async def test_one_instance_is_read_anew_each_time(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    for version in ("3.1.15", "3.1.16"):
        cloud.change_instance("sr-orders", version=version)
        found = await taurusdb.directory.one(cloud.instances["sr-orders"].id, PATIENCE)
        assert found is not None
        assert found.version == version
        assert taurusdb.directory.known().find(found.id) == found


async def test_many_who_ask_for_one_instance_ask_once(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    instance_id = cloud.instances["sr-orders"].id
    found = await asyncio.gather(*(taurusdb.directory.one(instance_id, PATIENCE) for _ in range(20)))
    assert len(set(found)) == 1
    assert (count(cloud, "taurusdb"), count(cloud, "instance")) == (1, 1)


async def test_a_new_instance_is_found_when_it_is_missed(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await taurusdb.directory.listing(PATIENCE)
    new = cloud.add_instance("sr-new")
    assert taurusdb.directory.known().find(new.id) is None
    listing = await taurusdb.directory.listed_anew(PATIENCE)
    found = listing.find(new.id)
    assert found is not None
    assert (found.name, found.is_detailed, listing.is_complete) == ("sr-new", False, True)


async def test_many_who_miss_an_instance_share_few_walks(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await asyncio.gather(*(taurusdb.directory.listed_anew(PATIENCE) for _ in range(50)))
    assert count(cloud, "taurusdb") <= 2


async def test_an_instance_that_is_gone_is_forgotten(cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock) -> None:
    await taurusdb.directory.listing(PATIENCE)
    gone = cloud.instances["sr-metrics"]
    del cloud.region._instances[gone.id]
    clock.forward(250)
    listing = await taurusdb.directory.listing(PATIENCE)
    assert listing.find(gone.id) is None
    assert listing.is_complete
    assert await taurusdb.directory.one(gone.id, PATIENCE) is None


@pytest.mark.parametrize("operation", ["taurusdb", "htap", "instance"])
async def test_a_slow_cloud_is_waited_for_no_longer_than_one_can(
    cloud: StandInCloud, taurusdb: TaurusDb, operation: str
) -> None:
    cloud.choose_mishap("slow", operation, times=100, seconds=60.0)
    async with asyncio.timeout(2):
        listing = await taurusdb.directory.listing(0.3)
        assert await taurusdb.directory.one(cloud.instances["sr-orders"].id, 0.3) is None
    assert not listing.is_settled or not listing.instances
    assert len(listing.instances) == (6 if operation == "instance" else 0)


@pytest.mark.parametrize("code", ["403 APIGW.0302", "401 APIGW.0301"])
@pytest.mark.parametrize("operation", ["taurusdb", "instance"])
async def test_what_is_refused_is_not_asked_again_and_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, operation: str, code: str
) -> None:
    cloud.choose_mishap(code, operation, times=1000)
    await taurusdb.directory.listing(PATIENCE)
    asked = len(cloud.calls)
    for instance in cloud.instances.values():
        assert await taurusdb.directory.one(instance.id, PATIENCE) is None
        await taurusdb.directory.listing(PATIENCE)
        await taurusdb.directory.listed_anew(PATIENCE)
    assert len(cloud.calls) == asked
    cloud.heal()
    clock.forward(301)
    assert (await taurusdb.directory.listing(PATIENCE)).find(cloud.instances["sr-orders"].id) is not None


@pytest.mark.parametrize("mishap", ["500 DBS.05000000", "html", "lost before", "huge", "empty body", "wrong types"])
@pytest.mark.parametrize("operation", ["taurusdb", "htap", "instance"])
async def test_after_trouble_the_list_is_asked_for_soon_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, mishap: str, operation: str
) -> None:
    cloud.choose_mishap(mishap, operation, times=20)
    trouble = await taurusdb.directory.listing(PATIENCE)
    assert not (trouble.is_complete and operation != "instance")
    cloud.heal()
    clock.forward(301 if operation == "instance" else 31)
    again = await taurusdb.directory.listing(PATIENCE)
    assert again.is_complete
    assert all(one.is_detailed for one in again.instances)


async def test_one_instance_without_details_is_listed_all_the_same(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.choose_mishap("500 DBS.05000000", "instance")
    listing = await taurusdb.directory.listing(PATIENCE)
    assert listing.is_complete
    assert sorted(one.is_detailed for one in listing.instances) == [False] + [True] * 5


async def test_two_thousand_instances_are_no_flood(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.add_instances(1994)
    listing = await taurusdb.directory.listing(1.0)
    assert len(listing.instances) == 2000
    await taurusdb.directory.one(cloud.instances["sr-orders"].id, PATIENCE)
    listing = await taurusdb.directory.listing(30)
    assert all(one.is_detailed for one in listing.instances)
    assert cloud.most_in_flight <= 8


async def test_of_two_of_one_name_both_are_known(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    for letter in "ab":
        cloud.region.put(make_instance("sr-twin", id=letter * 32 + "in17"))
    listing = await taurusdb.directory.listing(PATIENCE)
    assert [one.name for one in listing.instances].count("sr-twin") == 2
