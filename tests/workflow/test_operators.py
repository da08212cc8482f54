"""What operators ask the bot in Slack, privately."""

import logging

import pytest

from tests.driver import CHANNEL, BotDriver, text_of


@pytest.mark.parametrize(
    ("person", "word", "verdict"), [("sre", "Self-check", "The bot can work"), ("dba", "自检结果", "本机器人可以工作")]
)
async def test_the_doctor_answers_privately_in_both_languages(
    driver: BotDriver, person: str, word: str, verdict: str
) -> None:
    await driver.slack.command(person, CHANNEL, "doctor")
    assert verdict in text_of(await driver.wait_for_ephemeral(person, word, 30))
    assert not driver.slack.messages(CHANNEL)


async def test_history_and_status_tell_what_was_and_what_lives(driver: BotDriver) -> None:
    await driver.slack.command("dba", CHANNEL, "history")
    await driver.wait_for_ephemeral("dba", "暂无升级申请")
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    for what in ("history", "status", f"status {driver.instance()}"):
        before = len(driver.slack.ephemerals("sre"))
        await driver.slack.command("sre", CHANNEL, what)
        answer = (await driver.until(lambda before=before: driver.slack.ephemerals("sre")[before:] or None))[0]  # type: ignore[misc]
        assert driver.instance() in text_of(answer)
        assert message.ts.replace(".", "") in text_of(answer)


async def test_a_guest_is_told_no_history(driver: BotDriver) -> None:
    await driver.slack.command("guest", CHANNEL, "history")
    await driver.wait_for_ephemeral("guest", "Guests can")
    assert len(driver.slack.ephemerals("guest")) == 1


@pytest.mark.parametrize(("status", "level"), [("Completed", logging.INFO), ("Failed", logging.ERROR)])
async def test_each_end_is_one_line_at_its_level(
    driver: BotDriver, caplog: pytest.LogCaptureFixture, status: str, level: int
) -> None:
    driver.cloud.set_speed("paused")
    message = await driver.request(driver.instance())
    with caplog.at_level(logging.INFO):
        await driver.confirm(message)
        job = str((await driver.cloud.until(lambda: driver.cloud.upgrades))[0].job_id)
        driver.cloud.finish(job, status)
        await driver.wait_for_reply(message, status, 30)
    (line,) = [record for record in caplog.records if record.getMessage() == f"upgrade.{status.lower()}"]
    fields = vars(line)
    assert (line.levelno, fields["instance"], fields["job"]) == (level, driver.instance(), job)
    assert 0 <= fields["duration_seconds"] < 60


async def test_an_unknown_outcome_is_a_warning(driver: BotDriver, caplog: pytest.LogCaptureFixture) -> None:
    driver.cloud.inject_fault("lost before")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "unknown")
    (line,) = [record for record in caplog.records if record.getMessage() == "upgrade.unknown"]
    assert line.levelno == logging.WARNING
    assert vars(line)["instance"] == driver.instance()
