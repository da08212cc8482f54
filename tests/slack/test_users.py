"""Users and their groups as Slack describes them, against the rules: at the command and again at the click."""

from typing import Any

import pytest

from bot.sandbox.slack import Person
from bot.slack import users
from tests.driver import CHANNEL, BotDriver, Message, buttons, text_of

SRE, DBA, THIRD, GUEST = "U0SRE00001", "U0DBA00001", "U0THIRD001", "U0GUEST001"
HOME_TEAM = "T0HOME0001"
GROUP = "S0DBOPS"  # sre and dba
EMPTY_GROUP = "S0EMPTY001"
INSTANCE = "sr-orders"


async def request_or_refusal(driver: BotDriver, person: str, flags: str = "") -> Message | None:
    """The request card, or None when the request was refused privately."""
    private, public = len(driver.slack.ephemerals(person)), len(driver.slack.messages(CHANNEL))
    await driver.slack.command(person, CHANNEL, f"{driver.instance(INSTANCE)} {flags}")
    await driver.until(
        lambda: len(driver.slack.ephemerals(person)) > private or len(driver.slack.messages(CHANNEL)) > public or None
    )
    return next(iter(driver.slack.messages(CHANNEL)[public:]), None)


async def click_refused(driver: BotDriver, person: str, card: Message, button: str = "confirm_upgrade") -> str:
    """Press the button; the text of the private refusal. Nothing is sent, the request stays open."""
    private = len(driver.slack.ephemerals(person))
    await driver.slack.click(person, card, button)
    refusals = await driver.until(lambda: driver.slack.ephemerals(person)[private:] or None)
    assert not driver.cloud.upgrades
    assert "confirm_upgrade" in buttons(driver.card(card))
    return text_of(refusals[0])


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
        ({"SKIP_VALIDATE_USERGROUPS": EMPTY_GROUP}, "sre", "--skip-validate", False),
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
        ({"ALLOWED_USERS": "*"}, "organisation", "", False),
        ({"ALLOWED_USERS": "U0ORGANISE"}, "organisation", "", True),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0MIXED001"}, "other", "", False),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": GROUP}, "sre", "", True),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": GROUP}, "third", "", False),
        ({"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0UNKNOWN1"}, "sre", "", False),
        ({"ALLOWED_CHANNELS": "C0INC00042"}, "sre", "", False),
        ({"ALLOWED_CHANNELS": "C0DBOPS001,C0INC00042"}, "sre", "", True),
    ],
)
async def test_who_may_request(
    idle_driver: BotDriver, overrides: dict[str, str], person: str, flags: str, allowed: bool
) -> None:
    driver = idle_driver
    driver.slack.add_person(Person("U0ULTRA001", "Uli", "en-US", HOME_TEAM, is_ultra_restricted=True), "ultra")
    driver.slack.add_person(Person("U0ORGANISE", "Ona", "en-US", HOME_TEAM, enterprise_id="E0OTHER001"), "organisation")
    driver.slack.set_group(EMPTY_GROUP, [])
    driver.slack.set_group("S0MIXED001", ["guest", "other", "sre"])
    ids = {"id": driver.instance(INSTANCE), "ID": driver.instance(INSTANCE).upper()}
    await driver.start(**{name: value.format(**ids) for name, value in overrides.items()})
    assert (await request_or_refusal(driver, person, flags) is not None) == allowed
    assert not driver.cloud.upgrades


@pytest.mark.parametrize("person", ["guest", "other", "third"])
async def test_who_may_not_use_the_bot_may_press_nothing(idle_driver: BotDriver, person: str) -> None:
    await idle_driver.start(CONFIRM_BY="anyone", ALLOWED_USERS=f"{SRE},{DBA}")
    card = await idle_driver.request(idle_driver.instance())
    for button in buttons(card):
        assert await click_refused(idle_driver, person, card, button)


async def test_a_group_is_read_once_in_five_minutes(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    card = await idle_driver.request(idle_driver.instance(), person="dba")
    await idle_driver.confirm(card, person="sre")
    await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades)
    assert sum(call.method == "usergroups.users.list" for call in idle_driver.slack.calls) == 1
    assert users.GROUP_TTL_SECONDS == 300


