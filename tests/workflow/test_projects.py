"""Several projects: a request goes to the project that lists the instance, and nobody guesses where one is."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bot.sandbox.slack import Ephemeral
from bot.sandbox.taurusdb.server import SECOND_PROJECT_ID, SECOND_REGION_NAME
from bot.workflow import handle_command
from tests.audit_rows import audit_entries
from tests.driver import CHANNEL, BotDriver, buttons, run_driver, text_of
from tests.workflow.test_preflight import answered, warm

ENGLISH, CHINESE = "sre", "dba"
FIRST_REGION = "cn-north-4"
SECOND = f"{SECOND_REGION_NAME}:{SECOND_PROJECT_ID}"
NOWHERE = "0123456789abcdef0123456789abcdefin17"
BY_KEY = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": ""}


@pytest.fixture(params=["socket", "http"])
async def projects(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[BotDriver]:
    """The stand-ins with two projects, in both modes; the test starts the bot."""
    async with run_driver(tmp_path, request.param) as one:
        one.cloud.add_example_project()
        yield one


@pytest.fixture
async def socket_projects(tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The same, in Socket Mode alone."""
    async with run_driver(tmp_path) as one:
        one.cloud.add_example_project()
        yield one


def in_second_project(driver: BotDriver, name: str) -> str:
    """The id of an instance of the second project."""
    return next(one.id for one in driver.cloud.list_instances(SECOND_PROJECT_ID) if one.name == name)


def project_of_last_upgrade(driver: BotDriver) -> str:
    """The project in the path of the last POST."""
    path = [call.path for call in driver.cloud.calls if call.path.endswith("/db-upgrade")][-1]
    return path.split("/")[2]


@pytest.mark.parametrize("by_key", [False, True], ids=["password", "ak/sk"])
@pytest.mark.parametrize(("person", "field"), [(ENGLISH, "Region: "), (CHINESE, "区域：")])
async def test_a_request_goes_to_the_project_that_lists_the_instance(
    projects: BotDriver, by_key: bool, person: str, field: str
) -> None:
    keys = {**BY_KEY, "HW_ACCESS_KEY": projects.cloud.access_key, "HW_SECRET_KEY": projects.cloud.secret_key}
    await projects.start(**(keys if by_key else {}))
    await warm(projects)
    names = (
        ("sr-clicks", SECOND_REGION_NAME, SECOND_PROJECT_ID),
        ("sr-metrics", FIRST_REGION, projects.cloud.project_id),
    )
    for name, region, project_id in names:
        message = await projects.request(name, person=person)
        assert f"{field}{region}" in message.text
        assert project_id not in text_of(message)
        await projects.confirm(message, person=person)
        await projects.wait_for_card(message, "upgraded" if person == ENGLISH else "已完成")
        assert project_of_last_upgrade(projects) == project_id
    assert len(projects.cloud.upgrades) == 2
    entries = audit_entries(projects.folder)
    assert {entry.project for entry in entries if entry.upgrade_id} == {
        SECOND,
        f"{FIRST_REGION}:{projects.cloud.project_id}",
    }


async def test_projects_in_one_region_are_told_apart_by_their_ids_on_the_card(socket_projects: BotDriver) -> None:
    cloud = socket_projects.cloud
    cloud.add_project(FIRST_REGION, "a" * 32)
    await socket_projects.start()
    await warm(socket_projects)
    shared = await socket_projects.request("sr-metrics")
    assert f"Region: {FIRST_REGION} · `{cloud.project_id}`" in shared.text
    alone = await socket_projects.request("sr-clicks")
    assert SECOND_PROJECT_ID not in text_of(alone)


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "sr-orders"), (CHINESE, "sr-orders")])
async def test_a_name_of_two_projects_is_told_with_its_regions(
    socket_projects: BotDriver, person: str, word: str
) -> None:
    await socket_projects.start()
    await warm(socket_projects)
    text = text_of(await answered(socket_projects, person, word, "sr-orders"))
    assert FIRST_REGION in text
    assert SECOND_REGION_NAME in text
    assert not socket_projects.slack.messages(CHANNEL)


