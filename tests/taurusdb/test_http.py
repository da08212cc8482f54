"""One call: its response read with limits, the error by status and code, and how many POSTs arrive when it is lost."""

import asyncio
import gc
import gzip
import tracemalloc
import weakref
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.core.errors import NotSent, OutcomeUnknown, Rejected
from bot.core.messages import Language
from bot.network import Certificates, Network
from bot.sandbox.taurusdb import StandInCloud
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import Refusals, SignInPaused, SingleFlight
from bot.taurusdb.responses import MAX_BODY_BYTES, ApiResponse, error_from_response, parse_time, read_response
from tests.network_parts import Authority
from tests.taurusdb import raw_server as raw
from tests.taurusdb.helpers import NOON, FakeSleep, MakeClient, send
from tests.taurusdb.raw_server import Behaviour, Connection, RawServer

NOW = "Mon, 23 Nov 2026 12:00:00 GMT"


class EndlessBody(httpx.AsyncByteStream):
    """A body without end that counts what was read of it."""

    def __init__(self) -> None:
        self.bytes_read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.bytes_read += 65536
            yield b" " * 65536


def response_with(body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    stream = httpx.ByteStream(body)
    return httpx.Response(200, headers=named, stream=stream)


async def test_reading_stops_at_the_limit() -> None:
    body = EndlessBody()
    assert (await read_response(httpx.Response(200, stream=body))).body is None
    assert body.bytes_read <= MAX_BODY_BYTES + 65536


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
async def test_an_encoding_that_was_not_asked_for_is_undone(encode: object) -> None:
    assert callable(encode)
    name = "gzip" if encode is gzip.compress else "deflate"
    assert (await read_response(response_with(encode(b'{"job_id": "1"}'), Content_Encoding=name))).body == {
        "job_id": "1"
    }


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"job_id": "1"' + b" " * 50_000_000 + b"}")
    assert len(bomb) < MAX_BODY_BYTES
    tracemalloc.start()
    try:
        assert (await read_response(response_with(bomb, Content_Encoding="gzip"))).body is None
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_BODY_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_what_cannot_be_unpacked_is_unreadable(encoding: str) -> None:
    assert (await read_response(response_with(b'{"job_id": "1"}', Content_Encoding=encoding))).body is None


def test_the_message_is_cut() -> None:
    assert len(error_from_response(ApiResponse(400, {}, {"error_msg": "x" * 9999})).message) == 500


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, {"error_code": "DBS.1", "error_msg": "no"}, "DBS.1", "no"),
        (400, {"errorCode": "DBS.1", "errorMsg": "no"}, "DBS.1", "no"),
        (400, {"errCode": "DBS.1", "errMsg": "no"}, "DBS.1", "no"),
        (400, {"errCode": "DBS.1", "message": "no"}, "DBS.1", "no"),
        (400, {"code": "DBS.1", "message": "no"}, "DBS.1", "no"),
        (400, {"code": 1234, "message": "no"}, "1234", "no"),
        (400, {"error_code": 0, "error_msg": "no"}, "0", "no"),
        (400, {"fault": {"error_code": "DBS.1", "error_msg": "no"}}, "DBS.1", "no"),
        (400, {"request_id": "1", "error": {"errorCode": "DBS.1", "errorMsg": "no"}}, "DBS.1", "no"),
        (401, {"error": {"code": 401, "message": "wrong", "title": "Unauthorized"}}, "Unauthorized", "wrong"),
        (401, {"error": {"code": "IAM.1", "message": "wrong", "title": "Unauthorized"}}, "IAM.1", "wrong"),
        (400, {"error_code": "DBS.1\u202e\n", "error_msg": "a\tb\u0000"}, "DBS.1", "a b"),
        (400, {"error_code": ["DBS.1"], "error_msg": {"text": "no"}}, "", ""),
        (400, {"error_code": True}, "", ""),
        (400, ["DBS.1"], "", ""),
        (200, {"job": {"code": "7", "message": "what was asked for"}}, "", ""),
        (200, {"error": {"code": "DBS.1", "message": "no"}}, "DBS.1", "no"),
        (500, None, "", ""),
    ],
)
def test_an_error_is_read_in_every_shape(status: int, body: object, code: str, message: str) -> None:
    error = error_from_response(ApiResponse(status, {}, body), "the bot's own note")
    assert (error.code, error.message, error.note) == (code, message, "the bot's own note")


