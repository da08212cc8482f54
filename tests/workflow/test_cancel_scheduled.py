"""A delayed upgrade is taken back from its thread, by the rules of Confirm, and the truth about it is told."""

from dataclasses import replace

import pytest

from bot.core import polling
from bot.core.actions import Action
from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected, StorageUnavailable
from bot.core.messages import Code
from bot.core.messages import Message as Reply
from bot.core.polling import Job, PollSchedule
from bot.core.upgrade import State, Upgrade
from bot.sandbox.slack.state import button_elements
from bot.workflow.transitions import change_attempted
from tests.core.examples import all_delivered, in_every_state, in_progress
from tests.driver import BotDriver, Message, buttons, text_of
from tests.workflow.click_driver import ANN, ClickDriver

ENGLISH, CHINESE = "sre", "dba"
BUTTON = "cancel_scheduled"


async def waiting(driver: BotDriver, person: str = ENGLISH, **_: str) -> tuple[Message, Message]:
    """A delayed upgrade that waits for its window: its request and its message in the thread."""
    driver.cloud.set_speed("paused")
    message = await driver.request(f"{driver.instance()} --delay", person=person)
    await driver.confirm(message, person=person)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    told = await driver.wait_for_reply(message, str(call.job_id))
    return message, told


def reply(driver: BotDriver, message: Message, told: Message) -> Message:
    return next(one for one in driver.thread(message) if one.ts == told.ts)


@pytest.mark.parametrize(
    ("person", "label", "done", "end"),
    [
        (ENGLISH, "Cancel the scheduled upgrade", "has canceled", "canceled by"),
        (CHINESE, "取消延时升级", "华为云已取消", "已取消"),
    ],
)
async def test_a_delayed_upgrade_is_cancelled_from_its_thread(
    driver: BotDriver, person: str, label: str, done: str, end: str
) -> None:
    message, told = await waiting(driver, person)
    (button,) = button_elements(told.blocks)
    assert (button["action_id"], button["text"]["text"]) == (BUTTON, label)
    assert set(button["confirm"]) >= {"title", "text", "confirm", "deny"}
    await driver.slack.click(person, told, BUTTON)
    await driver.wait_for_ephemeral(person, done)
    await driver.wait_for_reply(message, end)
    await driver.wait_for_card(message, end)
    assert driver.cloud.job_state(str(driver.cloud.upgrades[0].job_id)).status == "Canceled"
    assert [call.method for call in driver.cloud.calls].count("DELETE") == 1
    await driver.until(lambda: None if buttons(reply(driver, message, told)) else True)


async def test_at_once_there_is_nothing_to_cancel(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    told = await driver.wait_for_reply(message, "Job ID")
    assert not buttons(told)


async def test_the_button_is_gone_when_the_window_has_opened(driver: BotDriver) -> None:
    message, told = await waiting(driver)
    await driver.wait_for_reply(message, "Pending")
    assert buttons(reply(driver, message, told))
    driver.cloud.open_window(driver.instance())
    driver.cloud.set_progress(str(driver.cloud.upgrades[0].job_id), 40)
    await driver.wait_for_reply(message, "40%", 30)
    assert not buttons(reply(driver, message, told))


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "has already started or ended"), (CHINESE, "未能取消")])
async def test_too_late_is_said_to_be_too_late(driver: BotDriver, person: str, word: str) -> None:
    message, told = await waiting(driver, person)
    driver.cloud.open_window(driver.instance())
    driver.cloud.set_progress(str(driver.cloud.upgrades[0].job_id), 40)
    await driver.slack.click(person, told, BUTTON)
    await driver.wait_for_ephemeral(person, word)
    driver.cloud.finish(str(driver.cloud.upgrades[0].job_id))
    await driver.wait_for_reply(message, "completed" if person == ENGLISH else "完成", 20)


