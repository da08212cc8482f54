"""The command, from Slack to the question in the channel."""

import pytest

from tests.house import CHANNEL, House, buttons, said

ENGLISH, CHINESE = "sre", "dba"
MODES = {"": "once", "--delay": "window", "--skip-validate": "once", "--delay --skip-validate": "window"}


@pytest.mark.parametrize("flags", MODES)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_each_flag_combination_runs_from_command_to_job_id(any_home: House, flags: str, person: str) -> None:
    instance = any_home.instance()
    message = await any_home.ask(f"{flags} {instance}", person=person)
    words = said(message)
    assert instance in words
    assert ("Confirmed" in words, "确认" in words) == (False, person == CHINESE)
    assert list(buttons(message))[:2] == ["confirm_upgrade", "cancel_upgrade"]
    await any_home.confirm(message, person=person)
    call = await any_home.cloud.until(lambda: any_home.cloud.upgrades)
    assert call[0].instance_id == instance
    assert call[0].body == {"delay": "--delay" in flags, "is_skip_validate": "--skip-validate" in flags}
    assert call[0].language == {"sre": "en-us", "dba": "zh-cn"}[person]
    await any_home.told(message, str(call[0].job_id))
    assert len(any_home.cloud.upgrades) == 1
    assert not buttons(any_home.card(message))


async def test_the_question_says_what_will_happen(home: House) -> None:
    now = said(await home.ask(home.instance()))
    later = said(await home.ask(f"{home.instance()} --delay --skip-validate", person=CHINESE))
    assert "<@U0SRE00001>" in now
    assert "restart" in now
    assert "rolled back" in now
    assert "temporary" in now
    assert "<!date^" in now
    assert "可维护时间段" in later
    assert "跳过升级校验" in later
    assert "闪断" in later
    assert "降级" in later


async def test_skipping_the_validation_is_asked_in_stronger_words(home: House) -> None:
    plain = (await home.ask(home.instance())).blocks
    skipped = (await home.ask(f"{home.instance()} --skip-validate")).blocks
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
async def test_a_mistake_is_answered_privately_and_nothing_else_happens(home: House, text: str, word: str) -> None:
    ids = {"id": home.instance(), "other": home.instance("sr-metrics")}
    await home.slack.command(CHINESE, CHANNEL, text.format(**ids))
    answer = said(await home.whispered(CHINESE)).replace("&lt;", "<").replace("&gt;", ">")
    assert word.format(**ids) in answer
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert not home.slack.messages(CHANNEL)
    assert all(call.method == "GET" or call.operation == "token" for call in home.cloud.calls)


async def test_an_em_dash_and_full_width_blanks_are_understood(home: House) -> None:
    message = await home.ask(f"\u201c{home.instance().upper()}\u201d\u3000\u2014\u2014delay \u2014skip\u2011validate")
    await home.confirm(message)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    assert (call.instance_id, call.body) == (home.instance(), {"delay": True, "is_skip_validate": True})


async def test_help_is_private_and_in_the_persons_language(home: House) -> None:
    await home.slack.command(CHINESE, CHANNEL, "help")
    assert "跳过升级校验" in said(await home.whispered(CHINESE))
    assert not home.slack.messages(CHANNEL)


@pytest.mark.parametrize("channel", ["no-bot", "archived"])
async def test_where_the_bot_cannot_post_the_person_is_told_what_to_do(home: House, channel: str) -> None:
    await home.slack.command(ENGLISH, channel, home.instance())
    answer = said(await home.whispered(ENGLISH))
    assert ("/invite" in answer) == (channel == "no-bot")
    assert not home.slack.messages(channel)
    assert not home.cloud.upgrades


async def test_a_command_delivered_again_asks_once(any_home: House) -> None:
    delivery = await any_home.slack.command(ENGLISH, CHANNEL, any_home.instance())
    await any_home.until(lambda: any_home.slack.messages(CHANNEL) or None)
    await any_home.slack.redeliver(delivery)
    await any_home.slack.command(ENGLISH, CHANNEL, "help")
    await any_home.whispered(ENGLISH)
    assert len(any_home.slack.messages(CHANNEL)) == 1


async def test_a_busy_instance_is_answered_with_the_link_to_its_thread(home: House) -> None:
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    await home.slack.command(CHINESE, CHANNEL, home.instance())
    assert message.ts.replace(".", "") in said(await home.whispered(CHINESE))
    assert len(home.slack.messages(CHANNEL)) == 1


async def test_values_of_people_are_escaped_in_every_answer(home: House) -> None:
    await home.slack.command(ENGLISH, CHANNEL, "&lt;!channel&gt;")
    answer = str(home.slack.ephemerals(ENGLISH) or (await home.whispered(ENGLISH)).blocks)
    assert "<!channel>" not in answer
    assert "&lt;!channel&gt;" in answer


async def test_a_question_that_slack_refuses_only_later_is_told_to_who_asked(home: House) -> None:
    home.slack.fail("chat.postMessage", 429)
    home.slack.fail("chat.postMessage", "restricted_action")
    await home.slack.command(CHINESE, CHANNEL, home.instance())
    answer = said(await home.whispered(CHINESE, "restricted_action"))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert not home.slack.messages(CHANNEL)
