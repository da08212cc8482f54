"""The command alone lists the instances; `status` and `history` tell what lives and was: to the allowed, privately."""

import time

import pytest

from bot.sandbox.slack import Ephemeral
from tests.flow.test_instances import answered, warm
from tests.house import CHANNEL, House, said

ENGLISH, CHINESE = "sre", "dba"


def ids_in(home: House, answer: Ephemeral) -> list[str]:
    """The ids that the list shows, in its order."""
    ids = {one.id for one in home.cloud.instances.values()}
    return [one for block in answer.blocks if block["type"] == "section" for one in ids if one in str(block["text"])]


@pytest.mark.parametrize(("person", "head"), [(ENGLISH, "1 to 6 of 6"), (CHINESE, "共 6 个")])
async def test_the_command_alone_lists_the_instances_updatable_first(home: House, person: str, head: str) -> None:
    await warm(home)
    answer = await answered(home, person, "", head)
    names = {one.id: one.name for one in home.cloud.instances.values()}
    shown = [names[one] for one in ids_in(home, answer)]
    assert set(shown[:3]) == {"sr-orders", "sr-metrics", "订单分析"}
    assert set(shown[3:]) == {"sr-reports", "sr-billing", "sr-archive"}
    assert not home.slack.messages(CHANNEL)


async def test_the_list_is_complete_also_right_after_the_start(home: House) -> None:
    answer = await answered(home, ENGLISH, "list", "1 to 6 of 6")
    assert "not described all" not in said(answer)


@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
@pytest.mark.parametrize(("button", "delay"), [("ask_now", False), ("ask_in_window", True)])
async def test_the_lists_buttons_ask_the_same_question(home: House, button: str, delay: bool, person: str) -> None:
    await warm(home)
    typed = await home.ask(f"{home.instance('sr-metrics')} {'--delay' if delay else ''}", person=person)
    answer = await answered(home, person, "", "StarRocks")
    value = f"{home.instance('sr-metrics')} --delay" if delay else home.instance("sr-metrics")
    delivery = await home.slack.click(person, answer, button, value)
    await home.slack.redeliver(delivery)
    pressed = (await home.slack.until(lambda: home.slack.messages(CHANNEL)[1:]))[0]
    until = "<!date^"
    assert pressed.text.partition(until)[0] == typed.text.partition(until)[0]
    await home.confirm(pressed, person=person)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    assert (call.instance_id, call.body) == (home.instance("sr-metrics"), {"delay": delay, "is_skip_validate": False})
    assert len(home.slack.messages(CHANNEL)) == 2


async def test_a_button_of_the_list_finds_what_speaks_against_it(home: House) -> None:
    await warm(home)
    answer = await answered(home, ENGLISH, "", "StarRocks")
    await home.slack.click(ENGLISH, answer, "ask_now", home.instance("sr-reports"))
    await home.whispered(ENGLISH, "already has the latest")
    assert not home.slack.messages(CHANNEL)


async def test_two_thousand_instances_are_listed_within_two_seconds_without_a_flood(empty_home: House) -> None:
    empty_home.cloud.add_instances(1994)
    await empty_home.start()
    began = time.monotonic()
    answer = await answered(empty_home, ENGLISH, "", "of 2000")
    assert time.monotonic() - began < 2.0
    assert len(ids_in(empty_home, answer)) == 10
    await warm(empty_home)
    second = await answered(empty_home, CHINESE, "", "共 2000 个")
    await empty_home.slack.click(CHINESE, second, "list_page")
    third = await empty_home.whispered(CHINESE, "第 11 至 20 个")
    assert not set(ids_in(empty_home, second)) & set(ids_in(empty_home, third))
    assert empty_home.cloud.most_in_flight <= 8


async def test_a_long_list_delays_neither_questions_nor_looks_at_jobs(empty_home: House) -> None:
    for n in range(300):
        empty_home.cloud.add_instance(f"sr-x{n}", parent=f"taurus-x{n}")
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await empty_home.confirm(message)
    await empty_home.told(message, "completed", 15)
    assert empty_home.cloud.most_in_flight <= 9  # the one POST waits for no read


