"""News is delivered, whatever Slack does to the calls."""

import asyncio

import pytest

from tests.house import House, said

FAULTS = [429, 500, "html", "drop_before", "drop_after", "internal_error"]


@pytest.mark.parametrize("how", FAULTS)
async def test_a_message_that_slack_would_not_take_is_told_again(home: House, how: str | int) -> None:
    message = await home.ask(home.instance())
    home.slack.fail("chat.postMessage", how, times=2)
    await home.confirm(message)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    told = await home.told(message, call.job_id or "?", 30)
    await home.told(message, "completed", 60)
    starts = [one for one in home.thread(message) if "accepted" in said(one)]
    assert len(starts) <= (3 if how == "drop_after" else 1)
    assert told.thread_ts == message.ts


@pytest.mark.parametrize("how", FAULTS)
async def test_a_final_edit_that_slack_would_not_take_is_made_later(home: House, how: str | int) -> None:
    message = await home.ask(home.instance())
    home.slack.fail("chat.update", how, times=3)
    await home.confirm(message)
    assert "ompleted" in said(await home.seen(message, "ompleted", 60))


@pytest.mark.parametrize("how", FAULTS)
async def test_a_question_that_slack_would_not_take_is_asked_again(home: House, how: str | int) -> None:
    home.slack.fail("chat.postMessage", how)
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    assert len(home.cloud.upgrades) == 1


async def test_a_slow_slack_does_not_keep_the_upgrade_from_being_sent(home: House) -> None:
    message = await home.ask(home.instance())
    home.slack.fail("chat.update", ("slow", 20.0))
    await home.confirm(message)
    await home.told(message, "job", 20)
    assert len(home.cloud.upgrades) == 1


async def test_when_the_channel_is_archived_the_requester_is_told_directly(home: House) -> None:
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    home.slack.change_channel(message.channel_id, is_archived=True)
    home.cloud.finish(home.cloud.upgrades[0].job_id or "", "Completed")
    opened = await home.until(
        lambda: next((call for call in home.slack.calls if call.method == "conversations.open"), None)
    )
    direct = opened.answer["channel"]["id"]
    end = await home.until(lambda: next((one for one in home.slack.messages(direct) if "completed" in said(one)), None))
    assert end.thread_ts is None


async def test_news_is_told_once_when_clicks_follow_the_questions_at_once(home: House) -> None:
    instances = home.cloud.add_instances(20)
    clicks: dict[str, asyncio.Task[object]] = {}

    def press() -> None:
        for message in home.slack.messages("db-ops"):
            if message.ts not in clicks:
                click = home.slack.click("sre", message, "confirm_upgrade")
                clicks[message.ts] = asyncio.create_task(click)

    home.slack.on_change(press)
    home.slack.fail("chat.postMessage", ("slow", 0.1), times=None)
    await asyncio.gather(*(home.slack.command("sre", "db-ops", instance.id) for instance in instances))
    await home.until(lambda: len(clicks) == 20 or None, 30)
    await asyncio.gather(*clicks.values())
    questions = [message for message in home.slack.messages("db-ops") if message.ts in clicks]
    for question in questions:
        await home.told(question, "after it was confirmed", 40)
    assert [len(home.thread(question)) for question in questions] == [2] * 20  # the job with its progress, and the end
    assert len(home.cloud.upgrades) == 20