@pytest.mark.parametrize("fault", ["400 DBS.280001", "404 APIGW.0101", "409 DBS.200019"])
async def test_a_refusal_is_too_late_only_when_the_job_has_begun(driver: BotDriver, fault: str) -> None:
    message, told = await waiting(driver)
    driver.cloud.inject_fault(fault, "cancel")
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, f"(`{fault}`)")
    assert buttons(reply(driver, message, told))
    driver.cloud.inject_fault(fault, "cancel")
    driver.cloud.open_window(driver.instance())
    driver.cloud.set_progress(str(driver.cloud.upgrades[0].job_id), 40)
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, "has already started or ended")


async def test_an_answer_that_names_no_job_is_not_too_late_while_the_job_waits(driver: BotDriver) -> None:
    _, told = await waiting(driver)
    driver.cloud.open_window(driver.instance())  # it is no scheduled task any more, and has not begun
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, "(`200`)")


async def test_a_refusal_with_a_job_that_cannot_be_looked_at_is_unclear(driver: BotDriver) -> None:
    _, told = await waiting(driver)
    driver.cloud.inject_fault("400 DBS.280001", "cancel")
    driver.cloud.inject_fault("500 DBS.05000000", "job", times=99)
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, "not known whether")


async def test_a_second_click_learns_that_it_was_cancelled_before(driver: BotDriver) -> None:
    message, told = await waiting(driver)
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_reply(message, "canceled by")
    await driver.slack.click(CHINESE, told, BUTTON)
    await driver.wait_for_ephemeral(CHINESE, "此前已取消")
    assert [call.method for call in driver.cloud.calls].count("DELETE") == 1


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("403 APIGW.0302", "(`403 APIGW.0302`)"),
        ("500 DBS.05000000", "not known whether"),
        ("html", "not known whether"),
    ],
)
async def test_an_answer_that_is_none_is_not_called_done(driver: BotDriver, fault: str, word: str) -> None:
    message, told = await waiting(driver)
    driver.cloud.inject_fault(fault, "cancel")
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, word)
    assert len(driver.thread(message)) == 1
    driver.cloud.clear_faults()
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_reply(message, "canceled by")


@pytest.mark.parametrize("fault", ["lost before", "accepted, answer lost", "accepted, reset"])
async def test_a_cancellation_that_was_done_is_called_done_though_an_answer_was_lost(
    driver: BotDriver, fault: str
) -> None:
    message, told = await waiting(driver)
    driver.cloud.inject_fault(fault, "cancel")
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_reply(message, "canceled", 8)
    assert "has already started or ended" not in text_of(await driver.wait_for_ephemeral(ENGLISH))


async def test_an_unclear_cancellation_is_looked_at_soon(driver: BotDriver) -> None:
    message, told = await waiting(driver)
    await driver.wait_for_reply(message, "Pending")
    driver.cloud.inject_fault("accepted, 504", "cancel")
    await driver.slack.click(ENGLISH, told, BUTTON)
    await driver.wait_for_ephemeral(ENGLISH, "not known whether")
    await driver.wait_for_reply(message, "canceled", 8)


@pytest.mark.parametrize(
    ("rule", "clicker", "word"),
    [
        ("requester", CHINESE, "仅其本人可以取消"),
        ("another", ENGLISH, "omeone else allowed to use this bot must cancel"),
        ("requester", "guest", "Guests"),
    ],
)
async def test_the_rules_of_confirm_hold_for_taking_back(
    idle_driver: BotDriver, rule: str, clicker: str, word: str
) -> None:
    await idle_driver.start(CONFIRM_BY=rule)
    idle_driver.cloud.set_speed("paused")
    message = await idle_driver.request(f"{idle_driver.instance()} --delay")
    await idle_driver.confirm(message, person=CHINESE if rule == "another" else ENGLISH)
    told = await idle_driver.wait_for_reply(message, "Job ID")
    await idle_driver.slack.click(clicker, told, BUTTON)
    assert word in text_of(await idle_driver.wait_for_ephemeral(clicker, word))
    assert "DELETE" not in [call.method for call in idle_driver.cloud.calls]