def test_every_foreign_string_is_cut() -> None:
    body = {"error_code": "c" * 900_000, "error_msg": "m" * 900_000, "request_id": "r" * 900_000}
    error = error_from_response(ApiResponse(400, {}, body))
    assert (len(error.code), len(error.message), len(error.api_request_id)) == (64, 500, 128)
    assert len(str(error)) < 700
    headers = httpx.Headers({"X-Request-Id": "r" * 900_000, "Retry-After": "9" * 900_000, "Date": "x" * 900_000})
    error = error_from_response(ApiResponse(503, headers, {}))
    assert (len(error.api_request_id), error.retry_after) == (128, None)


def test_the_request_id_is_in_the_body_or_in_the_header() -> None:
    headers = httpx.Headers({"x-request-id": "from the header"})
    assert error_from_response(ApiResponse(500, headers, {})).api_request_id == "from the header"
    assert (
        error_from_response(ApiResponse(500, headers, {"request_id": "from the body"})).api_request_id
        == "from the body"
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("3600", 60.0),
        ("Mon, 23 Nov 2026 12:00:20 GMT", 20.0),
        ("Mon, 23 Nov 2026 13:00:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_minute(header: str, seconds: float | None) -> None:
    headers = httpx.Headers({"Retry-After": header, "Date": NOW})
    assert error_from_response(ApiResponse(429, headers, {})).retry_after == seconds


def test_the_headers_are_not_shown() -> None:
    assert "a-token" not in repr(ApiResponse(201, {"X-Subject-Token": "a-token"}, {}))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T12:00:00+0000", NOON),
        ("2026-11-23T20:00:00+0800", NOON),
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23T12:00:00", NOON),
        ("1795435200", NOON),
        (1795435200000, NOON),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 5000, None),
    ],
)
def test_times_are_read_in_every_form_they_come_in(text: object, at: float | None) -> None:
    assert parse_time(text) == at


# requests


LOST_RESPONSES = [
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


@pytest.mark.parametrize("behaviour", LOST_RESPONSES, ids=lambda behaviour: behaviour.__name__)
async def test_an_answer_that_is_lost_is_unknown_and_one_post_was_delivered(
    make_client: MakeClient, behaviour: Behaviour
) -> None:
    async with RawServer(behaviour, raw.answers) as server:
        client = make_client(server.endpoint, response_seconds=0.5)
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown) as caught:
                await send(client)
        assert (caught.value.note != "", caught.value.message) == (True, "")  # the API has not said anything
        assert [request.split()[0] for request in server.requests] == ["POST"]


async def test_a_connection_closed_before_it_was_read_is_unknown(make_client: MakeClient) -> None:
    async with RawServer(raw.closes_at_once, raw.answers) as server:
        with pytest.raises(OutcomeUnknown):
            await send(make_client(server.endpoint))
        assert (server.requests, server.connections) == ([], 1)


async def test_an_upgrade_does_not_meet_a_connection_that_the_server_is_closing(make_client: MakeClient) -> None:
    async with RawServer(raw.closes_at_the_second_request, raw.answers) as server:
        client = make_client(server.endpoint)
        assert await client.job("9a7d3c1b", Language.EN) is None
        assert await send(client)
        assert await send(client)
        assert (len(server.requests), server.connections) == (3, 3)


async def test_the_response_time_limits_the_whole_response(make_client: MakeClient) -> None:
    async with RawServer(raw.drips) as server:
        client = make_client(server.endpoint, response_seconds=0.3)
        began = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknown):
            await send(client)
        assert 0.25 < asyncio.get_running_loop().time() - began < 3


async def test_a_refused_connection_is_tried_again_and_then_not_sent(
    make_client: MakeClient, fake_sleep: FakeSleep, closed_port: int
) -> None:
    with pytest.raises(NotSent) as caught:
        await send(make_client(f"http://127.0.0.1:{closed_port}"))
    assert caught.value.status is None
    assert len(fake_sleep.durations) == 2


