"""Two processes on one PostgreSQL: one winner, one takes over from the other, a rolling restart loses nothing."""

import asyncio

from bot.core.upgrade import LEASE_SECONDS
from tests.crash.bench import Bench
from tests.crash.judging import judge
from tests.crash.process import BotProcess
from tests.crash.together import together
from tests.house import CHANNEL, said

POLL_SECONDS = 1.0
TAKE_OVER_SECONDS = 2 * POLL_SECONDS + 15


def through(bench: Bench) -> list[int | str]:
    """The ways to each of the processes."""
    if bench.mode == "http":
        return [f"http://127.0.0.1:{one.port}/slack/events" for one in bench.alive]
    return list(range(len(bench.slack.connections)))


@together("socket", "http", postgresql=True)
async def test_clicks_spread_over_two_replicas_have_one_winner(replicas: Bench) -> None:
    await asyncio.gather(replicas.launch(), replicas.launch())
    message = await replicas.ask(replicas.instance())
    ways = through(replicas)
    people = ("sre", "dba", "third")
    clicks = [
        replicas.slack.click(people[n % 3], message, "confirm_upgrade", through=ways[n % len(ways)]) for n in range(40)
    ]
    assert all(delivery.acked for delivery in await asyncio.gather(*clicks))
    await replicas.until(lambda: replicas.has_told("after it was confirmed"), 40)
    told = await replicas.until(
        lambda: told if len(told := [a for p in people for a in replicas.slack.ephemerals(p)]) >= 39 else None
    )
    assert all("<@U0" in said(answer) for answer in told)
    await judge(replicas)
    assert len(replicas.sent()) == 1


@together("socket", "http", postgresql=True)
async def test_two_questions_for_one_instance_start_one_upgrade(replicas: Bench) -> None:
    await asyncio.gather(replicas.launch(), replicas.launch())
    ways = through(replicas)
    await asyncio.gather(
        *(replicas.slack.command("sre", CHANNEL, replicas.instance(), through=ways[n % 2]) for n in range(2))
    )
    await replicas.until(lambda: len(replicas.open_questions()) == 2)
    replicas.cloud.set_speed("minute")
    clicks = [
        replicas.slack.click("dba", question, "confirm_upgrade", through=way)
        for question, way in zip(replicas.open_questions(), ways, strict=True)
    ]
    await asyncio.gather(*clicks)
    await replicas.until(lambda: replicas.slack.ephemerals("dba"))
    assert "https://" in said(replicas.slack.ephemerals("dba")[0])
    assert len(replicas.sent()) == 1


async def sends(bench: Bench) -> None:
    """Wait until an upgrade has arrived whose answer never comes."""
    await bench.until(bench.sent)


async def follows(bench: Bench) -> None:
    """Wait until its job is followed."""
    await bench.until(lambda: bench.has_told("accepted the upgrade"))


@together("socket", "http", postgresql=True)
async def test_a_replica_that_dies_while_it_sends_is_replaced_by_the_other(replicas: Bench) -> None:
    first = await replicas.launch()
    replicas.cloud.choose_mishap("accepted, hang")
    await replicas.confirm(await replicas.ask(replicas.instance()))
    await sends(replicas)
    await replicas.launch()
    await replicas.killed(first)
    if replicas.mode == "http":
        replicas.spread()
    await replicas.until(lambda: replicas.has_told("unknown"), TAKE_OVER_SECONDS)
    await replicas.until(lambda: replicas.has_told("after it was confirmed"), 40)
    await judge(replicas)


@together("socket", "http", postgresql=True)
async def test_a_replica_that_dies_while_it_follows_is_replaced_by_the_other(replicas: Bench) -> None:
    first, _ = await asyncio.gather(replicas.launch(), replicas.launch())
    replicas.cloud.set_speed("paused")
    await replicas.confirm(await replicas.ask(replicas.instance()))
    await follows(replicas)
    await replicas.killed(first)
    looks = len(replicas.cloud.calls)
    replicas.cloud.set_speed("seconds")
    await replicas.until(lambda: len(replicas.cloud.calls) > looks, TAKE_OVER_SECONDS)
    await replicas.until(lambda: replicas.has_told("after it was confirmed"), TAKE_OVER_SECONDS)
    await judge(replicas)


async def test_a_question_whose_message_nobody_wrote_down_is_closed_when_it_is_pressed(alone: Bench) -> None:
    """The process died between posting it and writing down where; then its time was over."""
    first = await alone.launch(CONFIRM_TTL_SECONDS="1")
    stop = alone.slack.on_change(lambda: first.kill() if alone.open_questions() else None)
    question = await alone.ask(alone.instance())
    stop()
    await first.ended()
    second = await alone.launch(CONFIRM_TTL_SECONDS="1")
    await alone.until(lambda: second.has_logged("upgrade.expired"))
    await alone.confirm(question)
    await alone.until(lambda: not alone.open_questions())
    await alone.until(lambda: any("expired" in said(one).lower() for one in alone.slack.ephemerals("sre")))
    assert not alone.sent()


@together("socket", "http", postgresql=True)
async def test_a_question_of_a_dead_replica_is_closed_by_the_other(replicas: Bench) -> None:
    ttl = "4"
    first = await replicas.launch(CONFIRM_TTL_SECONDS=ttl)
    await replicas.ask(replicas.instance())
    second = await replicas.launch(CONFIRM_TTL_SECONDS=ttl)
    await replicas.killed(first)
    assert second.is_alive
    await replicas.until(lambda: not replicas.open_questions(), TAKE_OVER_SECONDS)


@together("socket", "http", postgresql=True)
async def test_a_rolling_restart_loses_and_doubles_nothing(replicas: Bench) -> None:
    """Commands and clicks go on while one process after the other is replaced by a new one."""
    bench = replicas
    names = [instance.name for instance in bench.cloud.add_instances(8)]
    old = list(await asyncio.gather(bench.launch(), bench.launch()))
    people = [asyncio.create_task(upgraded(bench, name), name=name) for name in names[:4]]
    for process in old:
        await replaced(bench, process)
    people += [asyncio.create_task(upgraded(bench, name), name=name) for name in names[4:]]
    await asyncio.gather(*people)
    sent = [call.instance_id for call in bench.sent()]
    assert sorted(sent) == sorted(bench.instance(name) for name in names)
    ends = [reply for reply in bench.replies() if "after it was confirmed" in said(reply)]
    assert len(ends) == len(names)
    assert len(bench.questions()) == len(names)
    assert not bench.open_questions()


async def replaced(bench: Bench, process: BotProcess) -> None:
    """A new process first, then the old one is stopped, as a deployment does."""
    await bench.launch()
    if bench.mode == "http":
        others = [one for one in bench.alive if one is not process]
        bench.slack.deliver_to(*(f"http://127.0.0.1:{one.port}/slack/events" for one in others))
    process.terminate()
    assert await process.ended() == 0


async def upgraded(bench: Bench, name: str) -> None:
    """Ask and confirm, as often as it takes until Slack says that the bot has heard it."""
    instance = bench.instance(name)
    while not (await bench.slack.command("sre", CHANNEL, instance)).acked:
        pass
    question = await bench.until(lambda: next((one for one in bench.open_questions() if instance in said(one)), None))
    while not (await bench.slack.click("sre", question, "confirm_upgrade")).acked:
        pass
    await bench.until(
        lambda: any(instance in said(one) and "after it was confirmed" in said(one) for one in bench.thread(question)),
        2 * LEASE_SECONDS + 40,
    )
