"""From the job id to the end: progress in one message, the end as a new one."""

from itertools import pairwise

import pytest

from tests.house import House, Message, said

ENDS = {"Completed": ("completed", "完成"), "Failed": ("failed", "失败"), "Canceled": ("canceled", "取消")}


async def started(home: House, person: str = "sre", flags: str = "") -> tuple[str, Message]:
    """An upgrade whose job id has been told: the job id and the question."""
    home.cloud.set_speed("paused")
    message = await home.ask(f"{home.instance()} {flags}", person=person)
    await home.confirm(message, person=person)
    call = (await home.cloud.until(lambda: home.cloud.upgrades))[0]
    await home.told(message, call.job_id or "?")
    return call.job_id or "", message


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_each_end_is_a_new_message_in_words(home: House, status: str, person: str) -> None:
    job, message = await started(home, person)
    home.cloud.finish(job, status, fail_reason="disk <full>" if status == "Failed" else "")
    end = await home.told(message, ENDS[status][person == "dba"], 20)
    assert "<@U0" in said(end)
    assert end.broadcast == (status != "Completed")
    if status == "Failed":
        assert "disk &lt;full&gt;" in said(end)
    await home.seen(message, ENDS[status][person == "dba"])


async def test_progress_edits_one_message_no_faster_than_every_three_seconds(home: House) -> None:
    job, message = await started(home)
    for percent in (10, 40, 70):
        home.cloud.progress(job, percent)
        await home.told(message, f"{percent} %", 12)
    home.cloud.finish(job, "Completed")
    await home.told(message, "completed")
    await home.told(message, "100 %")
    (progress, end) = home.thread(message)
    edits = [
        call.at for call in home.slack.calls if call.method == "chat.update" and call.arguments["ts"] == progress.ts
    ]
    assert len(edits) == 4
    assert all(later - earlier >= 2.9 for earlier, later in pairwise(edits))
    assert "completed" in said(end)


async def test_a_job_that_is_not_visible_yet_is_no_error(home: House) -> None:
    home.cloud.choose_mishap("late job")
    home.cloud.set_speed("seconds")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.told(message, "completed", 40)
    assert len(home.thread(message)) == 2


async def test_three_failed_looks_are_told_once_and_looking_goes_on(empty_home: House) -> None:
    await empty_home.start(JOB_POLL_SECONDS="0.2")
    job, message = await started(empty_home)
    empty_home.cloud.choose_mishap("500 DBS.05000000", operation="job", times=5)
    await empty_home.until(lambda: len(empty_home.thread(message)) == 2 or None, 20)
    empty_home.cloud.heal()
    empty_home.cloud.finish(job, "Completed")
    await empty_home.told(message, "completed", 30)
    assert len(empty_home.thread(message)) == 3


async def test_a_delayed_upgrade_waits_for_its_window(home: House) -> None:
    job, message = await started(home, flags="--delay")
    await home.told(message, "window")
    assert job
