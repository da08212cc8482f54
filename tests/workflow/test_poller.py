"""From the job id to the end: progress in one message, the end as a new one."""

from itertools import pairwise

import pytest

from tests.driver import BotDriver, Message, text_of

ENDS = {"Completed": ("completed", "完成"), "Failed": ("failed", "失败"), "Canceled": ("canceled", "取消")}


async def started(driver: BotDriver, person: str = "sre", flags: str = "") -> tuple[str, Message]:
    """An upgrade whose job id has been told: the job id and the question."""
    driver.cloud.set_speed("paused")
    message = await driver.request(f"{driver.instance()} {flags}", person=person)
    await driver.confirm(message, person=person)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    await driver.wait_for_reply(message, call.job_id or "?")
    return call.job_id or "", message


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_each_end_is_a_new_message_in_words(driver: BotDriver, status: str, person: str) -> None:
    job, message = await started(driver, person)
    driver.cloud.finish(job, status, fail_reason="disk <full>" if status == "Failed" else "")
    end = await driver.wait_for_reply(message, ENDS[status][person == "dba"], 20)
    assert "<@U0" in text_of(end)
    assert end.broadcast == (status != "Completed")
    if status == "Failed":
        assert "disk &lt;full&gt;" in text_of(end)
    await driver.wait_for_card(message, ENDS[status][person == "dba"])


@pytest.mark.parametrize("status", ENDS)
async def test_an_end_in_other_words_is_an_end(driver: BotDriver, status: str) -> None:
    driver.cloud.inject_fault("job in other words")
    job, message = await started(driver)
    driver.cloud.finish(job, status, fail_reason="disk full" if status == "Failed" else "")
    await driver.wait_for_reply(message, ENDS[status][0], 20)
    await driver.wait_for_card(message, ENDS[status][0])


async def test_a_status_nobody_knows_is_shown_as_it_is_and_logged_once(
    idle_driver: BotDriver, caplog: pytest.LogCaptureFixture
) -> None:
    await idle_driver.start(JOB_POLL_SECONDS="0.2")
    idle_driver.cloud.inject_fault("job paused")
    job, message = await started(idle_driver)
    idle_driver.cloud.set_progress(job, 80)
    await idle_driver.wait_for_reply(message, "Paused")
    polls = [call.operation for call in idle_driver.cloud.calls].count("job")
    await idle_driver.cloud.until(lambda: idle_driver.card(message))
    logged = [record for record in caplog.records if record.getMessage() == "job.unknown_status"]
    assert [vars(record)["status"] for record in logged] == ["Paused"]
    assert [call.operation for call in idle_driver.cloud.calls].count("job") == polls  # the next one is in a minute


async def test_progress_edits_one_message_no_faster_than_every_three_seconds(driver: BotDriver) -> None:
    job, message = await started(driver)
    for percent in (10, 40, 70):
        driver.cloud.set_progress(job, percent)
        await driver.wait_for_reply(message, f"{percent}%", 12)
    driver.cloud.finish(job, "Completed")
    await driver.wait_for_reply(message, "completed")
    await driver.wait_for_reply(message, "100%")
    (progress, end) = driver.thread(message)
    edits = [
        call.at for call in driver.slack.calls if call.method == "chat.update" and call.arguments["ts"] == progress.ts
    ]
    assert len(edits) == 4
    assert all(later - earlier >= 2.9 for earlier, later in pairwise(edits))
    assert "completed" in text_of(end)


async def test_a_job_that_is_not_visible_yet_is_no_error(driver: BotDriver) -> None:
    driver.cloud.inject_fault("late job")
    driver.cloud.set_speed("seconds")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "completed", 40)
    assert len(driver.thread(message)) == 2


async def test_three_failed_looks_are_told_once_and_looking_goes_on(idle_driver: BotDriver) -> None:
    await idle_driver.start(JOB_POLL_SECONDS="0.2")
    job, message = await started(idle_driver)
    idle_driver.cloud.inject_fault("500 DBS.05000000", operation="job", times=5)
    await idle_driver.until(lambda: len(idle_driver.thread(message)) == 2 or None, 20)
    idle_driver.cloud.clear_faults()
    idle_driver.cloud.finish(job, "Completed")
    await idle_driver.wait_for_reply(message, "completed", 30)
    assert len(idle_driver.thread(message)) == 3


async def test_a_delayed_upgrade_waits_for_its_window(driver: BotDriver) -> None:
    job, message = await started(driver, flags="--delay")
    await driver.wait_for_reply(message, "window")
    assert job
