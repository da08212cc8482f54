"""Connections: faults at the socket and for a real client, refused connections, a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bot.sandbox.taurusdb import StandInCloud

Send = Callable[..., Awaitable[httpx.Response]]


class Socket:
    """A bare connection to the cloud."""

    def __init__(self, cloud: StandInCloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.cloud, self.reader, self.writer = cloud, reader, writer

    async def send_upgrade(self) -> None:
        orders = self.cloud.instances["sr-orders"]
        body = json.dumps({"delay": False, "is_skip_validate": False})
        head = (
            f"POST /v3/{self.cloud.project_id}/instances/{orders.id}/starrocks/db-upgrade HTTP/1.1\r\n"
            f"Host: cloud\r\nX-Auth-Token: {self.cloud.ready_token}\r\nX-Language: en-us\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write((head + body).encode())
        await self.writer.drain()

    async def read_to_end(self) -> bytes:
        """All that comes until the connection ends; ConnectionResetError when it ends with RST."""
        return await asyncio.wait_for(self.reader.read(), 5)

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()


async def connect(cloud: StandInCloud) -> Socket:
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    return Socket(cloud, *await asyncio.open_connection(host, int(port)))


@pytest.mark.parametrize(
    ("name", "took_effect"), [("closed at once", False), ("lost before", False), ("accepted, answer lost", True)]
)
async def test_a_lost_answer_is_an_orderly_end_without_a_byte(
    cloud: StandInCloud, name: str, took_effect: bool
) -> None:
    cloud.inject_fault(name)
    async with await connect(cloud) as socket:
        await socket.send_upgrade()
        assert await socket.read_to_end() == b""
    [call] = cloud.upgrades
    assert (call.took_effect, call.answered, len(cloud.jobs)) == (took_effect, False, int(took_effect))
    assert (cloud.calls[0].status, cloud.calls[0].fault) == (None, name)


async def test_a_reset_reaches_the_socket_as_a_reset(cloud: StandInCloud) -> None:
    cloud.inject_fault("accepted, reset")
    async with await connect(cloud) as socket:
        await socket.send_upgrade()
        with pytest.raises(ConnectionResetError):
            await socket.read_to_end()
    assert cloud.upgrades[0].took_effect


async def test_half_an_answer_promises_more_than_it_sends(cloud: StandInCloud) -> None:
    cloud.inject_fault("half answer")
    async with await connect(cloud) as socket:
        await socket.send_upgrade()
        head, _, body = (await socket.read_to_end()).partition(b"\r\n\r\n")
    full = json.dumps({"job_id": cloud.jobs[0].id}).encode()
    assert head.startswith(b"HTTP/1.1 200 OK\r\nX-Request-Id: ")
    assert f"Content-Length: {len(full)}".encode() in head
    assert body == full[: len(full) // 2]
    assert not cloud.upgrades[0].answered


@pytest.mark.parametrize(("name", "took_effect"), [("hang", False), ("accepted, hang", True)])
async def test_a_hanging_request_holds_the_connection_until_the_client_gives_up(
    cloud: StandInCloud, upgrade: Send, name: str, took_effect: bool
) -> None:
    cloud.inject_fault(name)
    with pytest.raises(httpx.ReadTimeout):
        await upgrade(timeout=0.2)
    assert (cloud.upgrades[0].took_effect, cloud.upgrades[0].answered) == (took_effect, False)
    await cloud.until(lambda: cloud.in_flight == 0)


async def test_the_cloud_can_close_while_a_request_hangs() -> None:
    async with StandInCloud() as cloud:
        cloud.inject_fault("accepted, hang")
        socket = await connect(cloud)
        await socket.send_upgrade()
        await cloud.until(lambda: cloud.upgrades)
    async with socket:
        with contextlib.suppress(ConnectionResetError):  # the one end or the other
            assert await socket.read_to_end() == b""


async def test_a_kept_alive_connection_can_be_closed_at_its_second_request(cloud: StandInCloud) -> None:
    async with await connect(cloud) as socket:
        await socket.send_upgrade()
        head = await socket.reader.readuntil(b"\r\n\r\n")
        await socket.reader.readexactly(len(json.dumps({"job_id": cloud.jobs[0].id})))
        assert b"200 OK" in head
        cloud.finish(cloud.jobs[0].id, "Failed")
        cloud.inject_fault("closed at once")
        await socket.send_upgrade()
        assert await socket.read_to_end() == b""
    assert [call.took_effect for call in cloud.upgrades] == [True, False]


@pytest.mark.parametrize(
    "name", ["closed at once", "lost before", "accepted, answer lost", "accepted, reset", "half answer"]
)
async def test_a_real_client_sees_a_transport_error_and_can_go_on(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send, name: str
) -> None:
    cloud.inject_fault(name)
    with pytest.raises(httpx.TransportError):
        await upgrade()
    assert (await client.get("/instances")).status_code == 200


async def test_a_closing_fault_leaves_other_operations_alone(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    cloud.inject_fault("closed at once", "job")
    assert (await upgrade()).status_code == 200
    with pytest.raises(httpx.TransportError):
        await client.get("/jobs", params={"id": cloud.jobs[0].id})
    assert (await client.get("/jobs", params={"id": cloud.jobs[0].id})).status_code == 200


async def test_a_refusing_cloud_refuses_and_comes_back_on_the_same_port(
    cloud: StandInCloud, client: httpx.AsyncClient, upgrade: Send
) -> None:
    before = cloud.endpoint
    assert (await client.get("/instances")).status_code == 200
    await cloud.refuse_connections()
    await cloud.refuse_connections()
    with pytest.raises(httpx.ConnectError):
        await upgrade()
    await cloud.accept_connections()
    await cloud.accept_connections()
    assert cloud.endpoint == before
    assert (await upgrade()).status_code == 200
    assert len(cloud.upgrades) == 1


async def test_it_runs_as_a_process_of_its_own_and_ends_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "upgrades.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox.taurusdb", "--port", "0", "--log", str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        printed = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert set(printed) == {"endpoint", "iam_url", "project_id", "domain", "user", "password"}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{printed['endpoint']}/v3/{printed['project_id']}/instances")
        assert answer.status_code == 401
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
