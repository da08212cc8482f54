"""The right signal to the right person: alarms end, whoever has to act is mentioned, buttons work where they stand."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core import polling
from bot.sandbox.slack.state import button_elements
from bot.workflow import reconcile
from tests.driver import BotDriver, Message, buttons, text_of

ENGLISH, CHINESE = "sre", "dba"
both_languages = pytest.mark.parametrize("person", [ENGLISH, CHINESE])


def word(person: str, english: str, chinese: str) -> str:
    """The word that this person reads."""
    return english if person == ENGLISH else chinese


def mention(driver: BotDriver, person: str) -> str:
    return f"<@{driver.slack.person(person).id}>"


async def lost(driver: BotDriver, person: str, fault: str, flags: str = "") -> tuple[Message, Message]:
    """The card and the alarm of an upgrade whose answer was lost."""
    driver.cloud.inject_fault(fault)
    card = await driver.request(f"{driver.instance()} {flags}", person=person)
    await driver.confirm(card, person=person)
    return card, await driver.wait_for_reply(card, word(person, "unknown", "未知"))


def reply(driver: BotDriver, card: Message, ts: str) -> Message:
    return next(message for message in driver.thread(card) if message.ts == ts)


@both_languages
async def test_the_alarm_in_the_channel_ends_when_the_job_is_found_and_again_when_it_ends(
    driver: BotDriver, person: str
) -> None:
    driver.cloud.set_speed("paused")
    card, alarm = await lost(driver, person, "accepted, answer lost")
    assert alarm.broadcast
    assert mention(driver, person) in alarm.text
    job = str(driver.cloud.upgrades[0].job_id)

    def alarm_now(text: str) -> Message | None:
        message = reply(driver, card, alarm.ts)
        return message if text in message.text else None

    found = await driver.until(lambda: alarm_now(word(person, "Found", "已找到")), 60)
    assert f"\n`{job}`" in found.text
    assert word(person, "unknown", "未知") not in text_of(found)
    driver.cloud.finish(job)
    await driver.until(lambda: alarm_now(word(person, "as completed", "的升级任务已完成")), 30)


@both_languages
async def test_looking_again_answers_in_the_thread_and_in_its_message(
    driver: BotDriver, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    card, alarm = await lost(driver, person, "lost before")
    end = await driver.until(lambda: next((one for one in driver.thread(card) if buttons(one)), None), 30)
    assert end.broadcast
    assert mention(driver, person) in end.text
    await driver.slack.click(person, end, "search_again")
    answer = await driver.wait_for_ephemeral(person, word(person, "nothing new", "结果没有变化"))
    assert answer.thread_ts == card.ts
    edited = await driver.until(
        lambda: next((one for one in driver.thread(card) if one.ts == end.ts and one.history), None)
    )
    assert word(person, "nothing new", "结果没有变化") in edited.text
    assert "search_again" in buttons(edited)
    newer = word(person, "latest message", "消息列中本机器人的最新消息")
    await driver.until(lambda: newer in reply(driver, card, alarm.ts).text or None)


@both_languages
async def test_an_unresolved_upgrade_stays_in_status(
    driver: BotDriver, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    card, _ = await lost(driver, person, "lost before")
    await driver.until(lambda: next((one for one in driver.thread(card) if buttons(one)), None), 30)
    await driver.slack.command(person, card.channel_id, "status")
    await driver.wait_for_ephemeral(person, word(person, "outcome still unknown", "结果仍然未知"))


@both_languages
async def test_whoever_has_to_act_on_a_refusal_is_mentioned(driver: BotDriver, person: str) -> None:
    driver.cloud.inject_fault("409 DBS.200019")
    card = await driver.request(driver.instance(), person=person)
    await driver.confirm(card, person=person)
    refused = await driver.wait_for_reply(card, "DBS.200019")
    assert mention(driver, person) in refused.text
    assert "sr-orders" in refused.text


@both_languages
async def test_an_authorization_is_asked_for_in_the_channel_on_the_card_and_in_status(
    driver: BotDriver, person: str
) -> None:
    driver.cloud.set_speed("paused")
    card = await driver.request(driver.instance(), person=person)
    await driver.confirm(card, person=person)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    driver.cloud.finish(str(driver.cloud.upgrades[0].job_id), status="Unauthorized")
    asked = await driver.wait_for_reply(card, word(person, "needs authorization", "待授权，"), 30)
    assert asked.broadcast
    assert mention(driver, person) in asked.text
    await driver.wait_for_card(card, "✋")
    console = "<https://console.huaweicloud.com/gaussdbformysql/?region=cn-north-4|" + word(
        person, "Task Center", "TaurusDB 控制台的任务中心"
    )
    assert console in text_of(asked)
    assert console in text_of(driver.card(card))
    await driver.slack.command(person, card.channel_id, "status")
    await driver.wait_for_ephemeral(person, word(person, "needs authorization", "待授权"))


@both_languages
async def test_who_canceled_a_request_is_told_with_who_made_it(driver: BotDriver, person: str) -> None:
    other = CHINESE if person == ENGLISH else ENGLISH
    card = await driver.request(driver.instance(), person=person)
    await driver.slack.click(other, card, "cancel_upgrade")
    canceled = await driver.wait_for_card(card, word(person, "anceled by", "已取消该申请"))
    assert mention(driver, other) in canceled.text
    assert mention(driver, person) in canceled.text
    assert not buttons(canceled)


@both_languages
async def test_the_list_has_buttons_only_where_an_upgrade_makes_sense(driver: BotDriver, person: str) -> None:
    await driver.slack.command(person, "db-ops", "list")
    page = await driver.wait_for_ephemeral(person, "sr-orders")
    assert not [block for block in page.blocks if block["type"] == "actions"]
    labels = [element["accessibility_label"] for element in button_elements(page.blocks)]
    assert labels
    assert any("sr-orders" in label for label in labels)
    assert not [label for label in labels if "sr-reports" in label or "sr-billing" in label or "sr-archive" in label]


async def test_what_a_process_that_died_left_open_is_closed_by_the_next(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "NOTIFY_SECONDS", 0.0)
    driver = idle_driver
    driver.cloud.set_speed("paused")
    replica = await driver.start()
    first = await driver.request(driver.instance())
    second = await driver.request_anyway(f"{driver.instance()} --delay", "already waiting")
    driver.slack.fail("chat.getPermalink", "hang", times=None)
    await driver.confirm(first)
    await driver.until(lambda: driver.cloud.jobs)
    await replica.kill()
    assert "confirm_upgrade" in buttons(driver.card(second))
    driver.slack.clear_faults()
    await driver.start()
    closed = await driver.wait_for_card(second, "superseded")
    assert not buttons(closed)
    assert f"p{first.ts.replace('.', '')}" in text_of(closed)
    assert len(driver.cloud.upgrades) == 1


@both_languages
async def test_a_second_request_is_pointed_to_the_open_one_and_closed_by_its_confirmation(
    driver: BotDriver, person: str
) -> None:
    first = await driver.request(driver.instance())
    await driver.slack.command(person, first.channel_id, f"{driver.instance()} --delay")
    pointed = await driver.wait_for_ephemeral(person, word(person, "already waiting", "已有待确认"))
    assert f"p{first.ts.replace('.', '')}" in pointed.text
    assert len(driver.slack.messages("db-ops")) == 1
    await driver.slack.click(person, pointed, "request_anyway")
    second = (await driver.until(lambda: driver.slack.messages("db-ops")[1:]))[0]
    assert "confirm_upgrade" in buttons(second)
    await driver.confirm(first)
    closed = await driver.wait_for_card(second, word(person, "superseded", "失效"))
    assert not buttons(closed)
    assert f"p{first.ts.replace('.', '')}" in text_of(closed)
    assert mention(driver, ENGLISH) in closed.text
    await driver.slack.click(person, second, "confirm_upgrade")
    await driver.wait_for_ephemeral(person, word(person, "superseded by another", "随之失效"))
    assert len(driver.cloud.upgrades) == 1


@both_languages
async def test_a_delayed_upgrade_says_when_it_starts_and_a_running_one_how_far_it_is(
    driver: BotDriver, person: str
) -> None:
    driver.cloud.set_speed("paused")
    opens = datetime.now(UTC) + timedelta(hours=3)
    window = {"window_start": f"{opens:%H:%M}", "window_end": f"{opens + timedelta(hours=4):%H:%M}"}
    driver.cloud.change_instance("sr-orders", **window)
    card = await driver.request(f"{driver.instance()} --delay", person=person)
    await driver.wait_for_card(card, word(person, "next opens <!date", "{time}|"))
    await driver.confirm(card, person=person)
    told = await driver.wait_for_reply(card, word(person, "starts <!date", "> 开始"))
    await driver.wait_for_card(card, word(person, "The upgrade starts <!date", "将于 "))
    await driver.slack.command(person, card.channel_id, "status")
    await driver.wait_for_ephemeral(person, word(person, "starts <!date", "将于 "))
    driver.cloud.open_window(driver.instance())
    driver.cloud.set_progress(str(driver.cloud.upgrades[0].job_id), 40)
    running = await driver.wait_for_reply(card, "40%", 30)
    assert running.ts == told.ts
    await driver.wait_for_card(card, word(person, "40% after", "进度 40%"))
    assert word(person, "so far", "已执行") in running.text
    await driver.slack.command(person, card.channel_id, "status")
    await driver.wait_for_ephemeral(person, word(person, "running, 40%", "执行中，40%"))


@both_languages
async def test_the_card_shows_each_tenth_of_the_progress_and_the_thread_each_percent(
    driver: BotDriver, person: str
) -> None:
    driver.cloud.set_speed("paused")
    card = await driver.request(driver.instance(), person=person)
    await driver.confirm(card, person=person)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    job = str(driver.cloud.upgrades[0].job_id)
    for percent in (20, 23, 26, 30):
        driver.cloud.set_progress(job, percent)
        await driver.wait_for_reply(card, f"{percent}%", 30)
    shown = await driver.wait_for_card(card, word(person, "30% after", "进度 30%"))
    earlier = [text for text, _ in shown.history]
    assert [percent for percent in (20, 23, 26) if any(f"{percent}%" in text for text in earlier)] == [20]


@both_languages
async def test_an_expired_request_can_be_made_again(driver: BotDriver, person: str) -> None:
    await driver.replicas[0].stop()
    await driver.start(CONFIRM_TTL_SECONDS="30")
    monkeyed = await driver.request(f"{driver.instance()} --delay", person=person)
    expired = await driver.wait_for_card(monkeyed, word(person, "without being confirmed", "无人确认"), 60)
    assert list(buttons(expired)) == ["request_again"]
    await driver.slack.click(person, expired, "request_again")
    again = (await driver.until(lambda: driver.slack.messages("db-ops")[1:]))[0]
    assert "confirm_upgrade" in buttons(again)
    assert word(person, "window", "可维护时间段") in again.text.splitlines()[0]


@both_languages
@pytest.mark.parametrize("action", ["confirm_upgrade", "cancel_upgrade"])
async def test_the_translated_private_copy_has_buttons_that_work(driver: BotDriver, person: str, action: str) -> None:
    card = await driver.request(driver.instance(), person=person)
    await driver.slack.click(person, card, "translate_card")
    copy = await driver.wait_for_ephemeral(person, word(person, "是否立即升级", "Confirm upgrade"))
    assert list(buttons(copy)) == list(buttons(card))
    await driver.slack.click(person, copy, action)
    done = word(person, "Confirmed by" if action == "confirm_upgrade" else "Canceled by", "已")
    await driver.wait_for_card(card, done)
    await driver.until(lambda: driver.slack.find_ephemeral(copy.ts) if not _has_confirm(driver, copy.ts) else None)
    assert len(driver.cloud.upgrades) == (1 if action == "confirm_upgrade" else 0)


def _has_confirm(driver: BotDriver, ts: str) -> bool:
    copy = driver.slack.find_ephemeral(ts)
    return copy is not None and "confirm_upgrade" in buttons(copy)
