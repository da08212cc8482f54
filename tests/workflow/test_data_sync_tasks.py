"""Data-sync tasks of the instance: on the card by name and stage, and a warning before it when one runs."""

import asyncio
from typing import Any

import pytest

from bot.sandbox.taurusdb import endpoints
from bot.sandbox.taurusdb.api import json_response
from tests.driver import CHANNEL, BotDriver, text_of

ENGLISH, CHINESE = "sre", "dba"
both_languages = pytest.mark.parametrize("person", [ENGLISH, CHINESE])


def word(person: str, english: str, chinese: str) -> str:
    """The word that this person reads."""
    return english if person == ENGLISH else chinese


@both_languages
@pytest.mark.parametrize(
    ("stage", "english", "chinese"),
    [("incremental", "incremental sync", "增量同步"), ("full", "full sync", "全量同步")],
)
async def test_a_running_task_is_a_private_warning_with_a_way_to_request_all_the_same(
    any_driver: BotDriver, person: str, stage: str, english: str, chinese: str
) -> None:
    any_driver.cloud.change_instance("sr-orders", sync_tasks=(("orders_to_sr", stage), ("old", "paused")))
    await any_driver.slack.command(person, CHANNEL, "list")
    await any_driver.wait_for_ephemeral(person, "sr-billing")  # the bot has read what is there
    card = await any_driver.request_anyway(any_driver.instance(), "orders_to_sr", person=person)
    warning = await any_driver.wait_for_ephemeral(person, "orders_to_sr")
    assert word(person, english, chinese) in warning.text
    assert "old" not in warning.text
    shown = await any_driver.wait_for_card(card, "orders_to_sr")
    assert word(person, english, chinese) in text_of(shown)
    assert word(person, "old: paused", "old：暂停同步") in text_of(shown)


@both_languages
async def test_tasks_that_rest_are_on_the_card_five_of_them_by_name(driver: BotDriver, person: str) -> None:
    tasks = tuple((f"task_{number:03}", "paused" if number % 2 else "wait") for number in range(130))
    driver.cloud.change_instance("sr-orders", sync_tasks=tasks)
    card = await driver.request(driver.instance(), person=person)
    shown = text_of(await driver.wait_for_card(card, "task_004"))
    assert "task_005" not in shown
    assert word(person, "and 125 more", "另有 125 个") in shown


@both_languages
async def test_the_one_that_runs_is_found_among_hundreds(driver: BotDriver, person: str) -> None:
    tasks = tuple((f"task_{number:03}", "incremental" if number == 720 else "paused") for number in range(730))
    driver.cloud.change_instance("sr-orders", sync_tasks=tasks)
    await driver.slack.command(person, CHANNEL, driver.instance())
    await driver.wait_for_ephemeral(person, word(person, "task_720: incremental sync", "task_720：增量同步"))


def answers(monkeypatch: pytest.MonkeyPatch, rows: list[Any], total: object) -> None:
    """Let the cloud answer these rows, whatever page is asked for."""
    answer = json_response({"total_count": total, "replications": rows})
    monkeypatch.setitem(endpoints.ENDPOINTS, "data-sync", lambda *_: answer)


PAUSED = {"task_name": "orders_to_sr", "stage": "paused", "catchup_stage": ""}


@both_languages
@pytest.mark.parametrize(
    ("row", "english", "chinese"),
    [
        (PAUSED | {"stage": "RESYNCING"}, "orders_to_sr: RESYNCING", "orders_to_sr：RESYNCING"),
        (PAUSED | {"stage": None}, "orders_to_sr: ?", "orders_to_sr：?"),
        (PAUSED | {"task_name": None, "source_database": "shop"}, "shop: paused", "shop：暂停同步"),
        (PAUSED | {"task_name": "<!channel>"}, "&lt;!channel&gt;: paused", "&lt;!channel&gt;：暂停同步"),
    ],
)
async def test_odd_stages_and_missing_names_stand_on_the_card(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch, person: str, row: Any, english: str, chinese: str
) -> None:
    answers(monkeypatch, [row], "1")
    card = await driver.request(driver.instance(), person=person)
    await driver.wait_for_card(card, word(person, english, chinese))


@both_languages
async def test_a_task_that_catches_up_is_told_in_that_stage(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    answers(monkeypatch, [PAUSED | {"catchup_stage": "full"}], "1")
    await driver.slack.command(person, CHANNEL, driver.instance())
    await driver.wait_for_ephemeral(person, word(person, "orders_to_sr: full sync", "orders_to_sr：全量同步"))


@both_languages
@pytest.mark.parametrize(("rows", "total"), [([None, 7, "x"], "3"), ([PAUSED], "99999"), ([], "3")])
async def test_a_list_that_is_not_whole_does_not_say_that_nothing_runs(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch, person: str, rows: list[Any], total: str
) -> None:
    answers(monkeypatch, rows, total)
    card = await driver.request(driver.instance(), person=person)
    await driver.wait_for_card(card, word(person, "could not be checked", "未能查询"))


@both_languages
async def test_no_tasks_are_said(driver: BotDriver, person: str) -> None:
    card = await driver.request(driver.instance(), person=person)
    await driver.wait_for_card(card, word(person, "Data-sync tasks: none", "数据同步任务：无"))


@both_languages
@pytest.mark.parametrize("fault", ["403 APIGW.0302", "500 DBS.05000000", "hang", "html", "wrong types"])
async def test_what_cannot_be_read_is_said_and_holds_nothing_up(driver: BotDriver, person: str, fault: str) -> None:
    driver.cloud.change_instance("sr-orders", sync_tasks=(("orders_to_sr", "full"),))
    driver.cloud.inject_fault(fault, "data-sync", times=99)
    async with asyncio.timeout(8):
        card = await driver.request(driver.instance(), person=person)
        shown = await driver.wait_for_card(card, word(person, "could not be checked", "未能查询"))
        await driver.wait_for_card(card, "3.1.15")
    assert "orders_to_sr" not in text_of(shown)
    await driver.confirm(card, person=person)
    await driver.wait_for_reply(card, word(person, "accepted", "已受理"))
