"""Two processes on one PostgreSQL: one winner, one takes over from the other, a rolling restart loses nothing."""

import asyncio

from bot.core.upgrade import LEASE_SECONDS
from tests.crash.assertions import assert_outcome
from tests.crash.clocks import WrongClocks
from tests.crash.parallel import in_parallel
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver, Stopwatch
from tests.driver import CHANNEL, text_of

POLL_SECONDS = 1.0
TAKE_OVER_SECONDS = 2 * POLL_SECONDS + 15


def through(driver: ProcessDriver) -> list[int | str]:
    """The ways to each of the processes."""
    if driver.mode == "http":
        return [f"http://127.0.0.1:{one.port}/slack/events" for one in driver.alive]
    return list(range(len(driver.slack.connections)))


@in_parallel("socket", "http", postgresql=True)
async def test_clicks_spread_over_two_replicas_have_one_winner(replicas: ProcessDriver) -> None:
    await asyncio.gather(replicas.launch(), replicas.launch())
    message = await replicas.request(replicas.instance())
    ways = through(replicas)
    people = ("sre", "dba", "third")
    clicks = [
        replicas.slack.click(people[n % 3], message, "confirm_upgrade", through=ways[n % len(ways)]) for n in range(40)
    ]
    assert all(delivery.acked for delivery in await asyncio.gather(*clicks))
    await replicas.until(lambda: replicas.has_reply("after confirmation"), 40)
    told = await replicas.until(
        lambda: told if len(told := [a for p in people for a in replicas.slack.ephemerals(p)]) >= 39 else None
    )
    assert all("<@U0" in text_of(answer) for answer in told)
    await assert_outcome(replicas)
    assert len(replicas.sent()) == 1


@in_parallel("socket", "http", postgresql=True)
async def test_two_requests_for_one_instance_start_one_upgrade(replicas: ProcessDriver) -> None:
    await asyncio.gather(replicas.launch(), replicas.launch())
    ways = through(replicas)
    await replicas.request(replicas.instance())
    await replicas.request_anyway(replicas.instance(), "waiting for confirmation")
    await replicas.until(lambda: len(replicas.open_cards()) == 2)
    replicas.cloud.set_speed("minute")
    clicks = [
        replicas.slack.click("dba", card, "confirm_upgrade", through=way)
        for card, way in zip(replicas.open_cards(), ways, strict=True)
    ]
    await asyncio.gather(*clicks)
    await replicas.until(lambda: replicas.slack.ephemerals("dba"))
    await replicas.until(lambda: replicas.has_reply("accepted the upgrade"))
    await replicas.until(lambda: not replicas.open_cards())
    assert len(replicas.sent()) == 1


async def sends(driver: ProcessDriver) -> None:
    """Wait until an upgrade has arrived whose answer never comes."""
    await driver.until(driver.sent)


async def follows(driver: ProcessDriver) -> None:
    """Wait until its job is followed."""
    await driver.until(lambda: driver.has_reply("accepted the upgrade"))


@in_parallel("socket", cases={"ahead": (45.0,), "behind": (-15.0,)}, postgresql=True)
async def test_a_replica_whose_clock_is_wrong_tells_everything_in_time(replicas: ProcessDriver, ahead: float) -> None:
    await replicas.launch()
    await replicas.launch(**WrongClocks(replicas.folder / "clocks", ahead).settings())
    replicas.cloud.inject_fault("slow", seconds=4.0)
    ways = through(replicas)
    await replicas.slack.command("sre", CHANNEL, replicas.instance(), through=ways[1])
    (message,) = await replicas.until(replicas.open_cards)
    await replicas.slack.click("sre", message, "confirm_upgrade", through=ways[1])
    watch = Stopwatch()
    await replicas.until(lambda: replicas.has_reply("accepted the upgrade"), 10)
    await replicas.until(lambda: replicas.has_reply("after confirmation"), 20)
    assert not replicas.has_reply("unknown")
    assert watch.seconds < 20
    await assert_outcome(replicas)


@in_parallel("socket", "http", postgresql=True)
async def test_a_replica_that_dies_while_it_sends_is_replaced_by_the_other(replicas: ProcessDriver) -> None:
    first = await replicas.launch()
    replicas.cloud.inject_fault("accepted, hang")
    await replicas.confirm(await replicas.request(replicas.instance()))
    await sends(replicas)
    await replicas.launch()
    await replicas.killed(first)
    if replicas.mode == "http":
        replicas.spread()
    await replicas.until(lambda: replicas.has_reply("unknown"), TAKE_OVER_SECONDS)
    await replicas.until(lambda: replicas.has_reply("after confirmation"), 40)
    await assert_outcome(replicas)


