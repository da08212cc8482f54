"""Socket Mode on a bad day: a connection that is dropped, falls silent or is refused is replaced within 30 s."""

import asyncio

import pytest

from tests.crash.bench import Bench, Stopwatch
from tests.house import CHANNEL, said

NOTICED_SECONDS = 30.0


async def works_again(bench: Bench, *, seconds: float = NOTICED_SECONDS) -> None:
    """A connection is up in time, and commands through it are answered."""
    await bench.slack.connected(timeout=seconds)
    delivery = await bench.slack.command("sre", CHANNEL, "help")
    assert delivery.acked
    await bench.until(lambda: any("/starrocks-upgrade" in said(one) for one in bench.slack.ephemerals("sre")))


@pytest.mark.parametrize("reason", [None, "warning", "refresh_requested"])
async def test_a_dropped_connection_is_replaced(alone: Bench, reason: str | None) -> None:
    await alone.launch()
    for _ in range(3):
        await alone.slack.drop_connections(reason)
        await works_again(alone)


async def test_a_connection_that_falls_silent_is_replaced(alone: Bench) -> None:
    await alone.launch()
    watch = Stopwatch()
    alone.slack.go_silent()
    await works_again(alone)
    assert watch.seconds < NOTICED_SECONDS


async def test_a_refused_connection_is_tried_again_with_a_new_ticket(alone: Bench) -> None:
    process = await alone.launch()
    await alone.slack.refuse_connections()
    await alone.slack.drop_connections()
    await alone.until(lambda: len(list(process.events("socket.not_connected"))) >= 2, NOTICED_SECONDS)
    await alone.slack.accept_connections()
    await works_again(alone)


async def test_tickets_that_slack_does_not_give_are_asked_for_again(alone: Bench) -> None:
    await alone.launch()
    alone.slack.fail("apps.connections.open", 500)
    alone.slack.fail("apps.connections.open", "internal_error")
    alone.slack.fail("apps.connections.open", "drop_before")
    await alone.slack.drop_connections()
    await works_again(alone)


async def test_what_was_begun_before_goes_on_while_there_is_no_connection(alone: Bench) -> None:
    await alone.launch()
    alone.cloud.choose_mishap("slow", seconds=1)
    message = await alone.ask(alone.instance())
    await alone.confirm(message)
    await asyncio.gather(alone.slack.drop_connections(), alone.until(alone.sent))
    await alone.until(lambda: alone.has_told("after it was confirmed"), 30)
    await works_again(alone)
