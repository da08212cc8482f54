"""Users and their groups as Slack describes them, against the rules: at the command and again at the click."""

import time
from typing import Any

import pytest

from bot.core.actions import Origin
from bot.sandbox.slack import Person
from bot.slack import users
from bot.slack.client import BotIdentity
from bot.slack.users import Profile, is_of_team
from tests.driver import CHANNEL, BotDriver, Message, buttons, text_of

SRE, DBA, THIRD, GUEST = "U0SRE00001", "U0DBA00001", "U0THIRD001", "U0GUEST001"
HOME_TEAM = "T0HOME0001"
GROUP = "S0DBOPS"  # sre and dba
SLOW = ("delay_before", 2.5)
EMPTY_GROUP = "S0EMPTY001"
INSTANCE = "sr-orders"
IN_BOTH = frozenset({"T1", "T2"})


async def request_or_refusal(
    driver: BotDriver, person: str, flags: str = "", instance: str = INSTANCE
) -> Message | None:
    """The request card, or None when the request was refused privately."""
    private, public = len(driver.slack.ephemerals(person)), len(driver.slack.messages(CHANNEL))
    await driver.slack.command(person, CHANNEL, f"{driver.instance(instance)} {flags}")
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
async def test_a_group_that_slack_does_not_tell_is_taken_as_it_was_within_the_last_day(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch, fault: str | int
) -> None:
    monkeypatch.setattr(users, "GROUP_TTL_SECONDS", 0.0)
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP, CONFIRM_BY="anyone")
    card = await idle_driver.request(idle_driver.instance())
    idle_driver.slack.fail("usergroups.users.list", fault, times=None)
    assert "not allowed" in await click_refused(idle_driver, "third", card)
    monkeypatch.setattr(users, "STALE_SECONDS", 0.0)
    assert "did not say who you are" in await click_refused(idle_driver, "sre", card)
    monkeypatch.setattr(users, "STALE_SECONDS", 86_400.0)
    await idle_driver.confirm(card)
    await idle_driver.wait_for_card(card, "job")


async def test_a_group_that_is_gone_has_no_members_whatever_it_was(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "GROUP_TTL_SECONDS", 0.0)
    await idle_driver.start(ALLOWED_USERS="", ALLOWED_USERGROUPS=GROUP)
    card = await idle_driver.request(idle_driver.instance())
    del idle_driver.slack.groups[GROUP]
    assert "not allowed" in await click_refused(idle_driver, "sre", card)


@pytest.mark.parametrize("fault", ["hang", 500, "drop_before", "html", "text", "internal_error", 429, SLOW])
@pytest.mark.parametrize("rule", [{"ALLOWED_USERS": "*"}, {"ALLOWED_USERS": "", "ALLOWED_USERGROUPS": "S0MIXED001"}])
async def test_nobody_confirms_of_whom_slack_does_not_say_who_it_is(
    idle_driver: BotDriver, rule: dict[str, str], fault: Any
) -> None:
    driver = idle_driver
    driver.slack.set_group("S0MIXED001", ["guest", "dba"])
    await driver.start(CONFIRM_BY="anyone", DEFAULT_LANGUAGE="zh-cn", **rule)
    card = await driver.request(driver.instance(), person="dba")
    driver.slack.fail("users.info", fault, times=None, when=lambda arguments: arguments.get("user") == GUEST)
    refused = await click_refused(driver, "guest", card)
    # a slow description comes too late for the click, and perhaps in time for the language of its answer
    assert "未返回您的身份信息" in refused or (fault == SLOW and "did not say who you are" in refused)
    driver.slack.clear_faults()
    assert "Guests" in await click_refused(driver, "guest", card)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": SRE, "team_id": "T0HOME0001", "is_restricted": False},
        {"id": GUEST, "team_id": "T0HOME0001", "is_restricted": None},
    ],
    ids=["nothing", "another user", "guest or not"],
)
async def test_nobody_confirms_of_whom_slack_says_nothing_definite(
    idle_driver: BotDriver, fields: dict[str, object]
) -> None:
    driver = idle_driver
    await driver.start(ALLOWED_USERS="*", CONFIRM_BY="anyone")
    card = await driver.request(driver.instance())
    answer = {"ok": True, "user": fields}
    driver.slack.fail("users.info", answer, times=None, when=lambda arguments: arguments.get("user") == GUEST)
    assert "did not say who you are" in await click_refused(driver, "guest", card)
    driver.slack.clear_faults()
    assert "Guests" in await click_refused(driver, "guest", card)


