"""The click: one winner, everybody else a true private answer."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.actions import EFFECTIVE_ACTIONS, Action
from bot.core.errors import CannotRequest, LiveUpgradeExists, SlackRejected, StorageUnavailable, UpgradeInProgress
from bot.core.messages import Code, Language, Link, Message
from bot.core.notifications import Notification
from bot.core.permissions import IdSet, Rules
from bot.core.replies import TranslatedCard
from bot.core.upgrade import State, Upgrade
from bot.sandbox.slack import Person
from tests.core.examples import ID, all_delivered, confirmed, in_every_state
from tests.driver import CHANNEL, BotDriver, buttons, text_of
from tests.storage.examples import run_sql
from tests.workflow.click_driver import ANN, BOB, EVE, RULES, ClickDriver, key, open_request


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


async def test_an_expired_request_loses_its_buttons_by_itself(idle_driver: BotDriver) -> None:
    await idle_driver.start(CONFIRM_TTL_SECONDS="1")
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.until(lambda: None if "confirm_upgrade" in buttons(idle_driver.card(message)) else True, 10)
    await idle_driver.confirm(message)
    assert "expired" in text_of(await idle_driver.wait_for_ephemeral("sre")).lower()
    assert not idle_driver.cloud.upgrades


async def test_a_request_that_expired_while_the_bot_was_away_is_closed_at_the_start(idle_driver: BotDriver) -> None:
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


# one click: what it does to the row, the cloud and the audit trail


BUTTONS = (Action.CONFIRM, Action.CANCEL, Action.SEARCH_AGAIN, Action.CANCEL_SCHEDULED, Action.TRANSLATE)


@pytest.mark.parametrize("action", BUTTONS)
async def test_slack_has_to_say_who_it_is_when_the_cloud_is_changed(clicks: ClickDriver, action: Action) -> None:
    await clicks.click(action, await clicks.add(open_request(clicks)))
    assert clicks.identified == [action in EFFECTIVE_ACTIONS]
    assert clicks.channels_asked == [{"C1"}]


OTHER_INSTANCES = replace(RULES, instances=IdSet(frozenset({"another"})))


@pytest.mark.parametrize(
    ("action", "by", "rules", "refusal"),
    [
        (Action.CONFIRM, BOB, RULES, "only_requester"),
        (Action.CANCEL_SCHEDULED, BOB, RULES, "only_requester_cancels"),
        (Action.CONFIRM, ANN, OTHER_INSTANCES, "instance_not_allowed"),
        (Action.SEARCH_AGAIN, BOB, OTHER_INSTANCES, "instance_not_allowed"),
        (Action.CANCEL_SCHEDULED, ANN, OTHER_INSTANCES, "instance_not_allowed"),
        *((action, EVE, RULES, "user_not_allowed") for action in BUTTONS),
    ],
)
async def test_each_button_has_its_rule_and_a_refusal_changes_nothing(
    clicks: ClickDriver, action: Action, by: str, rules: Rules, refusal: str
) -> None:
    clicks.rules = rules
    row = await clicks.add(open_request(clicks))
    assert key(await clicks.click(action, row, by)) == refusal
    assert await clicks.row() == row
    assert await clicks.audited() == [("refused", by, refusal)]
    assert (clicks.sent, clicks.deleted, clicks.published, clicks.replaced) == ([], [], [], [])


@pytest.mark.parametrize("action", [Action.CANCEL, Action.TRANSLATE])
async def test_stopping_and_reading_are_for_everybody_who_is_allowed(clicks: ClickDriver, action: Action) -> None:
    clicks.rules = OTHER_INSTANCES
    reply = await clicks.click(action, await clicks.add(open_request(clicks)), BOB)
    assert not isinstance(reply, Message)
    assert isinstance(reply, TranslatedCard) == (action is Action.TRANSLATE)


@pytest.mark.parametrize(("by", "refusal"), [(ANN, "unknown_request"), (EVE, "user_not_allowed")])
async def test_a_button_that_names_no_request_is_refused_after_the_rules(
    clicks: ClickDriver, by: str, refusal: str
) -> None:
    assert key(await clicks.click(Action.CONFIRM, None, by)) == refusal
    assert await clicks.audited() == [("refused", by, refusal)]


@pytest.mark.parametrize(
    ("action", "channel_id", "refusal"),
    [
        (Action.SEARCH_AGAIN, "D1", "search_found_nothing"),
        (Action.SEARCH_AGAIN, "C1", "search_found_nothing"),
        (Action.SEARCH_AGAIN, "C2", "channel_not_allowed"),
        (Action.CANCEL, "D1", "channel_not_allowed"),
        (Action.CONFIRM, "C2", "channel_not_allowed"),
    ],
)
async def test_a_button_counts_in_the_channel_of_its_request_and_under_what_was_sent_directly(
    clicks: ClickDriver, action: Action, channel_id: str, refusal: str
) -> None:
    row = await clicks.add(replace(in_every_state()[State.UNRESOLVED], dm_channel_id="D1"))
    assert key(await clicks.click(action, row, channel_id=channel_id)) == refusal
    assert clicks.channels_asked == [{"C1" if refusal == "search_found_nothing" else channel_id}]


# the card that was clicked


@pytest.mark.parametrize("error", [None, SlackRejected("message_not_found")])
async def test_a_second_copy_of_the_card_loses_its_buttons(clicks: ClickDriver, error: Exception | None) -> None:
    clicks.replace_error = error
    row = await clicks.add(open_request(clicks))
    assert key(await clicks.click(Action.CONFIRM, row, message_ts="2.0")) == "unknown_request"
    assert clicks.replaced == ([] if error else [("C1", "2.0", "unknown_request", Language.ZH)])
    assert await clicks.row() == row
    assert clicks.sent == []


async def test_the_card_of_another_request_keeps_its_buttons(clicks: ClickDriver) -> None:
    row = await clicks.add(open_request(clicks))
    await clicks.add(replace(open_request(clicks, id="u-2", trigger_id="t-2"), message_ts="2.0"))
    assert key(await clicks.click(Action.CONFIRM, row, message_ts="2.0")) == "unknown_request"
    assert clicks.replaced == []
    assert clicks.sent == []


async def test_a_click_on_a_card_whose_message_was_not_stored_stores_it(clicks: ClickDriver) -> None:
    row = await clicks.add(replace(open_request(clicks), message_ts=None))
    assert await clicks.click(Action.CANCEL, row, message_ts="2.0") is None
    after = await clicks.row()
    assert (after.state, after.message_ts) == (State.WITHDRAWN, "2.0")


async def test_of_two_clicks_on_such_cards_the_first_one_names_the_message(clicks: ClickDriver) -> None:
    known = replace(open_request(clicks), message_ts=None)
    stored = await clicks.storage.save(await clicks.add(known), replace(known, message_ts="2.0"))
    assert stored is not None
    assert key(await clicks.click(Action.CONFIRM, known, message_ts="3.0")) == "unknown_request"
    assert (await clicks.row()).message_ts == "2.0"


@pytest.mark.parametrize("action", [Action.CONFIRM, Action.CANCEL])
async def test_a_private_copy_becomes_the_card_as_it_is_now(clicks: ClickDriver, action: Action) -> None:
    row = await clicks.add(open_request(clicks))
    reply = await clicks.click(action, row, message_ts="5.0", is_on_private_copy=True)
    assert reply == TranslatedCard(await clicks.row(), replaces_copy=True)


# confirmed


async def test_a_confirmation_is_written_down_and_sent(clicks: ClickDriver) -> None:
    row = await clicks.add(open_request(clicks))
    assert await clicks.click(Action.CONFIRM, row) is None
    after = await clicks.row()
    assert (after.state, after.job_id, after.decided_by) == (State.IN_PROGRESS, "job-1", ANN)
    assert after.pending_notifications == ()
    assert await clicks.audited() == [("confirmed", ANN, ""), ("submitting", "", ""), ("in_progress", "", "job-1")]
    assert clicks.sent == [ID]


@pytest.mark.parametrize(
    ("project", "is_project_set", "is_sent"),
    [("", True, True), ("r:p", True, True), ("r:p", False, False)],
    ids=["one project", "its project is set", "its project is not set any more"],
)
async def test_what_belongs_to_no_project_that_is_set_is_not_confirmed(
    clicks: ClickDriver, project: str, is_project_set: bool, is_sent: bool
) -> None:
    clicks.is_project_set = is_project_set
    row = await clicks.add(open_request(clicks, project=project))
    reply = await clicks.click(Action.CONFIRM, row)
    assert reply == (None if is_sent else CannotRequest("project_not_set", project=Code("r:p")))
    assert clicks.sent == [ID] * is_sent
    assert ((await clicks.row()) == row) == (not is_sent)


async def test_without_its_project_a_request_can_still_be_canceled(clicks: ClickDriver) -> None:
    clicks.is_project_set = False
    assert await clicks.click(Action.CANCEL, await clicks.add(open_request(clicks, project="r:p"))) is None
    assert (await clicks.row()).state is State.WITHDRAWN


async def test_while_another_upgrade_of_the_instance_is_live_none_is_confirmed(clicks: ClickDriver) -> None:
    await clicks.add(confirmed(id="u-2", trigger_id="t-2"))
    row = await clicks.add(open_request(clicks))
    reply = await clicks.click(Action.CONFIRM, row)
    assert isinstance(reply, UpgradeInProgress)
    assert reply.values["link"] == Link("https://slack/u-2")
    assert await clicks.row() == row
    assert await clicks.audited() == [("refused", ANN, "upgrade_in_progress")]
    assert clicks.sent == []


async def test_a_live_upgrade_that_ends_in_between_does_not_stand_in_the_way(
    clicks: ClickDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, save, failures = await clicks.add(open_request(clicks)), clicks.storage.save, [LiveUpgradeExists(ID)]

    async def save_later(*args: Any) -> Upgrade | None:
        if failures:
            raise failures.pop()
        return await save(*args)

    monkeypatch.setattr(clicks.storage, "save", save_later)
    assert await clicks.click(Action.CONFIRM, row) is None
    assert clicks.sent == [ID]


LATE = {
    State.SUBMITTING: "already_confirmed",
    State.COMPLETED: "already_confirmed",
    State.WITHDRAWN: "already_withdrawn",
    State.SUPERSEDED: "already_superseded",
    State.EXPIRED: "already_expired",
}


@pytest.mark.parametrize("action", [Action.CONFIRM, Action.CANCEL])
@pytest.mark.parametrize("state", LATE)
async def test_whoever_is_too_late_is_told_why_and_changes_nothing(
    clicks: ClickDriver, action: Action, state: State
) -> None:
    row = await clicks.add(in_every_state()[state])
    assert key(await clicks.click(action, row)) == LATE[state]
    assert await clicks.row() == row
    assert await clicks.audited() == [("refused", ANN, LATE[state])]
    assert (clicks.sent, clicks.published) == ([], [])


@pytest.mark.parametrize("action", [Action.CONFIRM, Action.CANCEL])
async def test_a_request_that_expires_under_the_click_loses_its_buttons(clicks: ClickDriver, action: Action) -> None:
    row = await clicks.add(replace(open_request(clicks), expires_at=clicks.now))
    assert key(await clicks.click(action, row)) == "already_expired"
    assert (await clicks.row()).state is State.EXPIRED
    assert await clicks.audited() == [("expired", "", ""), ("refused", ANN, "already_expired")]
    assert clicks.published == [("u-1", Notification.CARD_UPDATE)]
    assert clicks.sent == []


async def test_a_row_that_was_deleted_under_the_click_is_no_request_any_more(
    clicks: ClickDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, save = await clicks.add(open_request(clicks)), clicks.storage.save

    async def save_after_deletion(*args: Any) -> Upgrade | None:
        await run_sql(f"sqlite:///{tmp_path}/bot.db", "DELETE FROM upgrades")
        return await save(*args)

    monkeypatch.setattr(clicks.storage, "save", save_after_deletion)
    assert key(await clicks.click(Action.CONFIRM, row)) == "unknown_request"
    assert clicks.sent == []


# the other open requests for the instance


async def test_a_confirmation_closes_the_other_open_requests_for_the_instance(clicks: ClickDriver) -> None:
    row = await clicks.add(open_request(clicks))
    other = await clicks.add(open_request(clicks, id="u-2", trigger_id="t-2"))
    elsewhere = await clicks.add(open_request(clicks, id="u-3", trigger_id="t-3", instance_id="elsewhere"))
    unresolved = await clicks.add(replace(in_every_state()[State.UNRESOLVED], id="u-4", trigger_id="t-4"))
    assert await clicks.click(Action.CONFIRM, row) is None
    closed = await clicks.row(other.id)
    assert (closed.state, closed.decided_by, closed.superseded_link) == (State.SUPERSEDED, ANN, "https://slack/u-1")
    assert closed.pending_notifications == ()
    assert ("u-2", Notification.CARD_UPDATE) in clicks.published
    assert ("superseded", ANN, "u-1") in await clicks.audited()
    assert [await clicks.row(one.id) for one in (elsewhere, unresolved)] == [elsewhere, unresolved]


async def test_a_confirmation_without_others_asks_slack_for_no_link(clicks: ClickDriver) -> None:
    assert await clicks.click(Action.CONFIRM, await clicks.add(open_request(clicks))) is None
    assert (await clicks.row()).state is State.IN_PROGRESS
    assert clicks.links_asked == 0


@pytest.mark.parametrize("error", [SlackRejected("fatal_error"), StorageUnavailable("away"), RuntimeError("bug")])
async def test_what_goes_wrong_with_the_others_does_not_end_the_submission(
    clicks: ClickDriver, error: Exception
) -> None:
    clicks.link_error = error
    row = await clicks.add(open_request(clicks))
    await clicks.add(open_request(clicks, id="u-2", trigger_id="t-2"))
    assert await clicks.click(Action.CONFIRM, row) is None
    assert (await clicks.row()).state is State.IN_PROGRESS
    assert (await clicks.row("u-2")).state is State.REQUESTED


async def test_another_request_that_was_withdrawn_meanwhile_stays_withdrawn(
    clicks: ClickDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await clicks.add(open_request(clicks))
    other = await clicks.add(open_request(clicks, id="u-2", trigger_id="t-2"))
    permalink = clicks.permalink

    async def permalink_after_withdrawal(upgrade: Upgrade) -> str:
        withdrawn = other.withdraw(BOB, clicks.now)
        assert isinstance(withdrawn, Upgrade)
        assert await clicks.storage.save(other, all_delivered(withdrawn, clicks.now)) is not None
        return await permalink(upgrade)

    monkeypatch.setattr(clicks, "permalink", permalink_after_withdrawal)
    assert await clicks.click(Action.CONFIRM, row) is None
    assert (await clicks.row("u-2")).state is State.WITHDRAWN
    assert "superseded" not in [event for event, _, _ in await clicks.audited()]
    assert ("u-2", Notification.CARD_UPDATE) not in clicks.published


# withdrawn


async def test_a_withdrawal_is_written_down_and_shown(clicks: ClickDriver) -> None:
    assert await clicks.click(Action.CANCEL, await clicks.add(open_request(clicks)), BOB) is None
    after = await clicks.row()
    assert (after.state, after.decided_by, after.pending_notifications) == (State.WITHDRAWN, BOB, ())
    assert await clicks.audited() == [("withdrawn", BOB, "")]
    assert clicks.sent == []
