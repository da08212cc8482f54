"""Thousands of malformed payloads, all rightly signed: nothing is upgraded or posted, and the bot stays healthy."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from bot.sandbox.slack import Person
from bot.sandbox.slack.interactions import Envelope
from tests.driver import CHANNEL, BotDriver, buttons, run_driver
from tests.events_client import EventsClient
from tests.slack.malformed_payloads import malformed_bodies, malformed_envelopes

ALLOWED = Person("U0BOSS0001", "Bo", "en-US", "T0HOME0001")
CONCURRENT = 40
HTTP_BODIES = 10_000
ENVELOPES = 500


async def real_payloads(driver: BotDriver) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A command and clicks of somebody who may do nothing, on the card of somebody who may."""
    card = await driver.request(driver.instance(), person="allowed")
    command = await driver.slack.command("sre", CHANNEL, driver.instance())
    clicks = [await driver.slack.click("sre", card, button) for button in buttons(card)]
    await driver.until(lambda: len(driver.slack.ephemerals("sre")) == 1 + len(clicks) or None)
    return command.payload, [click.payload for click in clicks]


async def assert_unharmed(driver: BotDriver) -> None:
    """There is only the one card, still open; then it is confirmed and the upgrade completes."""
    assert not driver.cloud.upgrades
    cards = [message for channel in driver.slack.channels for message in driver.slack.messages(channel)]
    assert len(cards) == 1
    assert "confirm_upgrade" in buttons(driver.card(cards[0]))
    await driver.confirm(cards[0], person="allowed")
    await driver.wait_for_reply(cards[0], "completed", 40)
    assert len(driver.cloud.upgrades) == 1


class _TracebackHandler(logging.Handler):
    """Keeps the records that have a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.tracebacks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, in letters that every terminal takes."""
        if record.exc_info:
            self.tracebacks.append(ascii(logging.Formatter().format(record)))


@contextmanager
def logged_tracebacks() -> Iterator[list[str]]:
    """The tracebacks that are logged meanwhile; no other handler gets the log, which repeats malformed values."""
    root, handler = logging.getLogger(), _TracebackHandler()
    before, root.handlers = root.handlers, [handler]
    try:
        yield handler.tracebacks
    finally:
        root.handlers = before


async def test_ten_thousand_malformed_requests_do_nothing_and_leave_the_bot_healthy(
    idle_driver: BotDriver, session: ClientSession
) -> None:
    driver = idle_driver
    driver.slack.add_person(ALLOWED, "allowed")
    replica = await driver.start(ALLOWED_USERS=ALLOWED.id)
    client = EventsClient(session, replica.url, driver.slack.signing_secret)
    command, clicks = await real_payloads(driver)
    statuses: dict[int, int] = {}
    semaphore = asyncio.Semaphore(CONCURRENT)

    async def send(body: bytes) -> None:
        async with semaphore:
            response = await client.post_signed(body)
        statuses[response.status] = statuses.get(response.status, 0) + 1
        assert "Traceback" not in response.text
        assert driver.slack.bot_token not in response.text

    with logged_tracebacks() as tracebacks:
        async with asyncio.TaskGroup() as group:
            for body in malformed_bodies(HTTP_BODIES, command, clicks):
                group.create_task(send(body))
        assert await client.is_healthy()
    assert sum(statuses.values()) == HTTP_BODIES
    assert set(statuses) <= {200, 400, 404}, statuses
    assert tracebacks == []
    await assert_unharmed(driver)


async def test_malformed_envelopes_do_nothing_and_the_socket_stays(tmp_path: Path) -> None:
    async with run_driver(tmp_path) as driver:
        driver.slack.add_person(ALLOWED, "allowed")
        await driver.start(ALLOWED_USERS=ALLOWED.id)
        command, clicks = await real_payloads(driver)
        driver.slack.ack_seconds = 0.5
        connection = driver.slack.connections[0]
        malformed = enumerate(malformed_envelopes(ENVELOPES, command, clicks))
        envelopes = [
            Envelope(f"malformed-{number}", kind, payload, "", "")  # type: ignore[arg-type]  # no payload is what it should be
            for number, (kind, payload) in malformed
        ]
        with logged_tracebacks() as tracebacks:
            for start in range(0, ENVELOPES, CONCURRENT):
                batch = envelopes[start : start + CONCURRENT]
                await asyncio.gather(*(driver.slack.deliver(envelope) for envelope in batch))
            await connection.socket.send_str("no JSON at all")
            await connection.socket.send_str("[" * 5000)
            await connection.socket.send_json(["a", "list"])
            await connection.socket.send_json({"envelope_id": None, "type": "slash_commands", "payload": None})
            await connection.socket.send_bytes(b"\xff\x00")
        driver.slack.ack_seconds = 3.0
        # What is no envelope at all the SDK logs and drops by itself.
        assert [trace for trace in tracebacks if "from_dict" not in trace and "json" not in trace] == []
        await driver.slack.connected()
        await assert_unharmed(driver)