@pytest.mark.parametrize("how", ["channel", "value"])
async def test_a_forged_button_cancels_nothing(driver: BotDriver, how: str) -> None:
    message, told = await waiting(driver)
    if how == "channel":
        await driver.slack.click(CHINESE, told, BUTTON, channel="incident-42")
    else:
        await driver.slack.click(CHINESE, told, BUTTON, "no-such-request")
    await driver.wait_for_ephemeral(CHINESE, "对应的申请已不存在")
    assert message
    assert "DELETE" not in [call.method for call in driver.cloud.calls]


# what the cloud answers to the DELETE, and what its job shows then


async def scheduled(clicks: ClickDriver) -> Upgrade:
    """A delayed upgrade that waits for its window, polled rarely."""
    row = replace(in_progress(delay=True), job_status="Pending", next_poll_at=clicks.now + 100)
    return await clicks.add(row.rescheduled())


PENDING, RUNNING, CANCELED = Job("job-1", "Pending"), Job("job-1", "Running"), Job("job-1", "Canceled")
COMPLETED = Job("job-1", "Completed")
NO_ANSWER = OutcomeUnknown()
WRONG = Rejected(400, "DBS.280001", api_request_id="r-9")


@pytest.mark.parametrize(
    ("deletion", "job", "told", "events", "written"),
    [
        (True, PENDING, "done", "cancel_confirmed canceled", "job-1"),
        (False, CANCELED, "done", "cancel_confirmed canceled", "job-1"),
        (WRONG, CANCELED, "done", "cancel_confirmed canceled", "job-1"),
        (False, RUNNING, "too_late", "cancel_too_late", "job-1"),
        (False, COMPLETED, "too_late", "cancel_too_late", "job-1"),
        (WRONG, RUNNING, "too_late", "cancel_too_late", "job-1"),
        (False, PENDING, "failed 200", "cancel_failed", "200"),
        (WRONG, PENDING, "failed 400 DBS.280001", "cancel_failed", "400 DBS.280001"),
        (Rejected(403, "APIGW.0302"), NO_ANSWER, "failed 403 APIGW.0302", "cancel_failed", "403 APIGW.0302"),
        (Rejected(401, ""), None, "failed 401", "cancel_failed", "401"),
        (NotSent(429, "APIGW.0308"), PENDING, "failed 429 APIGW.0308", "cancel_failed", "429 APIGW.0308"),
        (NotSent(), PENDING, "not_sent", "cancel_failed", "-"),
        (False, None, "unknown", "cancel_unknown", "200"),
        (False, NO_ANSWER, "unknown", "cancel_unknown", "200"),
        (WRONG, NO_ANSWER, "unknown", "cancel_unknown", "400 DBS.280001"),
        (OutcomeUnknown(500, "DBS.05000000"), PENDING, "unknown", "cancel_unknown", "500 DBS.05000000"),
        (OutcomeUnknown(), PENDING, "unknown", "cancel_unknown", "-"),
    ],
)
async def test_what_is_told_of_a_cancellation_is_what_is_known(
    clicks: ClickDriver, deletion: bool | CloudError, job: Job | CloudError | None, told: str, events: str, written: str
) -> None:
    clicks.deletion, clicks.job_answer = deletion, job
    row = await scheduled(clicks)
    reply = await clicks.click(Action.CANCEL_SCHEDULED, row)
    word, _, reason = told.partition(" ")
    assert isinstance(reply, Reply)
    assert (reply.key, reply.values.get("error")) == (f"cancel_scheduled_{word}", Code(reason) if reason else None)
    assert reply.values["name"] == row.instance_name
    assert clicks.deleted == ["job-1"]
    entries = await clicks.audited()
    assert " ".join(event for event, _, _ in entries) == f"cancel_requested {events}"
    assert entries[0] == ("cancel_requested", ANN, "job-1")
    assert entries[1][1:] == (ANN, written)
    after = await clicks.row()
    if word == "done":
        assert (after.state, after.canceled_by, after.pending_messages) == (State.CANCELED, ANN, ())
    else:
        assert after.state is State.IN_PROGRESS
        is_polled_now = word in ("too_late", "unknown")
        assert after.next_poll_at == after.due_at == (clicks.now if is_polled_now else row.next_poll_at)


