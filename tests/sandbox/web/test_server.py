"""The web server answers to its own page on this computer and to nothing else; its event stream sends only changes."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import WebServer
from tests.sandbox.web.upgrade_request import send_upgrade

SPEED = {"name": "paused"}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_the_page_is_served_under_the_names_of_loopback(
    http: aiohttp.ClientSession, server: WebServer, name: str
) -> None:
    async with http.get("/", headers={"Host": f"{name}:{server.port}"}) as response:
        assert response.status == 200
        assert "<!doctype html>" in await response.text()


@pytest.mark.parametrize("path", ["/", "/events", "/static/app.js"])
@pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "localhost:1", "127.0.0.1:{port}.evil.example"])
async def test_a_foreign_host_is_refused(http: aiohttp.ClientSession, server: WebServer, path: str, host: str) -> None:
    async with http.get(path, headers={"Host": host.format(port=server.port)}) as response:
        assert response.status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost:{port}"])
async def test_a_page_from_elsewhere_cannot_act(
    http: aiohttp.ClientSession, server: WebServer, cloud: StandInCloud, origin: str
) -> None:
    headers = {"Origin": origin.format(port=server.port)}
    async with http.post("/api/speed", json=SPEED, headers=headers) as response:
        assert response.status == 403
    async with http.get("/events", headers=headers) as response:
        assert response.status == 403
    assert cloud.snapshot()["speed"] == "seconds"


async def test_the_page_itself_can_act(http: aiohttp.ClientSession, server: WebServer, cloud: StandInCloud) -> None:
    async with http.post("/api/speed", json=SPEED, headers={"Origin": server.url.rstrip("/")}) as response:
        assert response.status == 200
    assert cloud.snapshot()["speed"] == "paused"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_could_post_is_refused(
    http: aiohttp.ClientSession, cloud: StandInCloud, content_type: str
) -> None:
    async with http.post("/api/speed", data=b'{"name": "paused"}', headers={"Content-Type": content_type}) as response:
        assert response.status == 415
    assert cloud.snapshot()["speed"] == "seconds"


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/static/app.js", 200), ("/nothing", 404), ("/events", 200)])
async def test_every_answer_keeps_foreign_content_out(http: aiohttp.ClientSession, path: str, status: int) -> None:
    async with http.get(path) as response:
        assert response.status == status
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/%2e%2e%2fserver.py",
        "/static/",
        "/static//etc/passwd",
    ],
)
async def test_only_files_of_the_page_are_served(server: WebServer, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)  # no client tidies the path up here
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
    assert b" 404 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_it_listens_on_loopback_alone(server: WebServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    own_address = _address_of_this_computer()
    if own_address is None:
        pytest.skip("this computer has no other address than loopback")
    with pytest.raises(OSError, match=r"refused|unreachable"):
        socket.create_connection((own_address, server.port), timeout=2).close()


def _address_of_this_computer() -> str | None:
    """An address that is not loopback; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


async def test_a_port_in_use_raises_at_the_start(server: WebServer, slack: StandInSlack, cloud: StandInCloud) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with WebServer(slack, cloud, port=server.port):
            pass


async def next_update(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read the next update from the stream."""
    async with asyncio.timeout(10):
        while not (line := await response.content.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
    update: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return update


async def test_all_entities_come_first_and_then_only_changes(
    http: aiohttp.ClientSession, slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    async with http.get("/events?person=sre") as response:
        assert response.content_type == "text/event-stream"
        first = await next_update(response)
        assert first["reset"] is True
        assert {"you", "bot", "command", "person:dba", f"channel:{channel}", "faults", "speeds", "example:0"} <= set(
            first["updated"]
        )
        posted = await client.chat_postMessage(channel=channel, text="hello")
        update = await next_update(response)
        assert update["reset"] is False
        assert {key.split(":")[0] for key in update["updated"]} == {"message", "call", "request_log"}
        await client.chat_update(channel=channel, ts=posted["ts"], text="better")
        update = await next_update(response)
        assert update["updated"][f"message:{channel}:{posted['ts']}"]["text"] == "better"


async def test_an_ephemeral_message_is_sent_to_its_person_alone(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await slack.command("sre", "db-ops", "bad")
    await slack.until(lambda: slack.ephemerals("sre"))
    ephemeral_keys = {}
    for person in ("sre", "dba", "guest"):
        async with http.get(f"/events?person={person}") as response:
            entities = (await next_update(response))["updated"]
        ephemeral_keys[person] = [key for key in entities if key.startswith("ephemeral:")]
    assert len(ephemeral_keys["sre"]) == 1
    assert ephemeral_keys["dba"] == ephemeral_keys["guest"] == []


async def test_the_progress_of_a_job_is_sent_though_only_the_clock_moves_it(
    http: aiohttp.ClientSession, cloud: StandInCloud
) -> None:
    async with http.get("/events") as response:
        await next_update(response)
        await send_upgrade(cloud, "sr-orders")
        percents: set[int] = set()
        while len(percents) < 3:
            update = await next_update(response)
            percents |= {entity["percent"] for key, entity in update["updated"].items() if key.startswith("job:")}
        assert max(percents) > min(percents)


async def test_a_person_who_is_not_offered_cannot_be_chosen(http: aiohttp.ClientSession) -> None:
    for person in ("other", "nobody"):
        async with http.get(f"/events?person={person}") as response:
            assert response.status == 404


async def test_closing_the_server_ends_the_streams_at_once(slack: StandInSlack, cloud: StandInCloud) -> None:
    async with aiohttp.ClientSession() as session:
        async with WebServer(slack, cloud, port=0) as server:
            response = await session.get(f"{server.url}events")
            await next_update(response)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 1.5
        with pytest.raises((AssertionError, aiohttp.ClientError)):
            await next_update(response)