@pytest.mark.parametrize("value", ["-1", "9" * 1999, "x", "", "１", "1000000"])
async def test_a_forged_page_number_breaks_nothing(empty_home: House, value: str) -> None:
    home = empty_home
    home.cloud.add_instances(20)
    await home.start()
    await warm(home)
    answer = await answered(home, ENGLISH, "", "StarRocks")
    before = len(home.slack.ephemerals(ENGLISH))
    await home.slack.click(ENGLISH, answer, "list_page", value)
    await home.until(lambda: home.slack.ephemerals(ENGLISH)[before:] or None)
    assert "StarRocks instances" in said(home.slack.ephemerals(ENGLISH)[-1])


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "did not list"), (CHINESE, "没有查询权限")])
async def test_without_the_permission_there_is_a_reason_instead_of_a_list(
    empty_home: House, person: str, word: str
) -> None:
    empty_home.cloud.choose_mishap("403 APIGW.0302", "taurusdb", times=1000)
    await empty_home.start()
    await answered(empty_home, person, "", word)


async def test_the_list_is_answered_in_time_when_the_cloud_is_slow(empty_home: House) -> None:
    empty_home.cloud.choose_mishap("slow", "htap", times=1000, seconds=30.0)
    await empty_home.start()
    began = time.monotonic()
    await answered(empty_home, ENGLISH, "", "did not list")
    assert time.monotonic() - began < 2.0


async def test_a_second_command_for_a_busy_instance_gets_the_link(home: House) -> None:
    home.cloud.set_speed("paused")
    await warm(home)
    message = await home.ask("sr-orders")
    await home.confirm(message)
    await home.seen(message, "job")
    answer = await answered(home, CHINESE, "sr-orders", message.ts.replace(".", ""))
    assert "已有升级正在处理" in said(answer)
    list_answer = await answered(home, ENGLISH, "", "UPGRADING")
    await home.slack.click(ENGLISH, list_answer, "ask_now", home.instance())
    await home.whispered(ENGLISH, message.ts.replace(".", ""))
    assert len(home.slack.messages(CHANNEL)) == 1


@pytest.mark.parametrize(
    ("person", "asked", "withdrawn"), [(ENGLISH, "waits for", "request canceled"), (CHINESE, "待确认", "申请已取消")]
)
async def test_status_and_history_tell_with_links(home: House, person: str, asked: str, withdrawn: str) -> None:
    await warm(home)
    first, second = await home.ask("sr-orders"), await home.ask("sr-metrics")
    await home.slack.click(ENGLISH, first, "cancel_upgrade")
    await home.seen(first, "canceled")
    links = {one.ts: one.ts.replace(".", "") for one in (first, second)}
    lives = said(await answered(home, person, "status", asked))
    assert links[second.ts] in lives
    assert links[first.ts] not in lives
    was = said(await answered(home, person, "history", withdrawn))
    assert was.index(links[second.ts]) < was.index(links[first.ts])
    only = said(await answered(home, person, "history sr-metrics", links[second.ts]))
    assert links[second.ts] in only
    nothing = {ENGLISH: "Nothing is open", CHINESE: "当前没有待确认的申请"}[person]
    await answered(home, person, "status sr-orders", nothing)


@pytest.mark.parametrize("text", ["history", "status", "", "doctor"])
async def test_only_the_allowed_are_told(home: House, text: str) -> None:
    await home.slack.command("guest", CHANNEL, text)
    answer = said(await home.whispered("guest"))
    assert "Guests" in answer
    assert home.instance() not in answer


async def test_whoever_may_not_use_the_bot_cannot_turn_the_page(empty_home: House) -> None:
    home = empty_home
    home.cloud.add_instances(20)
    await home.start()
    await warm(home)
    answer = await answered(home, ENGLISH, "", "of 26")
    await home.slack.click("guest", answer, "list_page", "1")
    assert "Guests" in said(await home.whispered("guest"))
