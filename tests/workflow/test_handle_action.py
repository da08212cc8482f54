"""The click: one winner, everybody else a true private answer."""

import asyncio

import pytest

from bot.sandbox.slack import Person
from tests.driver import CHANNEL, BotDriver, buttons, text_of


async def test_the_buttons_are_gone_before_the_cloud_is_asked(driver: BotDriver) -> None:
    driver.cloud.inject_fault("hang")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    card = driver.card(message)
    assert not buttons(card)
    assert "<@U0SRE00001>" in text_of(card)
    await driver.replicas[0].kill()


async def test_a_hundred_clicks_at_once_send_once(any_driver: BotDriver) -> None:
    message = await any_driver.request(any_driver.instance(), person="dba")
    people = ["dba", "sre", "third"]
    clicks = [any_driver.slack.click(people[n % 3], message, "confirm_upgrade") for n in range(100)]
    deliveries = await asyncio.gather(*clicks)
    assert all(delivery.acked for delivery in deliveries)
    call = (await any_driver.cloud.until(lambda: any_driver.cloud.upgrades))[0]
    await any_driver.wait_for_reply(message, call.job_id or "")
    assert len(any_driver.cloud.upgrades) == 1
    await any_driver.until(lambda: len(any_driver.slack.ephemerals("third")) >= 33 or None)
    assert all("<@U0" in text_of(answer) for answer in any_driver.slack.ephemerals("third"))


async def test_a_second_click_is_told_who_came_first_in_its_own_language(driver: BotDriver) -> None:
    driver.cloud.inject_fault("hang")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.cloud.until(lambda: driver.cloud.upgrades)
    await driver.confirm(message, person="dba")
    answer = text_of(await driver.wait_for_ephemeral("dba"))
    assert "<@U0SRE00001>" in answer
    assert "确认" in answer
    await driver.replicas[0].kill()


async def test_anyone_allowed_may_cancel_and_then_nothing_is_sent(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    await driver.slack.click("dba", message, "cancel_upgrade")
    card = await driver.wait_for_card(message, "<@U0DBA00001>")
    assert not buttons(card)
    await driver.confirm(message)
    assert "<@U0DBA00001>" in text_of(await driver.wait_for_ephemeral("sre"))
    assert not driver.cloud.upgrades


async def test_an_expired_question_loses_its_buttons_by_itself(idle_driver: BotDriver) -> None:
    await idle_driver.start(CONFIRM_TTL_SECONDS="1")
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.until(lambda: None if "confirm_upgrade" in buttons(idle_driver.card(message)) else True, 10)
    await idle_driver.confirm(message)
    assert "expired" in text_of(await idle_driver.wait_for_ephemeral("sre")).lower()
    assert not idle_driver.cloud.upgrades


async def test_a_question_that_expired_while_the_bot_was_away_is_closed_at_the_start(idle_driver: BotDriver) -> None:
    first = await idle_driver.start(CONFIRM_TTL_SECONDS="1")
    message = await idle_driver.request(idle_driver.instance())
    await first.stop()
    assert buttons(idle_driver.card(message))
    await idle_driver.start(CONFIRM_TTL_SECONDS="1")
    await idle_driver.until(lambda: None if "confirm_upgrade" in buttons(idle_driver.card(message)) else True, 10)


async def test_a_confirmation_survives_a_restart(idle_driver: BotDriver) -> None:
    first = await idle_driver.start()
    message = await idle_driver.request(f"{idle_driver.instance()} --delay", person="dba")
    await first.stop()
    await idle_driver.start()
    await idle_driver.confirm(message, person="dba")
    call = (await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades))[0]
    assert (call.body, call.language) == ({"delay": True, "is_skip_validate": False}, "zh-cn")
    await idle_driver.wait_for_reply(message, call.job_id or "")


