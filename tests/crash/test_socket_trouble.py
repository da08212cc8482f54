"""Socket Mode on a bad day: a connection that is dropped, falls silent or is refused is replaced within 30 s."""

import asyncio

import pytest
from aiohttp import web

from tests.crash.process_driver import ProcessDriver, Stopwatch
from tests.driver import CHANNEL, text_of

NOTICED_SECONDS = 30.0


async def works_again(driver: ProcessDriver, *, seconds: float = NOTICED_SECONDS) -> None:
    """A connection is up in time, and commands through it are answered."""
    await driver.slack.connected(timeout=seconds)
    delivery = await driver.slack.command("sre", CHANNEL, "help")
    assert delivery.acked
    await driver.until(lambda: any("/starrocks-upgrade" in text_of(one) for one in driver.slack.ephemerals("sre")))


@pytest.mark.parametrize("reason", [None, "warning", "refresh_requested"])
async def test_a_dropped_connection_is_replaced(driver: ProcessDriver, reason: str | None) -> None:
    await driver.launch()
    for _ in range(3):
        await driver.slack.drop_connections(reason)
        await works_again(driver)


async def test_a_connection_that_falls_silent_is_replaced(driver: ProcessDriver) -> None:
    await driver.launch()
    watch = Stopwatch()
    driver.slack.stall_connections()
    await works_again(driver)
    assert watch.seconds < NOTICED_SECONDS


async def test_a_refused_connection_is_tried_again_with_a_new_ticket(driver: ProcessDriver) -> None:
    process = await driver.launch()
    await driver.slack.refuse_connections()
    await driver.slack.drop_connections()
    await driver.until(lambda: len(list(process.events("socket.lost"))) >= 3, NOTICED_SECONDS)
    await driver.slack.accept_connections()
    await works_again(driver)


async def test_tickets_that_slack_does_not_give_are_asked_for_again(driver: ProcessDriver) -> None:
    await driver.launch()
    driver.slack.fail("apps.connections.open", 500)
    driver.slack.fail("apps.connections.open", "internal_error")
    driver.slack.fail("apps.connections.open", "drop_before")
    await driver.slack.drop_connections()
    await works_again(driver)


async def test_what_was_begun_before_goes_on_while_there_is_no_connection(driver: ProcessDriver) -> None:
    await driver.launch()
    driver.cloud.inject_fault("slow", seconds=1)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await asyncio.gather(driver.slack.drop_connections(), driver.until(driver.sent))
    await driver.until(lambda: driver.has_reply("after confirmation"), 30)
    await works_again(driver)


async def test_a_socket_that_cannot_be_opened_is_logged_with_its_cause(driver: ProcessDriver) -> None:
    async def answer(request: web.Request) -> web.Response:
        url = "ws://127.0.0.1:1/link?ticket=a-secret-ticket"
        return web.json_response({"ok": True, "team_id": "T1", "user_id": "U1", "url": url})

    app = web.Application()
    app.router.add_route("*", "/api/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        process = await driver.spawn(SLACK_API_URL=f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
        await process.until_logged("socket.lost")
    finally:
        await runner.cleanup()
    assert "Cannot connect to host 127.0.0.1:1" in next(process.events("socket.lost"))["reason"]
    assert not [line for line in process.lines if "Traceback" in line or "a-secret-ticket" in line]
