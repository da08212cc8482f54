"""The HTTP door against what is too large, too slow or not HTTP at all: refused, the reason logged, the bot lives."""

import asyncio
import time
from functools import partial

import pytest

from bot.slack import door, patience, web
from tests.house import House, buttons
from tests.slack.knocking import command, nothing_happened, reasons
from tests.slack.posting import FORM, Poster, form


async def test_an_oversized_body_is_refused(home: House, poster: Poster, caplog: pytest.LogCaptureFixture) -> None:
    body = form(await command(home, padding="x" * 600_000))
    reply = await poster.signed(body)
    assert reply.status == 413
    assert reasons(caplog) == {"oversized"}
    await nothing_happened(home, poster)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""])
async def test_another_content_type_is_refused(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture, content_type: str
) -> None:
    reply = await poster.signed(form(await command(home)), content_type)
    assert reply.status == 415
    assert reasons(caplog) == {"content_type"}
    await nothing_happened(home, poster)


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "utf-7", "\u00e9"])
async def test_a_charset_changes_nothing(home: House, poster: Poster, charset: str) -> None:
    reply = await poster.signed(form(await command(home)), f"{FORM}; charset={charset}")
    assert reply.status in (200, 400)
    assert await poster.is_well()


async def test_headers_that_trickle_in_are_not_waited_for(
    empty_home: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(web, "Patience", partial(patience.Patience, 0.3))
    replica = await empty_home.start()
    poster = Poster(None, replica.address, "")  # type: ignore[arg-type]  # only its raw bytes are needed
    began = time.monotonic()
    gone = await asyncio.gather(
        poster.raw(b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n", b"X-Slow: "), poster.raw(b""), poster.raw(b"PO")
    )
    assert set(gone) == {b""}
    assert time.monotonic() - began < 5
    assert "slow headers" in reasons(caplog)
    assert buttons(await empty_home.ask(empty_home.instance()))


async def test_a_body_that_trickles_in_is_not_waited_for(
    home: House, poster: Poster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "BODY_SECONDS", 0.3)
    head = f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Type: {FORM}\r\nContent-Length: 5000\r\n\r\n"
    began = time.monotonic()
    answers = await asyncio.gather(*(poster.raw(head.encode(), b"command=%2F") for _ in range(20)))
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert time.monotonic() - began < 5
    assert reasons(caplog) == {"slow body"}
    await nothing_happened(home, poster)


async def test_a_body_that_is_broken_off_is_no_request(home: House, poster: Poster) -> None:
    head = f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    await poster.raw(head.encode(), b"zzz\r\nnot a chunk")
    await poster.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    await poster.raw(b"GET / HTTP/9.9\r\n\r\n")
    await nothing_happened(home, poster)
