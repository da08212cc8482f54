"""A delayed upgrade is taken back from its thread, by the rules of Confirm, and the truth about it is told."""

import pytest

from bot.sandbox.slack.messages import button_elements
from tests.house import House, Message, buttons, said

ENGLISH, CHINESE = "sre", "dba"
BUTTON = "cancel_scheduled"


async def waiting(home: House, person: str = ENGLISH, **_: str) -> tuple[Message, Message]:
    """A delayed upgrade that waits for its window: its question and its message in the thread."""
    home.cloud.set_speed("paused")
    message = await home.ask(f"{home.instance()} --delay", person=person)
    await home.confirm(message, person=person)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    told = await home.told(message, str(call.job_id))
    return message, told


def reply(home: House, message: Message, told: Message) -> Message:
    return next(one for one in home.thread(message) if one.ts == told.ts)


@pytest.mark.parametrize(
    ("person", "label", "done", "end"),
    [
        (ENGLISH, "Cancel the scheduled upgrade", "has canceled", "canceled in the cloud"),
        (CHINESE, "取消定时升级", "已取消该定时任务", "已在华为云上取消"),
    ],
)
async def test_a_delayed_upgrade_is_cancelled_from_its_thread(
    home: House, person: str, label: str, done: str, end: str
) -> None:
    message, told = await waiting(home, person)
    (button,) = button_elements(told.blocks)
    assert (button["action_id"], button["text"]["text"]) == (BUTTON, label)
    assert set(button["confirm"]) >= {"title", "text", "confirm", "deny"}
    await home.slack.click(person, told, BUTTON)
    await home.whispered(person, done)
    await home.told(message, end)
    await home.seen(message, end)
    assert home.cloud.standing(str(home.cloud.upgrades[0].job_id)).status == "Canceled"
    assert [call.method for call in home.cloud.calls].count("DELETE") == 1
    await home.until(lambda: None if buttons(reply(home, message, told)) else True)


async def test_at_once_there_is_nothing_to_cancel(home: House) -> None:
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    told = await home.told(message, "Job ID")
    assert not buttons(told)


async def test_the_button_is_gone_when_the_window_has_opened(home: House) -> None:
    message, told = await waiting(home)
    await home.told(message, "waits for")
    assert buttons(reply(home, message, told))
    home.cloud.open_window(home.instance())
    home.cloud.progress(str(home.cloud.upgrades[0].job_id), 40)
    await home.told(message, "40 %", 30)
    assert not buttons(reply(home, message, told))


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "Too late"), (CHINESE, "未能取消")])
async def test_too_late_is_said_to_be_too_late(home: House, person: str, word: str) -> None:
    message, told = await waiting(home, person)
    home.cloud.open_window(home.instance())
    await home.slack.click(person, told, BUTTON)
    await home.whispered(person, word)
    home.cloud.finish(str(home.cloud.upgrades[0].job_id))
    await home.told(message, "completed" if person == ENGLISH else "完成", 20)


async def test_a_second_click_learns_that_it_was_cancelled_before(home: House) -> None:
    message, told = await waiting(home)
    await home.slack.click(ENGLISH, told, BUTTON)
    await home.told(message, "canceled in the cloud")
    await home.slack.click(CHINESE, told, BUTTON)
    await home.whispered(CHINESE, "此前已被取消")
    assert [call.method for call in home.cloud.calls].count("DELETE") == 1


@pytest.mark.parametrize(
    ("mishap", "word"),
    [
        ("403 APIGW.0302", "did not cancel it (`403 APIGW.0302`)"),
        ("500 DBS.05000000", "unclear"),
        ("html", "unclear"),
    ],
)
async def test_an_answer_that_is_none_is_not_called_done(home: House, mishap: str, word: str) -> None:
    message, told = await waiting(home)
    home.cloud.choose_mishap(mishap, "cancel")
    await home.slack.click(ENGLISH, told, BUTTON)
    await home.whispered(ENGLISH, word)
    assert len(home.thread(message)) == 1
    home.cloud.heal()
    await home.slack.click(ENGLISH, told, BUTTON)
    await home.told(message, "canceled in the cloud")


@pytest.mark.parametrize("mishap", ["lost before", "accepted, answer lost", "accepted, reset"])
async def test_a_cancellation_that_was_done_is_called_done_though_an_answer_was_lost(home: House, mishap: str) -> None:
    message, told = await waiting(home)
    home.cloud.choose_mishap(mishap, "cancel")
    await home.slack.click(ENGLISH, told, BUTTON)
    await home.told(message, "canceled in the cloud", 8)
    assert "Too late" not in said(await home.whispered(ENGLISH))


async def test_an_unclear_cancellation_is_looked_at_soon(home: House) -> None:
    message, told = await waiting(home)
    await home.told(message, "waits for")
    home.cloud.choose_mishap("accepted, 504", "cancel")
    await home.slack.click(ENGLISH, told, BUTTON)
    await home.whispered(ENGLISH, "unclear")
    await home.told(message, "canceled in the cloud", 8)


@pytest.mark.parametrize(
    ("rule", "clicker", "word"),
    [
        ("requester", CHINESE, "只能由其本人取消定时升级"),
        ("another", ENGLISH, "someone else has to cancel"),
        ("requester", "guest", "Guests"),
    ],
)
async def test_the_rules_of_confirm_hold_for_taking_back(empty_home: House, rule: str, clicker: str, word: str) -> None:
    await empty_home.start(CONFIRM_BY=rule)
    empty_home.cloud.set_speed("paused")
    message = await empty_home.ask(f"{empty_home.instance()} --delay")
    await empty_home.confirm(message, person=CHINESE if rule == "another" else ENGLISH)
    told = await empty_home.told(message, "Job ID")
    await empty_home.slack.click(clicker, told, BUTTON)
    assert word in said(await empty_home.whispered(clicker, word))
    assert "DELETE" not in [call.method for call in empty_home.cloud.calls]


@pytest.mark.parametrize("how", ["channel", "value"])
async def test_a_forged_button_cancels_nothing(home: House, how: str) -> None:
    message, told = await waiting(home)
    if how == "channel":
        await home.slack.click(CHINESE, told, BUTTON, channel="incident-42")
    else:
        await home.slack.click(CHINESE, told, BUTTON, "no-such-request")
    await home.whispered(CHINESE, "没有对应的申请")
    assert message
    assert "DELETE" not in [call.method for call in home.cloud.calls]
