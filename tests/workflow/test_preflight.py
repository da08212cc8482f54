"""People see what they decide about: facts on the question, doubts before it, whatever the cloud does meanwhile."""

import time

import pytest

from bot.sandbox.slack import Ephemeral
from bot.sandbox.taurusdb import Action
from tests.driver import CHANNEL, BotDriver, buttons, text_of

ENGLISH, CHINESE = "sre", "dba"
READS = ("taurusdb", "htap", "instance")


async def warm(driver: BotDriver) -> None:
    """Wait until the bot has read every instance."""

    def read() -> bool:
        seen = {call.path.rpartition("/")[2] for call in driver.cloud.calls if call.status == 200}
        return {one.id for one in driver.cloud.instances.values()} <= seen

    await driver.cloud.until(read)


async def answered(driver: BotDriver, person: str, text: str, word: str) -> Ephemeral:
    await driver.slack.command(person, CHANNEL, text)
    return await driver.wait_for_ephemeral(person, word)


# the facts


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (ENGLISH, ("sr-orders", "Version: 3.1.15 → newest", "State: normal · 3 nodes")),
        (CHINESE, ("sr-orders", "内核版本：3.1.15 → 最新版本", "实例状态：正常 · 3 个节点")),
    ],
)
async def test_what_is_known_stands_in_the_first_post(driver: BotDriver, person: str, words: tuple[str, ...]) -> None:
    await warm(driver)
    message = await driver.request(f"{driver.instance()} --delay", person=person)
    for word in (*words, "^{time}|02:00 UTC>", "^{time}|06:00 UTC>"):
        assert word in message.text
    await driver.slack.command(person, CHANNEL, "help")
    await driver.wait_for_ephemeral(person)
    assert not driver.card(message).history


async def test_what_is_not_known_is_added_by_one_edit(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", seconds=1.0)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    assert "sr-orders" not in message.text
    card = await idle_driver.wait_for_card(message, "→ newest")
    assert list(buttons(card)) == ["confirm_upgrade", "cancel_upgrade", "translate_card"]
    assert len(card.history) == 1


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "details are missing"), (CHINESE, "没有查询权限")])
async def test_without_the_permission_the_card_says_so_and_the_upgrade_works(
    idle_driver: BotDriver, operation: str, person: str, word: str
) -> None:
    idle_driver.cloud.inject_fault("403 APIGW.0302", operation, times=1000)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance(), person=person)
    await idle_driver.wait_for_card(message, word)
    await idle_driver.confirm(message, person=person)
    call = (await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades))[0]
    await idle_driver.wait_for_reply(message, str(call.job_id))


@pytest.mark.parametrize("operation", READS)
async def test_a_slow_cloud_delays_no_question_and_no_answer(idle_driver: BotDriver, operation: str) -> None:
    idle_driver.cloud.inject_fault("slow", operation, times=1000, seconds=30.0)
    await idle_driver.start()
    began = time.monotonic()
    message = await idle_driver.request(idle_driver.instance())
    assert time.monotonic() - began < 0.8
    await answered(idle_driver, CHINESE, "please", "please")
    assert time.monotonic() - began < 2.0
    await idle_driver.confirm(message)
    call = (await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades))[0]
    await idle_driver.wait_for_reply(message, str(call.job_id))


async def test_a_slow_cloud_is_named_on_the_card_after_two_seconds(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", times=1000, seconds=30.0)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "details are missing", 3.5)
    assert "confirm_upgrade" in buttons(idle_driver.card(message))


async def test_the_facts_are_those_of_now_not_of_minutes_ago(driver: BotDriver) -> None:
    await warm(driver)
    driver.cloud.change_instance("sr-orders", version="3.1.16")
    message = await driver.request(driver.instance())
    assert "3.1.16" in message.text


async def test_a_question_that_slack_took_late_has_the_facts_all_the_same(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", seconds=0.5)
    await idle_driver.start()
    idle_driver.slack.fail("chat.postMessage", 500)
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "→ newest")


# what speaks against it


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("sr-reports", "already has the latest version (3.1.18)", "已是最新版本（3.1.18）"),
        ("sr-billing", "is busy: restarting", "正在进行其他操作（重启）"),
        ("sr-archive", "has the status “abnormal”", "实例状态为“异常”"),
    ],
)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_a_doubt_is_told_privately_and_can_be_overruled(
    driver: BotDriver, name: str, english: str, chinese: str, person: str
) -> None:
    await warm(driver)
    doubt = await answered(driver, person, f"{name} --delay", english if person == ENGLISH else chinese)
    assert not driver.slack.messages(CHANNEL)
    await driver.slack.click(person, doubt, "request_anyway")
    message = (await driver.slack.until(lambda: driver.slack.messages(CHANNEL)))[0]
    assert driver.instance(name) in message.text
    assert ("in its window" in message.text) == (person == ENGLISH)


async def test_an_unknown_id_is_answered_with_the_nearest_and_can_be_asked_all_the_same(driver: BotDriver) -> None:
    await warm(driver)
    typed = driver.instance()[:3] + ("0" if driver.instance()[3] != "0" else "1") + driver.instance()[4:]
    doubt = await answered(driver, ENGLISH, typed, "no StarRocks instance")
    assert driver.instance() in text_of(doubt)
    assert "sr-orders" in text_of(doubt)
    await driver.slack.click(ENGLISH, doubt, "request_anyway")
    assert typed in (await driver.slack.until(lambda: driver.slack.messages(CHANNEL)))[0].text


async def test_a_doubt_that_has_become_untrue_is_not_told(driver: BotDriver) -> None:
    await warm(driver)
    driver.cloud.change_instance("sr-billing", actions=())
    assert driver.instance("sr-billing") in (await driver.request("sr-billing")).text


@pytest.mark.parametrize(("person", "words"), [(ENGLISH, "In progress: BACKUP"), (CHINESE, "正在执行的操作：BACKUP")])
async def test_a_refusal_says_what_runs_on_the_instance(driver: BotDriver, person: str, words: str) -> None:
    message = await driver.request(driver.instance(), person=person)
    running = Action("a", "BACKUP", driver.instance(), "j", "Running", time.time())
    driver.cloud.change_instance("sr-orders", actions=(running,))
    await driver.confirm(message, person=person)
    assert "DBS.2000" in text_of(await driver.wait_for_reply(message, words))


async def test_after_an_upgrade_the_instance_is_known_to_be_the_latest(driver: BotDriver) -> None:
    await warm(driver)
    message = await driver.request("sr-orders")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "completed", 30)
    await answered(driver, ENGLISH, "sr-orders", "already has the latest version")
