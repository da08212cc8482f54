"""Private replies: a response_url is used only when it leads to Slack."""

import asyncio

import pytest

from tests.driver import BotDriver
from tests.events_client import EventsClient, command_payload, form_body


@pytest.mark.parametrize(
    "response_url",
    [
        "http://127.0.0.1:{port}/steal",
        "http://127.0.0.1:{port}@hooks.slack.com/",
        "https://hooks.slack.com@127.0.0.1:{port}/",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "//127.0.0.1:{port}/",
        "\thttp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "not an address",
        "http://[",
    ],
)
async def test_a_reply_goes_to_no_url_but_slacks(driver: BotDriver, client: EventsClient, response_url: str) -> None:
    received: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(100))
        writer.close()

    other_server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with other_server:
        port = other_server.sockets[0].getsockname()[1]
        payload = await command_payload(driver, "help", response_url=response_url.format(port=port))
        await client.post_signed(form_body(payload))
        await driver.wait_for_ephemeral("sre")
    assert not received
