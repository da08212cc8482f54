"""Channels allowed by name, and joined: their names as Slack says them now, at the command, the click and in lists."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack import Channel
from bot.sandbox.slack.interactions import command_envelope
from tests.driver import BotDriver, Message, buttons, run_driver, text_of

INCIDENT = "inc-2051"  # public, the bot is not in it
NOT_ALLOWED = {"sre": "cannot be used in this channel", "dba": "本频道不允许使用"}
NOT_NAMED = {"sre": "did not give the name of this channel", "dba": "未返回本频道的名称"}
INVITE = "/invite"
PEOPLE = ["sre", "dba"]


@pytest.fixture(params=["socket", "http"])
async def bots(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[BotDriver]:
    """The stand-ins alone, in Socket Mode and in HTTP mode; the test starts its bots with settings of its own."""
    async with run_driver(tmp_path, request.param) as driver:
        yield driver


class Clock:
    """The monotonic clock of the bots, which a test puts ahead."""

    ahead = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of bots that are started afterwards."""
    clock = Clock()
    monkeypatch.setattr("bot.app.time", clock)
    return clock


async def refused(driver: BotDriver, channel: str, person: str = "sre", text: str = "") -> str:
    """Type a command; the text of the private refusal. Nothing is posted in the channel."""
    before = len(driver.slack.messages(channel))
    private = len(driver.slack.ephemerals(person))
    await driver.slack.command(person, channel, text or driver.instance())
    answers = await driver.until(lambda: driver.slack.ephemerals(person)[private:] or None)
    assert len(driver.slack.messages(channel)) == before
    return text_of(answers[0])


def calls(driver: BotDriver, method: str) -> int:
    """How often the bot called a method of Slack."""
    return sum(call.method == method for call in driver.slack.calls)


# names and patterns


@pytest.mark.parametrize(
    "allowed",
    ["#inc-*", "inc-*", "#inc-2051", "inc-2051", "#INC-2051", "*-2051", "#inc*51", "C0DBOPS001, #inc-*", "*, #db-ops"],
)
async def test_a_channel_is_allowed_by_its_name_or_a_pattern(idle_driver: BotDriver, allowed: str) -> None:
    await idle_driver.start(ALLOWED_CHANNELS=allowed)
    card = await idle_driver.request(idle_driver.instance(), channel=INCIDENT)
    await idle_driver.confirm(card)
    await idle_driver.wait_for_card(card, "job")


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("allowed", ["#inc-20", "inc-20512", "#db-*", "C0DBOPS001", "*x*", "#inc-2052,#nc-*"])
async def test_another_name_is_not_allowed(bots: BotDriver, allowed: str, person: str) -> None:
    await bots.start(ALLOWED_CHANNELS=allowed)
    assert NOT_ALLOWED[person] in await refused(bots, INCIDENT, person)
    assert NOT_ALLOWED[person] in await refused(bots, INCIDENT, person, "list")
    assert not calls(bots, "conversations.join")


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        ("#เหตุการณ์-*", "เหตุการณ์-7"),
        ("#équipe-*", "e\u0301quipe-1"),
        ("#e\u0301quipe-*", "équipe-1"),
        ("#ÄRGER*", "ärger-2"),
        ("#*", "x"),
    ],
)
async def test_names_of_any_script_are_compared_as_they_are_read(
    idle_driver: BotDriver, allowed: str, name: str
) -> None:
    idle_driver.slack.change_channel(INCIDENT, name=name)
    await idle_driver.start(ALLOWED_CHANNELS=allowed)
    assert await idle_driver.request(idle_driver.instance(), channel=INCIDENT)


