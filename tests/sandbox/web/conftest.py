"""The page under test: both stand-ins, a small real bot in Socket Mode, the web server, and Debian's chromium."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import WebServer

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NETWORK_ERROR = "net::ERR_"  # chromium logs it while the server is down, which is no error of the page
TEXTS = {
    "en": (
        "Upgrade *{0}*?",
        "Upgrade",
        "Cancel",
        "Really upgrade?",
        "Only you see: `{0}` is no instance id.",
        "Accepted.",
    ),
    "zh": ("升级 *{0}*？", "升级", "取消", "确定要升级吗？", "只有你能看到：`{0}` 不是实例 ID。", "已接受。"),
}


def is_page_error(entry: ConsoleMessage) -> bool:
    """Whether the browser's console shows an error of the page itself."""
    return entry.type == "error" and NETWORK_ERROR not in entry.text


def escaped(value: str) -> str:
    """Escape a value as a bot must."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def confirmation_blocks(texts: tuple[str, ...], value: str, requested_by: str) -> list[dict[str, Any]]:
    """Blocks like those of the real bot: the request, its expiry, and two buttons, the first with a confirm dialog."""
    until = int(time.time()) + 600
    plain = {"type": "plain_text", "text": texts[1]}
    confirm = {
        "title": {"type": "plain_text", "text": texts[3]},
        "text": {"type": "mrkdwn", "text": f"*{escaped(value)}* <!date^{until}^{{time}}|soon>"},
        "confirm": plain,
        "deny": {"type": "plain_text", "text": texts[2]},
        "style": "danger",
    }
    upgrade_button = {"type": "button", "action_id": "confirm_upgrade", "text": plain, "value": "q1", "style": "danger"}
    cancel_button = {"type": "button", "action_id": "cancel_upgrade", "text": confirm["deny"], "value": "q1"}
    note = f":hourglass: <!date^{until}^{{date_short_pretty}} {{time}}|in ten minutes> · <@{requested_by}>"
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": texts[0].format(escaped(value))}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": note}]},
        {"type": "actions", "elements": [{**upgrade_button, "confirm": confirm}, cancel_button]},
    ]


def small_bot(client: AsyncWebClient) -> AsyncApp:
    """A bot that posts in the channel, answers a click in the thread, edits its message, sends ephemeral ones."""
    app = AsyncApp(client=client, process_before_response=True)

    async def texts_for(user: str) -> tuple[str, ...]:
        person = await client.users_info(user=user, include_locale=True)
        return TEXTS["zh" if person["user"].get("locale", "").startswith("zh") else "en"]

    @app.command("/starrocks-upgrade")
    async def on_command(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack()
        texts = await texts_for(command["user_id"])
        if not command["text"] or command["text"].startswith("bad"):
            await respond(texts[4].format(escaped(command["text"])))
            return
        blocks = confirmation_blocks(texts, command["text"], command["user_id"])
        try:
            await client.chat_postMessage(channel=command["channel_id"], text=texts[1], blocks=blocks)
        except SlackApiError as error:
            await respond(f"not posted: {error.response['error']}")

    @app.action("confirm_upgrade")
    async def on_confirm(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        texts, message = await texts_for(body["user"]["id"]), body["message"]
        blocks = message["blocks"][:1]
        channel = body["channel"]["id"]
        await client.chat_update(channel=channel, ts=message["ts"], text="decided", blocks=blocks)
        await client.chat_postMessage(channel=channel, thread_ts=message["ts"], text=f"{texts[5]} `job-1`")

    @app.action("cancel_upgrade")
    async def on_cancel(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        address = {"channel": body["channel"]["id"], "user": body["user"]["id"]}
        await client.chat_postEphemeral(**address, thread_ts=body["message"]["ts"], text="not yours to cancel")

    return app


@pytest.fixture
async def slack() -> AsyncIterator[StandInSlack]:
    async with StandInSlack() as stand_in:
        yield stand_in


@pytest.fixture
async def cloud() -> AsyncIterator[StandInCloud]:
    async with StandInCloud() as stand_in:
        yield stand_in


@pytest.fixture
async def server(slack: StandInSlack, cloud: StandInCloud) -> AsyncIterator[WebServer]:
    async with WebServer(slack, cloud, port=0) as web_server:
        yield web_server


@pytest.fixture
async def http(server: WebServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
async def client(slack: StandInSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)


@pytest.fixture
async def connected_bot(slack: StandInSlack, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    app = small_bot(client)
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=client)
    await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's handler has no annotations
    await slack.connected()
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call] # as above


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed, and in CI the page must be tested")
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, server: WebServer, connected_bot: AsyncApp) -> AsyncIterator[Page]:
    """The page as Sam (SRE) sees it; an error in its scripts, or a request to anywhere else, fails the test."""
    del connected_bot  # it only has to run
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Asia/Tokyo"
    )
    page = await context.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda entry: errors.append(entry.text) if is_page_error(entry) else None)
    page.on("request", lambda request: None if request.url.startswith(server.url) else errors.append(request.url))
    await page.goto(server.url)
    await page.locator("#connection[data-state=live]").wait_for()
    yield page
    await context.close()
    assert not errors
