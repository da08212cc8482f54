"""After the job is completed the instance itself is read: the end that is proven, and the alarm when it is not."""

from pathlib import Path

import pytest

from bot.core import polling
from tests.driver import BotDriver, Message, run_driver, text_of

ENGLISH, CHINESE = "sre", "dba"
both_languages = pytest.mark.parametrize("person", [ENGLISH, CHINESE])


def word(person: str, english: str, chinese: str) -> str:
    """The word that this person reads."""
    return english if person == ENGLISH else chinese


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance is read again after half a second."""
    monkeypatch.setattr(polling, "END_CHECK_SECONDS", 0.5)


async def upgraded(driver: BotDriver, person: str, fault: str = "", flags: str = "") -> tuple[Message, Message]:
    """The card and the message of the end."""
    if fault:
        driver.cloud.inject_fault(fault)
    driver.cloud.set_speed("seconds")
    card = await driver.request(f"{driver.instance()} {flags}", person=person)
    await driver.wait_for_card(card, "3.1.15")
    await driver.confirm(card, person=person)
    end = word(person, "after confirmation", "确认")
    return card, await driver.wait_for_reply(card, end, 40)


def now(driver: BotDriver, card: Message, message: Message) -> Message:
    return next(one for one in driver.thread(card) if one.ts == message.ts)


def broadcasts(driver: BotDriver, card: Message) -> list[Message]:
    return [message for message in driver.thread(card) if message.broadcast]


@both_languages
async def test_the_end_tells_versions_and_nodes_at_once_in_one_message(any_driver: BotDriver, person: str) -> None:
    card, end = await upgraded(any_driver, person)
    assert word(person, "completed", "完成") in end.text
    assert "3.1.15 → 3.1.18" in end.text
    assert word(person, "3 of 3", "3/3") in end.text
    assert word(person, "was back to normal when the job ended", "任务结束时，实例状态正常") in end.text
    assert not broadcasts(any_driver, card)
    await any_driver.wait_for_card(card, "3.1.15 → 3.1.18")


@both_languages
async def test_an_instance_that_comes_back_later_is_told_by_an_edit_with_how_long_it_took(
    driver: BotDriver, person: str
) -> None:
    card, end = await upgraded(driver, person, "instance stays abnormal")
    assert word(person, "completed", "完成") in end.text
    assert word(person, "for up to 10 minutes", "继续检查实例状态") in end.text
    assert word(person, "2 of 3", "2/3") in end.text
    checking = await driver.wait_for_card(card, word(person, "checking the instance", "正在检查实例"))
    assert "🔎" in text_of(checking)  # no check mark before nothing is left to be checked
    assert ":white_check_mark:" not in text_of(end)
    driver.cloud.change_instance("sr-orders", status="normal", abnormal_nodes=0)
    back = await driver.until(
        lambda: one if word(person, "3 of 3", "3/3") in (one := now(driver, card, end)).text else None
    )
    assert "3.1.15 → 3.1.18" in back.text
    assert word(person, "returned to normal", "后，实例恢复正常") in back.text
    assert word(person, "for up to 10 minutes", "继续检查实例状态") not in back.text
    assert not broadcasts(driver, card)


@both_languages
async def test_an_instance_that_does_not_come_back_is_an_alarm_in_the_channel(
    driver: BotDriver, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "END_CHECK_LIMIT_SECONDS", 1.0)
    card, end = await upgraded(driver, person, "instance stays abnormal")
    alarm = (await driver.until(lambda: broadcasts(driver, card)))[0]
    assert f"<@{driver.slack.person(person).id}>" in alarm.text
    assert "sr-orders" in alarm.text.splitlines()[0]
    assert word(person, "2 of 3", "2/3") in alarm.text
    assert word(person, "abnormal", "异常") in alarm.text
    edited = await driver.until(lambda: one if (one := now(driver, card, end)).history else None)
    assert word(person, "for up to 10 minutes", "继续检查实例状态") not in edited.text
    assert "⚠️" in text_of(await driver.wait_for_card(card, word(person, "not returned to normal", "未恢复正常")))
    driver.cloud.change_instance("sr-orders", status="normal", abnormal_nodes=0, version="3.1.15")
    await driver.slack.command(person, card.channel_id, "history")
    await driver.wait_for_ephemeral(person, word(person, "check the instance", "请检查实例"))


@both_languages
async def test_a_version_that_did_not_change_is_an_alarm(driver: BotDriver, person: str) -> None:
    card, _ = await upgraded(driver, person, "version stays")
    alarm = (await driver.until(lambda: broadcasts(driver, card)))[0]
    assert word(person, "did not change", "没有变化") in alarm.text
    assert "3.1.15" in alarm.text
    assert f"<@{driver.slack.person(person).id}>" in alarm.text
    await driver.wait_for_card(card, "⚠️")


@both_languages
async def test_an_instance_that_cannot_be_read_is_said_and_nothing_is_claimed(
    driver: BotDriver, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "END_CHECK_LIMIT_SECONDS", 1.0)
    driver.cloud.set_speed("paused")
    card = await driver.request(driver.instance(), person=person)
    await driver.wait_for_card(card, "3.1.15")
    await driver.confirm(card, person=person)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    driver.cloud.inject_fault("500 DBS.05000000", "instance", times=1000)
    driver.cloud.finish(str(driver.cloud.upgrades[0].job_id))
    end = await driver.wait_for_reply(card, word(person, "after confirmation", "确认"), 40)
    assert "3.1.18" not in end.text
    told = word(person, "could not be read", "未能查询")
    assert told in end.text
    await driver.wait_for_card(card, told)
    assert not broadcasts(driver, card)


@both_languages
async def test_a_failed_job_says_what_state_the_instance_is_in_now(driver: BotDriver, person: str) -> None:
    _, end = await upgraded(driver, person, "job fails")
    assert word(person, "failed", "失败") in end.text
    assert word(person, "Instance status: normal", "实例当前状态：正常") in end.text
    assert word(person, "3 of 3", "3/3") in end.text
    assert word(person, "Resolve the cause", "排除失败原因") in end.text
    assert word(person, "abnormal", "异常") not in end.text
    assert end.broadcast


async def test_another_replica_goes_on_with_the_check_and_a_new_request_is_not_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_driver(tmp_path) as driver:
        bot = await driver.start()
        card, end = await upgraded(driver, ENGLISH, "instance stays abnormal")
        await bot.kill()
        await driver.start()
        driver.cloud.change_instance("sr-orders", status="normal", abnormal_nodes=0, latest_version="3.1.19")
        back = await driver.until(lambda: one if "3 of 3" in (one := now(driver, card, end)).text else None, 40)
        assert "3.1.15 → 3.1.18" in back.text
        again = await driver.request(driver.instance())
        await driver.confirm(again)
        await driver.wait_for_reply(again, "accepted", 30)
