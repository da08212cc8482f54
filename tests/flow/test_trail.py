"""Everything that was done or refused stands in the audit trail, each row written with its step."""

import time

import pytest

from bot.core import looks
from tests.house import CHANNEL, House, buttons, said
from tests.trail import trail, whats, wrote

SRE, DBA, OTHER = "U0SRE00001", "U0DBA00001", "U0OTHER001"
TEAM, PLACE = "T0HOME0001", "C0DBOPS001"


async def test_a_whole_upgrade_leaves_a_row_for_every_step(home: House) -> None:
    began = time.time()
    message = await home.ask(home.instance())
    await home.confirm(message, person="dba")
    await home.told(message, "completed", 40)
    call = home.cloud.upgrades[0]
    rows = trail(home.folder)
    assert [row.what for row in rows] == ["asked", "confirmed", "sending", "following", "completed"]
    assert [row.person_id for row in rows] == [SRE, DBA, "", "", ""]
    assert [row.team_id for row in rows] == [TEAM, TEAM, "", "", ""]
    assert {(row.channel_id, row.instance_id) for row in rows} == {(PLACE, home.instance())}
    assert {row.upgrade_id for row in rows} == {buttons(message)["confirm_upgrade"]}
    assert [row.why for row in rows[3:]] == [call.job_id, call.job_id]
    assert rows[3].request_id == call.request_id != ""
    times = [row.at for row in rows]
    assert times == sorted(times)
    assert began <= times[0]
    assert times[2] <= call.at, "the row is written before the POST"


