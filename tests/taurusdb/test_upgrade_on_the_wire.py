"""Sending an upgrade to servers that break off: how many POSTs arrive, and what is known afterwards."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from bot.core.reasons import NotSent, Refused, Unsure
from tests.taurusdb import raw_server as raw
from tests.taurusdb.asking import Connect, Naps, send
from tests.taurusdb.raw_server import Behaviour, Conversation, RawServer

BREAKING = [
    raw.takes_and_closes,
    raw.takes_and_resets,
    raw.breaks_off_in_the_head,
    raw.breaks_off_in_the_body,
    raw.resets_in_the_body,
    raw.breaks_off_in_a_chunk,
    raw.garbles_a_chunk,
    raw.speaks_something_else,
    raw.never_answers,
    raw.drips,
]


@pytest.mark.parametrize("behaviour", BREAKING, ids=lambda behaviour: behaviour.__name__)
async def test_an_answer_that_is_lost_is_unsure_and_one_post_arrived(connect: Connect, behaviour: Behaviour) -> None:
    async with RawServer(behaviour, raw.answers) as server:
        client = connect(server.endpoint, answer_seconds=0.5)
        async with asyncio.timeout(5):
            with pytest.raises(Unsure) as caught:
                await send(client)
        assert caught.value.message
        assert [request.split()[0] for request in server.requests] == ["POST"]


async def test_a_connection_closed_before_it_was_read_is_unsure(connect: Connect) -> None:
    async with RawServer(raw.closes_at_once, raw.answers) as server:
        with pytest.raises(Unsure):
            await send(connect(server.endpoint))
        assert (server.requests, server.connections) == ([], 1)


async def test_a_kept_alive_connection_closed_at_the_second_request_is_unsure(connect: Connect) -> None:
    async with RawServer(raw.closes_at_the_second_request, raw.answers) as server:
        client = connect(server.endpoint)
        await send(client)
        with pytest.raises(Unsure):
            await send(client)
        assert (len(server.requests), server.connections) == (2, 1)


async def test_the_answers_time_is_a_bound_on_the_whole_answer(connect: Connect) -> None:
    async with RawServer(raw.drips) as server:
        client = connect(server.endpoint, answer_seconds=0.3)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(Unsure):
            await send(client)
        assert 0.25 < asyncio.get_running_loop().time() - begun < 3


async def test_a_refused_connection_is_tried_again_and_then_not_sent(
    connect: Connect, naps: Naps, closed_port: int
) -> None:
    with pytest.raises(NotSent) as caught:
        await send(connect(f"http://127.0.0.1:{closed_port}"))
    assert caught.value.status is None
    assert len(naps.taken) == 2


async def test_a_server_that_comes_back_gets_the_upgrade_once(connect: Connect, naps: Naps, closed_port: int) -> None:
    servers: list[asyncio.Server] = []
    arrived = RawServer(raw.answers)

    async def nap_while_the_server_starts(seconds: float) -> None:
        servers.append(await asyncio.start_server(arrived._talk, "127.0.0.1", closed_port))

    client = connect(f"http://127.0.0.1:{closed_port}")
    client._sleep = nap_while_the_server_starts
    assert await send(client) == "9a7d3c1b"
    assert len(arrived.requests) == 1
    await client.aclose()
    servers[0].close()
    await servers[0].wait_closed()


async def test_a_connection_not_made_in_time_was_not_sent(connect: Connect, naps: Naps, full_port: int) -> None:
    with pytest.raises(NotSent):
        await send(connect(f"http://127.0.0.1:{full_port}", connect_seconds=0.2))
    assert len(naps.taken) == 2


async def test_a_server_that_speaks_no_tls_was_not_sent_anything(connect: Connect) -> None:
    async def garbage(talk: Conversation) -> None:
        await talk.reader.read(1)
        talk.write("HTTP/1.1 400 Bad Request\r\n\r\n")
        await talk.until_left()

    async with RawServer(garbage) as server:
        with pytest.raises(NotSent):
            await send(connect(f"https://127.0.0.1:{server.port}"))
        assert (server.requests, server.connections) == ([], 3)


@pytest.fixture
def own_certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS server's context with a certificate that only who is told of it trusts."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate


async def test_a_certificate_that_is_not_trusted_was_not_sent_anything(
    connect: Connect, own_certificate: tuple[ssl.SSLContext, Path]
) -> None:
    async with RawServer(raw.answers, tls=own_certificate[0]) as server:
        with pytest.raises(NotSent, match="certificate"):
            await send(connect(f"https://localhost:{server.port}"))
        assert server.requests == []


@pytest.mark.parametrize("behaviour", [raw.takes_and_closes, raw.takes_and_resets, raw.breaks_off_in_the_body])
async def test_an_answer_lost_under_tls_is_unsure(
    connect: Connect,
    own_certificate: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Behaviour,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate[1]))
    async with RawServer(behaviour, raw.answers, tls=own_certificate[0]) as server:
        with pytest.raises(Unsure):
            await send(connect(f"https://localhost:{server.port}"))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("200 OK", '{"job_id": null}', Unsure),
        ("200 OK", '{"job_id": 5}', Unsure),
        ("200 OK", '{"job_id": ""}', Unsure),
        ("200 OK", '{"job_id": "two words"}', Unsure),
        ("200 OK", '["job_id"]', Unsure),
        ("200 OK", "{" * 100_000, Unsure),
        ("200 OK", "[" * 100_000, Unsure),
        ("204 No Content", "", Unsure),
        ("201 Created", "", Unsure),
        ("400 Bad Request", "<html>", Refused),
        ("403 Forbidden", "", Refused),
        ("408 Request Timeout", '{"error_code": "APIGW.0308"}', Unsure),
        ("418 Teapot", "<html>", Unsure),
        ("422 Unprocessable", '{"error_code": "DBS.280001"}', Refused),
        ("429 Too Many Requests", "<html>", Unsure),
        ("429 Too Many Requests", '{"error_code": "APIGW.9999"}', Refused),
        ("503 Service Unavailable", '{"error_code": "APIGW.9999"}', Unsure),
        ("503 Service Unavailable", "<html>", Unsure),
        ("501 Not Implemented", '{"error_code": "APIGW.0308"}', Unsure),
        ("400 Bad Request", '{"error_code": 7, "error_msg": {}}', Refused),
    ],
)
async def test_odd_answers_are_read_by_status_and_code_together(
    connect: Connect, status: str, body: str, kind: type[Exception]
) -> None:
    async def answers_oddly(talk: Conversation) -> None:
        while True:
            await talk.read_request()
            talk.answer("" if status.startswith("204") else body, status)

    async with RawServer(answers_oddly) as server:
        with pytest.raises(kind):
            await send(connect(server.endpoint))
        assert len(server.requests) == 1


async def test_an_upgrade_that_is_cancelled_while_it_waits_ends_at_once(connect: Connect) -> None:
    async with RawServer(raw.never_answers) as server:
        sending = asyncio.create_task(send(connect(server.endpoint)))
        async with asyncio.timeout(5):
            while not server.requests:
                await asyncio.wait([sending], timeout=0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert len(server.requests) == 1
