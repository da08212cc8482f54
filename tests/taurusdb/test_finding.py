"""Finding out after a lost answer."""

import asyncio

import pytest

from bot.core.reasons import Unsure
from bot.core.sentence import Language
from bot.core.upgrade import Sight
from bot.sandbox.cloud import HandClock, StandInCloud
from bot.taurusdb.client import TaurusDb
from tests.taurusdb.asking import NOON, send

EVERYTHING = ("immediate", "scheduled", "instance", "htap", "taurusdb")


@pytest.fixture
def orders(cloud: StandInCloud) -> str:
    return cloud.instances["sr-orders"].id


async def lose(cloud: StandInCloud, client: TaurusDb, instance_id: str, delay: bool = False) -> str:
    """Send an upgrade whose answer is lost; the job id that nobody knows."""
    cloud.choose_mishap("accepted, answer lost")
    with pytest.raises(Unsure):
        await send(client, instance_id, delay=delay)
    return cloud.jobs[-1].id


async def find(client: TaurusDb, instance_id: str, delay: bool = False, since: float = NOON) -> str | Sight:
    return await client.find(instance_id, delay=delay, since=since, language=Language.EN)


def deny(cloud: StandInCloud, *operations: str) -> None:
    for operation in operations:
        cloud.choose_mishap("403 APIGW.0302", operation, times=999)


@pytest.mark.parametrize("delay", [False, True])
async def test_a_lost_upgrade_is_found(cloud: StandInCloud, taurusdb: TaurusDb, orders: str, delay: bool) -> None:
    job_id = await lose(cloud, taurusdb, orders, delay)
    assert await find(taurusdb, orders, delay) == job_id


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("seen", ["immediate", "instance", "scheduled"])
async def test_one_permission_is_enough(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, seen: str, delay: bool
) -> None:
    job_id = await lose(cloud, taurusdb, orders, delay)
    needed = ("instance", "htap", "taurusdb") if seen == "instance" else (seen,)
    deny(cloud, *(set(EVERYTHING) - set(needed)))
    there = delay == (seen == "scheduled")
    assert await find(taurusdb, orders, delay) == (job_id if there else Sight.BLIND)


async def test_a_job_that_has_ended_is_found_too(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    job_id = await lose(cloud, taurusdb, orders)
    cloud.finish(job_id)
    assert await find(taurusdb, orders) == job_id


async def test_a_job_listed_under_the_taurusdb_instance_is_found(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.list_jobs_under_parent()
    job_id = await lose(cloud, taurusdb, orders)
    cloud.finish(job_id)
    assert await find(taurusdb, orders) == job_id


async def test_it_is_found_even_when_nobody_tells_which_taurusdb_instance_it_is(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.list_jobs_under_parent()
    job_id = await lose(cloud, taurusdb, orders)
    deny(cloud, "taurusdb", "htap", "instance")
    assert await find(taurusdb, orders) == job_id


async def test_the_upgrade_of_another_instance_of_the_same_taurusdb_instance_is_not_ours(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.list_jobs_under_parent()
    await lose(cloud, taurusdb, orders)
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is Sight.BUSY
    deny(cloud, "job")
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is Sight.BUSY


@pytest.mark.parametrize("delay", [False, True])
async def test_an_older_upgrade_of_the_instance_is_not_ours(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, orders: str, delay: bool
) -> None:
    await lose(cloud, taurusdb, orders, delay)
    clock.forward(60)
    assert await find(taurusdb, orders, delay, since=clock()) is (Sight.IDLE if delay else Sight.BUSY)


async def test_an_older_upgrade_that_failed_is_not_taken_for_the_new_one(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, orders: str
) -> None:
    cloud.finish(await send(taurusdb, orders), "Failed")
    clock.forward(60)
    since = clock()
    assert await find(taurusdb, orders, since=since) is Sight.IDLE
    job_id = await lose(cloud, taurusdb, orders)
    assert await find(taurusdb, orders, since=since) == job_id


async def test_an_upgrade_that_never_arrived_leaves_an_idle_instance(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.choose_mishap("lost before")
    with pytest.raises(Unsure):
        await send(taurusdb, orders)
    assert await find(taurusdb, orders) is Sight.IDLE
    assert await find(taurusdb, orders, delay=True) is Sight.IDLE


async def test_an_instance_with_something_else_on_it_is_busy(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is Sight.BUSY


async def test_without_permissions_nothing_is_seen(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    await lose(cloud, taurusdb, orders)
    deny(cloud, *EVERYTHING)
    assert await find(taurusdb, orders) is Sight.BLIND


async def test_a_cloud_out_of_reach_is_blindness_and_no_fault(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    await cloud.refuse_connections()
    assert await find(taurusdb, orders) is Sight.BLIND


async def test_idle_is_not_said_when_the_upgrade_could_be_over_or_wait_unseen(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    assert await find(taurusdb, cloud.instances["sr-reports"].id) is Sight.BLIND  # the newest version
    deny(cloud, "scheduled")
    assert await find(taurusdb, orders, delay=True) is Sight.BLIND
    assert await find(taurusdb, orders) is Sight.IDLE


async def test_many_jobs_are_read_page_by_page(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, orders: str
) -> None:
    job_id = await lose(cloud, taurusdb, orders)
    instances = cloud.add_instances(130)
    await asyncio.gather(*(send(taurusdb, instance.id) for instance in instances))
    deny(cloud, "instance", "htap", "taurusdb")
    assert await find(taurusdb, orders) == job_id
    assert [call.operation for call in cloud.calls].count("immediate") == 3


async def test_a_clock_that_goes_wrong_here_is_made_up_for(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, clock: HandClock
) -> None:
    for ahead in (-300.0, 300.0):
        wrong = HandClock(clock() + ahead)
        taurusdb._clock = taurusdb._calls._clock = taurusdb._finding._clock = wrong
        job_id = await lose(cloud, taurusdb, orders)
        await taurusdb.job(job_id, Language.EN)  # any answer tells the cloud's time
        assert await find(taurusdb, orders, since=wrong()) == job_id
        cloud.finish(job_id, "Failed")
        clock.forward(600)