async def unlisted(driver: BotDriver, person: str, word: str, within: float = 2.0) -> Ephemeral:
    """Ask for an instance that no project lists; nothing is posted or sent, and the answer is in time (seconds)."""
    began = time.monotonic()
    answer = await answered(driver, person, f"{NOWHERE} --delay", word)
    assert time.monotonic() - began < within
    assert not driver.slack.messages(CHANNEL)
    assert not driver.cloud.upgrades
    return answer


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "None of the bot's projects"), (CHINESE, "所有项目下均不存在")])
async def test_an_instance_that_no_project_lists_is_told_privately(
    projects: BotDriver, person: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle_command, "LOCATE_SECONDS", 10.0)  # the lists are read again, however busy the machine is
    await projects.start()
    await warm(projects)
    answer = await unlisted(projects, person, word, within=15.0)
    accessories = [block["accessory"] for block in answer.blocks if "accessory" in block]
    assert [one["value"] for one in accessories] == [
        f"{FIRST_REGION}:{projects.cloud.project_id} {NOWHERE} --delay",
        f"{SECOND} {NOWHERE} --delay",
    ]
    await projects.slack.click(person, answer, "request_in_project", accessories[1]["value"])
    message = (await projects.slack.until(lambda: projects.slack.messages(CHANNEL)))[0]
    assert SECOND_REGION_NAME in message.text
    await projects.confirm(message, person=person)
    await projects.cloud.until(lambda: projects.cloud.upgrades)
    assert project_of_last_upgrade(projects) == SECOND_PROJECT_ID


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "could be loaded"), (CHINESE, "未能完整获取")])
@pytest.mark.parametrize("fault", ["slow", "403 APIGW.0302"])
async def test_projects_that_could_not_be_read_are_named(
    socket_projects: BotDriver, person: str, word: str, fault: str
) -> None:
    socket_projects.cloud.inject_fault(fault, "taurusdb", times=1000, seconds=30.0)
    await socket_projects.start()
    text = text_of(await unlisted(socket_projects, person, word))
    assert all(name in text for name in (FIRST_REGION, SECOND_REGION_NAME, SECOND_PROJECT_ID))


def unread(answer: Ephemeral) -> set[str]:
    """The regions of the projects that an answer calls unread."""
    _, _, named = text_of(answer).partition("of these projects could be loaded")
    return {region for region in (FIRST_REGION, SECOND_REGION_NAME) if region in named.partition("Nothing was")[0]}


@pytest.mark.parametrize("operation", ["taurusdb", "htap", "instance"])
async def test_a_large_project_that_does_not_answer_holds_up_no_other(
    socket_projects: BotDriver, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle_command, "LOCATE_SECONDS", 3.0)  # a list is not read again at once
    cloud = socket_projects.cloud
    cloud.add_instances(900, cloud.project_id)
    cloud.inject_fault("hang", operation, times=100_000, project_id=cloud.project_id)
    await socket_projects.start()
    seen = {one.id for one in cloud.list_instances(SECOND_PROJECT_ID)}
    await cloud.until(lambda: seen <= {call.path.rpartition("/")[2] for call in cloud.calls if call.status == 200})
    began = time.monotonic()
    await answered(socket_projects, ENGLISH, "list", "sr-clicks")
    message = await socket_projects.request("sr-clicks")
    await socket_projects.wait_for_card(message, "3.1.15")
    assert time.monotonic() - began < 4.0
    assert unread(await answered(socket_projects, ENGLISH, NOWHERE, "")) <= {FIRST_REGION}
    cloud.add_instance("sr-new", parent="taurus-abroad", project_id=SECOND_PROJECT_ID)
    message = await socket_projects.request(in_second_project(socket_projects, "sr-new"))
    await socket_projects.confirm(message)
    await socket_projects.wait_for_card(message, "upgraded", 30)
    assert project_of_last_upgrade(socket_projects) == SECOND_PROJECT_ID
    assert cloud.most_in_flight <= 8


