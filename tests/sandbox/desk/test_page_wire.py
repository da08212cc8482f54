"""The drawer: every call as it happened, opened, filtered and closed."""

from __future__ import annotations

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack


async def test_the_drawer_lists_calls_with_their_answers(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    drawer = page.get_by_role("region", name="On the wire")
    await expect(drawer).to_be_hidden()
    toggle = page.locator("#wire-toggle")
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="<https://example.com|hello> &lt;")
    newest = drawer.locator("#calls > li").first
    await expect(newest).to_contain_text("chat.postMessage")
    await newest.locator("summary").click()
    await expect(newest).to_contain_text('"text": "<https://example.com|hello> &lt;"')
    await expect(newest).to_contain_text('"ok": true')
    await client.auth_test()
    await expect(drawer.locator("#calls > li").first).to_contain_text("auth.test")
    await expect(drawer.locator("#calls > li").nth(1).locator("details")).to_have_attribute("open", "")  # it stays open
    await drawer.get_by_role("button", name="Close the wire").click()
    await expect(drawer).to_be_hidden()
    await expect(toggle).to_be_focused()


async def test_a_line_that_changes_keeps_what_was_opened_and_focused_in_it(page: Page) -> None:
    kept = await page.evaluate("""async () => {
        const { h, keyed } = await import("/page/script/dom.js");
        const list = document.body.appendChild(h("ol"));
        const render = (entry) => h("details", {}, h("summary", { dataset: { focus: "line" } }, entry.text));
        keyed(list, [{ key: "a", text: "no answer" }, { key: "b", text: "other" }], render);
        const [line, other] = list.children;
        line.querySelector("details").open = true;
        line.querySelector("summary").focus();
        const after = [{ key: "c", text: "newer" }, { key: "a", text: "200" }, { key: "b", text: "other" }];
        const fresh = keyed(list, after, render);
        const same = list.children[1] === line && list.children[2] === other;
        const open = line.querySelector("details").open;
        return [fresh.join(), same, line.textContent, open, document.activeElement.tagName];
    }""")
    assert kept == ["c", True, "200", True, "SUMMARY"]


async def test_the_drawer_shows_one_side_when_asked(page: Page, client: AsyncWebClient) -> None:
    await client.auth_test()
    await page.locator("#wire-toggle").click()
    calls = page.locator("#calls > li")
    await expect(calls.filter(has_text="auth.test").first).to_be_visible()
    await page.get_by_role("radio", name="Cloud").check()
    await expect(calls).to_have_count(0)
    await expect(page.locator("#wire-none")).to_be_visible()
    await page.get_by_role("radio", name="Slack").check()
    await expect(calls.filter(has_text="auth.test").first).to_be_visible()
