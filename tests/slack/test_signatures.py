"""Only Slack's signature opens the HTTP door, a fresh one, and each signed request once."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from tests.house import CHANNEL, House
from tests.slack.knocking import command, nothing_happened, reasons
from tests.slack.posting import Poster, form, interactive


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


@pytest.mark.parametrize("seconds", [-310, 360, -86400])
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
