"""The report channel: one message for each confirmed upgrade, edited to its end, whatever the channel does."""

from pathlib import Path

import pytest

from tests.driver import BotDriver, Message, run_driver, text_of

REPORTS = "incident-42"


def reports(driver: BotDriver) -> list[Message]:
    return list(driver.slack.messages(REPORTS))


@pytest.mark.parametrize("mode", ["socket", "http"])
@pytest.mark.parametrize(
    ("language", "person", "words"),
    [
        ("en-us", "dba", ("Requested by <@{dba}>, confirmed by <@{sre}>", "3.1.15 → 3.1.18", "3 of 3", "Thread")),
        ("zh-cn", "sre", ("申请人：<@{sre}>，确认人：<@{sre}>", "3.1.15 → 3.1.18", "3/3", "查看消息列")),
    ],
)
async def test_one_message_from_the_confirmation_to_the_end_in_the_default_language(
    tmp_path: Path, mode: str, language: str, person: str, words: tuple[str, ...]
) -> None:
    async with run_driver(tmp_path, mode) as driver:
        channel = driver.slack.channels[REPORTS].id
        await driver.start(REPORT_CHANNEL=channel, DEFAULT_LANGUAGE=language)
        card = await driver.request(f"{driver.instance()} --skip-validate", person=person)
        await driver.wait_for_card(card, "3.1.15")
        assert not reports(driver)
        await driver.confirm(card)
        first = (await driver.until(lambda: reports(driver)))[0]
        ids = {name: one.id for name, one in driver.slack.people.items()}
        ended = await driver.until(lambda: one if words[1] in text_of(one := reports(driver)[0]) else None, 40)
        assert ended.ts == first.ts
        for word in (*words, "--skip-validate", str(driver.cloud.upgrades[0].job_id), f"p{card.ts.replace('.', '')}"):
            assert word.format(**ids) in text_of(ended), word
        assert len(reports(driver)) == 1


async def test_a_request_that_nobody_confirmed_is_not_reported(tmp_path: Path) -> None:
    async with run_driver(tmp_path) as driver:
        await driver.start(REPORT_CHANNEL=driver.slack.channels[REPORTS].id)
        canceled = await driver.request(driver.instance())
        await driver.slack.click("sre", canceled, "cancel_upgrade")
        await driver.wait_for_card(canceled, "canceled by")
        card = await driver.request(driver.instance("sr-metrics"))
        await driver.confirm(card)
        await driver.until(lambda: reports(driver))
        assert ["sr-metrics" in text_of(one) for one in reports(driver)] == [True]


@pytest.mark.parametrize("channel", ["no-bot", "archived"])
async def test_a_broken_report_channel_changes_nothing_in_the_thread(tmp_path: Path, channel: str) -> None:
    async with run_driver(tmp_path) as driver:
        driver.cloud.set_speed("seconds")
        await driver.start(REPORT_CHANNEL=driver.slack.channels[channel].id)
        card = await driver.request(driver.instance())
        await driver.wait_for_card(card, "3.1.15")
        await driver.confirm(card)
        end = await driver.wait_for_reply(card, "3.1.15 → 3.1.18", 40)
        assert end.channel_id == card.channel_id
        assert "✅" in text_of(await driver.wait_for_card(card, "has completed"))
        assert len(driver.thread(card)) == 2
        assert not driver.slack.messages(channel)


async def test_another_process_goes_on_with_the_report(tmp_path: Path) -> None:
    async with run_driver(tmp_path) as driver:
        settings = {"REPORT_CHANNEL": driver.slack.channels[REPORTS].id}
        bot = await driver.start(**settings)
        driver.cloud.set_speed("paused")
        card = await driver.request(driver.instance())
        await driver.confirm(card)
        await driver.wait_for_reply(card, "accepted")
        await driver.until(lambda: reports(driver))
        await bot.kill()
        driver.cloud.finish(str(driver.cloud.upgrades[0].job_id), status="Failed", fail_reason="node be-1")
        await driver.start(**settings)
        await driver.until(lambda: "node be-1" in text_of(reports(driver)[0]) or None, 40)
        assert len(reports(driver)) == 1