async def test_what_slack_said_within_the_last_day_counts_both_ways(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = idle_driver
    await driver.start(ALLOWED_USERS="*", CONFIRM_BY="anyone")
    card = await driver.request(driver.instance())
    await click_refused(driver, "guest", card)
    monkeypatch.setattr(users, "PROFILE_TTL_SECONDS", 0.0)
    driver.slack.fail("users.info", 500, times=None)
    assert "Guests" in await click_refused(driver, "guest", card)
    assert await request_or_refusal(driver, "guest") is None
    await driver.confirm(card)
    await driver.wait_for_card(card, "job")


async def test_who_is_named_by_id_confirms_while_slack_describes_nobody(idle_driver: BotDriver) -> None:
    driver = idle_driver
    await driver.start(ALLOWED_USERS=f"{SRE},{GUEST}", ALLOWED_USERGROUPS=GROUP, CONFIRM_BY="anyone")
    driver.slack.fail("users.info", "hang", times=None)
    driver.slack.fail("usergroups.users.list", "hang", times=None)
    card = await driver.request(driver.instance())
    began = time.monotonic()
    await driver.confirm(card, person="guest")
    await driver.wait_for_card(card, "job")
    assert time.monotonic() - began < users.EFFECT_PATIENCE_SECONDS
    driver.slack.clear_faults()


async def test_a_request_that_waits_can_be_canceled_while_slack_describes_nobody(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS="*")
    idle_driver.slack.fail("users.info", 500, times=None)
    card = await idle_driver.request(idle_driver.instance())
    await idle_driver.slack.click("third", card, "cancel_upgrade")
    await idle_driver.wait_for_card(card, "canceled")


async def test_a_scheduled_upgrade_is_not_canceled_by_somebody_slack_does_not_describe(idle_driver: BotDriver) -> None:
    driver = idle_driver
    driver.cloud.set_speed("paused")
    await driver.start(ALLOWED_USERS="*", CONFIRM_BY="anyone")
    card = await driver.request(f"{driver.instance()} --delay")
    await driver.confirm(card)
    start = await driver.until(lambda: next((one for one in driver.thread(card) if buttons(one)), None))
    driver.slack.fail("users.info", 500, times=None, when=lambda arguments: arguments.get("user") == THIRD)
    await driver.slack.click("third", start, "cancel_scheduled")
    assert "did not say who you are" in text_of(await driver.wait_for_ephemeral("third"))
    await driver.slack.click("sre", start, "cancel_scheduled")
    await driver.wait_for_reply(card, "canceled")


GRID, OTHER_GRID, SECOND_TEAM = "E0GRID0001", "E0GRID0002", "T0SECOND01"


@pytest.mark.parametrize(
    ("person", "allowed"),
    [
        (Person("U0GRID0001", "Gia", "en-US", SECOND_TEAM, GRID, (HOME_TEAM, SECOND_TEAM)), True),
        (Person("W0GRID0001", "Gia", "en-US", SECOND_TEAM, GRID, (HOME_TEAM, SECOND_TEAM)), True),
        (Person("W0GRID0001", "Gia", "en-US", GRID, GRID, (HOME_TEAM,)), True),
        (Person("W0GRID0001", "Gia", "en-US", GRID, GRID), True),  # by the click's `team`
        (Person("U0GRID0001", "Gia", "en-US", HOME_TEAM, GRID), True),
        (Person("U0GRID0001", "Gia", "en-US", HOME_TEAM), True),
        (Person("U0GRID0001", "Gia", "en-US", SECOND_TEAM, GRID, (SECOND_TEAM,)), False),
        (Person("U0GRID0001", "Gia", "en-US", SECOND_TEAM, OTHER_GRID, (SECOND_TEAM,)), False),
        (Person("U0GRID0001", "Gia", "en-US", SECOND_TEAM, OTHER_GRID, (HOME_TEAM, SECOND_TEAM)), False),
        (Person("U0GRID0001", "Gia", "en-US", SECOND_TEAM), False),
        (Person("U0GRID0001", "Gia", "en-US", HOME_TEAM, GRID, (HOME_TEAM,), is_restricted=True), False),
    ],
)
async def test_people_of_the_same_organisation_are_ours_if_they_are_in_our_workspace(
    idle_driver: BotDriver, person: Person, allowed: bool
) -> None:
    driver = idle_driver
    driver.slack.enterprise_id = GRID
    driver.slack.add_person(person, "grid")
    await driver.start(ALLOWED_USERS="*", CONFIRM_BY="anyone")
    card = await driver.request(driver.instance())
    if allowed:
        assert await request_or_refusal(driver, "grid", "--delay", "sr-metrics")
        await driver.confirm(card, person="grid")
        await driver.wait_for_card(card, "job")
    else:
        assert await request_or_refusal(driver, "grid", "--delay", "sr-metrics") is None
        assert await click_refused(driver, "grid", card)


async def test_the_organisations_id_of_a_person_names_the_same_person(idle_driver: BotDriver) -> None:
    driver = idle_driver
    driver.slack.enterprise_id = GRID
    driver.slack.add_person(Person("U0GRID0001", "Gia", "en-US", HOME_TEAM, GRID, (HOME_TEAM,)), "grid")
    await driver.start(ALLOWED_USERS="W0GRID0001")
    card = await driver.request(driver.instance(), person="grid")
    await driver.confirm(card, person="grid")
    await driver.wait_for_card(card, "job")


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
    assert await request_or_refusal(idle_driver, "sre", instance="sr-metrics")
    idle_driver.slack.clear_faults()
    assert await click_refused(idle_driver, "guest", card)


async def test_what_slack_says_does_not_matter_for_whoever_is_named_by_id(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_USERS=f"{SRE},{GUEST}")
    idle_driver.slack.fail("users.info", "hang", times=None)
    assert await request_or_refusal(idle_driver, "sre", instance="sr-metrics")
    idle_driver.slack.clear_faults()


@pytest.mark.parametrize(
    ("rule", "texts", "mention"),
    [
        (
            "requester",
            {"sre": "Only <@{requester}> can confirm", "dba": "仅 <@{requester}> 本人可以确认"},
            "<@{requester}>",
        ),
        ("another", {"sre": "other than <@{requester}> must confirm", "dba": "<@{requester}> 本人不能确认"}, ""),
        ("anyone", {"sre": "Anyone allowed", "dba": "有权使用本机器人的用户均可确认"}, ""),
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


@pytest.mark.parametrize("is_org_wide", [False, True])
async def test_a_token_of_a_whole_organisation_is_named_at_the_start(
    idle_driver: BotDriver, caplog: pytest.LogCaptureFixture, is_org_wide: bool
) -> None:
    idle_driver.slack.enterprise_id, idle_driver.slack.is_org_wide = GRID, is_org_wide
    await idle_driver.start()
    lines = [record for record in caplog.records if record.getMessage() == "start.org_wide_token"]
    assert [(record.levelname, vars(record)["setting"]) for record in lines] == (
        [("ERROR", "SLACK_BOT_TOKEN")] if is_org_wide else []
    )


@pytest.mark.parametrize(
    ("origin", "profile", "expected"),
    [
        # no organisation
        ({"team_id": "T1"}, None, True),
        ({"team_id": "T2"}, None, False),
        ({}, None, None),
        ({}, Profile(team_id="T1"), True),
        ({}, Profile(team_id="T2"), False),
        ({}, Profile(), None),
        ({"team_id": "T1"}, Profile(team_id="T2"), False),
        ({"team_id": "T2"}, Profile(team_id="T1"), False),
        ({"team_id": "T2", "app_team_id": "T1"}, Profile(), False),
        # the bot's organisation
        ({"team_id": "T2", "app_team_id": "T1", "enterprise_id": "E1"}, None, None),
        ({"team_id": "E1", "app_team_id": "T1"}, None, None),
        ({"team_id": "T2", "enterprise_id": "E1"}, Profile(team_id="T2", enterprise_id="E1", teams=IN_BOTH), True),
        ({"team_id": "E1"}, Profile(team_id="E1", enterprise_id="E1", teams=IN_BOTH), True),
        ({"team_id": "E1", "app_team_id": "T1"}, Profile(team_id="E1", enterprise_id="E1"), True),
        ({"team_id": "E1"}, Profile(team_id="E1", enterprise_id="E1"), None),
        ({"team_id": "T2", "app_team_id": "T1"}, Profile(enterprise_id="E1", teams=frozenset({"T2"})), False),
        ({"team_id": "T1", "enterprise_id": "E1"}, Profile(team_id="T1"), True),
        # another company in a shared channel, whose click names the app's organisation beside it
        ({"team_id": "T2", "app_team_id": "T1", "enterprise_id": "E1"}, Profile(team_id="T2"), False),
        ({"team_id": "T2", "enterprise_id": "E2"}, Profile(enterprise_id="E2", teams=frozenset({"T2"})), False),
        ({"team_id": "T1", "enterprise_id": "E2"}, None, False),
        ({"team_id": "T1"}, Profile(team_id="T1", enterprise_id="E2", teams=IN_BOTH), False),
    ],
)
def test_who_is_of_the_bots_team(origin: dict[str, str], profile: Profile | None, expected: bool | None) -> None:
    person = Origin(**{"user_id": "U1", "team_id": "", "channel_id": "C1", **origin})
    assert is_of_team(BotIdentity("T1", "UBOT", enterprise_id="E1"), person, profile) is expected