async def test_a_server_that_comes_back_gets_the_upgrade_once(
    make_client: MakeClient, fake_sleep: FakeSleep, closed_port: int
) -> None:
    servers: list[asyncio.Server] = []
    server = RawServer(raw.answers)

    async def sleep_while_the_server_starts(seconds: float) -> None:
        servers.append(await asyncio.start_server(server._accept, "127.0.0.1", closed_port))

    client = make_client(f"http://127.0.0.1:{closed_port}")
    client._sleep = sleep_while_the_server_starts
    assert await send(client) == "9a7d3c1b"
    assert len(server.requests) == 1
    await client.aclose()
    servers[0].close()
    await servers[0].wait_closed()


async def test_a_connection_not_made_in_time_was_not_sent(
    make_client: MakeClient, fake_sleep: FakeSleep, full_port: int
) -> None:
    with pytest.raises(NotSent):
        await send(make_client(f"http://127.0.0.1:{full_port}", connect_seconds=0.2))
    assert len(fake_sleep.durations) == 2


async def test_a_server_that_speaks_no_tls_was_not_sent_anything(make_client: MakeClient) -> None:
    async def garbage(connection: Connection) -> None:
        await connection.reader.read(1)
        connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.until_left()

    async with RawServer(garbage) as server:
        with pytest.raises(NotSent):
            await send(make_client(f"https://127.0.0.1:{server.port}"))
        assert (server.requests, server.connections) == ([], 3)


async def test_a_certificate_that_is_not_trusted_was_not_sent_anything(
    make_client: MakeClient, authority: Authority
) -> None:
    async with RawServer(raw.answers, tls=authority.server_context("localhost")) as server:
        with pytest.raises(NotSent, match="certificate"):
            await send(make_client(f"https://localhost:{server.port}"))
        assert server.requests == []


@pytest.mark.parametrize("behaviour", [raw.takes_and_closes, raw.takes_and_resets, raw.breaks_off_in_the_body])
async def test_an_answer_lost_under_tls_is_unknown(
    make_client: MakeClient,
    authority: Authority,
    behaviour: Behaviour,
) -> None:
    network = Network(certificates=Certificates(file=str(authority.file)))
    async with RawServer(behaviour, raw.answers, tls=authority.server_context("localhost")) as server:
        with pytest.raises(OutcomeUnknown):
            await send(make_client(f"https://localhost:{server.port}", network=network))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("200 OK", '{"job_id": null}', OutcomeUnknown),
        ("200 OK", '{"job_id": 5}', OutcomeUnknown),
        ("200 OK", '{"job_id": ""}', OutcomeUnknown),
        ("200 OK", '{"job_id": "two words"}', OutcomeUnknown),
        ("200 OK", '["job_id"]', OutcomeUnknown),
        ("200 OK", "{" * 100_000, OutcomeUnknown),
        ("200 OK", "[" * 100_000, OutcomeUnknown),
        ("204 No Content", "", OutcomeUnknown),
        ("201 Created", "", OutcomeUnknown),
        ("400 Bad Request", "<html>", Rejected),
        ("403 Forbidden", "", Rejected),
        ("408 Request Timeout", '{"error_code": "APIGW.0308"}', OutcomeUnknown),
        ("418 Teapot", "<html>", OutcomeUnknown),
        ("422 Unprocessable", '{"error_code": "DBS.280001"}', Rejected),
        ("429 Too Many Requests", "<html>", OutcomeUnknown),
        ("429 Too Many Requests", '{"error_code": "APIGW.9999"}', Rejected),
        ("503 Service Unavailable", '{"error_code": "APIGW.9999"}', OutcomeUnknown),
        ("503 Service Unavailable", "<html>", OutcomeUnknown),
        ("501 Not Implemented", '{"error_code": "APIGW.0308"}', OutcomeUnknown),
        ("400 Bad Request", '{"error_code": 7, "error_msg": {}}', Rejected),
    ],
)
async def test_odd_answers_are_read_by_status_and_code_together(
    make_client: MakeClient, status: str, body: str, kind: type[Exception]
) -> None:
    async def answers_oddly(connection: Connection) -> None:
        while True:
            await connection.read_request()
            connection.answer("" if status.startswith("204") else body, status)

    async with RawServer(answers_oddly) as server:
        with pytest.raises(kind):
            await send(make_client(server.endpoint))
        assert len(server.requests) == 1


