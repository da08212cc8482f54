"""The life of the process: what answers while it waits for Slack or the database, and how it ends."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot import app
from bot.sandbox.run import sandbox_settings
from bot.sandbox.slack import web_api
from bot.settings import Settings
from bot.slack import client as client_module
from bot.slack.client import InvalidToken
from tests.driver import CHANNEL, BotDriver, Replica, run_driver
from tests.operators import Operator


@pytest.fixture(params=["socket", "http"])
async def driver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BotDriver]:
    """The stand-ins alone, in either mode; every bot has a web server."""
    async with run_driver(tmp_path, request.param, PORT="0") as driver:
        yield driver


@pytest.fixture
def quick_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is believed dead after a second."""
    for name, seconds in (("HEARTBEAT_SECONDS", 0.2), ("TOKEN_DOUBT_INTERVAL", 0.2), ("TOKEN_DOUBT_SECONDS", 1.0)):
        monkeypatch.setattr(client_module, name, seconds)


@asynccontextmanager
async def starting(driver: BotDriver, caplog: pytest.LogCaptureFixture, **overrides: str) -> AsyncIterator[Operator]:
    """A bot that has not been waited for: only its web server is there."""
    caplog.set_level("INFO")
    environ = dict(sandbox_settings(driver.slack, driver.cloud, driver.folder)) | {"PORT": "0"}
    if driver.mode == "http":
        environ |= {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": driver.slack.signing_secret}
    stop = asyncio.Event()
    task = asyncio.create_task(app.run(Settings.read(environ | overrides), stop))
    try:
        ports = await driver.until(
            lambda: [vars(one)["port"] for one in caplog.records if one.getMessage() == "http.listening"] or None
        )
        yield Operator(driver, Replica(task, stop, f"http://127.0.0.1:{ports[0]}"))
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=20)
        assert task.done()


async def test_it_is_alive_and_not_ready_before_slack_and_the_database_are_there(
    driver: BotDriver, caplog: pytest.LogCaptureFixture
) -> None:
    await driver.slack.refuse_connections()
    file = driver.folder / "locked.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    async with starting(driver, caplog, DATABASE_URL=f"sqlite:///{file}") as operator:
        assert await operator.get("/healthz") == (200, json.dumps({"status": "alive"}))
        assert (await operator.get("/metrics"))[0] == 200
        await operator.until_waiting_for("slack", "storage", "process")
        async with aiohttp.ClientSession() as session, session.post(f"{operator.bot.url}/slack/events") as response:
            assert response.status == (503 if driver.mode == "http" else 404)
        await driver.slack.accept_connections()
        await operator.until_waiting_for("storage", "process")
        other.close()
        await operator.until_ready(True)
        if driver.mode == "http":
            driver.slack.deliver_to(f"{operator.bot.url}/slack/events")
        assert (await driver.slack.command("sre", CHANNEL, "help")).acked


async def test_a_slack_that_does_not_say_whose_token_it_is_is_waited_for(
    driver: BotDriver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "START_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(web_api, "HOME_TEAM", "")
    async with starting(driver, caplog) as operator:
        await operator.until_waiting_for("slack", "process")
        monkeypatch.setattr(web_api, "HOME_TEAM", "T0HOME0001")
        await operator.until_ready(True)


async def test_a_command_that_comes_a_little_too_early_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_driver(tmp_path, "http") as driver:
        driver.slack.fail("auth.test", ("delay_before", 0.5))
        async with starting(driver, caplog) as operator:
            driver.slack.deliver_to(f"{operator.bot.url}/slack/events")
            assert (await driver.slack.command("sre", CHANNEL, "help")).acked
            await driver.wait_for_ephemeral("sre")


async def test_waiting_is_logged_ever_more_rarely_with_what_and_where(
    driver: BotDriver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "START_RETRY_SECONDS", 0.01)
    driver.slack.fail("auth.test", 503, times=None)
    url = "postgresql://bot:pass%2Fword@127.0.0.1:1/upgrades?password=pass%2Fword"
    async with starting(driver, caplog, DATABASE_URL=url):
        await driver.slack.until(lambda: len(driver.slack.calls) > 60, 20)
    waiting = [vars(record) for record in caplog.records if record.getMessage() == "start.waiting"]
    by_part = {part: [line for line in waiting if line["part"] == part] for part in ("slack", "storage")}
    assert {line["address"] for line in by_part["slack"]} == {driver.slack.api_url.split("/")[2]}
    assert {line["address"] for line in by_part["storage"]} == {"127.0.0.1:1"}
    assert 2 <= len(by_part["slack"]) <= 10
    assert all(line["reason"] for line in waiting)
    assert "word" not in str([line["reason"] for line in waiting])


async def test_before_the_web_server_closes_it_says_that_it_is_stopping(driver: BotDriver) -> None:
    operator = Operator(driver, await driver.start(DRAIN_SECONDS="1.5"))
    stopping = asyncio.create_task(operator.bot.stop())
    body = await operator.until_ready(False)
    assert body["reasons"] == {"process": "stopping"}
    delivery = await driver.slack.command("sre", CHANNEL, "help")
    assert delivery.acked, "until a load balancer has noticed, requests are taken"
    await driver.wait_for_ephemeral("sre")
    await stopping
    with pytest.raises(aiohttp.ClientConnectorError):
        await operator.get("/healthz")


@pytest.mark.usefixtures("quick_doubt")
async def test_a_token_that_dies_later_ends_the_bot_once_its_work_is_done(driver: BotDriver) -> None:
    replica = await driver.start()
    driver.cloud.inject_fault("slow", seconds=4)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.until(lambda: driver.cloud.upgrades or None)
    driver.slack.revoke_token()
    with pytest.raises(InvalidToken, match="SLACK_BOT_TOKEN"):
        await asyncio.wait_for(replica.task, 20)
    driver.slack.revoked_tokens.clear()
    await driver.start()
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?")
    assert len(driver.cloud.upgrades) == 1
    assert not any("unknown" in reply.text for reply in driver.thread(message))


@pytest.mark.usefixtures("quick_doubt")
@pytest.mark.parametrize("method", ["auth.test", "chat.postMessage", "chat.update", "users.info"])
async def test_one_refusal_of_the_token_ends_nothing(driver: BotDriver, method: str) -> None:
    replica = await driver.start()
    message = await driver.request(driver.instance())
    driver.slack.fail(method, "invalid_auth")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "accepted the upgrade")
    assert not replica.task.done()


async def test_one_refusal_of_the_tokens_at_the_start_ends_nothing(driver: BotDriver) -> None:
    driver.slack.fail("auth.test", "invalid_auth")
    driver.slack.fail("apps.connections.open", "invalid_auth")
    await driver.start()
    assert await driver.request(driver.instance())


@pytest.mark.usefixtures("quick_doubt")
async def test_an_app_token_that_dies_later_ends_the_bot(tmp_path: Path) -> None:
    async with run_driver(tmp_path) as driver:
        replica = await driver.start()
        driver.slack.revoke_app_token()
        await driver.slack.drop_connections("link_disabled")
        with pytest.raises(InvalidToken, match="SLACK_APP_TOKEN"):
            await asyncio.wait_for(replica.task, 20)