@in_parallel("socket", "http", postgresql=True)
async def test_a_replica_that_dies_while_it_follows_is_replaced_by_the_other(replicas: ProcessDriver) -> None:
    first, _ = await asyncio.gather(replicas.launch(), replicas.launch())
    replicas.cloud.set_speed("paused")
    await replicas.confirm(await replicas.request(replicas.instance()))
    await follows(replicas)
    await replicas.killed(first)
    looks = len(replicas.cloud.calls)
    replicas.cloud.set_speed("seconds")
    await replicas.until(lambda: len(replicas.cloud.calls) > looks, TAKE_OVER_SECONDS)
    await replicas.until(lambda: replicas.has_reply("after confirmation"), TAKE_OVER_SECONDS)
    await assert_outcome(replicas)


async def test_a_card_whose_message_nobody_wrote_down_is_closed_when_it_is_pressed(driver: ProcessDriver) -> None:
    """The process died between posting it and writing down where; then its time was over."""
    first = await driver.launch(CONFIRM_TTL_SECONDS="1")
    stop = driver.slack.on_change(lambda: first.kill() if driver.open_cards() else None)
    card = await driver.request(driver.instance())
    stop()
    await first.ended()
    second = await driver.launch(CONFIRM_TTL_SECONDS="1")
    await driver.until(lambda: second.has_logged("upgrade.expired"))
    await driver.confirm(card)
    await driver.until(lambda: not driver.open_cards())
    await driver.until(lambda: any("expired" in text_of(one).lower() for one in driver.slack.ephemerals("sre")))
    assert not driver.sent()


@in_parallel("socket", "http", postgresql=True)
async def test_a_request_of_a_dead_replica_is_closed_by_the_other(replicas: ProcessDriver) -> None:
    ttl = "4"
    first = await replicas.launch(CONFIRM_TTL_SECONDS=ttl)
    await replicas.request(replicas.instance())
    second = await replicas.launch(CONFIRM_TTL_SECONDS=ttl)
    await replicas.killed(first)
    assert second.is_alive
    await replicas.until(lambda: not replicas.open_cards(), TAKE_OVER_SECONDS)


@in_parallel("socket", "http", postgresql=True)
async def test_a_rolling_restart_loses_and_doubles_nothing(replicas: ProcessDriver) -> None:
    """Commands and clicks go on while one process after the other is replaced by a new one."""
    driver = replicas
    names = [instance.name for instance in driver.cloud.add_instances(8)]
    old = list(await asyncio.gather(driver.launch(), driver.launch()))
    people = [asyncio.create_task(upgraded(driver, name), name=name) for name in names[:4]]
    for process in old:
        await replaced(driver, process)
    people += [asyncio.create_task(upgraded(driver, name), name=name) for name in names[4:]]
    await asyncio.gather(*people)
    sent = [call.instance_id for call in driver.sent()]
    assert sorted(sent) == sorted(driver.instance(name) for name in names)
    ends = [reply for reply in driver.replies() if "after confirmation" in text_of(reply)]
    assert len(ends) == len(names)
    assert len(driver.cards()) == len(names)
    assert not driver.open_cards()


async def replaced(driver: ProcessDriver, process: BotProcess) -> None:
    """A new process first, then the old one is stopped, as a deployment does."""
    await driver.launch()
    if driver.mode == "http":
        others = [one for one in driver.alive if one is not process]
        driver.slack.deliver_to(*(f"http://127.0.0.1:{one.port}/slack/events" for one in others))
    process.terminate()
    assert await process.ended() == 0


async def upgraded(driver: ProcessDriver, name: str) -> None:
    """Ask and confirm, as often as it takes until Slack says that the bot has heard it."""
    instance = driver.instance(name)
    while not (await driver.slack.command("sre", CHANNEL, instance)).acked:
        pass
    card = await driver.until(lambda: next((one for one in driver.open_cards() if instance in text_of(one)), None))
    while not (await driver.slack.click("sre", card, "confirm_upgrade")).acked:
        pass
    await driver.until(
        lambda: any("after confirmation" in text_of(one) for one in driver.thread(card)),
        2 * LEASE_SECONDS + 40,
    )
