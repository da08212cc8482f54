"""Who may, through real payloads: at the command and again at the click, against what holds then."""

from typing import Any

import pytest

from bot.sandbox.slack import Person
from bot.slack import people
from tests.house import CHANNEL, House, Message, buttons, said

SRE, DBA, THIRD, GUEST = "U0SRE00001", "U0DBA00001", "U0THIRD001", "U0GUEST001"
HOME_TEAM = "T0HOME0001"
GROUP = "S0DBOPS"  # sre and dba
NOBODY_ELSE = "S0EMPTY001"
INSTANCE = "sr-orders"


async def asks(home: House, person: str, flags: str = "") -> Message | None:
    """The question, or None when it was refused privately."""
    private, public = len(home.slack.ephemerals(person)), len(home.slack.messages(CHANNEL))
    await home.slack.command(person, CHANNEL, f"{home.instance(INSTANCE)} {flags}")
    await home.until(
        lambda: len(home.slack.ephemerals(person)) > private or len(home.slack.messages(CHANNEL)) > public or None
    )
    return next(iter(home.slack.messages(CHANNEL)[public:]), None)


async def refused(home: House, person: str, message: Message, button: str = "confirm_upgrade") -> str:
    """Press the button; the private answer that says no. Nothing is sent, the question stays open."""
    private = len(home.slack.ephemerals(person))
    await home.slack.click(person, message, button)
    answers = await home.until(lambda: home.slack.ephemerals(person)[private:] or None)
    assert not home.cloud.upgrades
    assert "confirm_upgrade" in buttons(home.card(message))
    return said(answers[0])


@pytest.mark.parametrize(
    ("overrides", "person", "flags", "allowed"),
    [
        ({}, "sre", "--skip-validate", True),
        ({"SKIP_VALIDATE_USERS": DBA}, "sre", "--skip-validate", False),
        ({"SKIP_VALIDATE_USERS": DBA}, "sre", "--delay", True),
        ({"SKIP_VALIDATE_USERS": DBA}, "dba", "--skip-validate --delay", True),
        ({"SKIP_VALIDATE_USERS": "*"}, "third", "--skip-validate", True),
        ({"SKIP_VALIDATE_USERGROUPS": GROUP}, "dba", "--skip-validate", True),
        ({"SKIP_VALIDATE_USERGROUPS": GROUP}, "third", "--skip-validate", False),
        ({"SKIP_VALIDATE_USERGROUPS": NOBODY_ELSE}, "sre", "--skip-validate", False),
        ({"SKIP_VALIDATE_USERS": THIRD, "SKIP_VALIDATE_USERGROUPS": GROUP}, "third", "--skip-validate", True),
        ({"SKIP_VALIDATE_USERS": GUEST}, "guest", "--skip-validate", False),
        ({"ALLOWED_INSTANCES": "*"}, "sre", "", True),
        ({"ALLOWED_INSTANCES": "{id}"}, "sre", "", True),
        ({"ALLOWED_INSTANCES": "0" * 32 + "in17"}, "sre", "", False),
        ({"ALLOWED_INSTANCES": "{ID}," + "0" * 32 + "in17"}, "sre", "", True),
        ({"ALLOWED_USERS": "*"}, "sre", "", True),
        ({"ALLOWED_USERS": "*"}, "guest", "", False),
        ({"ALLOWED_USERS": "*"}, "ultra", "", False),
        ({"ALLOWED_USERS": GUEST}, "guest", "", True),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0MIXED001"}, "guest", "", False),
        ({"ALLOWED_USERS": "*"}, "other", "", False),
        ({"ALLOWED_USERS": "U0OTHER001"}, "other", "", True),
        ({"ALLOWED_USERS": "*"}, "organised", "", False),
        ({"ALLOWED_USERS": "U0ORGANISE"}, "organised", "", True),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0MIXED001"}, "other", "", False),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": GROUP}, "sre", "", True),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": GROUP}, "third", "", False),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0UNKNOWN1"}, "sre", "", False),
        ({"ALLOWED_CHANNELS": "C0INC00042"}, "sre", "", False),
        ({"ALLOWED_CHANNELS": "C0DBOPS001,C0INC00042"}, "sre", "", True),
    ],
)
async def test_who_may_ask(
    empty_home: House, overrides: dict[str, str], person: str, flags: str, allowed: bool
) -> None:
    home = empty_home
    home.slack.add_person(Person("U0ULTRA001", "Uli", "en-US", HOME_TEAM, is_ultra_restricted=True), "ultra")
    home.slack.add_person(Person("U0ORGANISE", "Ona", "en-US", HOME_TEAM, enterprise_id="E0OTHER001"), "organised")
    home.slack.set_group(NOBODY_ELSE, [])
    home.slack.set_group("S0MIXED001", ["guest", "other", "sre"])
    ids = {"id": home.instance(INSTANCE), "ID": home.instance(INSTANCE).upper()}
    await home.start(**{name: value.format(**ids) for name, value in overrides.items()})
    assert (await asks(home, person, flags) is not None) == allowed
    assert not home.cloud.upgrades


@pytest.mark.parametrize("person", ["guest", "other", "third"])
async def test_who_may_not_use_the_bot_may_press_nothing(empty_home: House, person: str) -> None:
    await empty_home.start(CONFIRM_BY="anyone", ALLOWED_USERS=f"{SRE},{DBA}")
    message = await empty_home.ask(empty_home.instance())
    for button in buttons(message):
        assert await refused(empty_home, person, message, button)


