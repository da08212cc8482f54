"""Where StarRocks instances belong, and what is listed there."""

import asyncio
import json

import pytest

from bot.core.sentence import Language
from bot.core.upgrade import Sight
from bot.sandbox.cloud import HandClock, StandInCloud
from bot.taurusdb.client import TaurusDb
from tests.taurusdb.asking import INSTANCE_ID, NOON, Connect
from tests.taurusdb.raw_server import Conversation, RawServer

PARENT_ID = "9a7d3c1b2e4f4a5b8c6d7e8f90a1b2c3in07"


@pytest.fixture
def orders(cloud: StandInCloud) -> str:
    return cloud.instances["sr-orders"].id


async def find(client: TaurusDb, instance_id: str) -> str | Sight:
    return await client.find(instance_id, delay=False, since=NOON, language=Language.EN)


def walks(cloud: StandInCloud) -> int:
    return [call.operation for call in cloud.calls].count("taurusdb")


async def test_where_instances_belong_is_asked_once(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    await asyncio.gather(*(find(taurusdb, orders) for _ in range(5)))
    await find(taurusdb, cloud.instances["sr-metrics"].id)
    operations = [call.operation for call in cloud.calls]
    assert (operations.count("taurusdb"), operations.count("htap")) == (1, 2)


async def test_what_is_known_is_not_asked_again(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, orders: str
) -> None:
    await find(taurusdb, orders)
    clock.forward(3600)
    await find(taurusdb, orders)
    assert walks(cloud) == 1


async def test_an_instance_that_belongs_nowhere_is_looked_for_once_a_minute(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock
) -> None:
    for forward, count in ((0, 1), (30, 1), (31, 2)):
        clock.forward(forward)
        assert await find(taurusdb, INSTANCE_ID) is Sight.BLIND
        assert walks(cloud) == count


async def test_a_look_that_failed_is_repeated_soon(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: HandClock, orders: str
) -> None:
    cloud.choose_mishap("500 DBS.05000000", "taurusdb")
    assert await find(taurusdb, orders) is Sight.BLIND
    clock.forward(11)
    assert await find(taurusdb, orders) is Sight.IDLE


@pytest.mark.parametrize(
    ("listed_as", "detail_id", "found"),
    [
        ("sr-one", PARENT_ID, True),
        ("the-taurusdb", PARENT_ID, True),
        ("sr-other", PARENT_ID, False),
        ("sr-other", INSTANCE_ID, True),
        ("sr-one", "0" * 32 + "in17", False),
        ("sr-one", None, False),
    ],
)
async def test_a_task_under_the_taurusdb_instance_is_ours_unless_it_names_another(
    connect: Connect, listed_as: str, detail_id: str | None, found: bool
) -> None:
    task = {"job_id": "1", "instance_id": PARENT_ID, "instance_name": listed_as, "created_time": "2026-11-23T12:00:01Z"}
    siblings = [{"id": INSTANCE_ID, "name": "sr-one"}, {"id": "0" * 32 + "in17", "name": "sr-other"}]
    answers = {
        "immediate-jobs": {"jobs": [task]},
        "jobs": {"job": {"id": "1", "status": "Running", "instance": {"id": detail_id}}},
        "instances": {"instances": [{"id": PARENT_ID, "name": "the-taurusdb"}]},
        "htap": {"instances": siblings},
        INSTANCE_ID: {"instances": [{"id": INSTANCE_ID, "actions": []}]},
    }

    async def cloud(talk: Conversation) -> None:
        while True:
            path = (await talk.read_request()).split()[1].partition("?")[0]
            talk.answer(json.dumps(answers[path.rpartition("/")[2]]))

    async with RawServer(cloud) as server:
        assert await find(connect(server.endpoint), INSTANCE_ID) == ("1" if found else Sight.IDLE)
