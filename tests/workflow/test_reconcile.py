"""A lost answer: told as unknown, looked for, and never sent again."""

import pytest

from bot.core import polling
from tests.driver import BotDriver, Message, buttons, text_of


async def lost(driver: BotDriver, fault: str, flags: str = "") -> Message:
    """An upgrade whose answer was lost, told as unknown."""
    driver.cloud.set_speed("minute")
    driver.cloud.inject_fault(fault)
    message = await driver.request(f"{driver.instance()} {flags}")
    await driver.confirm(message)
    told = await driver.wait_for_reply(message, "unknown")
    assert told.broadcast
    return message


@pytest.mark.parametrize("flags", ["", "--delay"])
async def test_a_job_that_the_cloud_lists_is_found_and_followed(driver: BotDriver, flags: str) -> None:
    message = await lost(driver, "accepted, answer lost", flags)
    job = driver.cloud.upgrades[0].job_id or "?"
    await driver.wait_for_reply(message, job, 60)
    await driver.wait_for_card(message, job)
    assert len(driver.cloud.upgrades) == 1


async def test_it_is_found_though_another_request_for_the_instance_was_open(driver: BotDriver) -> None:
    driver.cloud.set_speed("minute")
    await driver.request(driver.instance())
    message = await driver.request_anyway(driver.instance(), "waiting for confirmation")
    driver.cloud.inject_fault("accepted, answer lost")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "unknown")
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?", 60)


async def test_what_is_not_found_is_probably_not_started_and_can_be_looked_for_again(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0, 1.5))
    message = await lost(driver, "lost before")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    assert "search_again" in buttons(end)
    assert "probably" in text_of(end).lower()
    await driver.slack.click("dba", end, "search_again")
    await driver.wait_for_ephemeral("dba")
    assert len(driver.cloud.upgrades) == 1
    again = await driver.request_anyway(driver.instance(), "may have started")
    warning = text_of(await driver.wait_for_ephemeral("sre", "may have started"))
    assert "<@U0SRE00001>" in warning
    assert "|thread>" in warning
    assert "outcome unknown" in text_of(again)
    await driver.confirm(again)
    await driver.wait_for_card(again, "job")


async def test_looking_again_never_adopts_the_job_of_a_later_request(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    message = await lost(driver, "lost before")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    again = await driver.request_anyway(driver.instance(), "may have started")
    await driver.confirm(again)
    job_id = (await driver.cloud.until(lambda: driver.cloud.jobs))[0].id
    await driver.wait_for_card(again, job_id)
    driver.cloud.finish(job_id)
    await driver.wait_for_reply(again, "completed")
    await driver.slack.click("dba", end, "search_again")
    await driver.wait_for_ephemeral("dba", "没有新的发现")
    assert job_id not in "".join(map(text_of, [driver.card(message), *driver.thread(message)]))


async def test_looking_again_finds_what_the_cloud_listed_late(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    for operation in ("immediate", "htap", "taurusdb", "instance"):
        driver.cloud.inject_fault("403 APIGW.0302", operation=operation, times=4)
    message = await lost(driver, "accepted, answer lost")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    driver.cloud.clear_faults()
    await driver.slack.click("sre", end, "search_again")
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?")
    assert len(driver.cloud.upgrades) == 1


async def test_an_instance_that_the_rules_do_not_allow_any_more_is_not_looked_for(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    replica = await idle_driver.start()
    message = await lost(idle_driver, "lost before")
    end = await idle_driver.until(lambda: next((one for one in idle_driver.thread(message) if buttons(one)), None), 30)
    await replica.stop()
    await idle_driver.start(ALLOWED_INSTANCES=idle_driver.instance("sr-metrics"))
    await idle_driver.slack.click("sre", end, "search_again")
    await idle_driver.wait_for_ephemeral("sre", "can't upgrade")
