"""The search for an upgrade whose answer was lost: which job is ours, and the result when there is none."""

import asyncio
import json
import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.core.errors import OutcomeUnknown
from bot.core.messages import Language
from bot.core.polling import UpgradeSearch
from bot.core.upgrade import SearchMiss, SearchResult
from bot.sandbox.taurusdb import ManualClock, StandInCloud
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.job_search import JobCandidate, Window, parent_candidates, upgrade_of
from bot.taurusdb.responses import format_time
from tests.taurusdb.helpers import INSTANCE_ID, NOON, PARENT_ID, MakeClient, cloud_with, send
from tests.taurusdb.raw_server import Connection, RawServer

SINCE_NOON = Window(NOON, math.inf, set())
ALL_READS = ("immediate", "scheduled", "instance", "htap", "taurusdb")


@pytest.fixture
def orders(cloud: StandInCloud) -> str:
    return cloud.instances["sr-orders"].id


async def lose(cloud: StandInCloud, client: TaurusDb, instance_id: str, delay: bool = False) -> str:
    """Send an upgrade whose answer is lost; the job id that nobody knows."""
    cloud.inject_fault("accepted, answer lost")
    with pytest.raises(OutcomeUnknown):
        await send(client, instance_id, delay=delay)
    return cloud.jobs[-1].id


async def find(client: TaurusDb, instance_id: str, delay: bool = False, since: float = NOON) -> str | SearchResult:
    found = await client.find_upgrade(UpgradeSearch(instance_id, delay, since), Language.EN)
    return found if isinstance(found, str) else found.result


def deny(cloud: StandInCloud, *operations: str) -> None:
    for operation in operations:
        cloud.inject_fault("403 APIGW.0302", operation, times=999)


@pytest.mark.parametrize("delay", [False, True])
async def test_a_lost_upgrade_is_found(cloud: StandInCloud, taurusdb: TaurusDb, orders: str, delay: bool) -> None:
    job_id = await lose(cloud, taurusdb, orders, delay)
    assert await find(taurusdb, orders, delay) == job_id


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("source", ["immediate", "instance", "scheduled"])
async def test_one_permission_is_enough(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, source: str, delay: bool
) -> None:
    job_id = await lose(cloud, taurusdb, orders, delay)
    needed = ("instance", "htap", "taurusdb") if source == "instance" else (source,)
    deny(cloud, *(set(ALL_READS) - set(needed)))
    is_found = delay == (source == "scheduled")
    assert await find(taurusdb, orders, delay) == (job_id if is_found else SearchResult.INCONCLUSIVE)


async def test_a_job_that_has_ended_is_found_too(cloud: StandInCloud, taurusdb: TaurusDb, orders: str) -> None:
    job_id = await lose(cloud, taurusdb, orders)
    cloud.finish(job_id)
    assert await find(taurusdb, orders) == job_id


