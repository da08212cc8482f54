"""The web server: which requests of Slack it takes, what is too large or too slow, liveness and readiness."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot import http_server
from tests.driver import CHANNEL, BotDriver, buttons, run_driver
from tests.events_client import (
    FORM,
    EventsClient,
    assert_nothing_done,
    command_payload,
    form_body,
    interactive_body,
    refusal_reasons,
    refusals,
    send_raw,
)
from tests.operators import Operator


@pytest.fixture
async def idle_driver(tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The stand-ins alone, in HTTP mode."""
    async with run_driver(tmp_path, "http") as idle_driver:
        yield idle_driver


@pytest.fixture
async def driver(idle_driver: BotDriver) -> BotDriver:
    """The stand-ins and one bot in HTTP mode."""
    await idle_driver.start()
    return idle_driver


@pytest.fixture
async def client(driver: BotDriver) -> AsyncIterator[EventsClient]:
    """A client of that bot that knows the signing secret."""
    async with aiohttp.ClientSession() as session:
        yield EventsClient(session, driver.replicas[0].url, driver.slack.signing_secret)


@pytest.fixture(params=["socket", "http"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Operator]:
    """An operator of a bot in either mode."""
    async with run_driver(tmp_path, request.param, PORT="0") as driver:
        yield Operator(driver, await driver.start())


# signatures


def changed_headers(headers: Mapping[str, str], **changes: str | None) -> dict[str, str]:
    """The headers with others in their place; None: left out."""
    new = {name.replace("_", "-").lower(): value for name, value in changes.items()}
    kept = {name: value for name, value in headers.items() if name.lower() not in new}
    return kept | {name: value for name, value in new.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "reason"),
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
        ({"X_Slack_Request_Timestamp": "1700000000"}, "server clock differs"),
        ({"X_Slack_Signature": None, "X_Forwarded_For": "3.88.0.1", "User_Agent": "Slackbot 1.0"}, "unsigned"),
    ],
)
async def test_a_request_without_a_valid_signature_is_refused(
    driver: BotDriver,
    client: EventsClient,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, str | None],
    reason: str,
) -> None:
    body = form_body(await command_payload(driver))
    response = await client.post(body, changed_headers(client.signed_headers(body), **changes))
    assert (response.status, response.text) == (401, "Unauthorized")
    (refusal,) = refusals(caplog)
    assert refusal["reason"].startswith(reason)
    assert refusal["header"] in {name.replace("_", "-").lower() for name in changes}
    await assert_nothing_done(driver, client)


@pytest.mark.parametrize(("seconds", "word"), [(-310, "ahead"), (360, "behind"), (-86400, "ahead")])
async def test_a_signature_of_another_time_is_refused_however_right_it_is_and_the_clock_is_named(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture, seconds: float, word: str
) -> None:
    response = await client.post_signed(form_body(await command_payload(driver)), at=time.time() + seconds)
    assert response.status == 401
    (refusal,) = refusals(caplog)
    differs_by = re.fullmatch(r"server clock differs by (\d+) s from the request's", refusal["reason"])
    assert differs_by is not None
    assert abs(int(differs_by.group(1)) - abs(seconds)) < 5
    assert refusal["hint"].startswith(word)
    await assert_nothing_done(driver, client)


async def test_the_signature_of_another_body_is_no_signature(driver: BotDriver, client: EventsClient) -> None:
    body = form_body(await command_payload(driver))
    response = await client.post(body + b"&x=1", client.signed_headers(body))
    assert response.status == 401
    await assert_nothing_done(driver, client)


async def test_a_signed_command_that_is_replayed_requests_once(driver: BotDriver, client: EventsClient) -> None:
    body = form_body(await command_payload(driver))
    headers = client.signed_headers(body)
    assert [(await client.post(body, headers)).status for _ in range(3)] == [200, 200, 200]
    await driver.until(lambda: driver.slack.messages(CHANNEL) or None)
    await driver.request(driver.instance("sr-metrics"))
    assert len(driver.slack.messages(CHANNEL)) == 2