async def test_a_group_is_asked_for_once_in_five_minutes(empty_home: House) -> None:
    await empty_home.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    message = await empty_home.ask(empty_home.instance(), person="dba")
    await empty_home.confirm(message, person="sre")
    await empty_home.cloud.until(lambda: empty_home.cloud.upgrades)
    assert sum(call.method == "usergroups.users.list" for call in empty_home.slack.calls) == 1
    assert people.GROUP_SECONDS == 300


async def test_who_left_the_group_since_may_not_confirm(empty_home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "GROUP_SECONDS", 0.0)
    await empty_home.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    message = await empty_home.ask(empty_home.instance())
    empty_home.slack.set_group(GROUP, ["dba"])
    assert await refused(empty_home, "sre", message)
    await empty_home.confirm(message, person="dba")
    await empty_home.seen(message, "job")


@pytest.mark.parametrize("how", [500, "drop_before", "html", "internal_error", 429])
async def test_a_group_that_cannot_be_asked_for_has_no_members_at_the_click_either(
    empty_home: House, monkeypatch: pytest.MonkeyPatch, how: str | int
) -> None:
    monkeypatch.setattr(people, "GROUP_SECONDS", 0.0)
    await empty_home.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    message = await empty_home.ask(empty_home.instance())
    empty_home.slack.fail("usergroups.users.list", how, times=None)
    assert await refused(empty_home, "sre", message)
    empty_home.slack.heal()
    await empty_home.confirm(message)
    await empty_home.seen(message, "job")


async def test_who_was_made_a_guest_since_may_not_confirm(empty_home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "STANDING_SECONDS", 0.0)
    await empty_home.start(ALLOWED_USERS="*")
    message = await empty_home.ask(empty_home.instance())
    empty_home.slack.change_person("sre", is_restricted=True)
    assert await refused(empty_home, "sre", message)


async def test_an_outage_of_users_info_stops_nobody_at_the_command_and_no_guest_gets_past_the_click(
    empty_home: House,
) -> None:
    await empty_home.start(ALLOWED_USERS="*")
    empty_home.slack.fail("users.info", 500, times=None)
    message = await empty_home.ask(empty_home.instance(), person="guest")
    assert await asks(empty_home, "sre")
    empty_home.slack.heal()
    assert await refused(empty_home, "guest", message)


async def test_nothing_of_slacks_decides_for_whoever_is_named_by_id(empty_home: House) -> None:
    await empty_home.start(ALLOWED_USERS=f"{SRE},{GUEST}")
    empty_home.slack.fail("users.info", "hang", times=None)
    assert await asks(empty_home, "sre")
    empty_home.slack.heal()


@pytest.mark.parametrize(
    ("rule", "who", "why"),
    [
        ("requester", {"sre": "Only <@{asked}> can confirm", "dba": "仅 <@{asked}> 本人可以确认"}, "<@{asked}>"),
        ("another", {"sre": "other than <@{asked}> must confirm", "dba": "须由 <@{asked}> 以外的人确认"}, ""),
        ("anyone", {"sre": "Anyone allowed", "dba": "有权使用本机器人的人均可确认"}, ""),
    ],
)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_the_card_says_who_may_confirm_and_a_refused_click_says_why_and_who_can(
    empty_home: House, person: str, rule: str, who: dict[str, str], why: str
) -> None:
    home = empty_home
    await home.start(CONFIRM_BY=rule, ALLOWED_USERS=f"{SRE},{DBA}")
    asked = home.slack.people[person].id
    message = await home.ask(home.instance(), person=person)
    assert who[person].format(asked=asked) in said(message)
    other = "dba" if person == "sre" else "sre"
    clicker = {"requester": other, "another": person, "anyone": "third"}[rule]
    answer = await refused(home, clicker, message)
    assert why.format(asked=asked) in answer
    speaks_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in answer)
    assert speaks_chinese == (clicker == "dba")
    assert answer not in {said(one) for one in home.slack.messages(CHANNEL)}
    assert not home.thread(message)


@pytest.mark.parametrize(
    ("settings", "flags", "clicker", "wins"),
    [
        ({"CONFIRM_BY": "anyone", "CONFIRM_SKIP_VALIDATE_BY": "another"}, "--skip-validate", "sre", False),
        ({"CONFIRM_BY": "anyone", "CONFIRM_SKIP_VALIDATE_BY": "another"}, "--skip-validate", "dba", True),
        ({"CONFIRM_BY": "anyone", "CONFIRM_SKIP_VALIDATE_BY": "another"}, "", "sre", True),
        ({"CONFIRM_BY": "another", "CONFIRM_SKIP_VALIDATE_BY": "requester"}, "--skip-validate", "sre", True),
        ({"CONFIRM_BY": "another"}, "--skip-validate", "sre", False),
        ({"CONFIRM_BY": "anyone", "SKIP_VALIDATE_USERS": SRE}, "--skip-validate", "dba", False),
    ],
)
async def test_skipping_the_validation_has_rules_of_its_own(
    empty_home: House, settings: dict[str, Any], flags: str, clicker: str, wins: bool
) -> None:
    await empty_home.start(**settings)
    message = await empty_home.ask(f"{empty_home.instance()} {flags}")
    if not wins:
        assert await refused(empty_home, clicker, message)
        return
    await empty_home.confirm(message, person=clicker)
    await empty_home.seen(message, "job")
