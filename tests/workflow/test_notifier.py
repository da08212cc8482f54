"""Notifications are delivered, whatever Slack does to the calls."""

import asyncio

import pytest

from tests.driver import BotDriver, text_of

# The last two are errors that Slack documents for other methods only, or not at all: they pass, too.
FAULTS = [
    429,
    500,
    "html",
    "text",
    "drop_before",
    "drop_after",
    "internal_error",
    "team_added_to_org",
    "message_limit_exceeded",
]


@pytest.mark.parametrize("how", FAULTS)
async def test_a_message_that_slack_would_not_take_is_told_again(driver: BotDriver, how: str | int) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.postMessage", how, times=2)
    await driver.confirm(message)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    told = await driver.wait_for_reply(message, call.job_id or "?", 30)
    await driver.wait_for_reply(message, "completed", 60)
    starts = [one for one in driver.thread(message) if "accepted" in text_of(one)]
    assert len(starts) <= (3 if how == "drop_after" else 1)
    assert told.thread_ts == message.ts


@pytest.mark.parametrize("how", FAULTS)
async def test_a_final_edit_that_slack_would_not_take_is_made_later(driver: BotDriver, how: str | int) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.update", how, times=3)
    await driver.confirm(message)
    assert "ompleted" in text_of(await driver.wait_for_card(message, "ompleted", 60))


@pytest.mark.parametrize("how", FAULTS)
async def test_a_question_that_slack_would_not_take_is_asked_again(driver: BotDriver, how: str | int) -> None:
    driver.slack.fail("chat.postMessage", how)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    assert len(driver.cloud.upgrades) == 1


async def test_a_slow_slack_does_not_keep_the_upgrade_from_being_sent(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.update", ("delay_after", 20.0))
    await driver.confirm(message)
    await driver.wait_for_reply(message, "job", 20)
    assert len(driver.cloud.upgrades) == 1


async def test_when_the_channel_is_archived_the_requester_is_told_directly(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    driver.slack.change_channel(message.channel_id, is_archived=True)
    driver.cloud.finish(driver.cloud.upgrades[0].job_id or "", "Completed")
    opened = await driver.until(
        lambda: next((call for call in driver.slack.calls if call.method == "conversations.open"), None)
    )
    direct = opened.answer["channel"]["id"]
    end = await driver.until(
        lambda: next((one for one in driver.slack.messages(direct) if "completed" in text_of(one)), None)
    )
    assert end.thread_ts is None


async def test_news_is_told_once_when_clicks_follow_the_questions_at_once(driver: BotDriver) -> None:
    instances = driver.cloud.add_instances(20)
    clicks: dict[str, asyncio.Task[object]] = {}

    def press() -> None:
        for message in driver.slack.messages("db-ops"):
            if message.ts not in clicks:
                click = driver.slack.click("sre", message, "confirm_upgrade")
                clicks[message.ts] = asyncio.create_task(click)

    driver.slack.on_change(press)
    driver.slack.fail("chat.postMessage", ("delay_after", 0.1), times=None)
    await asyncio.gather(*(driver.slack.command("sre", "db-ops", instance.id) for instance in instances))
    await driver.until(lambda: len(clicks) == 20 or None, 30)
    await asyncio.gather(*clicks.values())
    questions = [message for message in driver.slack.messages("db-ops") if message.ts in clicks]
    for question in questions:
        await driver.wait_for_reply(question, "after confirmation", 40)
    assert [len(driver.thread(question)) for question in questions] == [
        2
    ] * 20  # the job with its progress, and the end
    assert len(driver.cloud.upgrades) == 20