async def test_a_signed_request_without_a_trigger_id_counts_once_too(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = form_body(await command_payload(driver, trigger_id=""))
    headers = client.signed_headers(body)
    responses = await asyncio.gather(*(client.post(body, headers) for _ in range(10)))
    assert {response.status for response in responses} == {200}
    await driver.until(lambda: driver.slack.messages(CHANNEL) or None)
    await driver.request(driver.instance("sr-metrics"))
    assert len(driver.slack.messages(CHANNEL)) == 2
    assert sum(record.getMessage() == "request.replayed" for record in caplog.records) == 9


async def test_a_signed_click_that_is_replayed_is_answered_once(driver: BotDriver, client: EventsClient) -> None:
    card = await driver.request(driver.instance())
    delivery = await driver.slack.click("guest", card, "confirm_upgrade")
    await driver.wait_for_ephemeral("guest")
    button = {**delivery.payload["actions"][0], "action_ts": "1.5"}
    body = interactive_body({**delivery.payload, "actions": [button]})
    headers = client.signed_headers(body)
    for _ in range(5):
        assert (await client.post(body, headers)).status == 200
    await driver.until(lambda: len(driver.slack.ephemerals("guest")) == 2 or None)
    await driver.slack.command("guest", CHANNEL, "help")
    await driver.until(lambda: len(driver.slack.ephemerals("guest")) == 3 or None)
    assert not driver.cloud.upgrades


# other paths


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/", 404, "unknown path"),
        ("POST", "/slack/event", 404, "unknown path"),
        ("POST", "/slack/events/", 404, "unknown path"),
        ("GET", "/wp-login.php", 404, "unknown path"),
        ("GET", "/slack/events", 405, "method"),
        ("POST", "/healthz", 405, "method"),
    ],
)
async def test_a_request_to_another_path_is_told_once_in_a_while(
    operator: Operator, caplog: pytest.LogCaptureFixture, method: str, path: str, status: int, reason: str
) -> None:
    if operator.driver.mode == "socket" and path == "/slack/events":
        status, reason = 404, "unknown path"
    async with aiohttp.ClientSession() as session:
        for _ in range(50):
            async with session.request(method, f"{operator.bot.url}{path}") as response:
                assert response.status == status
    (refusal,) = refusals(caplog)
    assert (refusal["reason"], refusal["method"], refusal["path"]) == (reason, method, path)
    assert refusal["hint"] in ("Slack's requests belong at POST /slack/events", "the bot runs in Socket Mode")


async def test_a_very_long_path_makes_no_long_line(operator: Operator, caplog: pytest.LogCaptureFixture) -> None:
    await operator.get("/" + "x" * 5000 + "%0a%1b%5b31m")
    (refusal,) = refusals(caplog)
    assert len(refusal["path"]) == 100


# what is too large, too slow or not HTTP at all


async def test_an_oversized_body_is_refused(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = form_body(await command_payload(driver, padding="x" * 600_000))
    response = await client.post_signed(body)
    assert response.status == 413
    assert refusal_reasons(caplog) == {"oversized"}
    await assert_nothing_done(driver, client)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""])
async def test_another_content_type_is_refused(
    driver: BotDriver, client: EventsClient, caplog: pytest.LogCaptureFixture, content_type: str
) -> None:
    response = await client.post_signed(form_body(await command_payload(driver)), content_type)
    assert response.status == 415
    (refusal,) = refusals(caplog)
    assert (refusal["reason"], refusal["header"]) == ("content_type", "content-type")
    await assert_nothing_done(driver, client)


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "utf-7", "\u00e9"])
async def test_a_charset_changes_nothing(driver: BotDriver, client: EventsClient, charset: str) -> None:
    response = await client.post_signed(form_body(await command_payload(driver)), f"{FORM}; charset={charset}")
    assert response.status in (200, 400)
    assert await client.is_healthy()


