"""The inventory: read through the TaurusDB instances, cached for five minutes; and any JSON that a cloud may answer."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.instances import Instance, InstanceList
from bot.core.messages import Language
from bot.core.polling import UpgradeSearch
from bot.core.upgrade import SearchResult
from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.inventory import instance_from_details, instance_from_list
from tests.taurusdb.helpers import INSTANCE_ID, NOON, PARENT_ID, MakeClient, cloud_with

PATIENCE = 5.0
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))
KEYS = [
    "id", "name", "status", "data_store_version", "new_version_available", "actions", "ops_window", "groups",
    "engine_version", "instance_state", "current_actions", "node_num",
]  # fmt: skip
PARTIAL = {"id": INSTANCE_ID}


@pytest.fixture
def orders(cloud: StandInCloud) -> str:
    return cloud.instances["sr-orders"].id


def count_calls(cloud: StandInCloud, operation: str) -> int:
    return [call.operation for call in cloud.calls].count(operation)


def names(instance_list: InstanceList) -> set[str]:
    return {instance.name for instance in instance_list.instances}


async def test_every_instance_is_listed_with_its_details(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert (instance_list.is_complete, instance_list.is_settled) == (True, True)
    assert names(instance_list) == set(cloud.instances)
    instance = instance_list.find(cloud.instances["sr-billing"].id)
    assert instance == Instance(
        id=cloud.instances["sr-billing"].id,
        name="sr-billing",
        parent_id=cloud.instances["sr-billing"].parent_id,
        status="normal",
        version="3.1.15",
        upgrade_available=True,
        node_count=3,
        normal_node_count=3,
        window_start="03:00",
        window_end="07:00",
        running_actions=("RESTARTING",),
    )


async def test_what_the_list_says_is_enough_to_name_the_operations(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.inject_fault("500 DBS.05000000", "instance", times=99)
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    instance = instance_list.find(cloud.instances["sr-billing"].id)
    assert instance is not None
    assert (instance.is_detailed, instance.running_actions) == (False, ("RESTARTING",))


@pytest.mark.parametrize(
    ("engine", "is_ours"),
    [
        ("star-rocks", True),
        ("StarRocks", True),
        ("STAR_ROCKS", True),
        (None, True),
        ("clickhouse", False),
        ("x", False),
    ],
)
async def test_instances_of_other_engines_are_not_offered(
    make_client: MakeClient, engine: str | None, is_ours: bool
) -> None:
    row = {"id": INSTANCE_ID, "name": "sr-1", "engine_name": engine, "current_actions": ["REBOOT"]}
    answers = {"instances": {"instances": [{"id": PARENT_ID}]}, "htap": {"instances": [row]}, INSTANCE_ID: {}}
    async with cloud_with(answers) as endpoint:
        instances = (await make_client(endpoint).inventory.instances(PATIENCE)).instances
        assert [instance.running_actions for instance in instances] == ([("REBOOT",)] if is_ours else [])


async def test_nothing_is_read_before_anybody_asks(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    assert taurusdb.inventory.cached() == InstanceList()
    assert not cloud.calls


async def test_the_cache_is_used_for_five_minutes(cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock) -> None:
    await taurusdb.inventory.instances(PATIENCE)
    before = len(cloud.calls)
    clock.advance(200)
    assert (await taurusdb.inventory.instances(PATIENCE)).is_complete
    assert len(cloud.calls) == before
    clock.advance(101)
    assert taurusdb.inventory.cached() == InstanceList()
    assert (await taurusdb.inventory.instances(PATIENCE)).is_complete
    assert len(cloud.calls) == 2 * before - 1  # without signing in


async def test_it_is_refreshed_in_the_background_before_the_cache_expires(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    rounds = asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        assert taurusdb.inventory.cached().is_complete
        rounds.release()
        await asyncio.sleep(0)

    refreshing = asyncio.create_task(taurusdb.inventory.keep_fresh(sleep))
    for _ in range(3):
        await rounds.acquire()
    refreshing.cancel()
    assert count_calls(cloud, "taurusdb") >= 3


async def test_one_instance_is_read_again_each_time(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    for version in ("3.1.15", "3.1.16"):
        cloud.change_instance("sr-orders", version=version)
        instance = await taurusdb.inventory.instance(cloud.instances["sr-orders"].id, PATIENCE)
        assert instance is not None
        assert instance.version == version
        assert taurusdb.inventory.cached().find(instance.id) == instance


async def test_many_who_ask_for_one_instance_ask_once(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    instance_id = cloud.instances["sr-orders"].id
    instances = await asyncio.gather(*(taurusdb.inventory.instance(instance_id, PATIENCE) for _ in range(20)))
    assert len(set(instances)) == 1
    assert (count_calls(cloud, "taurusdb"), count_calls(cloud, "instance")) == (1, 1)


async def test_a_new_instance_is_found_when_it_is_missed(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await taurusdb.inventory.instances(PATIENCE)
    new = cloud.add_instance("sr-new")
    assert taurusdb.inventory.cached().find(new.id) is None
    instance_list = await taurusdb.inventory.refreshed(PATIENCE)
    instance = instance_list.find(new.id)
    assert instance is not None
    assert (instance.name, instance.is_detailed, instance_list.is_complete) == ("sr-new", False, True)


async def test_many_who_miss_an_instance_share_few_scans(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    await asyncio.gather(*(taurusdb.inventory.refreshed(PATIENCE) for _ in range(50)))
    assert count_calls(cloud, "taurusdb") <= 2


async def test_an_instance_made_during_a_scan_is_found_by_those_who_ask_after_it(
    cloud: StandInCloud, taurusdb: TaurusDb
) -> None:
    cloud.inject_fault("slow", "htap", seconds=0.03)
    first = asyncio.create_task(taurusdb.inventory.refreshed(PATIENCE))
    await cloud.until(lambda: count_calls(cloud, "htap") > 0)
    new = cloud.add_instance("sr-new")
    instance_list = await taurusdb.inventory.refreshed(PATIENCE)
    assert instance_list.find(new.id)
    assert (await first).is_complete


async def test_an_instance_that_is_gone_is_forgotten(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    await taurusdb.inventory.instances(PATIENCE)
    gone = cloud.instances["sr-metrics"]
    cloud.remove_instance(gone.id)
    clock.advance(250)
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert instance_list.find(gone.id) is None
    assert instance_list.is_complete
    assert await taurusdb.inventory.instance(gone.id, PATIENCE) is None


@pytest.mark.parametrize("operation", ["taurusdb", "htap", "instance"])
async def test_a_slow_cloud_is_waited_for_no_longer_than_one_can(
    cloud: StandInCloud, taurusdb: TaurusDb, operation: str
) -> None:
    cloud.inject_fault("slow", operation, times=100, seconds=60.0)
    async with asyncio.timeout(2):
        instance_list = await taurusdb.inventory.instances(0.3)
        assert await taurusdb.inventory.instance(cloud.instances["sr-orders"].id, 0.3) is None
    assert not instance_list.is_settled or not instance_list.instances
    assert len(instance_list.instances) == (6 if operation == "instance" else 0)


@pytest.mark.parametrize("code", ["403 APIGW.0302", "401 APIGW.0301"])
@pytest.mark.parametrize("operation", ["taurusdb", "instance"])
async def test_what_is_denied_is_not_asked_again_and_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, operation: str, code: str
) -> None:
    cloud.inject_fault(code, operation, times=1000)
    await taurusdb.inventory.instances(PATIENCE)
    calls = len(cloud.calls)
    for instance in cloud.instances.values():
        assert await taurusdb.inventory.instance(instance.id, PATIENCE) is None
        await taurusdb.inventory.instances(PATIENCE)
        await taurusdb.inventory.refreshed(PATIENCE)
    assert len(cloud.calls) == calls
    cloud.clear_faults()
    clock.advance(301)
    assert (await taurusdb.inventory.instances(PATIENCE)).find(cloud.instances["sr-orders"].id) is not None


@pytest.mark.parametrize("fault", ["500 DBS.05000000", "html", "lost before", "huge", "empty body", "wrong types"])
@pytest.mark.parametrize("operation", ["taurusdb", "htap", "instance"])
async def test_after_an_error_the_list_is_soon_read_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, fault: str, operation: str
) -> None:
    cloud.inject_fault(fault, operation, times=20)
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert not (instance_list.is_complete and operation != "instance")
    cloud.clear_faults()
    clock.advance(301 if operation == "instance" else 31)
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert instance_list.is_complete
    assert all(instance.is_detailed for instance in instance_list.instances)


async def test_one_instance_without_details_is_still_listed(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.inject_fault("500 DBS.05000000", "instance")
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert instance_list.is_complete
    assert sorted(instance.is_detailed for instance in instance_list.instances) == [False] + [True] * 5


async def test_two_thousand_instances_are_read_at_most_eight_at_a_time(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    cloud.add_instances(1994)
    instance_list = await taurusdb.inventory.instances(1.0)
    assert len(instance_list.instances) == 2000
    await taurusdb.inventory.instance(cloud.instances["sr-orders"].id, PATIENCE)
    instance_list = await taurusdb.inventory.instances(30)
    assert all(instance.is_detailed for instance in instance_list.instances)
    assert cloud.most_in_flight <= 8


async def test_of_two_of_one_name_both_are_known(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    for letter in "ab":
        cloud.add_instance("sr-twin", id=letter * 32 + "in17")
    instance_list = await taurusdb.inventory.instances(PATIENCE)
    assert [instance.name for instance in instance_list.instances].count("sr-twin") == 2


# the scan of the TaurusDB instances


async def find(client: TaurusDb, instance_id: str) -> str | SearchResult:
    found = await client.find_upgrade(UpgradeSearch(instance_id, False, NOON), Language.EN)
    return found if isinstance(found, str) else found.result


async def test_the_taurusdb_instance_of_an_instance_is_asked_for_once(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    await asyncio.gather(*(find(taurusdb, orders) for _ in range(5)))
    await find(taurusdb, cloud.instances["sr-metrics"].id)
    assert (count_calls(cloud, "taurusdb"), count_calls(cloud, "htap")) == (1, 2)


async def test_what_was_listed_is_not_asked_for_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    await find(taurusdb, orders)
    clock.advance(3600)
    await find(taurusdb, orders)
    assert count_calls(cloud, "taurusdb") == 1


async def test_an_instance_that_no_taurusdb_instance_has_is_searched_for_once_a_minute(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock
) -> None:
    for forward, count in ((0, 1), (30, 1), (31, 2)):
        clock.advance(forward)
        assert await find(taurusdb, INSTANCE_ID) is SearchResult.INCONCLUSIVE
        assert count_calls(cloud, "taurusdb") == count


async def test_a_scan_that_failed_is_repeated_soon(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    cloud.inject_fault("500 DBS.05000000", "taurusdb")
    assert await find(taurusdb, orders) is SearchResult.INCONCLUSIVE
    clock.advance(11)
    assert await find(taurusdb, orders) is SearchResult.IDLE


# instances in JSON


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_whatever_the_cloud_answers_is_an_instance(row: dict[str, Any]) -> None:
    for instance in (instance_from_details(row, PARENT_ID), instance_from_list(row, PARENT_ID)):
        assert Instance.from_json(instance.to_json()) == instance
        assert instance.node_count is None or instance.node_count >= 0


def test_a_partial_answer_is_a_partial_instance() -> None:
    assert instance_from_details(PARTIAL, PARENT_ID) == Instance(INSTANCE_ID, parent_id=PARENT_ID)
    assert instance_from_list(PARTIAL, PARENT_ID) == Instance(INSTANCE_ID, parent_id=PARENT_ID, is_detailed=False)


def test_an_action_without_a_name_counts_as_one() -> None:
    assert instance_from_details(PARTIAL | {"actions": [{}]}, "").running_actions == ("?",)
    groups = [{"nodes": [{"actions": [{"action": "RESIZE"}]}]}]
    assert instance_from_details(PARTIAL | {"groups": groups}, "").running_actions == ("RESIZE",)
    assert instance_from_details(PARTIAL | {"actions": []}, "").running_actions == ()
    assert instance_from_details(PARTIAL, "").running_actions is None


@pytest.mark.parametrize(
    "details",
    [None, [], 7, "x", {}, {"instances": None}, {"instances": [None, 7, {}]}, {"instances": [{"id": INSTANCE_ID}]}],
)
async def test_no_answer_of_the_cloud_breaks_the_list(make_client: MakeClient, details: Any) -> None:
    answers = {
        "instances": {"instances": [{"id": PARENT_ID}, {}, None, 7]},
        "htap": {"instances": [{"id": INSTANCE_ID, "name": "<!channel>"}, {"id": 7}, None]},
        INSTANCE_ID: details,
    }
    async with cloud_with(answers) as endpoint:
        instance_list = await make_client(endpoint).inventory.instances(PATIENCE)
    assert [instance.id for instance in instance_list.instances] == [INSTANCE_ID]
    assert instance_list.is_complete


@pytest.mark.parametrize(("htap", "is_complete"), [({"total": 0}, True), ({"instances": []}, True), ({}, False)])
async def test_an_empty_project_is_distinguished_from_an_answer_without_a_list(
    make_client: MakeClient, htap: Any, is_complete: bool
) -> None:
    async with cloud_with({"instances": {"instances": [{"id": PARENT_ID}]}, "htap": htap}) as endpoint:
        instance_list = await make_client(endpoint).inventory.instances(PATIENCE)
    assert (instance_list.instances, instance_list.is_complete) == ((), is_complete)


@pytest.mark.parametrize(("total", "is_complete"), [(1, True), ("1", True), (2, False), ("2", False), (None, True)])
async def test_a_list_with_fewer_rows_than_it_counts_is_incomplete(
    make_client: MakeClient, total: object, is_complete: bool
) -> None:
    answers = {"instances": {"instances": [{"id": PARENT_ID}], "total_count": total}, "htap": {"instances": []}}
    async with cloud_with(answers) as endpoint:
        assert (await make_client(endpoint).inventory.instances(PATIENCE)).is_complete is is_complete
