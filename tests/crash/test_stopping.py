"""SIGTERM: no new work, what runs is finished or left for the next start, exit code 0; a second one ends at once."""

from tests.crash.kill_run import FIND_SECONDS, TELL_SECONDS
from tests.crash.parallel import in_parallel
from tests.crash.process_driver import ProcessDriver, Stopwatch
from tests.driver import CHANNEL

STOP_SECONDS = 20.0


@in_parallel("socket", "http")
async def test_an_idle_bot_stops_at_once_and_well(either_way: ProcessDriver) -> None:
    process = await either_way.launch()
    message = await either_way.request(either_way.instance())
    watch = Stopwatch()
    process.terminate()
    assert await process.ended(5) == 0
    assert watch.seconds < 5
    assert not (await either_way.slack.click("sre", message, "confirm_upgrade")).acked
    assert not either_way.sent()


@in_parallel("socket", "http")
async def test_an_upgrade_that_is_being_sent_is_finished_first(either_way: ProcessDriver) -> None:
    process = await either_way.launch()
    either_way.cloud.inject_fault("slow", seconds=4)
    message = await either_way.request(either_way.instance())
    await either_way.confirm(message)
    await either_way.until(either_way.sent)
    process.terminate()
    assert await process.ended(STOP_SECONDS) == 0
    job = either_way.sent()[0].job_id or "?"
    assert either_way.has_reply("accepted the upgrade", job)
    await either_way.launch()
    await either_way.until(lambda: either_way.has_reply("after confirmation", job), 30)
    assert len(either_way.sent()) == 1


async def test_an_answer_that_never_comes_is_left_to_the_next_start(driver: ProcessDriver) -> None:
    process = await driver.launch()
    driver.cloud.inject_fault("accepted, hang")
    await driver.confirm(await driver.request(driver.instance()))
    await driver.until(driver.sent)
    process.terminate()
    assert await process.ended(STOP_SECONDS) == 0
    again = await driver.launch()
    await driver.until(lambda: driver.has_reply("unknown"), TELL_SECONDS - again.age)
    await driver.until(lambda: driver.has_reply(driver.sent()[0].job_id or "?"), FIND_SECONDS)
    assert len(driver.sent()) == 1


@in_parallel("socket", "http")
async def test_nothing_new_is_taken_while_it_stops(either_way: ProcessDriver) -> None:
    process = await either_way.launch()
    either_way.cloud.inject_fault("slow", seconds=4)
    await either_way.confirm(await either_way.request(either_way.instance()))
    await either_way.until(either_way.sent)
    process.terminate()
    await either_way.until(lambda: process.has_logged("bot.stopping"))
    delivery = await either_way.slack.command("sre", CHANNEL, either_way.instance("sr-metrics"))
    assert not delivery.acked, "who is acknowledged believes that something will happen"
    assert await process.ended(STOP_SECONDS) == 0
    assert len(either_way.cards()) == 1


async def test_a_second_signal_ends_it_at_once(driver: ProcessDriver) -> None:
    process = await driver.launch()
    driver.cloud.inject_fault("hang")
    await driver.confirm(await driver.request(driver.instance()))
    await driver.until(driver.sent)
    process.terminate()
    await driver.until(lambda: process.has_logged("bot.stopping"))
    watch = Stopwatch()
    process.terminate()
    await process.ended(5)
    assert watch.seconds < 1


async def test_a_bot_that_waits_for_slack_can_be_stopped(driver: ProcessDriver) -> None:
    await driver.slack.refuse_connections()
    process = await driver.spawn()
    await driver.until(lambda: process.has_logged("start.waiting"))
    process.terminate()
    assert await process.ended(5) == 0