@pytest.mark.parametrize(
    ("setting", "person", "wins"),
    [
        ("requester", "sre", True),
        ("requester", "dba", False),
        ("anyone", "dba", True),
        ("another", "sre", False),
        ("another", "dba", True),
    ],
)
async def test_who_may_confirm_follows_the_setting(
    idle_driver: BotDriver, setting: str, person: str, wins: bool
) -> None:
    await idle_driver.start(CONFIRM_BY=setting)
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.confirm(message, person=person)
    if wins:
        await idle_driver.wait_for_card(message, "job")
    else:
        await idle_driver.wait_for_ephemeral(person)
        assert buttons(idle_driver.card(message))
    assert len(idle_driver.cloud.upgrades) == wins


@pytest.mark.parametrize(
    ("overrides", "person", "channel"),
    [
        ({"ALLOWED_CHANNELS": "C0INCIDENT"}, "sre", CHANNEL),
        ({"ALLOWED_USERS": "U0DBA00001"}, "sre", CHANNEL),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0DBOPS"}, "third", CHANNEL),
        ({"ALLOWED_USERS": "*"}, "guest", CHANNEL),
        ({"ALLOWED_USERS": "*"}, "other", CHANNEL),
    ],
)
async def test_who_is_not_allowed_is_told_privately(
    idle_driver: BotDriver, overrides: dict[str, str], person: str, channel: str
) -> None:
    await idle_driver.start(**overrides)
    await idle_driver.slack.command(person, channel, idle_driver.instance())
    await idle_driver.wait_for_ephemeral(person)
    assert not idle_driver.slack.messages(channel)


async def test_the_rules_are_asked_again_at_the_click(idle_driver: BotDriver) -> None:
    replica = await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await replica.stop()
    await idle_driver.start(ALLOWED_USERS="U0DBA00001")
    await idle_driver.confirm(message)
    await idle_driver.wait_for_ephemeral("sre")
    assert not idle_driver.cloud.upgrades


async def test_a_member_of_an_allowed_user_group_may_ask(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS="S0DBOPS")
    assert buttons(await idle_driver.request(idle_driver.instance(), person="dba"))


async def test_a_user_group_that_slack_does_not_tell_has_no_members(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS="S0DBOPS")
    idle_driver.slack.fail("usergroups.users.list", 500)
    await idle_driver.slack.command("dba", CHANNEL, idle_driver.instance())
    await idle_driver.wait_for_ephemeral("dba")
    assert not idle_driver.slack.messages(CHANNEL)


@pytest.mark.parametrize("value", ["", "no-such-request", "x" * 2000])
async def test_a_button_with_an_unknown_id_is_answered_truthfully(driver: BotDriver, value: str) -> None:
    message = await driver.request(driver.instance())
    await driver.slack.click("sre", message, "confirm_upgrade", value=value)
    await driver.wait_for_ephemeral("sre")
    assert not driver.cloud.upgrades
    assert buttons(driver.card(message))


async def test_a_buttons_id_counts_only_under_its_own_message(driver: BotDriver) -> None:
    first = await driver.request(driver.instance())
    second = await driver.request(driver.instance("sr-metrics"))
    await driver.slack.click("sre", second, "confirm_upgrade", value=buttons(first)["confirm_upgrade"])
    await driver.wait_for_ephemeral("sre")
    assert not driver.cloud.upgrades


async def test_a_person_whose_language_is_slow_is_answered_in_the_default_one(idle_driver: BotDriver) -> None:
    await idle_driver.start(DEFAULT_LANGUAGE="zh-cn")
    idle_driver.slack.fail("users.info", "hang")
    message = await idle_driver.request(idle_driver.instance())
    assert "升级" in text_of(message)


async def test_a_person_of_another_team_named_by_id_is_allowed(idle_driver: BotDriver) -> None:
    other: Person = idle_driver.slack.people["other"]
    await idle_driver.start(ALLOWED_USERS=other.id)
    assert buttons(await idle_driver.request(idle_driver.instance(), person="other"))
