"""The page's server answers to its own page on this computer and to nothing else."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk import Desk
from bot.sandbox.slack import StandInSlack

SPEED = {"name": "paused"}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_the_page_is_served_under_the_names_of_loopback(
    http: aiohttp.ClientSession, desk: Desk, name: str
) -> None:
    async with http.get("/", headers={"Host": f"{name}:{desk.port}"}) as answer:
        assert answer.status == 200
        assert "<!doctype html>" in await answer.text()


@pytest.mark.parametrize("path", ["/", "/events", "/page/script/main.js"])
@pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "localhost:1", "127.0.0.1:{port}.evil.example"])
async def test_a_foreign_host_is_refused(http: aiohttp.ClientSession, desk: Desk, path: str, host: str) -> None:
    async with http.get(path, headers={"Host": host.format(port=desk.port)}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost:{port}"])
async def test_a_page_from_elsewhere_cannot_act(
    http: aiohttp.ClientSession, desk: Desk, cloud: StandInCloud, origin: str
) -> None:
    headers = {"Origin": origin.format(port=desk.port)}
    async with http.post("/act/speed", json=SPEED, headers=headers) as answer:
        assert answer.status == 403
    async with http.get("/events", headers=headers) as answer:
        assert answer.status == 403
    assert cloud.snapshot()["speed"] == "seconds"


async def test_the_page_itself_can_act(http: aiohttp.ClientSession, desk: Desk, cloud: StandInCloud) -> None:
    async with http.post("/act/speed", json=SPEED, headers={"Origin": desk.url.rstrip("/")}) as answer:
        assert answer.status == 200
    assert cloud.snapshot()["speed"] == "paused"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_could_post_is_refused(
    http: aiohttp.ClientSession, cloud: StandInCloud, content_type: str
) -> None:
    async with http.post("/act/speed", data=b'{"name": "paused"}', headers={"Content-Type": content_type}) as answer:
        assert answer.status == 415
    assert cloud.snapshot()["speed"] == "seconds"


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/page/script/main.js", 200), ("/nothing", 404), ("/events", 200)]
)
async def test_every_answer_keeps_foreign_content_out(http: aiohttp.ClientSession, path: str, status: int) -> None:
    async with http.get(path) as answer:
        assert answer.status == status
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/page/../desk/desk.py", "/page/%2e%2e/desk/desk.py", "/page/script", "/page//etc/passwd"]
)
async def test_only_files_of_the_page_are_served(desk: Desk, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)  # no client tidies the path up here
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nConnection: close\r\n\r\n".encode())
    assert b" 404 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_it_listens_on_loopback_alone(desk: Desk) -> None:
    assert desk.url.startswith("http://127.0.0.1:")
    own_address = _an_address_of_this_computer()
    if own_address is None:
        pytest.skip("this computer has no other address than loopback")
    with pytest.raises(OSError, match=r"refused|unreachable"):
        socket.create_connection((own_address, desk.port), timeout=2).close()


def _an_address_of_this_computer() -> str | None:
    """An address that is not loopback; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


async def test_a_port_in_use_is_told_at_the_start(desk: Desk, slack: StandInSlack, cloud: StandInCloud) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with Desk(slack, cloud, port=desk.port):
            pass