async def test_headers_that_trickle_in_are_not_waited_for(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_server, "SlowClientGuard", partial(http_server.SlowClientGuard, 0.3))
    url = (await idle_driver.start()).url
    started_at = time.monotonic()
    responses = await asyncio.gather(
        send_raw(url, b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n", b"X-Slow: "),
        send_raw(url, b""),
        send_raw(url, b"PO"),
    )
    assert set(responses) == {b""}
    assert time.monotonic() - started_at < 5
    assert "slow headers" in refusal_reasons(caplog)
    assert buttons(await idle_driver.request(idle_driver.instance()))


async def test_a_body_that_trickles_in_is_not_waited_for(
    driver: BotDriver, client: EventsClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_server, "BODY_SECONDS", 0.3)
    head = f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Type: {FORM}\r\nContent-Length: 5000\r\n\r\n"
    started_at = time.monotonic()
    responses = await asyncio.gather(*(send_raw(client.url, head.encode(), b"command=%2F") for _ in range(20)))
    assert all(response.startswith(b"HTTP/1.1 408 ") for response in responses)
    assert time.monotonic() - started_at < 5
    assert refusal_reasons(caplog) == {"slow body"}
    await assert_nothing_done(driver, client)


async def test_a_body_that_is_broken_off_is_no_request(driver: BotDriver, client: EventsClient) -> None:
    head = f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    await send_raw(client.url, head.encode(), b"zzz\r\nnot a chunk")
    await send_raw(client.url, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    await send_raw(client.url, b"GET / HTTP/9.9\r\n\r\n")
    await assert_nothing_done(driver, client)


# liveness and readiness


async def test_it_is_alive(operator: Operator) -> None:
    status, body = await operator.get("/healthz")
    assert (status, json.loads(body)) == (200, {"status": "alive"})


async def test_it_is_ready_and_names_each_part(operator: Operator) -> None:
    status, body = await operator.readiness()
    parts = {"slack", "storage"} | ({"socket"} if operator.driver.mode == "socket" else set())
    assert (status, body["ready"], body["reasons"]) == (200, True, {})
    assert body["parts"] == {part: {"ready": True, "problem": ""} for part in parts}


async def test_without_slack_it_is_not_ready_until_slack_is_back(operator: Operator) -> None:
    await operator.driver.slack.refuse_connections()
    await operator.driver.slack.drop_connections()
    body = await operator.until_ready(False)
    assert set(body["reasons"]) <= {"slack", "socket"}
    await operator.driver.slack.accept_connections()
    await operator.until_ready(True)


async def test_without_its_database_it_is_not_ready(operator: Operator) -> None:
    database = operator.driver.folder / "sandbox.db"
    elsewhere = operator.driver.folder / "elsewhere.db"
    database.rename(elsewhere)
    body = await operator.until_ready(False)
    assert set(body["reasons"]) == {"storage"}
    elsewhere.rename(database)
    await operator.until_ready(True)


async def test_a_refused_sign_in_to_the_cloud_leaves_it_ready(operator: Operator) -> None:
    """In HTTP mode nobody could be told anything while a load balancer sends no requests."""
    driver = operator.driver
    driver.cloud.inject_fault("401 APIGW.0301", times=9)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "APIGW.0301")
    status, body = await operator.readiness()
    assert (status, body["ready"], body["reasons"]) == (200, True, {})


async def test_a_socket_that_fell_silent_is_noticed(tmp_path: Path) -> None:
    async with run_driver(tmp_path, "socket", PORT="0") as driver:
        operator = Operator(driver, await driver.start())
        await driver.slack.refuse_connections()
        driver.slack.stall_connections()
        body = await operator.until_ready(False, timeout=35)
        assert "socket" in body["reasons"] or "slack" in body["reasons"]
        await driver.slack.accept_connections()
        await operator.until_ready(True)