async def test_the_rules_of_persons_hold_in_a_channel_allowed_by_name(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*", ALLOWED_USERS="*")
    assert "Guests" in await refused(idle_driver, INCIDENT, "guest")
    assert "other organizations" in await refused(idle_driver, INCIDENT, "other")


async def test_the_name_in_the_command_is_not_believed(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*")
    pretended = Channel(idle_driver.slack.channels["incident-42"].id, "inc-42")
    person = idle_driver.slack.people["sre"]
    envelope = command_envelope(person, pretended, "/starrocks-upgrade", idle_driver.instance(), "")
    await idle_driver.slack.deliver(envelope)
    assert NOT_ALLOWED["sre"] in text_of(await idle_driver.wait_for_ephemeral("sre"))


@pytest.mark.parametrize("allowed", ["C0INC02051,#db-*", "*"])
async def test_ids_and_everywhere_need_no_look(idle_driver: BotDriver, allowed: str) -> None:
    idle_driver.slack.fail("conversations.info", 500, times=None)
    await idle_driver.start(ALLOWED_CHANNELS=allowed)
    card = await idle_driver.request(idle_driver.instance(), channel=INCIDENT)
    await idle_driver.confirm(card)
    await idle_driver.wait_for_card(card, "job")
    assert not calls(idle_driver, "conversations.info")


@pytest.mark.parametrize("channel_id", ["D0SRE00001", "C0GROUPDM1"])
async def test_a_direct_message_has_no_name_that_could_match(idle_driver: BotDriver, channel_id: str) -> None:
    name = "inc-1" if channel_id.startswith("D") else "mpdm-sre--dba-1"
    idle_driver.slack.add_channel(Channel(channel_id, name, is_private=True), "direct")
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*,mpdm-*,#*")
    assert NOT_ALLOWED["sre"] in await refused(idle_driver, "direct")


# what Slack does not say


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("fault", ["hang", 500, "missing_scope", "html", "drop_before"])
async def test_a_channel_that_slack_does_not_name_is_not_allowed(
    bots: BotDriver, fault: str | int, person: str
) -> None:
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    bots.slack.fail("conversations.info", fault, times=None)
    began = time.monotonic()
    assert NOT_NAMED[person] in await refused(bots, INCIDENT, person)
    assert time.monotonic() - began < 4
    bots.slack.clear_faults()
    await bots.request(bots.instance(), person=person, channel=INCIDENT)


@pytest.mark.parametrize(
    "channel",
    [
        None,
        [],
        "inc-2051",
        {"name": 7},
        {"name": ["inc-1"]},
        {"name": ""},
        {"id": "C0OTHER001", "name": "inc-1"},
    ],
)
async def test_an_answer_that_names_no_channel_or_another_opens_no_door(
    idle_driver: BotDriver, channel: object
) -> None:
    idle_driver.slack.fail("conversations.info", {"ok": True, "channel": channel}, times=None)
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*")
    assert NOT_NAMED["sre"] in await refused(idle_driver, INCIDENT)


async def test_what_slack_said_counts_five_minutes_and_no_longer(idle_driver: BotDriver, clock: Clock) -> None:
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*", CONFIRM_BY="anyone")
    card = await idle_driver.request(idle_driver.instance(), channel=INCIDENT)
    idle_driver.slack.fail("conversations.info", 500, times=None)
    clock.ahead = 290
    await idle_driver.slack.click("sre", card, "cancel_upgrade")
    await idle_driver.wait_for_card(card, "canceled")
    clock.ahead = 301
    assert NOT_NAMED["sre"] in await refused(idle_driver, INCIDENT)


async def test_many_at_once_ask_slack_once(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_CHANNELS="#db-*")
    idle_driver.slack.fail("conversations.info", ("delay_before", 0.3), times=None)
    await asyncio.gather(*(idle_driver.slack.command("sre", INCIDENT, "list") for _ in range(5)))
    await idle_driver.until(lambda: len(idle_driver.slack.ephemerals("sre")) == 5 or None)
    assert calls(idle_driver, "conversations.info") == 1


# renamed, archived


@pytest.mark.parametrize("person", PEOPLE)
async def test_a_renamed_channel_is_known_by_its_new_name(bots: BotDriver, clock: Clock, person: str) -> None:
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    card = await bots.request(bots.instance(), person=person, channel=INCIDENT)
    bots.slack.change_channel(INCIDENT, name="was-inc-2051")
    clock.ahead = 301
    private = len(bots.slack.ephemerals(person))
    await bots.slack.click(person, card, "confirm_upgrade")
    (answer,) = await bots.until(lambda: bots.slack.ephemerals(person)[private:] or None)
    assert NOT_ALLOWED[person] in text_of(answer)
    assert NOT_ALLOWED[person] in await refused(bots, INCIDENT, person)
    assert not bots.cloud.upgrades
    bots.slack.change_channel("incident-42", name="inc-42")
    await bots.request(bots.instance("sr-metrics"), person=person, channel="incident-42")


@pytest.mark.parametrize("person", PEOPLE)
async def test_nothing_is_confirmed_in_a_channel_that_was_archived(bots: BotDriver, clock: Clock, person: str) -> None:
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    card = await bots.request(bots.instance(), person=person, channel=INCIDENT)
    bots.slack.change_channel(INCIDENT, is_archived=True)
    clock.ahead = 301
    await bots.slack.click(person, card, "confirm_upgrade")
    answer = text_of(await bots.wait_for_ephemeral(person))
    assert {"sre": "archived", "dba": "已归档"}[person] in answer
    assert not bots.cloud.upgrades
    assert {"sre": "archived", "dba": "已归档"}[person] in await refused(
        bots, INCIDENT, person, bots.instance("sr-metrics")
    )


async def test_a_channel_renamed_while_the_job_runs_is_told_the_end(idle_driver: BotDriver, clock: Clock) -> None:
    idle_driver.cloud.set_speed("paused")
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*")
    card = await idle_driver.request(idle_driver.instance(), channel=INCIDENT)
    await idle_driver.confirm(card)
    await idle_driver.wait_for_reply(card, "job")
    idle_driver.slack.change_channel(INCIDENT, name="postmortem")
    clock.ahead = 301
    idle_driver.cloud.finish(str(idle_driver.cloud.upgrades[0].job_id))
    await idle_driver.wait_for_reply(card, "completed")


# private channels, joining


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("allowed", ["#no-*", "C0NOBOT001", "*"])
async def test_a_private_channel_is_not_joined_but_told_how_to_invite_the_bot(
    bots: BotDriver, allowed: str, person: str
) -> None:
    await bots.start(ALLOWED_CHANNELS=allowed)
    assert INVITE in await refused(bots, "no-bot", person)
    bots.slack.change_channel("no-bot", bot_is_member=True)
    assert await bots.request(bots.instance(), person=person, channel="no-bot")


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("allowed", ["#inc-*", "C0INC02051", "*"])
async def test_a_public_channel_that_is_allowed_is_joined(bots: BotDriver, allowed: str, person: str) -> None:
    await bots.start(ALLOWED_CHANNELS=allowed)
    card = await bots.request(bots.instance(), person=person, channel=INCIDENT)
    assert "confirm_upgrade" in buttons(card)
    assert calls(bots, "conversations.join") == 1
    assert not bots.slack.ephemerals(person)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("cause", ["scope", "method_not_supported_for_channel_type", "team_access_not_granted"])
async def test_who_asks_where_the_bot_may_not_join_is_told_how_to_invite_it(
    bots: BotDriver, cause: str, person: str
) -> None:
    if cause == "scope":
        bots.slack.scopes = bots.slack.scopes.replace("channels:join,", "")
    else:
        bots.slack.fail("conversations.join", cause, times=None)
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    assert INVITE in await refused(bots, INCIDENT, person)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("fault", ["hang", 500, "html", "internal_error", 429, {"ok": False}])
async def test_a_join_that_slack_does_not_answer_holds_up_nobody(
    bots: BotDriver, fault: str | int | dict[str, bool], person: str
) -> None:
    bots.slack.fail("conversations.join", fault, times=None)
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    began = time.monotonic()
    assert INVITE in await refused(bots, INCIDENT, person)
    assert time.monotonic() - began < 4
    bots.slack.clear_faults()
    assert await bots.request(bots.instance(), person=person, channel=INCIDENT)


async def test_two_requests_at_once_join_the_channel_and_are_both_posted(bots: BotDriver) -> None:
    bots.slack.fail("conversations.join", ("delay_before", 0.3), times=None)
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    ids = (bots.instance(), bots.instance("sr-metrics"))
    await asyncio.gather(*(bots.slack.command("sre", INCIDENT, instance_id) for instance_id in ids))
    await bots.until(lambda: len(bots.slack.messages(INCIDENT)) == 2 or None)
    assert not bots.slack.ephemerals("sre")


async def test_an_end_waits_for_a_join_that_slack_does_not_answer(idle_driver: BotDriver) -> None:
    idle_driver.cloud.set_speed("paused")
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*")
    card = await idle_driver.request(idle_driver.instance(), channel=INCIDENT)
    await idle_driver.confirm(card)
    await idle_driver.wait_for_reply(card, "job")
    idle_driver.slack.change_channel(INCIDENT, bot_is_member=False)
    idle_driver.slack.fail("conversations.join", 500, times=1)
    idle_driver.cloud.finish(str(idle_driver.cloud.upgrades[0].job_id))
    await idle_driver.wait_for_reply(card, "completed")
    assert calls(idle_driver, "conversations.join") == 3


async def test_a_channel_that_does_not_take_the_bot_is_joined_once_only(idle_driver: BotDriver) -> None:
    idle_driver.slack.fail("chat.postMessage", "not_in_channel", times=None)
    await idle_driver.start(ALLOWED_CHANNELS="#inc-*")
    assert INVITE in await refused(idle_driver, INCIDENT)
    assert (calls(idle_driver, "conversations.join"), calls(idle_driver, "chat.postMessage")) == (1, 2)


@pytest.mark.parametrize("is_private", [False, True])
async def test_who_removes_the_bot_from_a_public_channel_still_gets_the_end_in_the_thread(
    bots: BotDriver, is_private: bool
) -> None:
    bots.slack.change_channel(INCIDENT, is_private=is_private, bot_is_member=True)
    bots.cloud.set_speed("paused")
    await bots.start(ALLOWED_CHANNELS="#inc-*")
    card = await bots.request(bots.instance(), channel=INCIDENT)
    await bots.confirm(card)
    await bots.wait_for_reply(card, "job")
    bots.slack.change_channel(INCIDENT, bot_is_member=False)
    bots.cloud.set_speed("seconds")
    if is_private:
        direct = bots.slack.direct_channel(bots.slack.people["sre"])
        await bots.until(lambda: bots.slack.messages(direct) or None)
        assert not any("completed" in text_of(reply).lower() for reply in bots.thread(card))
    else:
        await bots.wait_for_reply(card, "completed")
        assert bots.slack.channels[INCIDENT].bot_is_member


# lists


@pytest.mark.parametrize("text", ["history", "status"])
async def test_lists_show_requests_of_channels_that_are_allowed_by_name_as_slack_says_it_now(
    bots: BotDriver, clock: Clock, text: str
) -> None:
    async def shown() -> list[Message]:
        clock.ahead += 301
        answer = await refused(bots, "db-ops", text=text)
        return [card for card in cards if card.ts.replace(".", "") in answer]

    await bots.start(ALLOWED_CHANNELS="C0DBOPS001,#inc-*,incident-42")
    places = {"db-ops": "sr-orders", INCIDENT: "sr-metrics"}
    cards = [await bots.request(bots.instance(instance), channel=name) for name, instance in places.items()]
    async with asyncio.timeout(15):  # a card has its link once it is stored that it was posted
        while await shown() != cards:
            pass
    bots.slack.change_channel(INCIDENT, name="other")
    assert await shown() == cards[:1]
    bots.slack.change_channel(INCIDENT, name="inc-7")
    assert await shown() == cards
    bots.slack.fail("conversations.info", "hang", times=None)
    assert await shown() == cards[:1]
    bots.slack.clear_faults()