@pytest.mark.parametrize(
    ("overrides", "person", "text", "why"),
    [
        ({"ALLOWED_CHANNELS": "C0INCIDENT"}, "sre", "{id}", "channel_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "{id}", "person_not_allowed"),
        ({"ALLOWED_USERS": "*"}, "other", "{id}", "other_team"),
        ({"ALLOWED_USERS": "*"}, "guest", "{id}", "guest_not_allowed"),
        ({"SKIP_VALIDATE_USERS": DBA}, "sre", "{id} --skip-validate", "skip_validate_not_allowed"),
        ({"ALLOWED_INSTANCES": "0" * 32 + "in17"}, "sre", "{id}", "instance_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "history", "person_not_allowed"),
        ({"ALLOWED_USERS": DBA}, "sre", "no such thing", "person_not_allowed"),
    ],
)
async def test_a_refused_command_is_written_down(
    empty_home: House, overrides: dict[str, str], person: str, text: str, why: str
) -> None:
    await empty_home.start(**overrides)
    await empty_home.slack.command(person, CHANNEL, text.format(id=empty_home.instance()))
    await empty_home.whispered(person)
    (row,) = trail(empty_home.folder)
    known = empty_home.slack.people[person]
    assert (row.what, row.why) == ("denied", why)
    assert (row.person_id, row.team_id, row.channel_id) == (known.id, known.team_id, PLACE)
    assert row.instance_id == (empty_home.instance() if "{id}" in text else "")


async def test_a_command_for_a_busy_instance_is_written_down(home: House) -> None:
    home.cloud.set_speed("paused")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.seen(message, "job")
    await home.slack.command("dba", CHANNEL, home.instance())
    await home.whispered("dba")
    assert (trail(home.folder)[-1].why, trail(home.folder)[-1].person_id) == ("instance_busy", DBA)


async def test_refused_clicks_are_written_down_with_who_and_why(empty_home: House) -> None:
    await empty_home.start(CONFIRM_BY="another", ALLOWED_USERS=f"{SRE},{DBA}")
    message = await empty_home.ask(empty_home.instance())
    await empty_home.confirm(message, person="sre")
    await empty_home.whispered("sre")
    await empty_home.confirm(message, person="other")
    await empty_home.whispered("other")
    await empty_home.slack.click("third", message, "confirm_upgrade", value="made-up")
    await empty_home.whispered("third")
    await empty_home.slack.click("dba", message, "cancel_upgrade")
    await empty_home.until(lambda: None if buttons(empty_home.card(message)) else True)
    await empty_home.confirm(message, person="dba")
    await empty_home.whispered("dba")
    asked = buttons(message)["confirm_upgrade"]
    found = [(row.what, row.person_id, row.team_id, row.why, row.upgrade_id) for row in trail(empty_home.folder)[1:]]
    assert found == [
        ("denied", SRE, TEAM, "only_another", asked),
        ("denied", OTHER, "T0OTHER001", "other_team", asked),
        ("denied", "U0THIRD001", TEAM, "unknown_request", ""),
        ("withdrawn", DBA, TEAM, "", asked),
        ("denied", DBA, TEAM, "already_withdrawn", asked),
    ]
    assert not empty_home.cloud.upgrades


async def test_an_expiry_is_written_down_and_nobody_did_it(empty_home: House) -> None:
    await empty_home.start(CONFIRM_TTL_SECONDS="1")
    message = await empty_home.ask(empty_home.instance())
    row = await wrote(empty_home, "expired")
    assert (row.person_id, row.upgrade_id) == ("", buttons(message)["confirm_upgrade"])


async def test_what_slack_would_not_post_is_written_down(home: House) -> None:
    await home.slack.command("sre", "archived", home.instance())
    row = await wrote(home, "not_asked")
    assert row.why == "is_archived"


@pytest.mark.parametrize(
    ("mishap", "what", "why"),
    [
        ("409 DBS.200019", "refused", "Refused 409 DBS.200019"),
        ("500 DBS.05000000", "unknown", "Unsure 500 DBS.05000000"),
        ("accepted, answer lost", "unknown", "Unsure"),
    ],
)
async def test_an_outcome_is_written_with_the_clouds_own_code_and_request_id(
    home: House, mishap: str, what: str, why: str
) -> None:
    home.cloud.choose_mishap(mishap)
    message = await home.ask(home.instance())
    await home.confirm(message)
    row = await wrote(home, what)
    assert row.why == why
    assert row.request_id == (home.cloud.upgrades[0].request_id if " DBS" in mishap else "")


async def test_a_cloud_that_could_not_be_reached_is_written_down(home: House) -> None:
    message = await home.ask(home.instance())
    await home.cloud.refuse_connections()
    await home.confirm(message)
    assert (await wrote(home, "not_sent", 30)).why.startswith("NotSent")


async def test_every_search_for_a_lost_upgrade_is_written_down(home: House) -> None:
    home.cloud.set_speed("paused")
    home.cloud.choose_mishap("accepted, answer lost")
    message = await home.ask(home.instance())
    await home.confirm(message)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    await home.told(message, call.job_id or "?", 60)
    written = whats(home.folder)
    assert written[:4] == ["asked", "confirmed", "sending", "unknown"]
    assert set(written[4:-1]) == {"looked"}
    assert written[-1] == "following"
    assert [row.why for row in trail(home.folder)[-2:]] == [call.job_id, call.job_id]


async def test_a_persons_look_is_written_with_the_person(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SEARCH_SECONDS", (1.0,))
    home.cloud.choose_mishap("lost before")
    message = await home.ask(home.instance())
    await home.confirm(message)
    end = await home.until(lambda: next((one for one in home.thread(message) if buttons(one)), None), 30)
    await home.slack.click("dba", end, "check_outcome")
    await home.whispered("dba")
    last = trail(home.folder)[-1]
    assert (last.what, last.person_id, last.why) == ("looked", DBA, "idle")
    assert "unresolved" in whats(home.folder)


async def test_a_failed_job_is_written_with_its_reason(home: House) -> None:
    home.cloud.choose_mishap("job fails")
    home.cloud.set_speed("seconds")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.told(message, "failed", 40)
    row = await wrote(home, "failed")
    assert row.why.startswith(home.cloud.upgrades[0].job_id or "?")
    assert "be-1" in row.why


async def test_taking_back_a_scheduled_upgrade_is_written_before_and_after(home: House) -> None:
    home.cloud.set_speed("paused")
    message = await home.ask(f"{home.instance()} --delay")
    await home.confirm(message)
    start = await home.until(lambda: next((one for one in home.thread(message) if buttons(one)), None))
    assert "cancel_scheduled" in buttons(start), said(start)
    await home.slack.click("dba", start, "cancel_scheduled")
    await home.whispered("dba")
    rows = [row for row in trail(home.folder) if row.what.startswith("cancel")]
    assert [(row.what, row.person_id) for row in rows[:2]] == [("cancelling", DBA), ("cancelled", DBA)]


async def test_a_sender_that_died_is_written_down_by_whoever_takes_over(empty_home: House) -> None:
    first = await empty_home.start()
    empty_home.cloud.choose_mishap("hang")
    message = await empty_home.ask(empty_home.instance())
    await empty_home.confirm(message)
    await empty_home.cloud.until(lambda: empty_home.cloud.upgrades)
    await first.die()
    assert whats(empty_home.folder) == ["asked", "confirmed", "sending"]
    empty_home.cloud.heal()
    await empty_home.start()
    assert (await wrote(empty_home, "unknown", 30)).why == "sender_gone"
    assert (await wrote(empty_home, "looked", 30)).person_id == ""
    assert len(empty_home.cloud.upgrades) == 1