async def test_a_cancellation_that_failed_is_written_down_with_the_clouds_request_id(clicks: ClickDriver) -> None:
    clicks.deletion, clicks.job_answer = WRONG, PENDING
    await clicks.click(Action.CANCEL_SCHEDULED, await scheduled(clicks))
    last = [row.entry async for row in clicks.storage.audit()][-1]
    assert (last.reason, last.api_request_id) == ("400 DBS.280001", "r-9")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (in_every_state()[State.CANCELED], "cancel_scheduled_already"),
        (in_every_state()[State.COMPLETED], "cancel_scheduled_too_late"),
        (replace(in_every_state()[State.COMPLETED], delay=True), "cancel_scheduled_too_late"),
        (replace(in_every_state()[State.UNKNOWN], delay=True), "cancel_scheduled_too_late"),
        (in_progress(), "cancel_scheduled_too_late"),
    ],
    ids=["canceled", "ended at once", "ended", "without a job", "at once"],
)
async def test_only_what_waits_for_its_window_is_deleted(clicks: ClickDriver, row: Upgrade, told: str) -> None:
    reply = await clicks.click(Action.CANCEL_SCHEDULED, await clicks.add(row))
    assert reply == Reply(told, name=row.instance_name)
    assert clicks.deleted == []
    assert await clicks.audited() == []


async def test_nothing_is_deleted_without_its_entry(clicks: ClickDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    async def record(_: object) -> None:
        raise StorageUnavailable("away")

    row = await scheduled(clicks)
    monkeypatch.setattr(clicks.storage, "record", record)
    change_attempted.set(False)
    with pytest.raises(StorageUnavailable):
        await clicks.click(Action.CANCEL_SCHEDULED, row)
    assert clicks.deleted == []
    assert not change_attempted.get()


async def test_without_the_entry_of_its_outcome_a_deletion_counts_as_attempted(
    clicks: ClickDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = clicks.storage.record

    async def record_until_deleted(entry: AuditEntry) -> None:
        if clicks.deleted:
            raise StorageUnavailable("away")
        await record(entry)

    row = await scheduled(clicks)
    clicks.deletion = WRONG
    monkeypatch.setattr(clicks.storage, "record", record_until_deleted)
    change_attempted.set(False)
    with pytest.raises(StorageUnavailable):
        await clicks.click(Action.CANCEL_SCHEDULED, row)
    assert change_attempted.get()


@pytest.mark.parametrize("deletion", [True, OutcomeUnknown()])
async def test_an_upgrade_that_has_ended_during_the_click_keeps_its_end(
    clicks: ClickDriver, monkeypatch: pytest.MonkeyPatch, deletion: bool | CloudError
) -> None:
    row, cancel_scheduled = await scheduled(clicks), clicks.cancel_scheduled
    ended = all_delivered(polling.job_polled(row, COMPLETED, clicks.now, PollSchedule()), clicks.now)

    async def cancel_after_the_end(job_id: str, language: object) -> bool:
        assert await clicks.storage.save(row, ended) is not None
        return await cancel_scheduled(job_id, language)

    clicks.deletion = deletion
    monkeypatch.setattr(clicks, "cancel_scheduled", cancel_after_the_end)
    await clicks.click(Action.CANCEL_SCHEDULED, row)
    assert await clicks.row() == replace(ended, revision=1)
    assert "canceled" not in [event for event, _, _ in await clicks.audited()]