async def test_an_upgrade_that_is_cancelled_while_it_waits_ends_at_once(make_client: MakeClient) -> None:
    async with RawServer(raw.never_answers) as server:
        sending = asyncio.create_task(send(make_client(server.endpoint)))
        async with asyncio.timeout(5):
            while not server.requests:
                await asyncio.wait([sending], timeout=0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert len(server.requests) == 1


async def test_at_most_eight_reads_are_in_flight_and_they_do_not_hold_an_upgrade_back(
    cloud: StandInCloud, taurusdb: TaurusDb
) -> None:
    await taurusdb.job("first", Language.EN)  # signed in
    cloud.inject_fault("hang", "job", times=99)
    polls = [asyncio.create_task(taurusdb.job(f"job-{number}", Language.EN)) for number in range(20)]
    await cloud.until(lambda: cloud.in_flight == 8)
    assert await send(taurusdb, cloud.instances["sr-orders"].id)
    assert cloud.most_in_flight == 9
    for task in polls:
        task.cancel()
    await asyncio.gather(*polls, return_exceptions=True)


async def test_calls_of_one_key_share_a_task_and_the_next_one_starts_anew() -> None:
    flight, calls = SingleFlight[int](), []

    async def work() -> int:
        calls.append(1)
        await asyncio.sleep(0)
        return len(calls)

    first, second, other = flight.start("a", work), flight.start("a", work), flight.start("b", work)
    assert first is second is flight.running("a") is not other
    await asyncio.wait([first, other])
    assert flight.running("a") is None
    again = flight.start("a", work)
    assert await again == 3


async def test_a_task_that_is_over_is_not_kept() -> None:
    flight, tasks = SingleFlight[None](), weakref.WeakSet[asyncio.Task[None]]()

    async def call(key: str) -> None:
        task = flight.start(key, lambda: asyncio.sleep(0))
        tasks.add(task)
        await task

    for key in ("a", "b"):
        await call(key)
    await asyncio.sleep(0)  # until here the event loop holds the last one
    gc.collect()
    assert not tasks


async def entered(refusals: Refusals, count: int) -> int:
    """How many of so many requests are let go together."""
    inside = 0

    async def request() -> None:
        nonlocal inside
        async with refusals.turn():
            inside += 1
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(request()) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return inside


async def test_requests_go_one_at_a_time_only_while_nobody_knows_whether_the_credentials_are_right() -> None:
    assert await entered(Refusals(), 3) == 3
    refusals = Refusals(one_at_a_time=True)
    assert await entered(refusals, 3) == 1
    refusals.accepted()
    assert await entered(refusals, 3) == 3
    refusals.refused(Rejected(401), NOON, refusals.count)
    assert await entered(refusals, 3) == 1


def test_each_refusal_makes_a_pause_four_times_as_long_up_to_half_an_hour() -> None:
    refusals, now = Refusals(), NOON
    for seconds in (30, 120, 480, 1800, 1800):
        count = refusals.check(now)
        refusals.refused(Rejected(401, "APIGW.0301"), now, count)
        refusals.refused(Rejected(401, "late"), now + 1, count)  # was on its way together with it
        assert refusals.is_paused(now + seconds - 1)
        with pytest.raises(SignInPaused) as caught:
            refusals.check(now + seconds - 1)
        assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")
        now += seconds
        assert not refusals.is_paused(now)
    refusals.accepted()
    assert refusals.check(NOON) == 0


def test_free_refusals_make_no_pause() -> None:
    refusals = Refusals(free=2)
    for _ in range(2):
        refusals.refused(Rejected(401), NOON, refusals.check(NOON))
    assert not refusals.is_paused(NOON)
    refusals.refused(Rejected(401), NOON, refusals.check(NOON))
    assert refusals.is_paused(NOON + 29)
    assert not refusals.is_paused(NOON + 30)
