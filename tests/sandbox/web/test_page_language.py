"""The page in the language of its person, what a screen reader hears, and the places that Back leads to."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from tests.sandbox.web.upgrade_request import send_upgrade

HAN = re.compile(r"[\u4e00-\u9fff]")
VIEWS = ("sidebar", "chat", "thread", "cloud", "request-log")
NAMES = {
    "Slack",
    "TaurusDB",
    "StarRocks",
    "API",
    "ID",
    "JavaScript",
    "App",
    "HTML",
    "JSON",
    "Sam",
    "Gil",
    "Nora",
    "UTC",
}
# Names, ids, codes and calls are shown as they are; all other text of the page is its own words.
CHROME = """() => {
    const own = "code, pre, time, .call-summary, .call-name, .status, .instance-name, .channel-name, .person-name, "
        + ".author, .body, #channel-name, .person-note";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [document.title];
    while (walker.nextNode()) {
        const { parentElement: parent, data } = walker.currentNode;
        if (!parent.closest(own) && !parent.closest("script, style, noscript")) texts.push(data.trim());
    }
    const attributes = ["aria-label", "title", "label", "placeholder"];
    for (const node of document.querySelectorAll(attributes.map((name) => `[${name}]`)))
        if (!node.closest(own)) texts.push(...attributes.map((name) => node.getAttribute(name)));
    return texts.filter(Boolean);
}"""


def english_words(text: str) -> list[str]:
    """The words of a text that are English prose: of lower-case letters, with neither digits nor hyphens in them."""
    return [word for word in re.findall(r"(?<![\w./-])[A-Za-z][a-z]{2,}(?![\w./-])", text) if word not in NAMES]


@pytest.mark.parametrize("width", [1280, 400])
async def test_the_page_is_wholly_in_the_language_of_its_person(page: Page, cloud: StandInCloud, width: int) -> None:
    cloud.windows_by_calendar = True
    await page.set_viewport_size({"width": width, "height": 800})
    await send_upgrade(cloud, "sr-orders", delay=True)
    await page.locator("[data-view=sidebar]").evaluate_all("nodes => nodes.forEach((node) => node.click?.())")
    await page.locator("input[value=dba]").check()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(page.locator("#jobs")).to_contain_text("等待可维护时间段")
    own_words = [text for text in await page.evaluate(CHROME) if text != "—delay"]
    assert [text for text in own_words if english_words(text) and not HAN.search(text)] == []
    await page.locator("input[value=sre]").check()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("h1")).to_have_text("Upgrade sandbox")


async def test_a_screen_reader_hears_words_and_no_tokens(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    sam = slack.people["sre"]
    text = f":warning: *sr-1* of <@{sam.id}> waits until <!date^1795680000^{{time}}|soon>: "
    text += "<https://example.com/x|its page> &lt;b&gt;"
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text=text)
    await expect(page.locator("#announcer")).to_contain_text(
        re.compile(r"sr-1 of @Sam \(SRE\) waits until \d\d:\d\d: its page <b>")
    )
    heard = await page.locator("#announcer").inner_text()
    for token in (sam.id, "<@", "<!date", "https:", ":warning:", "*"):
        assert token not in heard


async def test_back_leads_through_the_views_of_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 400, "height": 800})
    for view in ("cloud", "sidebar"):
        await page.locator(f".views [data-view={view}]").click()
    await page.get_by_role("button", name="incident-42").click()
    await expect(page.locator("#channel-name")).to_have_text("# incident-42")
    await page.go_back()
    await expect(page.locator("#sidebar")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#cloud")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#chat")).to_be_visible()
    await expect(page.locator("#channel-name")).to_have_text("# db-ops")
    await page.go_forward()
    await expect(page.locator("#cloud")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 400])
async def test_every_view_has_one_main_landmark(page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for view in VIEWS if width == 400 else ():
        await page.locator(f".views [data-view={view}]").click()
        await expect(page.get_by_role("main").locator(f"#{view}")).to_be_visible()
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("main")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 400])
async def test_a_channel_is_renamed(page: Page, slack: StandInSlack, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.get_by_role("button", name="Rename the channel").click()
    field = page.get_by_label("New name")
    await field.fill("inc-2099")
    await field.press("Enter")
    await expect(page.locator("#channel-name")).to_have_text("# inc-2099")
    await expect(field).to_be_hidden()
    assert slack.channels["db-ops"].name == "inc-2099"


async def test_a_person_who_is_not_allowed_stands_beside_the_others(page: Page) -> None:
    await page.get_by_role("radio", name="Nora (not allowed)").check()
    await expect(page.locator("#composer-text")).to_have_attribute("placeholder", re.compile("Nora"))


async def test_the_words_before_the_examples_stand_in_one_line_on_a_phone(page: Page) -> None:
    await page.get_by_role("radio", name="李伟").check()
    await page.set_viewport_size({"width": 400, "height": 850})
    title = page.locator("#examples-title")
    await expect(title).to_have_text("试一试")
    box = await title.bounding_box()
    assert box is not None
    assert box["height"] < 30 < box["width"]
