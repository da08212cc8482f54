"""The HTTP door: what is not Slack's, or comes again, does nothing; the reason is in the log, the bot lives."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from bot.slack import door, patience, web
from tests.house import CHANNEL, House, buttons, said
from tests.slack.posting import FORM, Poster, form, interactive

EVIL = "T0EVIL00001"


async def command(home: House, text: str = "", **changes: str) -> dict[str, Any]:
    """A real command's payload that was never delivered."""
    delivery = await home.slack.command("third", CHANNEL, "help")
    known = home.slack.people["sre"]
    return {
        **delivery.payload,
        "user_id": known.id,
        "team_id": known.team_id,
        "text": text or home.instance(),
        "trigger_id": f"made.up.{time.monotonic_ns()}",
        **changes,
    }


def reasons(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Why something was refused at the door."""
    return {str(vars(record).get("why")) for record in caplog.records if record.getMessage() == "door.refused"}


async def nothing_happened(home: House, poster: Poster) -> None:
    """The bot has done nothing so far, and does what it is asked now."""
    assert not home.slack.messages(CHANNEL)
    assert not home.cloud.upgrades
    assert await poster.is_well()
    assert buttons(await home.ask(home.instance("sr-metrics"), person="dba"))


def tampered(headers: Mapping[str, str], **changes: str | None) -> dict[str, str]:
    """The headers with others in their place; None: left out."""
    names = {name.replace("_", "-").lower(): value for name, value in changes.items()}
    kept = {name: value for name, value in headers.items() if name.lower() not in names}
    return kept | {name: value for name, value in names.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"X_Slack_Signature": "v0=" + "0" * 64}, "signature"),
        ({"X_Slack_Signature": "v0="}, "signature"),
        ({"X_Slack_Signature": None}, "unsigned"),
        ({"X_Slack_Signature": ""}, "unsigned"),
        ({"X_Slack_Signature": "v0=\u00e9"}, "signature"),
        ({"X_Slack_Request_Timestamp": None}, "unsigned"),
        ({"X_Slack_Request_Timestamp": ""}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "yesterday"}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "-1"}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "1e9"}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "\u00b2"}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "9" * 5000}, "timestamp"),
        ({"X_Slack_Request_Timestamp": "1700000000"}, "too old"),
        ({"X_Slack_Signature": None, "X_Forwarded_For": "3.88.0.1", "User_Agent": "Slackbot 1.0"}, "unsigned"),
    ],
)
async def test_a_request_that_does_not_prove_itself_is_refused(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture, changes: dict[str, str | None], why: str
) -> None:
    body = form(await command(home))
    reply = await poster.send(body, tampered(poster.headers(body), **changes))
    assert (reply.status, reply.text) == (401, "Unauthorized")
    assert reasons(caplog) == {why}
    await nothing_happened(home, poster)


@pytest.mark.parametrize("seconds", [-301, 301, -86400])
async def test_an_old_signature_is_refused_however_right_it_is(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    reply = await poster.signed(form(await command(home)), at=time.time() + seconds)
    assert reply.status == 401
    assert reasons(caplog) == {"too old"}
    await nothing_happened(home, poster)


async def test_the_signature_of_another_body_is_no_signature(home: House, poster: Poster) -> None:
    body = form(await command(home))
    reply = await poster.send(body + b"&x=1", poster.headers(body))
    assert reply.status == 401
    await nothing_happened(home, poster)


async def test_a_signed_command_that_is_sent_again_asks_once(home: House, poster: Poster) -> None:
    body = form(await command(home))
    headers = poster.headers(body)
    assert [(await poster.send(body, headers)).status for _ in range(3)] == [200, 200, 200]
    await home.until(lambda: home.slack.messages(CHANNEL) or None)
    await home.ask(home.instance("sr-metrics"))
    assert len(home.slack.messages(CHANNEL)) == 2


async def test_a_signed_request_without_a_mark_of_its_own_counts_once_too(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    body = form(await command(home, trigger_id=""))
    headers = poster.headers(body)
    replies = await asyncio.gather(*(poster.send(body, headers) for _ in range(10)))
    assert {reply.status for reply in replies} == {200}
    await home.until(lambda: home.slack.messages(CHANNEL) or None)
    await home.ask(home.instance("sr-metrics"))
    assert len(home.slack.messages(CHANNEL)) == 2
    assert sum(record.getMessage() == "door.replayed" for record in caplog.records) == 9


async def test_a_signed_click_that_is_sent_again_is_answered_once(home: House, poster: Poster) -> None:
    message = await home.ask(home.instance())
    delivery = await home.slack.click("guest", message, "confirm_upgrade")
    await home.whispered("guest")
    body = interactive({**delivery.payload, "actions": [{**delivery.payload["actions"][0], "action_ts": "1.5"}]})
    headers = poster.headers(body)
    for _ in range(5):
        assert (await poster.send(body, headers)).status == 200
    await home.until(lambda: len(home.slack.ephemerals("guest")) == 2 or None)
    await home.slack.command("guest", CHANNEL, "help")
    await home.until(lambda: len(home.slack.ephemerals("guest")) == 3 or None)
    assert not home.cloud.upgrades


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
    assert gone == [b"", b"", b""]
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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"api_app_id": "A0ANOTHER1"}, "another app"),
        ({"user_id": "<!channel>"}, "unreadable"),
        ({"channel_id": "../../etc"}, "unreadable"),
        ({"team_id": ""}, "unreadable"),
        ({"user_id": "U0SRE\u00e9"}, "unreadable"),
    ],
)
async def test_a_signed_command_that_is_not_this_bots_is_acknowledged_and_dropped(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture, changes: dict[str, str], why: str
) -> None:
    reply = await poster.signed(form(await command(home, **changes)))
    assert (reply.status, reply.text) == (200, "")
    await home.until(lambda: reasons(caplog) == {why} or None)
    await nothing_happened(home, poster)


@pytest.mark.parametrize(
    "changes",
    [
        {"api_app_id": "A0ANOTHER1"},
        {"user": {"id": "U0SRE00001", "team_id": EVIL}, "team": {"id": EVIL}},
        {"user": {"id": "U0SRE00001"}, "team": None, "enterprise": {"id": "E0EVIL0001"}},
        {"channel": {"id": "C0INC00042"}},
        {"container": {"message_ts": "1.000000"}, "message": {"ts": "1.000000"}},
        {"actions": []},
        {"actions": "confirm_upgrade"},
        {"user": None},
        {"user": ["U0SRE00001"]},
    ],
)
async def test_a_forged_click_confirms_nothing(home: House, poster: Poster, changes: dict[str, Any]) -> None:
    message = await home.ask(home.instance())
    delivery = await home.slack.click("guest", message, "confirm_upgrade")
    real = {**delivery.payload, "user": {"id": "U0SRE00001", "team_id": "T0HOME0001"}, "team": {"id": "T0HOME0001"}}
    # Named by id is allowed, whatever the team: the forger claims to be somebody who is not.
    forged = interactive({**real, "user": {"id": "U0NOBODY01", "team_id": "T0HOME0001"}, **changes})
    if "user" in changes:
        forged = forged.replace(b"U0SRE00001", b"U0NOBODY01")
    assert (await poster.signed(forged)).status in (200, 400)
    assert await poster.is_well()
    assert buttons(home.card(message))
    assert not home.cloud.upgrades
    assert (await poster.signed(interactive(real))).status == 200
    await home.seen(message, "job")


async def test_a_button_carried_to_another_channel_is_unknown_there(home: House) -> None:
    message = await home.ask(home.instance())
    await home.slack.click("sre", message, "confirm_upgrade", channel="incident-42")
    assert said(await home.whispered("sre"))
    assert buttons(home.card(message))
    assert not home.cloud.upgrades


@pytest.mark.parametrize(
    "address",
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
async def test_an_answer_goes_to_no_address_but_slacks(home: House, poster: Poster, address: str) -> None:
    taken: list[bytes] = []

    async def steal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(await reader.read(100))
        writer.close()

    thief = await asyncio.start_server(steal, "127.0.0.1", 0)
    async with thief:
        port = thief.sockets[0].getsockname()[1]
        await poster.signed(form(await command(home, "help", response_url=address.format(port=port))))
        await home.whispered("sre")
    assert not taken
