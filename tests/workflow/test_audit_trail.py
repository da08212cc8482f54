"""Everything that was done or refused stands in the audit trail, each row written with its step."""

import time

import pytest

from bot.core import polling
from bot.core.audit import MAX_REFUSALS
from tests.audit_rows import audit_entries, audit_events, wait_for_audit_event
from tests.driver import CHANNEL, BotDriver, buttons, text_of

SRE, DBA, OTHER = "U0SRE00001", "U0DBA00001", "U0OTHER001"
TEAM, PLACE = "T0HOME0001", "C0DBOPS001"


async def test_a_whole_upgrade_leaves_a_row_for_every_step(driver: BotDriver) -> None:
    began = time.time()
    message = await driver.request(driver.instance())
    await driver.confirm(message, person="dba")
    await driver.wait_for_reply(message, "completed", 40)
    call = driver.cloud.upgrades[0]
    rows = audit_entries(driver.folder)
    assert [row.event for row in rows] == ["requested", "confirmed", "submitting", "in_progress", "completed"]
    assert [row.user_id for row in rows] == [SRE, DBA, "", "", ""]
    assert [row.team_id for row in rows] == [TEAM, TEAM, "", "", ""]
    assert {(row.channel_id, row.instance_id) for row in rows} == {(PLACE, driver.instance())}
    assert {row.upgrade_id for row in rows} == {buttons(message)["confirm_upgrade"]}
    assert [row.reason for row in rows[3:]] == [call.job_id, call.job_id]
    assert rows[3].api_request_id == call.request_id != ""
    times = [row.at for row in rows]
    assert times == sorted(times)
    assert began <= times[0]
    assert times[2] <= call.at, "the row is written before the POST"


