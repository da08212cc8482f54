"""The click: one winner, everybody else a true private answer."""

import asyncio

import pytest

from bot.sandbox.slack import Person
from tests.house import CHANNEL, House, buttons, said


async def test_the_buttons_are_gone_before_the_cloud_is_asked(home: House) -> None:
    home.cloud.choose_mishap("hang")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.cloud.until(lambda: home.cloud.upgrades)
    card = home.card(message)
    assert not buttons(card)
    assert "<@U0SRE00001>" in said(card)
    await home.replicas[0].die()


async def test_a_hundred_clicks_at_once_send_once(any_home: House) -> None:
    message = await any_home.ask(any_home.instance(), person="dba")
    people = ["dba", "sre", "third"]
    clicks = [any_home.slack.click(people[n % 3], message, "confirm_upgrade") for n in range(100)]
    deliveries = await asyncio.gather(*clicks)
    assert all(delivery.acked for delivery in deliveries)
    call = (await any_home.cloud.until(lambda: any_home.cloud.upgrades))[0]
    await any_home.told(message, call.job_id or "")
    assert len(any_home.cloud.upgrades) == 1
    await any_home.until(lambda: len(any_home.slack.ephemerals("third")) >= 33 or None)
    assert all("<@U0" in said(answer) for answer in any_home.slack.ephemerals("third"))


async def test_a_second_click_is_told_who_came_first_in_its_own_language(home: House) -> None:
    home.cloud.choose_mishap("hang")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.cloud.until(lambda: home.cloud.upgrades)
    await home.confirm(message, person="dba")
    answer = said(await home.whispered("dba"))
    assert "<@U0SRE00001>" in answer
    assert "确认" in answer
    await home.replicas[0].die()


async def test_anyone_allowed_may_cancel_and_then_nothing_is_sent(home: House) -> None:
    message = await home.ask(home.instance())
    await home.slack.click("dba", message, "cancel_upgrade")
    card = await home.seen(message, "<@U0DBA00001>")
    assert not buttons(card)
    await home.confirm(message)
    assert "<@U0DBA00001>" in said(await home.whispered("sre"))
    assert not home.cloud.upgrades


async def test_an_expired_question_loses_its_buttons_by_itself(empty_home: House) -> None:
    await empty_home.start(CONFIRM_TTL_SECONDS="1")
    message = await empty_home.ask(empty_home.instance())
    await empty_home.until(lambda: None if buttons(empty_home.card(message)) else True, 10)
    await empty_home.confirm(message)
    assert "expired" in said(await empty_home.whispered("sre")).lower()
    assert not empty_home.cloud.upgrades


async def test_a_question_that_expired_while_the_bot_was_away_is_closed_at_the_start(empty_home: House) -> None:
    first = await empty_home.start(CONFIRM_TTL_SECONDS="1")
    message = await empty_home.ask(empty_home.instance())
    await first.end()
    assert buttons(empty_home.card(message))
    await empty_home.start(CONFIRM_TTL_SECONDS="1")
    await empty_home.until(lambda: None if buttons(empty_home.card(message)) else True, 10)


async def test_a_confirmation_survives_a_restart(empty_home: House) -> None:
    first = await empty_home.start()
    message = await empty_home.ask(f"{empty_home.instance()} --delay", person="dba")
    await first.end()
    await empty_home.start()
    await empty_home.confirm(message, person="dba")
    call = (await empty_home.cloud.until(lambda: empty_home.cloud.upgrades))[0]
    assert (call.body, call.language) == ({"delay": True, "is_skip_validate": False}, "zh-cn")
    await empty_home.told(message, call.job_id or "")


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
async def test_who_may_confirm_follows_the_setting(empty_home: House, setting: str, person: str, wins: bool) -> None:
    await empty_home.start(CONFIRM_BY=setting)
    message = await empty_home.ask(empty_home.instance())
    await empty_home.confirm(message, person=person)
    if wins:
        await empty_home.seen(message, "job")
    else:
        await empty_home.whispered(person)
        assert buttons(empty_home.card(message))
    assert len(empty_home.cloud.upgrades) == wins


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
    empty_home: House, overrides: dict[str, str], person: str, channel: str
) -> None:
    await empty_home.start(**overrides)
    await empty_home.slack.command(person, channel, empty_home.instance())
    await empty_home.whispered(person)
    assert not empty_home.slack.messages(channel)


async def test_the_rules_are_asked_again_at_the_click(empty_home: House) -> None:
    replica = await empty_home.start()
    message = await empty_home.ask(empty_home.instance())
    await replica.end()
    await empty_home.start(ALLOWED_USERS="U0DBA00001")
    await empty_home.confirm(message)
    await empty_home.whispered("sre")
    assert not empty_home.cloud.upgrades


async def test_a_member_of_an_allowed_user_group_may_ask(empty_home: House) -> None:
    await empty_home.start(ALLOWED_USERS="", ALLOWED_USERGROUPS="S0DBOPS")
    assert buttons(await empty_home.ask(empty_home.instance(), person="dba"))


async def test_a_user_group_that_slack_does_not_tell_has_no_members(empty_home: House) -> None:
    await empty_home.start(ALLOWED_USERS="", ALLOWED_USERGROUPS="S0DBOPS")
    empty_home.slack.fail("usergroups.users.list", 500)
    await empty_home.slack.command("dba", CHANNEL, empty_home.instance())
    await empty_home.whispered("dba")
    assert not empty_home.slack.messages(CHANNEL)


@pytest.mark.parametrize("value", ["", "no-such-request", "x" * 2000])
async def test_a_button_with_an_unknown_id_is_answered_truthfully(home: House, value: str) -> None:
    message = await home.ask(home.instance())
    await home.slack.click("sre", message, "confirm_upgrade", value=value)
    await home.whispered("sre")
    assert not home.cloud.upgrades
    assert buttons(home.card(message))


async def test_a_buttons_id_counts_only_under_its_own_message(home: House) -> None:
    first = await home.ask(home.instance())
    second = await home.ask(home.instance("sr-metrics"))
    await home.slack.click("sre", second, "confirm_upgrade", value=buttons(first)["confirm_upgrade"])
    await home.whispered("sre")
    assert not home.cloud.upgrades


async def test_a_person_whose_language_is_slow_is_answered_in_the_default_one(empty_home: House) -> None:
    await empty_home.start(DEFAULT_LANGUAGE="zh-cn")
    empty_home.slack.fail("users.info", "hang")
    message = await empty_home.ask(empty_home.instance())
    assert "升级" in said(message)


async def test_a_person_of_another_team_named_by_id_is_allowed(empty_home: House) -> None:
    other: Person = empty_home.slack.people["other"]
    await empty_home.start(ALLOWED_USERS=other.id)
    assert buttons(await empty_home.ask(empty_home.instance(), person="other"))