async def test_a_job_listed_under_the_taurusdb_instance_is_found(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.lists_jobs_under_parent = True
    job_id = await lose(cloud, taurusdb, orders)
    cloud.finish(job_id)
    assert await find(taurusdb, orders) == job_id


async def test_it_is_found_even_when_nobody_tells_which_taurusdb_instance_it_is(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.lists_jobs_under_parent = True
    job_id = await lose(cloud, taurusdb, orders)
    deny(cloud, "taurusdb", "htap", "instance")
    assert await find(taurusdb, orders) == job_id


async def test_the_upgrade_of_another_instance_of_the_same_taurusdb_instance_is_not_ours(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.lists_jobs_under_parent = True
    await lose(cloud, taurusdb, orders)
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is SearchResult.BUSY
    deny(cloud, "job")
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is SearchResult.BUSY


@pytest.mark.parametrize("delay", [False, True])
async def test_an_older_upgrade_of_the_instance_is_not_ours(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str, delay: bool
) -> None:
    await lose(cloud, taurusdb, orders, delay)
    clock.advance(60)
    assert await find(taurusdb, orders, delay, since=clock()) is (SearchResult.IDLE if delay else SearchResult.BUSY)


async def test_an_older_upgrade_that_failed_is_not_taken_for_the_new_one(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    cloud.finish(await send(taurusdb, orders), "Failed")
    clock.advance(60)
    since = clock()
    assert await find(taurusdb, orders, since=since) is SearchResult.IDLE
    job_id = await lose(cloud, taurusdb, orders)
    assert await find(taurusdb, orders, since=since) == job_id


async def test_an_upgrade_that_never_arrived_leaves_an_idle_instance(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    cloud.inject_fault("lost before")
    with pytest.raises(OutcomeUnknown):
        await send(taurusdb, orders)
    assert await find(taurusdb, orders) is SearchResult.IDLE
    assert await find(taurusdb, orders, delay=True) is SearchResult.IDLE


async def test_an_instance_with_something_else_on_it_is_busy(cloud: StandInCloud, taurusdb: TaurusDb) -> None:
    assert await find(taurusdb, cloud.instances["sr-billing"].id) is SearchResult.BUSY


async def test_without_permissions_the_search_is_inconclusive(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    await lose(cloud, taurusdb, orders)
    deny(cloud, *ALL_READS)
    assert await find(taurusdb, orders) is SearchResult.INCONCLUSIVE


async def test_a_cloud_out_of_reach_is_inconclusive_and_no_error(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    await cloud.refuse_connections()
    assert await find(taurusdb, orders) is SearchResult.INCONCLUSIVE


async def test_idle_is_not_the_result_when_the_upgrade_could_be_over_or_wait_unseen(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    assert await find(taurusdb, cloud.instances["sr-reports"].id) is SearchResult.INCONCLUSIVE  # the newest version
    deny(cloud, "scheduled")
    assert await find(taurusdb, orders, delay=True) is SearchResult.INCONCLUSIVE
    assert await find(taurusdb, orders) is SearchResult.IDLE


async def test_many_jobs_are_read_page_by_page(
    cloud: StandInCloud, taurusdb: TaurusDb, clock: ManualClock, orders: str
) -> None:
    job_id = await lose(cloud, taurusdb, orders)
    instances = cloud.add_instances(130)
    await asyncio.gather(*(send(taurusdb, instance.id) for instance in instances))
    deny(cloud, "instance", "htap", "taurusdb")
    assert await find(taurusdb, orders) == job_id
    assert [call.operation for call in cloud.calls].count("immediate") == 3


async def test_a_wrong_clock_of_this_machine_is_compensated(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str, clock: ManualClock
) -> None:
    for ahead in (-300.0, 300.0):
        wrong = ManualClock(clock() + ahead)
        taurusdb._clock = taurusdb._api._clock = taurusdb._job_search._clock = wrong
        job_id = await lose(cloud, taurusdb, orders)
        await taurusdb.job(job_id, Language.EN)  # any answer tells the cloud's time
        assert await find(taurusdb, orders, since=wrong()) == job_id
        cloud.finish(job_id, "Failed")
        clock.advance(600)


@pytest.mark.parametrize(
    ("listed_as", "detail_id", "is_found"),
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
    make_client: MakeClient, listed_as: str, detail_id: str | None, is_found: bool
) -> None:
    task = {
        "job_id": "1",
        "job_name": "UpgradeStarRocksVersion",
        "instance_id": PARENT_ID,
        "instance_name": listed_as,
        "created_time": "2026-11-23T12:00:01Z",
    }
    siblings = [{"id": INSTANCE_ID, "name": "sr-one"}, {"id": "0" * 32 + "in17", "name": "sr-other"}]
    answers = {
        "immediate-jobs": {"jobs": [task]},
        "jobs": {"job": {"id": "1", "status": "Running", "instance": {"id": detail_id}}},
        "instances": {"instances": [{"id": PARENT_ID, "name": "the-taurusdb"}]},
        "htap": {"instances": siblings},
        INSTANCE_ID: {"instances": [{"id": INSTANCE_ID, "actions": []}]},
    }

    async with cloud_with(answers) as endpoint:
        assert await find(make_client(endpoint), INSTANCE_ID) == ("1" if is_found else SearchResult.IDLE)


# which candidate


def test_jobs_of_the_taurusdb_instance_itself_are_left_out() -> None:
    candidates = [
        JobCandidate("1", PARENT_ID, NOON, "UpgradeGaussDBforMySQLDatabaseVersion"),
        JobCandidate("2", PARENT_ID, NOON + 1, "VERSION_UPGRADE"),
        JobCandidate("4", PARENT_ID, NOON + 1, "CreateStarRocksBackup"),
        JobCandidate("3", PARENT_ID, NOON + 2, "UpgradeGaussDBforMySQLStarRocksVersion"),
    ]
    assert [candidate.job_id for candidate in parent_candidates(candidates, PARENT_ID, SINCE_NOON)] == ["2", "3"]
    assert [candidate.job_id for candidate in parent_candidates(candidates, None, SINCE_NOON)] == ["2", "3"]


def test_the_first_job_after_the_submission_is_ours() -> None:
    candidates = [
        JobCandidate("later", "in17", NOON + 30, "UPGRADING"),
        JobCandidate("ours", "in17", NOON + 1, "UPGRADING"),
        JobCandidate("older", "in17", NOON - 1, "UPGRADING"),
        JobCandidate("another's", "another in17", NOON + 1, "UPGRADING"),
    ]
    assert upgrade_of(candidates, "in17", SINCE_NOON) == "ours"
    assert upgrade_of(candidates, "in17", Window(NOON, NOON + 60, {"ours"})) == "later"
    assert upgrade_of(candidates, "in17", Window(NOON + 31, math.inf, set())) is None
    assert upgrade_of(candidates[:1], "in17", Window(NOON, NOON + 30, set())) is None


@pytest.mark.parametrize("name", ["CreateStarRocksBackup", "RESTART_INSTANCE", "RESIZE_FLAVOR", "", "Update"])
def test_a_job_that_is_not_named_an_upgrade_is_never_taken_for_ours(name: str) -> None:
    assert upgrade_of([JobCandidate("1", "in17", NOON + 1, name)], "in17", SINCE_NOON) is None
    assert parent_candidates([JobCandidate("1", PARENT_ID, NOON + 1, name)], PARENT_ID, SINCE_NOON) == []


@pytest.mark.parametrize("name", ["UpgradeStarRocksVersion", "VERSION_UPGRADE", "upgrading", "StarRocksUPGRADE"])
def test_a_job_that_is_named_an_upgrade_in_any_case_is_ours(name: str) -> None:
    candidates = [JobCandidate("1", "in17", NOON + 1, "CreateBackup"), JobCandidate("2", "in17", NOON + 9, name)]
    assert upgrade_of(candidates, "in17", SINCE_NOON) == "2"


async def test_somebody_elses_job_on_the_instance_is_busy_and_not_ours(make_client: MakeClient) -> None:
    backup = {
        "job_id": "backup-1",
        "job_name": "CreateStarRocksBackup",
        "instance_id": INSTANCE_ID,
        "created_time": "2026-11-23T12:00:01Z",
    }
    answers = {
        "immediate-jobs": {"jobs": [backup]},
        "instances": {"instances": [{"id": PARENT_ID, "name": "the-taurusdb"}]},
        "htap": {"instances": [{"id": INSTANCE_ID, "name": "sr-one"}]},
        INSTANCE_ID: {"instances": [{"id": INSTANCE_ID, "actions": []}]},
    }
    async with cloud_with(answers) as endpoint:
        assert await find(make_client(endpoint), INSTANCE_ID) is SearchResult.BUSY


async def test_an_idle_instance_proves_nothing_when_the_list_of_jobs_cannot_be_read(
    cloud: StandInCloud, taurusdb: TaurusDb, orders: str
) -> None:
    assert await find(taurusdb, orders) is SearchResult.IDLE
    deny(cloud, "immediate")
    assert await find(taurusdb, orders) is SearchResult.INCONCLUSIVE


@pytest.mark.parametrize("since", [NOON, NOON + 30])
async def test_tasks_are_asked_for_from_the_confirmation_on_and_by_instance_and_status(
    make_client: MakeClient, since: float
) -> None:
    queries: dict[str, dict[str, str]] = {}

    async def empty_cloud(connection: Connection) -> None:
        while True:
            url = urlsplit((await connection.read_request()).split()[1])
            queries[url.path.rpartition("/")[2]] = dict(parse_qsl(url.query))
            connection.answer("{}")

    async with RawServer(empty_cloud) as server:
        search = UpgradeSearch(INSTANCE_ID, delay=True, since=since)
        await make_client(server.endpoint).find_upgrade(search, Language.EN)
    immediate = queries["immediate-jobs"]
    assert (immediate["start_time"], immediate["end_time"]) == (format_time(since - 5), format_time(since + 60))
    scheduled = queries["scheduled-jobs"]
    assert (scheduled["instance_id"], scheduled["status"]) == (INSTANCE_ID, "Pending")


# what else was seen


def listed_cloud(*tasks: dict[str, object], total: object = None, actions: object = ()) -> dict[str, object]:
    """The answers of a cloud with these immediate tasks, and these actions on the instance."""
    jobs = {"jobs": list(tasks)} if total is None else {"jobs": list(tasks), "total_count": total}
    return {
        "immediate-jobs": jobs,
        "instances": {"instances": [{"id": PARENT_ID, "name": "the-taurusdb"}]},
        "htap": {"instances": [{"id": INSTANCE_ID, "name": "sr-one"}]},
        INSTANCE_ID: {"instances": [{"id": INSTANCE_ID, "actions": list(actions)}]},  # type: ignore[call-overload]
    }


def task(
    name: str, job_id: str = "1", at: str = "2026-11-23T12:00:05Z", owner: object = INSTANCE_ID
) -> dict[str, object]:
    return {"job_id": job_id, "job_name": name, "instance_id": owner, "created_time": at}


async def search(make_client: MakeClient, answers: dict[str, object], **fields: Any) -> str | SearchMiss:
    async with cloud_with(answers) as endpoint:
        wanted = UpgradeSearch(INSTANCE_ID, delay=False, since=NOON, **fields)
        return await make_client(endpoint).find_upgrade(wanted, Language.EN)


async def test_other_operations_are_named_with_their_times(make_client: MakeClient) -> None:
    restart = {"job_id": "2", "action": "RESTARTING", "created_at": (NOON - 60) * 1000, "status": "Running"}
    miss = await search(make_client, listed_cloud(task("CreateStarRocksBackup"), actions=[restart]))
    assert isinstance(miss, SearchMiss)
    assert miss.result is SearchResult.BUSY
    assert [operation.name for operation in miss.operations] == ["CreateStarRocksBackup", "RESTARTING"]
    backup_at, restart_at = (operation.started_at or 0.0 for operation in miss.operations)
    assert backup_at - restart_at == pytest.approx(65)
    assert backup_at == pytest.approx(NOON + 5)


async def test_an_action_that_cannot_be_read_keeps_the_instance_busy(make_client: MakeClient) -> None:
    answers = listed_cloud(actions=[{"action": "RESTARTING"}])
    assert await search(make_client, answers) == SearchMiss(SearchResult.BUSY)


@pytest.mark.parametrize(
    "fields", [{"until": NOON + 5}, {"until": NOON + 1}, {"other_job_ids": {"1"}}], ids=["at", "before", "taken"]
)
async def test_a_job_of_a_later_request_is_neither_ours_nor_shown(make_client: MakeClient, fields: Any) -> None:
    answers = listed_cloud(task("UpgradeStarRocksVersion"))
    assert await search(make_client, answers) == "1"
    assert await search(make_client, answers, **fields) == SearchMiss(SearchResult.IDLE)


async def test_tasks_are_asked_for_by_the_clock_of_the_cloud_and_told_by_ours(make_client: MakeClient) -> None:
    answers = listed_cloud(task("CreateStarRocksBackup", at="2026-11-23T12:05:05Z"))
    queries: list[dict[str, str]] = []

    async def cloud_ahead(connection: Connection) -> None:
        while True:
            url = urlsplit((await connection.read_request()).split()[1])
            operation = url.path.rpartition("/")[2]
            if operation == "immediate-jobs":
                queries.append(dict(parse_qsl(url.query)))
            connection.answer(json.dumps(answers[operation]), headers="Date: Mon, 23 Nov 2026 12:05:00 GMT\r\n")

    async with RawServer(cloud_ahead) as server:
        client, wanted = make_client(server.endpoint), UpgradeSearch(INSTANCE_ID, delay=False, since=NOON)
        for _ in range(2):  # only an answer tells the cloud's time
            miss = await client.find_upgrade(wanted, Language.EN)
    assert isinstance(miss, SearchMiss)
    assert [operation.started_at for operation in miss.operations] == [NOON + 5]
    assert queries[1]["start_time"] == format_time(NOON + 300 - 5)
    assert queries[1]["end_time"] == format_time(NOON + 300 + 60)


@pytest.mark.parametrize(
    ("confirmed_at", "until", "is_ours"),
    [
        (NOON + 7, None, True),  # the job's time is 12:00:05
        (NOON + 7.5, None, False),
        (NOON, NOON + 7, False),
        (NOON, NOON + 7.5, True),
    ],
)
async def test_the_times_of_the_cloud_may_be_two_seconds_early(
    make_client: MakeClient, confirmed_at: float, until: float | None, is_ours: bool
) -> None:
    async with cloud_with(listed_cloud(task("UpgradeStarRocksVersion"))) as endpoint:
        wanted = UpgradeSearch(INSTANCE_ID, delay=False, since=confirmed_at, until=until)
        found = await make_client(endpoint).find_upgrade(wanted, Language.EN)
    assert (found == "1") == is_ours


@pytest.mark.parametrize(
    "unreadable",
    [
        task("UpgradeStarRocksVersion", job_id=""),
        task("UpgradeStarRocksVersion", at="yesterday"),
        task("UpgradeStarRocksVersion", at="", owner=None),
    ],
)
async def test_a_task_that_cannot_be_read_keeps_an_idle_instance_from_proving_anything(
    make_client: MakeClient, unreadable: dict[str, object]
) -> None:
    assert await search(make_client, listed_cloud(unreadable)) == SearchMiss(SearchResult.INCONCLUSIVE)
    elsewhere = unreadable | {"instance_id": "0" * 32 + "in17"}
    assert await search(make_client, listed_cloud(elsewhere)) == SearchMiss(SearchResult.IDLE)


@pytest.mark.parametrize("total", [7, "7"])
async def test_a_list_that_is_not_whole_proves_nothing(make_client: MakeClient, total: object) -> None:
    assert await search(make_client, listed_cloud(total=total)) == SearchMiss(SearchResult.INCONCLUSIVE)
    assert await search(make_client, listed_cloud(total=0)) == SearchMiss(SearchResult.IDLE)


# answers that look like "nothing there" and say nothing


def details(**fields: object) -> dict[str, object]:
    return {"instances": [{"id": INSTANCE_ID, "actions": [], **fields}]}


@pytest.mark.parametrize(
    "jobs",
    [
        {},
        {"jobs": None},
        {"error_code": "DBS.200019", "error_msg": "busy"},
        {"jobs": {"job_id": "1"}},
        {"jobs": "none"},
        {"jobs": [None]},
        {"jobs": ["UpgradeStarRocksVersion"]},
        {"jobs": [], "total_count": 1.0},
        {"jobs": [], "total_count": "many"},
    ],
)
async def test_a_200_without_a_readable_list_of_jobs_proves_nothing(make_client: MakeClient, jobs: object) -> None:
    miss = await search(make_client, {**listed_cloud(), "immediate-jobs": jobs})
    assert miss == SearchMiss(SearchResult.INCONCLUSIVE)


async def test_an_empty_list_may_be_null_where_its_length_is_told(make_client: MakeClient) -> None:
    answers = {**listed_cloud(), "immediate-jobs": {"jobs": None, "total_count": "0"}}
    assert await search(make_client, answers) == SearchMiss(SearchResult.IDLE)


@pytest.mark.parametrize("actions", [None, {"action": "UPGRADE"}, "UPGRADE", 7])
async def test_an_instance_that_does_not_say_what_runs_on_it_is_not_idle(
    make_client: MakeClient, actions: object
) -> None:
    answers = {**listed_cloud(), INSTANCE_ID: details(actions=actions)}
    assert await search(make_client, answers) == SearchMiss(SearchResult.INCONCLUSIVE)


@pytest.mark.parametrize(
    "busy", [{"actions": ["UPGRADE"]}, {"groups": [{"nodes": [{"actions": ["UPGRADE"]}]}]}], ids=["instance", "node"]
)
async def test_an_action_that_is_plain_text_is_one(make_client: MakeClient, busy: dict[str, object]) -> None:
    miss = await search(make_client, {**listed_cloud(), INSTANCE_ID: details(**busy)})
    assert miss == SearchMiss(SearchResult.BUSY)


@pytest.mark.parametrize("available", ["false", "False", 0, "?", []])
async def test_an_instance_that_may_be_on_the_newest_version_already_is_not_idle(
    make_client: MakeClient, available: object
) -> None:
    miss = await search(make_client, {**listed_cloud(), INSTANCE_ID: details(new_version_available=available)})
    assert miss == SearchMiss(SearchResult.INCONCLUSIVE)


@pytest.mark.parametrize("status", ["abnormal", "upgrading"])
async def test_an_instance_that_is_not_normal_is_not_idle(make_client: MakeClient, status: str) -> None:
    miss = await search(make_client, {**listed_cloud(), INSTANCE_ID: details(status=status)})
    assert miss == SearchMiss(SearchResult.INCONCLUSIVE)


@pytest.mark.parametrize("owner", [INSTANCE_ID.upper(), f" {INSTANCE_ID} "])
async def test_the_id_of_an_instance_may_be_written_otherwise(make_client: MakeClient, owner: str) -> None:
    row = {**task("UpgradeStarRocksVersion"), "instance_id": owner}
    assert await search(make_client, listed_cloud(row)) == "1"


@pytest.mark.parametrize("created", ["2026-11-23T19:30:00", "2099-01-01T00:00:00+0000", (NOON + 8 * 3600) * 1000])
async def test_a_job_from_the_future_is_an_older_one_in_another_time_zone(
    make_client: MakeClient, created: object
) -> None:
    row = {**task("UpgradeStarRocksVersion"), "created_time": created}
    assert await search(make_client, listed_cloud(row)) == SearchMiss(SearchResult.INCONCLUSIVE)


@pytest.mark.parametrize(("seconds", "is_ours"), [(900, True), (901, False)])
async def test_a_job_may_be_a_quarter_of_an_hour_ahead(make_client: MakeClient, seconds: int, is_ours: bool) -> None:
    row = {**task("UpgradeStarRocksVersion"), "created_time": (NOON + seconds) * 1000}
    assert (await search(make_client, listed_cloud(row)) == "1") == is_ours


@pytest.mark.parametrize(
    "name", ["RollbackUpgradeStarRocks", "CANCEL_VERSION_UPGRADE", "UpgradePreCheck", "UpgradeStarRocksStorage"]
)
async def test_what_is_done_about_an_upgrade_is_not_the_upgrade(make_client: MakeClient, name: str) -> None:
    miss = await search(make_client, listed_cloud(task(name)))
    assert isinstance(miss, SearchMiss)
    assert (miss.result, [operation.name for operation in miss.operations]) == (SearchResult.BUSY, [name])


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"])
async def test_a_date_that_no_clock_shows_is_not_gone_by(make_client: MakeClient, date: str) -> None:
    answers = listed_cloud(task("UpgradeStarRocksVersion"))

    async def cloud(connection: Connection) -> None:
        while True:
            path = (await connection.read_request()).split()[1].partition("?")[0]
            connection.answer(json.dumps(answers[path.rpartition("/")[2]]), headers=f"Date: {date}\r\n")

    async with RawServer(cloud) as server:
        client = make_client(server.endpoint)
        assert [await find(client, INSTANCE_ID) for _ in range(2)] == ["1", "1"]


@pytest.mark.parametrize(
    ("pages", "total"),
    [((range(50), range(51, 60)), (60, 59)), ((range(50), (48, 49, *range(50, 58))), (58, 60))],
    ids=["one has gone", "two have come"],
)
async def test_a_list_that_changes_while_its_pages_are_read_proves_nothing(
    make_client: MakeClient, pages: tuple[Iterable[int], ...], total: tuple[int, int]
) -> None:
    answers = listed_cloud()

    async def cloud(connection: Connection) -> None:
        while True:
            path, _, query = (await connection.read_request()).split()[1].partition("?")
            answer = answers[path.rpartition("/")[2]]
            if path.endswith("immediate-jobs"):
                page = 0 if "offset=0" in query else 1
                jobs = [{**task("CreateBackup", owner="0" * 32 + "in17"), "job_id": f"j{n}"} for n in pages[page]]
                answer = {"jobs": jobs, "total_count": total[page]}
            connection.answer(json.dumps(answer))

    async with RawServer(cloud) as server:
        assert await find(make_client(server.endpoint), INSTANCE_ID) is SearchResult.INCONCLUSIVE
