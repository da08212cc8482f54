"""The command, from Slack to the request in the channel."""

import pytest

from bot.sandbox.slack import Channel
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


async def test_the_request_says_what_will_happen(driver: BotDriver) -> None:
    now = text_of(await driver.request(driver.instance()))
    later = text_of(await driver.request(f"{driver.instance('sr-metrics')} --delay --skip-validate", person=CHINESE))
    assert "<@U0SRE00001>" in now
    assert "restart" in now
    assert "rollback" in now
    assert "data-sync tasks: none running" in now.lower()
    assert "<!date^" in now
    assert "可维护时间段" in later
    assert "跳过升级校验" in later
    assert "闪断" in later
    assert "降级" in later


async def test_skipping_the_validation_is_asked_in_stronger_words(driver: BotDriver) -> None:
    plain = (await driver.request(driver.instance())).blocks
    skipped = (await driver.request(f"{driver.instance('sr-metrics')} --skip-validate")).blocks
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{id} [--delay] foo", {ENGLISH: ("foo", "{name} {id} --delay"), CHINESE: ("foo", "{name} {id} --delay")}),
        ("{id} --later", {ENGLISH: ("Did you mean", "--delay"), CHINESE: ("您是否想用", "{name} {id} --delay")}),
        ("{id} 延时", {ENGLISH: ("Did you mean", "--delay"), CHINESE: ("您是否想用", "{name} {id} --delay")}),
        ("{id} foo", {ENGLISH: ("foo", "{name} <instance_id>"), CHINESE: ("foo", "{name} <instance_id>")}),
        ("{id} --force", {ENGLISH: ("The options are --delay",), CHINESE: ("可用的选项为 --delay",)}),
        (
            "cancel sr-orders",
            {ENGLISH: ("no command cancels", "{name} status"), CHINESE: ("没有用于取消", "{name} status")},
        ),
        ("stauts", {ENGLISH: ("Did you mean this?", "{name} status"), CHINESE: ("您是否想输入", "{name} status")}),
        ("list --all", {ENGLISH: ("takes nothing", "{name} list"), CHINESE: ("不能再带其他内容", "{name} list")}),
        ("status all", {ENGLISH: ("one instance or none",), CHINESE: ("可带一个实例",)}),
    ],
)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_what_is_not_understood_is_never_answered_with_an_upgrade_at_once(
    driver: BotDriver, text: str, words: dict[str, tuple[str, ...]], person: str
) -> None:
    values = {"id": driver.instance(), "name": "/starrocks-upgrade"}
    await driver.slack.command(person, CHANNEL, text.format(**values))
    answer = text_of(await driver.wait_for_ephemeral(person)).replace("`", "")
    answer = answer.replace("&lt;", "<").replace("&gt;", ">")
    for word in words[person]:
        assert word.format(**values) in answer
    for line in answer.splitlines():
        assert driver.instance() not in line or "--delay" in line
    assert not driver.slack.messages(CHANNEL)


@pytest.mark.parametrize(
    "text", ["sr-orders {id}", "sr‑orders\t{id}", "{id}，", "https://console.example/#/{id}/basic"]
)
async def test_a_row_or_a_link_of_the_console_is_one_instance(driver: BotDriver, text: str) -> None:
    message = await driver.request(text.format(id=driver.instance()))
    assert driver.instance() in text_of(message)
    assert len(driver.slack.messages(CHANNEL)) == 1


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "Its StarRocks instances"), (CHINESE, "其 StarRocks 实例")])
async def test_the_id_of_a_taurusdb_instance_is_answered_with_its_starrocks_instances(
    driver: BotDriver, person: str, word: str
) -> None:
    parent = driver.cloud.instances["sr-orders"].parent_id
    children = [one for one in driver.cloud.instances.values() if one.parent_id == parent]
    await driver.slack.command(person, CHANNEL, f"{parent} [--delay]")
    answer = text_of(await driver.wait_for_ephemeral(person, word))
    assert all(f"/starrocks-upgrade {one.id} --delay" in answer and one.name in answer for one in children)
    assert not driver.slack.messages(CHANNEL)


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


DIRECT_MESSAGES = [
    Channel("D0PEOPLE01", "sre and dba", bot_is_member=False, is_private=True),
    Channel("C0GROUPDM1", "mpdm-sre--dba--lead-1", bot_is_member=False, is_private=True),
]


@pytest.mark.parametrize("channel", DIRECT_MESSAGES, ids=["two", "group"])
@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "direct messages between people"), (CHINESE, "成员之间的私信")])
async def test_in_direct_messages_between_people_nobody_is_told_to_invite_the_bot(
    driver: BotDriver, channel: Channel, person: str, word: str
) -> None:
    driver.slack.add_channel(channel)
    await driver.slack.command(person, channel.name, driver.instance())
    answer = text_of(await driver.wait_for_ephemeral(person, word))
    assert "/invite" not in answer
    assert "history" in answer
    assert not driver.slack.messages(channel.name)


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


async def test_a_request_that_slack_refuses_only_later_is_told_to_who_asked(driver: BotDriver) -> None:
    driver.slack.fail("chat.postMessage", 429)
    driver.slack.fail("chat.postMessage", "restricted_action")
    await driver.slack.command(CHINESE, CHANNEL, driver.instance())
    answer = text_of(await driver.wait_for_ephemeral(CHINESE, "restricted_action"))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert not driver.slack.messages(CHANNEL)


@pytest.mark.parametrize(("flags", "is_another"), [("", False), ("--skip-validate", True)])
async def test_the_card_names_who_may_confirm_this_very_request(
    idle_driver: BotDriver, flags: str, is_another: bool
) -> None:
    await idle_driver.start(CONFIRM_BY="requester", CONFIRM_SKIP_VALIDATE_BY="another")
    card = text_of(await idle_driver.request(f"{idle_driver.instance()} {flags}"))
    assert ("Someone other than <@U0SRE00001>" in card) == is_another
    assert ("Only <@U0SRE00001> can confirm" in card) != is_another