async def test_who_left_the_group_since_may_not_confirm(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "GROUP_TTL_SECONDS", 0.0)
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    card = await idle_driver.request(idle_driver.instance())
    idle_driver.slack.set_group(GROUP, ["dba"])
    assert await click_refused(idle_driver, "sre", card)
    await idle_driver.confirm(card, person="dba")
    await idle_driver.wait_for_card(card, "job")


@pytest.mark.parametrize("fault", [500, "drop_before", "html", "internal_error", 429])
async def test_a_group_that_cannot_be_read_has_no_members_at_the_click_either(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch, fault: str | int
) -> None:
    monkeypatch.setattr(users, "GROUP_TTL_SECONDS", 0.0)
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    card = await idle_driver.request(idle_driver.instance())
    idle_driver.slack.fail("usergroups.users.list", fault, times=None)
    assert await click_refused(idle_driver, "sre", card)
    idle_driver.slack.clear_faults()
    await idle_driver.confirm(card)
    await idle_driver.wait_for_card(card, "job")


async def test_who_was_made_a_guest_since_may_not_confirm(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "PROFILE_TTL_SECONDS", 0.0)
    await idle_driver.start(ALLOWED_USERS="*")
    card = await idle_driver.request(idle_driver.instance())
    idle_driver.slack.change_person("sre", is_restricted=True)
    assert await click_refused(idle_driver, "sre", card)


async def test_an_outage_of_users_info_stops_nobody_at_the_command_and_no_guest_gets_past_the_click(
    idle_driver: BotDriver,
) -> None:
    await idle_driver.start(ALLOWED_USERS="*")
    idle_driver.slack.fail("users.info", 500, times=None)
    card = await idle_driver.request(idle_driver.instance(), person="guest")
    assert await request_or_refusal(idle_driver, "sre")
    idle_driver.slack.clear_faults()
    assert await click_refused(idle_driver, "guest", card)


async def test_what_slack_says_does_not_matter_for_whoever_is_named_by_id(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS=f"{SRE},{GUEST}")
    idle_driver.slack.fail("users.info", "hang", times=None)
    assert await request_or_refusal(idle_driver, "sre")
    idle_driver.slack.clear_faults()


@pytest.mark.parametrize(
    ("rule", "texts", "mention"),
    [
        (
            "requester",
            {"sre": "Only <@{requester}> can confirm", "dba": "仅 <@{requester}> 本人可以确认"},
            "<@{requester}>",
        ),
        ("another", {"sre": "other than <@{requester}> must confirm", "dba": "须由 <@{requester}> 以外的人确认"}, ""),
        ("anyone", {"sre": "Anyone allowed", "dba": "有权使用本机器人的人均可确认"}, ""),
    ],
)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_the_card_says_who_may_confirm_and_a_refused_click_says_why_and_who_can(
    idle_driver: BotDriver, person: str, rule: str, texts: dict[str, str], mention: str
) -> None:
    driver = idle_driver
    await driver.start(CONFIRM_BY=rule, ALLOWED_USERS=f"{SRE},{DBA}")
    requester = driver.slack.people[person].id
    card = await driver.request(driver.instance(), person=person)
    assert texts[person].format(requester=requester) in text_of(card)
    other = "dba" if person == "sre" else "sre"
    clicker = {"requester": other, "another": person, "anyone": "third"}[rule]
    refusal = await click_refused(driver, clicker, card)
    assert mention.format(requester=requester) in refusal
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in refusal)
    assert is_chinese == (clicker == "dba")
    assert refusal not in {text_of(message) for message in driver.slack.messages(CHANNEL)}
    assert not driver.thread(card)


@pytest.mark.parametrize(
    ("settings", "flags", "clicker", "is_allowed"),
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
    idle_driver: BotDriver, settings: dict[str, Any], flags: str, clicker: str, is_allowed: bool
) -> None:
    await idle_driver.start(**settings)
    card = await idle_driver.request(f"{idle_driver.instance()} {flags}")
    if not is_allowed:
        assert await click_refused(idle_driver, clicker, card)
        return
    await idle_driver.confirm(card, person=clicker)
    await idle_driver.wait_for_card(card, "job")