@pytest.mark.parametrize("operation", ["taurusdb", "htap"])
@pytest.mark.parametrize(
    "fault", ["403 APIGW.0302", "404 APIGW.0101", "500 DBS.05000000", "502 APIGW.0201", "html", "wrong types"]
)
async def test_a_project_that_cannot_be_listed_is_the_only_one_called_unread(
    socket_projects: BotDriver, operation: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle_command, "LOCATE_SECONDS", 10.0)
    cloud = socket_projects.cloud
    cloud.inject_fault(fault, operation, times=100_000, project_id=SECOND_PROJECT_ID)
    await socket_projects.start()
    await cloud.until(lambda: [call for call in cloud.calls if "/starrocks/" in call.path])
    answer = await unlisted(socket_projects, ENGLISH, "of these projects could be loaded", within=15.0)
    assert unread(answer) == {SECOND_REGION_NAME}
    text = text_of(await answered(socket_projects, ENGLISH, "list", "sr-metrics"))
    assert SECOND_REGION_NAME in text.partition("of these projects have been loaded")[2]
    assert await socket_projects.request("sr-metrics")


@pytest.mark.parametrize("project", ["", "x", "cn-north-4:" + "0" * 32, f"{FIRST_REGION}:{SECOND_PROJECT_ID}"])
async def test_a_project_that_is_not_set_is_refused_on_the_click(socket_projects: BotDriver, project: str) -> None:
    await socket_projects.start()
    await warm(socket_projects)
    answer = await unlisted(socket_projects, ENGLISH, "None of")
    await socket_projects.slack.click(ENGLISH, answer, "request_in_project", f"{project} {NOWHERE}")
    await socket_projects.wait_for_ephemeral(ENGLISH, "no longer serves" if project else "None of")
    assert not socket_projects.slack.messages(CHANNEL)


async def test_the_rules_hold_for_the_button(socket_projects: BotDriver) -> None:
    replica = await socket_projects.start()
    await warm(socket_projects)
    answer = await unlisted(socket_projects, ENGLISH, "None of")
    await replica.stop()
    await socket_projects.start(ALLOWED_INSTANCES=socket_projects.instance())
    await socket_projects.slack.click(ENGLISH, answer, "request_in_project", f"{SECOND} {NOWHERE}")
    await socket_projects.wait_for_ephemeral(ENGLISH, "cannot upgrade instance")
    assert not socket_projects.slack.messages(CHANNEL)


async def test_an_instance_that_is_listed_goes_to_its_own_project_whatever_the_button_says(
    socket_projects: BotDriver,
) -> None:
    await socket_projects.start()
    await warm(socket_projects)
    answer = await unlisted(socket_projects, ENGLISH, "None of")
    await socket_projects.slack.click(
        ENGLISH, answer, "request_in_project", f"{SECOND} {socket_projects.instance('sr-metrics')}"
    )
    message = (await socket_projects.slack.until(lambda: socket_projects.slack.messages(CHANNEL)))[0]
    assert FIRST_REGION in message.text
    assert SECOND_REGION_NAME not in message.text


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "1 to 9 of 9"), (CHINESE, "共 9 个")])
async def test_the_list_is_grouped_by_region(socket_projects: BotDriver, person: str, word: str) -> None:
    await socket_projects.start()
    await warm(socket_projects)
    text = text_of(await answered(socket_projects, person, "list", word))
    second, first = text.index(SECOND_REGION_NAME), text.index(FIRST_REGION)
    assert second < text.index("sr-clicks") < first < text.index("sr-metrics")


async def test_a_lost_answer_is_searched_in_the_project_of_the_request(socket_projects: BotDriver) -> None:
    await socket_projects.start()
    await warm(socket_projects)
    socket_projects.cloud.inject_fault("accepted, answer lost", "upgrade")
    message = await socket_projects.request("sr-search")
    await socket_projects.confirm(message)
    await socket_projects.wait_for_card(message, "upgraded", 30)
    assert len(socket_projects.cloud.upgrades) == 1


