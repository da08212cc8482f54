"""The page fits wide and narrow windows, works by keyboard, keeps still when asked to, and comes back by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import WebServer

STATIC = Path(__file__).parents[3] / "bot" / "sandbox" / "web" / "static"
PARTS = ("#sidebar", "#chat", "#thread", "#cloud")
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll(".scroll, .sidebar, .composer, .topbar")]
    .filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.id || node.className)"""
UNNAMED = """() => [...document.querySelectorAll("button, input, select, a[href], summary, [role=region], [role=img]")]
    .filter((node) => node.checkVisibility())
    .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length))
    .map((node) => node.outerHTML)"""


Motion: TypeAlias = Literal["reduce", "no-preference"]
Scheme: TypeAlias = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


async def send_command(page: Page, text: str) -> None:
    await page.locator("#composer-text").fill(f"/starrocks-upgrade {text}")
    await page.locator("#composer-text").press("Enter")
    await page.locator("#messages > li").last.wait_for()


async def test_a_wide_window_shows_all_parts_at_once(page: Page) -> None:
    await send_command(page, "x" * 200)
    for part in PARTS:
        await expect(page.locator(part)).to_be_visible()
    assert await page.evaluate(TOO_WIDE) == []


async def test_a_narrow_window_shows_one_part_at_a_time(page: Page) -> None:
    await page.set_viewport_size({"width": 400, "height": 800})
    await send_command(page, "x" * 200)
    for name, part in {
        "Channels": "#sidebar",
        "Chat": "#chat",
        "Thread": "#thread",
        "Cloud": "#cloud",
        "Request log": "#request-log",
    }.items():
        await page.get_by_role("navigation", name="Views").get_by_role("button", name=name).click()
        await expect(page.locator(part)).to_be_visible()
        assert [other for other in (*PARTS, "#request-log") if await page.locator(other).is_visible()] == [part]
        assert await page.evaluate(TOO_WIDE) == [], name
    await page.get_by_role("navigation", name="Views").get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="incident-42").click()
    await expect(page.locator("#chat")).to_be_visible()


async def test_an_upgrade_is_confirmed_by_keyboard_alone(page: Page) -> None:
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("/starrocks-upgrade sr-1")
    await page.keyboard.press("Enter")
    upgrade = page.get_by_role("button", name="Upgrade", exact=True)
    await upgrade.wait_for()
    for _ in range(12):
        await page.keyboard.press("Shift+Tab")
        if await upgrade.evaluate("node => node === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()  # the safe answer
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#replies")).to_contain_text("Accepted")
    await expect(page.locator("#messages > li:focus-within, #messages > li:focus")).to_have_count(1)  # not lost


async def test_every_control_has_a_name(page: Page) -> None:
    await send_command(page, "sr-1")
    await page.get_by_role("button", name="Request log").click()
    assert await page.evaluate(UNNAMED) == []
    assert await page.locator("h1").count() == 1
    assert await page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
async def test_nothing_moves_with_reduced_motion(page: Page, motion: Motion, moves: bool) -> None:
    await page.emulate_media(reduced_motion=motion)
    await send_command(page, "sr-1")
    for name in ("arrived", "changed"):
        add_class = f"node => {{ node.classList.add('{name}'); return getComputedStyle(node).animationName; }}"
        assert (await page.locator("#messages > li").last.evaluate(add_class) != "none") is moves


async def test_light_and_dark_follow_the_system_and_can_be_read(page: Page) -> None:
    await send_command(page, "sr-1")
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        low_contrast = await page.evaluate(CONTRAST)
        assert low_contrast == [], scheme


async def test_the_page_comes_back_by_itself(
    page: Page, server: WebServer, slack: StandInSlack, cloud: StandInCloud
) -> None:
    await server.__aexit__(None, None, None)
    await expect(page.locator("#connection")).to_have_text("Reconnecting…")
    await slack.command("sre", "db-ops", "while it was away")
    async with WebServer(slack, cloud, port=server.port):
        await expect(page.locator("#connection")).to_have_text("Live")
        await expect(page.locator("#messages")).to_contain_text("while it was away")


def test_the_scripts_never_make_markup_of_text_and_load_nothing_from_outside() -> None:
    unsafe = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc"
    )
    outside = re.compile(r"""(?:src|href|import|from|url)\s*[=(]?\s*["'(](?:https?:)?//""")
    for path in STATIC.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not outside.search(text), path
        if path.suffix == ".js":
            assert not unsafe.search(text), path
            assert len(text.splitlines()) <= 200, path
        if path.suffix == ".css":
            assert len(text.splitlines()) <= 250, path
