"""People see what they decide about: facts on the question, doubts before it, whatever the cloud does meanwhile."""

import time

import pytest

from bot.sandbox.cloud.instances import Action
from bot.sandbox.slack import Ephemeral
from tests.house import CHANNEL, House, buttons, said

ENGLISH, CHINESE = "sre", "dba"
READS = ("taurusdb", "htap", "instance")


async def warm(home: House) -> None:
    """Wait until the bot has read every instance."""

    def read() -> bool:
        seen = {call.path.rpartition("/")[2] for call in home.cloud.calls if call.status == 200}
        return {one.id for one in home.cloud.instances.values()} <= seen

    await home.cloud.until(read)


async def answered(home: House, person: str, text: str, word: str) -> Ephemeral:
    await home.slack.command(person, CHANNEL, text)
    return await home.whispered(person, word)


# the facts


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (ENGLISH, ("sr-orders", "3.1.15, a newer version", "Status: normal", "Nodes: 3", "In progress: nothing")),
        (CHINESE, ("sr-orders", "3.1.15，有新版本", "实例状态：正常", "节点数：3", "正在执行的操作：无")),
    ],
)
async def test_what_is_known_stands_in_the_first_post(home: House, person: str, words: tuple[str, ...]) -> None:
    await warm(home)
    message = await home.ask(f"{home.instance()} --delay", person=person)
    for word in (*words, "02:00–06:00", "<!date^"):
        assert word in message.text
    await home.slack.command(person, CHANNEL, "help")
    await home.whispered(person)
    assert not home.card(message).history


async def test_what_is_not_known_is_added_by_one_edit(empty_home: House) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", seconds=1.0)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    assert "sr-orders" not in message.text
    card = await empty_home.seen(message, "a newer version is available")
    assert list(buttons(card)) == ["confirm_upgrade", "cancel_upgrade", "translate"]
    assert len(card.history) == 1


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "did not describe"), (CHINESE, "没有查询权限")])
async def test_without_the_permission_the_card_says_so_and_the_upgrade_works(
    empty_home: House, operation: str, person: str, word: str
) -> None:
    empty_home.cloud.choose_mishap("403 APIGW.0302", operation, times=1000)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance(), person=person)
    await empty_home.seen(message, word)
    await empty_home.confirm(message, person=person)
    call = (await empty_home.cloud.until(lambda: empty_home.cloud.upgrades))[0]
    await empty_home.told(message, str(call.job_id))


@pytest.mark.parametrize("operation", READS)
async def test_a_slow_cloud_delays_no_question_and_no_answer(empty_home: House, operation: str) -> None:
    empty_home.cloud.choose_mishap("slow", operation, times=1000, seconds=30.0)
    await empty_home.start()
    began = time.monotonic()
    message = await empty_home.ask(empty_home.instance())
    assert time.monotonic() - began < 0.8
    await answered(empty_home, CHINESE, "please", "please")
    assert time.monotonic() - began < 2.0
    await empty_home.confirm(message)
    call = (await empty_home.cloud.until(lambda: empty_home.cloud.upgrades))[0]
    await empty_home.told(message, str(call.job_id))


async def test_a_slow_cloud_is_named_on_the_card_after_two_seconds(empty_home: House) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", times=1000, seconds=30.0)
    await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await empty_home.seen(message, "did not describe", 3.5)
    assert "confirm_upgrade" in buttons(empty_home.card(message))


async def test_the_facts_are_those_of_now_not_of_minutes_ago(home: House) -> None:
    await warm(home)
    home.cloud.change_instance("sr-orders", version="3.1.16")
    message = await home.ask(home.instance())
    assert "3.1.15" in message.text
    await home.seen(message, "3.1.16")
    assert len(home.card(message).history) == 1


async def test_a_question_that_slack_took_late_has_the_facts_all_the_same(empty_home: House) -> None:
    empty_home.cloud.choose_mishap("slow", "taurusdb", seconds=0.5)
    await empty_home.start()
    empty_home.slack.fail("chat.postMessage", 500)
    message = await empty_home.ask(empty_home.instance())
    await empty_home.seen(message, "a newer version is available")


# what speaks against it


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("sr-reports", "already has the latest version (3.1.18)", "已是最新版本（3.1.18）"),
        ("sr-billing", "is busy: RESTARTING", "正在进行其他操作（RESTARTING）"),
        ("sr-archive", "has the status “abnormal”", "实例状态为“异常”"),
    ],
)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_a_doubt_is_told_privately_and_can_be_overruled(
    home: House, name: str, english: str, chinese: str, person: str
) -> None:
    await warm(home)
    doubt = await answered(home, person, f"{name} --delay", english if person == ENGLISH else chinese)
    assert not home.slack.messages(CHANNEL)
    await home.slack.click(person, doubt, "ask_anyway")
    message = (await home.slack.until(lambda: home.slack.messages(CHANNEL)))[0]
    assert home.instance(name) in message.text
    assert ("maintenance window" in message.text) == (person == ENGLISH)


async def test_an_unknown_id_is_answered_with_the_nearest_and_can_be_asked_all_the_same(home: House) -> None:
    await warm(home)
    typed = home.instance()[:3] + ("0" if home.instance()[3] != "0" else "1") + home.instance()[4:]
    doubt = await answered(home, ENGLISH, typed, "no StarRocks instance")
    assert home.instance() in said(doubt)
    assert "sr-orders" in said(doubt)
    await home.slack.click(ENGLISH, doubt, "ask_anyway")
    assert typed in (await home.slack.until(lambda: home.slack.messages(CHANNEL)))[0].text


async def test_a_doubt_that_has_become_untrue_is_not_told(home: House) -> None:
    await warm(home)
    home.cloud.change_instance("sr-billing", actions=())
    assert home.instance("sr-billing") in (await home.ask("sr-billing")).text


@pytest.mark.parametrize(("person", "words"), [(ENGLISH, "In progress: BACKUP"), (CHINESE, "正在执行的操作：BACKUP")])
async def test_a_refusal_says_what_runs_on_the_instance(home: House, person: str, words: str) -> None:
    message = await home.ask(home.instance(), person=person)
    running = Action("a", "BACKUP", home.instance(), "j", "Running", time.time())
    home.cloud.change_instance("sr-orders", actions=(running,))
    await home.confirm(message, person=person)
    assert "DBS.2000" in said(await home.told(message, words))


async def test_after_an_upgrade_the_instance_is_known_to_be_the_latest(home: House) -> None:
    await warm(home)
    message = await home.ask("sr-orders")
    await home.confirm(message)
    await home.told(message, "completed", 30)
    await answered(home, ENGLISH, "sr-orders", "already has the latest version")