async def test_a_project_that_was_taken_out_of_the_settings_gets_no_request(socket_projects: BotDriver) -> None:
    replica = await socket_projects.start()
    await warm(socket_projects)
    message = await socket_projects.request("sr-clicks")
    await replica.stop()
    await socket_projects.start(
        HW_PROJECTS="", HW_REGION_NAME=FIRST_REGION, HW_PROJECT_ID=socket_projects.cloud.project_id
    )
    await socket_projects.confirm(message)
    await socket_projects.wait_for_ephemeral(ENGLISH, "no longer serves")
    assert not socket_projects.cloud.upgrades


async def test_two_thousand_instances_in_five_projects_are_listed_within_two_seconds(
    socket_projects: BotDriver,
) -> None:
    cloud = socket_projects.cloud
    ids = [cloud.project_id, SECOND_PROJECT_ID, *(digit * 32 for digit in "abc")]
    for project_id in ids[2:]:
        cloud.add_project("eu-west-0", project_id)
    for project_id in ids:
        cloud.add_instances(400 - len(cloud.list_instances(project_id)), project_id)
    await socket_projects.start()
    began = time.monotonic()
    await answered(socket_projects, ENGLISH, "", "of 2000")
    assert time.monotonic() - began < 2.0
    await warm(socket_projects)
    assert cloud.most_in_flight <= 8


async def test_calls_of_the_cloud_are_counted_by_region(socket_projects: BotDriver) -> None:
    replica = await socket_projects.start(PORT="0")
    await warm(socket_projects)
    message = await socket_projects.request("sr-clicks")
    await socket_projects.confirm(message)
    await socket_projects.wait_for_card(message, "upgraded")
    assert urlsplit(replica.url).port
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{replica.url}/metrics")).text
    assert f'operation="upgrade",outcome="ok",region="{SECOND_REGION_NAME}"' in text


async def test_buttons_of_one_project_stay_as_they_are(idle_driver: BotDriver) -> None:
    await idle_driver.start(
        HW_REGION_NAME="", HW_PROJECT_ID="", HW_PROJECTS=f"{FIRST_REGION}:{idle_driver.cloud.project_id}"
    )
    await warm(idle_driver)
    message = await idle_driver.request(idle_driver.instance())
    assert FIRST_REGION not in message.text
    assert list(buttons(message)) == ["confirm_upgrade", "cancel_upgrade", "translate_card"]


def five_projects(driver: BotDriver) -> None:
    """Three more projects, without instances."""
    for digit in "abc":
        driver.cloud.add_project("eu-west-0", digit * 32)


async def test_a_wrong_password_is_not_tried_in_every_project(socket_projects: BotDriver) -> None:
    five_projects(socket_projects)
    await socket_projects.start(HW_USER_PASSWORD="not-the-password")
    await unlisted(socket_projects, ENGLISH, "could be loaded")
    await answered(socket_projects, ENGLISH, "list", "could not be listed")
    assert socket_projects.cloud.sign_ins <= 2


async def test_a_wrong_key_signs_no_more_requests_than_with_one_project(socket_projects: BotDriver) -> None:
    five_projects(socket_projects)
    await socket_projects.start(**BY_KEY, HW_ACCESS_KEY=socket_projects.cloud.access_key, HW_SECRET_KEY="wrong-key")
    await unlisted(socket_projects, ENGLISH, "could be loaded")
    assert sum(call.signed_by == "ak/sk" for call in socket_projects.cloud.calls) == 1


async def test_a_project_that_refuses_the_sign_in_does_not_hold_up_the_others(socket_projects: BotDriver) -> None:
    wrong = f"eu-west-0:{'0' * 32}"
    await socket_projects.start(HW_PROJECTS=f"{wrong}, {SECOND}")
    await socket_projects.cloud.until(
        lambda: [call for call in socket_projects.cloud.calls if "/starrocks/" in call.path]
    )
    message = await socket_projects.request("sr-clicks")
    assert SECOND_REGION_NAME in message.text
    answer = await answered(socket_projects, ENGLISH, NOWHERE, "could be loaded")
    assert "eu-west-0" in text_of(answer).partition("Nothing was requested")[0]
