"""SIGTERM: no new work, what runs is finished or left for the next start, exit code 0; a second one ends at once."""

from tests.crash.bench import Bench, Stopwatch
from tests.crash.killing import FIND_SECONDS, TELL_SECONDS
from tests.crash.together import together
from tests.house import CHANNEL

STOP_SECONDS = 20.0


@together("socket", "http")
async def test_an_idle_bot_stops_at_once_and_well(either_way: Bench) -> None:
    process = await either_way.launch()
    message = await either_way.ask(either_way.instance())
    watch = Stopwatch()
    process.terminate()
    assert await process.ended(5) == 0
    assert watch.seconds < 5
    assert not (await either_way.slack.click("sre", message, "confirm_upgrade")).acked
    assert not either_way.sent()


@together("socket", "http")
async def test_an_upgrade_that_is_being_sent_is_finished_first(either_way: Bench) -> None:
    process = await either_way.launch()
    either_way.cloud.choose_mishap("slow", seconds=4)
    message = await either_way.ask(either_way.instance())
    await either_way.confirm(message)
    await either_way.until(either_way.sent)
    process.terminate()
    assert await process.ended(STOP_SECONDS) == 0
    job = either_way.sent()[0].job_id or "?"
    assert either_way.has_told("accepted the upgrade", job)
    await either_way.launch()
    await either_way.until(lambda: either_way.has_told("after it was confirmed", job), 30)
    assert len(either_way.sent()) == 1


async def test_an_answer_that_never_comes_is_left_to_the_next_start(alone: Bench) -> None:
    process = await alone.launch()
    alone.cloud.choose_mishap("accepted, hang")
    await alone.confirm(await alone.ask(alone.instance()))
    await alone.until(alone.sent)
    process.terminate()
    assert await process.ended(STOP_SECONDS) == 0
    again = await alone.launch()
    await alone.until(lambda: alone.has_told("unknown"), TELL_SECONDS - again.age)
    await alone.until(lambda: alone.has_told(alone.sent()[0].job_id or "?"), FIND_SECONDS)
    assert len(alone.sent()) == 1


@together("socket", "http")
async def test_nothing_new_is_taken_while_it_stops(either_way: Bench) -> None:
    process = await either_way.launch()
    either_way.cloud.choose_mishap("slow", seconds=4)
    await either_way.confirm(await either_way.ask(either_way.instance()))
    await either_way.until(either_way.sent)
    process.terminate()
    await either_way.until(lambda: process.has_logged("bot.stopping"))
    delivery = await either_way.slack.command("sre", CHANNEL, either_way.instance("sr-metrics"))
    assert not delivery.acked, "who is acknowledged believes that something will happen"
    assert await process.ended(STOP_SECONDS) == 0
    assert len(either_way.questions()) == 1


async def test_a_second_signal_ends_it_at_once(alone: Bench) -> None:
    process = await alone.launch()
    alone.cloud.choose_mishap("hang")
    await alone.confirm(await alone.ask(alone.instance()))
    await alone.until(alone.sent)
    process.terminate()
    await alone.until(lambda: process.has_logged("bot.stopping"))
    watch = Stopwatch()
    process.terminate()
    await process.ended(5)
    assert watch.seconds < 1


async def test_a_bot_that_waits_for_slack_can_be_stopped(alone: Bench) -> None:
    await alone.slack.refuse_connections()
    process = await alone.spawn()
    await alone.until(lambda: process.has_logged("start.waits"))
    process.terminate()
    assert await process.ended(5) == 0
