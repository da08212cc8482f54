"""The page under test: both stand-ins, a small real bot in Socket Mode, the desk, and Debian's chromium."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk import Desk
from bot.sandbox.slack import StandInSlack

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
LOST = "net::ERR_"  # what chromium says when the desk is away, which is no mistake of the page
WORDS = {
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


def escaped(value: str) -> str:
    """Escape a value as a bot must."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def question(words: tuple[str, ...], value: str, asked_by: str) -> list[dict[str, Any]]:
    """Blocks as the real bot's: what is asked, until when, and two buttons, the first with a second question."""
    until = int(time.time()) + 600
    plain = {"type": "plain_text", "text": words[1]}
    confirm = {
        "title": {"type": "plain_text", "text": words[3]},
        "text": {"type": "mrkdwn", "text": f"*{escaped(value)}* <!date^{until}^{{time}}|soon>"},
        "confirm": plain,
        "deny": {"type": "plain_text", "text": words[2]},
        "style": "danger",
    }
    go = {"type": "button", "action_id": "confirm_upgrade", "text": plain, "value": "q1", "style": "danger"}
    stop = {"type": "button", "action_id": "cancel_upgrade", "text": confirm["deny"], "value": "q1"}
    note = f":hourglass: <!date^{until}^{{date_short_pretty}} {{time}}|in ten minutes> · <@{asked_by}>"
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": words[0].format(escaped(value))}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": note}]},
        {"type": "actions", "elements": [{**go, "confirm": confirm}, stop]},
    ]


def small_bot(client: AsyncWebClient) -> AsyncApp:
    """A bot that asks in the channel, answers a click in the thread, edits its message, and whispers."""
    app = AsyncApp(client=client, process_before_response=True)

    async def words_for(user: str) -> tuple[str, ...]:
        person = await client.users_info(user=user, include_locale=True)
        return WORDS["zh" if person["user"].get("locale", "").startswith("zh") else "en"]

    @app.command("/starrocks-upgrade")
    async def asked(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack()
        words = await words_for(command["user_id"])
        if not command["text"] or command["text"].startswith("bad"):
            await respond(words[4].format(escaped(command["text"])))
            return
        blocks = question(words, command["text"], command["user_id"])
        try:
            await client.chat_postMessage(channel=command["channel_id"], text=words[1], blocks=blocks)
        except SlackApiError as refused:
            await respond(f"not posted: {refused.response['error']}")

    @app.action("confirm_upgrade")
    async def confirmed(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        words, message = await words_for(body["user"]["id"]), body["message"]
        kept = message["blocks"][:1]
        where = {"channel": body["channel"]["id"]}
        await client.chat_update(**where, ts=message["ts"], text="decided", blocks=kept)
        await client.chat_postMessage(**where, thread_ts=message["ts"], text=f"{words[5]} `job-1`")

    @app.action("cancel_upgrade")
    async def cancelled(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        where = {"channel": body["channel"]["id"], "user": body["user"]["id"]}
        await client.chat_postEphemeral(**where, thread_ts=body["message"]["ts"], text="not yours to cancel")

    return app


@pytest.fixture
async def slack() -> AsyncIterator[StandInSlack]:
    async with StandInSlack() as standing:
        yield standing


@pytest.fixture
async def cloud() -> AsyncIterator[StandInCloud]:
    async with StandInCloud() as standing:
        yield standing


@pytest.fixture
async def desk(slack: StandInSlack, cloud: StandInCloud) -> AsyncIterator[Desk]:
    async with Desk(slack, cloud, port=0) as standing:
        yield standing


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(desk.url) as session:
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
async def page(browser: Browser, desk: Desk, connected_bot: AsyncApp) -> AsyncIterator[Page]:
    """The page as Sam (SRE) sees it; a mistake in its scripts, or a request that leaves it, fails the test."""
    del connected_bot  # it is to be there
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Asia/Tokyo"
    )
    page = await context.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" and LOST not in said.text else None)
    page.on("request", lambda asked: None if asked.url.startswith(desk.url) else wrong.append(asked.url))
    await page.goto(desk.url)
    await page.locator("#link-state[data-state=live]").wait_for()
    yield page
    await context.close()
    assert not wrong
