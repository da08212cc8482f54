"""Reading an answer with a limit."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.taurusdb.answer import MAX_BODY_BYTES, Answer, received
from bot.taurusdb.errors import fault_of

NOW = "Mon, 23 Nov 2026 12:00:00 GMT"


class Flood(httpx.AsyncByteStream):
    """A body without end that counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += 65536
            yield b" " * 65536


def answer_of(body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    stream = httpx.ByteStream(body)
    return httpx.Response(200, headers=named, stream=stream)


async def test_reading_stops_at_the_limit() -> None:
    flood = Flood()
    assert (await received(httpx.Response(200, stream=flood))).value is None
    assert flood.taken <= MAX_BODY_BYTES + 65536


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
async def test_an_encoding_that_was_not_asked_for_is_undone(encode: object) -> None:
    assert callable(encode)
    name = "gzip" if encode is gzip.compress else "deflate"
    assert (await received(answer_of(encode(b'{"job_id": "1"}'), Content_Encoding=name))).value == {"job_id": "1"}


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"job_id": "1"' + b" " * 50_000_000 + b"}")
    assert len(bomb) < MAX_BODY_BYTES
    tracemalloc.start()
    try:
        assert (await received(answer_of(bomb, Content_Encoding="gzip"))).value is None
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_BODY_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_what_cannot_be_unpacked_is_unreadable(encoding: str) -> None:
    assert (await received(answer_of(b'{"job_id": "1"}', Content_Encoding=encoding))).value is None


def test_the_message_is_cut() -> None:
    assert len(fault_of(Answer(400, {}, {"error_msg": "x" * 9999})).message) == 500


def test_the_request_id_is_in_the_body_or_in_the_header() -> None:
    headers = httpx.Headers({"x-request-id": "from the header"})
    assert fault_of(Answer(500, headers, {})).request_id == "from the header"
    assert fault_of(Answer(500, headers, {"request_id": "from the body"})).request_id == "from the body"


@pytest.mark.parametrize(
    ("said", "seconds"),
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
def test_retry_after_is_seconds_or_a_date_and_at_most_a_minute(said: str, seconds: float | None) -> None:
    headers = httpx.Headers({"Retry-After": said, "Date": NOW})
    assert fault_of(Answer(429, headers, {})).retry_after == seconds


def test_the_headers_are_not_shown() -> None:
    assert "a-token" not in repr(Answer(201, {"X-Subject-Token": "a-token"}, {}))
