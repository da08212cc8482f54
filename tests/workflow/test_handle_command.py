"""The command, from Slack to the question in the channel."""

import pytest

from tests.driver import CHANNEL, BotDriver, buttons, text_of

ENGLISH, CHINESE = "sre", "dba"
MODES = {"": "once", "--delay": "window", "--skip-validate": "once", "--delay --skip-validate": "window"}


@pytest.mark.parametrize("flags", MODES)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_each_flag_combination_runs_from_command_to_job_id(
    any_driver: BotDriver, flags: str, person: str
) -> None:
    instance = any_driver.instance()
    message = await any_driver.request(f"{flags} {instance}", person=person)
    words = text_of(message)
    assert instance in words
    assert ("Confirmed" in words, "确认" in words) == (False, person == CHINESE)
    assert list(buttons(message))[:2] == ["confirm_upgrade", "cancel_upgrade"]
    await any_driver.confirm(message, person=person)
    call = await any_driver.cloud.until(lambda: any_driver.cloud.upgrades)
    assert call[0].instance_id == instance
    assert call[0].body == {"delay": "--delay" in flags, "is_skip_validate": "--skip-validate" in flags}
    assert call[0].language == {"sre": "en-us", "dba": "zh-cn"}[person]
    await any_driver.wait_for_reply(message, str(call[0].job_id))
    assert len(any_driver.cloud.upgrades) == 1
    assert not buttons(any_driver.card(message))


async def test_the_question_says_what_will_happen(driver: BotDriver) -> None:
    now = text_of(await driver.request(driver.instance()))
    later = text_of(await driver.request(f"{driver.instance()} --delay --skip-validate", person=CHINESE))
    assert "<@U0SRE00001>" in now
    assert "restart" in now
    assert "rolled back" in now
    assert "temporary" in now
    assert "<!date^" in now
    assert "可维护时间段" in later
    assert "跳过升级校验" in later
    assert "闪断" in later
    assert "降级" in later


async def test_skipping_the_validation_is_asked_in_stronger_words(driver: BotDriver) -> None:
    plain = (await driver.request(driver.instance())).blocks
    skipped = (await driver.request(f"{driver.instance()} --skip-validate")).blocks
    dialogs = [str(next(block for block in blocks if block["type"] == "actions")) for blocks in (plain, skipped)]
    assert "confirm" in dialogs[0]
    assert dialogs[0] != dialogs[1]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("--delay", "/starrocks-upgrade <instance_id> --delay"),
        ("{id} --dely", "--delay"),
        ("{id} --delay=true", "--delay=true"),
        ("{id} --force", "--force"),
        ("{id} {other}", "/starrocks-upgrade {other}"),
        ("590031445ef845bb912d7fc8243db80cin07", "in07"),
        ("590031445ef845bb912d7fc8243db80in17", "35"),
        ("590031445ef845bb912d7fc8243db8zzin17", "z"),
        ("please", "please"),
    ],
)
async def test_a_mistake_is_answered_privately_and_nothing_else_happens(
    driver: BotDriver, text: str, word: str
) -> None:
    ids = {"id": driver.instance(), "other": driver.instance("sr-metrics")}
    await driver.slack.command(CHINESE, CHANNEL, text.format(**ids))
    answer = text_of(await driver.wait_for_ephemeral(CHINESE)).replace("&lt;", "<").replace("&gt;", ">")
    assert word.format(**ids) in answer
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert not driver.slack.messages(CHANNEL)
    assert all(call.method == "GET" or call.operation == "token" for call in driver.cloud.calls)


async def test_an_em_dash_and_full_width_blanks_are_understood(driver: BotDriver) -> None:
    message = await driver.request(
        f"\u201c{driver.instance().upper()}\u201d\u3000\u2014\u2014delay \u2014skip\u2011validate"
    )
    await driver.confirm(message)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    assert (call.instance_id, call.body) == (driver.instance(), {"delay": True, "is_skip_validate": True})


async def test_help_is_private_and_in_the_persons_language(driver: BotDriver) -> None:
    await driver.slack.command(CHINESE, CHANNEL, "help")
    assert "跳过升级校验" in text_of(await driver.wait_for_ephemeral(CHINESE))
    assert not driver.slack.messages(CHANNEL)


@pytest.mark.parametrize("channel", ["no-bot", "archived"])
async def test_where_the_bot_cannot_post_the_person_is_told_what_to_do(driver: BotDriver, channel: str) -> None:
    await driver.slack.command(ENGLISH, channel, driver.instance())
    answer = text_of(await driver.wait_for_ephemeral(ENGLISH))
    assert ("/invite" in answer) == (channel == "no-bot")
    assert not driver.slack.messages(channel)
    assert not driver.cloud.upgrades


async def test_a_command_delivered_again_asks_once(any_driver: BotDriver) -> None:
    delivery = await any_driver.slack.command(ENGLISH, CHANNEL, any_driver.instance())
    await any_driver.until(lambda: any_driver.slack.messages(CHANNEL) or None)
    await any_driver.slack.redeliver(delivery)
    await any_driver.slack.command(ENGLISH, CHANNEL, "help")
    await any_driver.wait_for_ephemeral(ENGLISH)
    assert len(any_driver.slack.messages(CHANNEL)) == 1


async def test_a_busy_instance_is_answered_with_the_link_to_its_thread(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    await driver.slack.command(CHINESE, CHANNEL, driver.instance())
    assert message.ts.replace(".", "") in text_of(await driver.wait_for_ephemeral(CHINESE))
    assert len(driver.slack.messages(CHANNEL)) == 1


async def test_values_of_people_are_escaped_in_every_answer(driver: BotDriver) -> None:
    await driver.slack.command(ENGLISH, CHANNEL, "&lt;!channel&gt;")
    answer = str(driver.slack.ephemerals(ENGLISH) or (await driver.wait_for_ephemeral(ENGLISH)).blocks)
    assert "<!channel>" not in answer
    assert "&lt;!channel&gt;" in answer


async def test_a_question_that_slack_refuses_only_later_is_told_to_who_asked(driver: BotDriver) -> None:
    driver.slack.fail("chat.postMessage", 429)
    driver.slack.fail("chat.postMessage", "restricted_action")
    await driver.slack.command(CHINESE, CHANNEL, driver.instance())
    answer = text_of(await driver.wait_for_ephemeral(CHINESE, "restricted_action"))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert not driver.slack.messages(CHANNEL)