@pytest.mark.parametrize(
    ("overrides", "person", "text", "why"),
    [
        ({"ALLOWED_CHANNELS": "C0INCIDENT"}, "sre", "{id}", "channel_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "{id}", "user_not_allowed"),
        ({"ALLOWED_USERS": "*"}, "other", "{id}", "other_team"),
        ({"ALLOWED_USERS": "*"}, "guest", "{id}", "guest_not_allowed"),
        ({"SKIP_VALIDATE_USERS": DBA}, "sre", "{id} --skip-validate", "skip_validate_not_allowed"),
        ({"ALLOWED_INSTANCES": "0" * 32 + "in17"}, "sre", "{id}", "instance_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "history", "user_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "no such thing", "user_not_allowed"),
    ],
)
async def test_a_refused_command_is_written_down(
    idle_driver: BotDriver, overrides: dict[str, str], person: str, text: str, why: str
) -> None:
    await idle_driver.start(**overrides)
    await idle_driver.slack.command(person, CHANNEL, text.format(id=idle_driver.instance()))
    await idle_driver.wait_for_ephemeral(person)
    (row,) = audit_entries(idle_driver.folder)
    known = idle_driver.slack.people[person]
    assert (row.event, row.reason) == ("refused", why)
    assert (row.user_id, row.team_id, row.channel_id) == (known.id, known.team_id, PLACE)
    assert row.instance_id == (idle_driver.instance() if "{id}" in text else "")


async def test_a_command_for_a_busy_instance_is_written_down(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    await driver.slack.command("dba", CHANNEL, driver.instance())
    await driver.wait_for_ephemeral("dba")
    assert (audit_entries(driver.folder)[-1].reason, audit_entries(driver.folder)[-1].user_id) == (
        "upgrade_in_progress",
        DBA,
    )


async def test_refused_clicks_are_written_down_with_who_and_why(idle_driver: BotDriver) -> None:
    await idle_driver.start(CONFIRM_BY="another", ALLOWED_USERS=f"{SRE},{DBA}")
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.confirm(message, person="sre")
    await idle_driver.wait_for_ephemeral("sre")
    await idle_driver.confirm(message, person="other")
    await idle_driver.wait_for_ephemeral("other")
    await idle_driver.slack.click("third", message, "confirm_upgrade", value="made-up")
    await idle_driver.wait_for_ephemeral("third")
    await idle_driver.slack.click("dba", message, "cancel_upgrade")
    await idle_driver.until(lambda: None if buttons(idle_driver.card(message)) else True)
    await idle_driver.confirm(message, person="dba")
    await idle_driver.wait_for_ephemeral("dba")
    asked = buttons(message)["confirm_upgrade"]
    found = [
        (row.event, row.user_id, row.team_id, row.reason, row.upgrade_id)
        for row in audit_entries(idle_driver.folder)[1:]
    ]
    assert found == [
        ("refused", SRE, TEAM, "only_another", asked),
        ("refused", OTHER, "T0OTHER001", "other_team", asked),
        ("refused", "U0THIRD001", TEAM, "user_not_allowed", ""),
        ("withdrawn", DBA, TEAM, "", asked),
        ("refused", DBA, TEAM, "already_withdrawn", asked),
    ]
    assert not idle_driver.cloud.upgrades


async def test_an_expiry_is_written_down_and_nobody_did_it(idle_driver: BotDriver) -> None:
    await idle_driver.start(CONFIRM_TTL_SECONDS="1")
    message = await idle_driver.request(idle_driver.instance())
    row = await wait_for_audit_event(idle_driver, "expired")
    assert (row.user_id, row.upgrade_id) == ("", buttons(message)["confirm_upgrade"])


async def test_what_slack_would_not_post_is_written_down(driver: BotDriver) -> None:
    await driver.slack.command("sre", "archived", driver.instance())
    row = await wait_for_audit_event(driver, "card_rejected")
    assert row.reason == "is_archived"


@pytest.mark.parametrize(
    ("fault", "what", "why"),
    [
        ("409 DBS.200019", "rejected", "rejected 409 DBS.200019"),
        ("500 DBS.05000000", "unknown", "unknown 500 DBS.05000000"),
        ("accepted, answer lost", "unknown", "unknown"),
    ],
)
async def test_an_outcome_is_written_with_the_clouds_own_code_and_request_id(
    driver: BotDriver, fault: str, what: str, why: str
) -> None:
    driver.cloud.inject_fault(fault)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    row = await wait_for_audit_event(driver, what)
    assert row.reason == why
    assert row.api_request_id == (driver.cloud.upgrades[0].request_id if " DBS" in fault else "")


async def test_a_cloud_that_could_not_be_reached_is_written_down(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    await driver.cloud.refuse_connections()
    await driver.confirm(message)
    assert (await wait_for_audit_event(driver, "not_sent", 30)).reason.startswith("not_sent")


async def test_every_search_for_a_lost_upgrade_is_written_down(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    driver.cloud.inject_fault("accepted, answer lost")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    await driver.wait_for_reply(message, call.job_id or "?", 60)
    written = audit_events(driver.folder)
    assert written[:4] == ["requested", "confirmed", "submitting", "unknown"]
    assert set(written[4:-1]) == {"searched"}
    assert written[-1] == "in_progress"
    assert [row.reason for row in audit_entries(driver.folder)[-2:]] == [call.job_id, call.job_id]


async def test_a_persons_look_is_written_with_the_person(driver: BotDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    driver.cloud.inject_fault("lost before")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    await driver.slack.click("dba", end, "search_again")
    await driver.wait_for_ephemeral("dba")
    last = audit_entries(driver.folder)[-1]
    assert (last.event, last.user_id, last.reason) == ("searched", DBA, "idle")
    assert "unresolved" in audit_events(driver.folder)


async def test_a_failed_job_is_written_with_its_reason(driver: BotDriver) -> None:
    driver.cloud.inject_fault("job fails")
    driver.cloud.set_speed("seconds")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "failed", 40)
    row = await wait_for_audit_event(driver, "failed")
    assert row.reason.startswith(driver.cloud.upgrades[0].job_id or "?")
    assert "be-1" in row.reason


async def test_taking_back_a_scheduled_upgrade_is_written_before_and_after(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(f"{driver.instance()} --delay")
    await driver.confirm(message)
    start = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None))
    assert "cancel_scheduled" in buttons(start), text_of(start)
    await driver.slack.click("dba", start, "cancel_scheduled")
    await driver.wait_for_ephemeral("dba")
    rows = [row for row in audit_entries(driver.folder) if row.event.startswith("cancel")]
    assert [(row.event, row.user_id) for row in rows[:2]] == [("cancel_requested", DBA), ("cancel_confirmed", DBA)]


async def test_a_sender_that_died_is_written_down_by_whoever_takes_over(idle_driver: BotDriver) -> None:
    first = await idle_driver.start()
    idle_driver.cloud.inject_fault("hang")
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.confirm(message)
    await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades)
    await first.kill()
    assert audit_events(idle_driver.folder) == ["requested", "confirmed", "submitting"]
    idle_driver.cloud.clear_faults()
    await idle_driver.start()
    assert (await wait_for_audit_event(idle_driver, "unknown", 30)).reason == "lease_expired"
    assert (await wait_for_audit_event(idle_driver, "searched", 30)).user_id == ""
    assert len(idle_driver.cloud.upgrades) == 1


async def test_counted_refusals_get_their_row_when_the_process_stops(idle_driver: BotDriver) -> None:
    replica = await idle_driver.start(ALLOWED_USERS=DBA)
    for _ in range(4):
        await idle_driver.slack.command("sre", CHANNEL, "list")
    await idle_driver.until(lambda: len(idle_driver.slack.ephemerals("sre")) == 4 or None)
    await replica.stop()
    rows = audit_entries(idle_driver.folder)
    assert [(row.event, row.user_id, row.reason) for row in rows] == [
        ("refused", SRE, "user_not_allowed"),
        ("refused", SRE, "user_not_allowed (3 more)"),
    ]


async def test_refusals_that_come_again_are_counted_and_each_is_answered(idle_driver: BotDriver) -> None:
    driver = idle_driver
    await driver.start(ALLOWED_USERS=SRE)
    message = await driver.request(driver.instance())
    for number in range(30):
        await driver.slack.command("third", CHANNEL, f"{number:032x}in17")
        await driver.slack.click("third", message, "confirm_upgrade", value=f"forged-{number}")
        await driver.slack.click("guest", message, "cancel_upgrade")
    await driver.until(lambda: len(driver.slack.ephemerals("third")) == 60 or None)
    await driver.until(lambda: len(driver.slack.ephemerals("guest")) == 30 or None)
    rows = [row for row in audit_entries(driver.folder) if row.event == "refused"]
    assert len([row for row in rows if row.user_id == "U0THIRD001"]) == MAX_REFUSALS
    assert len([row for row in rows if row.user_id == "U0GUEST001"]) == 1
