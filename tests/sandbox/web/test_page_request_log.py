"""The request log on the page: every call, opened, filtered and closed."""

from __future__ import annotations

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack


async def test_the_request_log_lists_calls_with_their_responses(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    request_log = page.get_by_role("region", name="Request log")
    await expect(request_log).to_be_hidden()
    toggle = page.locator("#request-log-toggle")
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="<https://example.com|hello> &lt;")
    newest = request_log.locator("#calls > li").first
    await expect(newest).to_contain_text("chat.postMessage")
    await newest.locator("summary").click()
    await expect(newest).to_contain_text('"text": "<https://example.com|hello> &lt;"')
    await expect(newest).to_contain_text('"ok": true')
    await client.auth_test()
    await expect(request_log.locator("#calls > li").first).to_contain_text("auth.test")
    await expect(request_log.locator("#calls > li").nth(1).locator("details")).to_have_attribute(
        "open", ""
    )  # it stays open
    await request_log.get_by_role("button", name="Close the request log").click()
    await expect(request_log).to_be_hidden()
    await expect(toggle).to_be_focused()


async def test_a_row_that_changes_keeps_what_was_opened_and_focused_in_it(page: Page) -> None:
    result = await page.evaluate("""async () => {
        const { el, renderList } = await import("/static/dom.js");
        const list = document.body.appendChild(el("ol"));
        const render = (row) => el("details", {}, el("summary", { dataset: { focus: "row" } }, row.text));
        renderList(list, [{ key: "a", text: "no answer" }, { key: "b", text: "other" }], render);
        const [row, other] = list.children;
        row.querySelector("details").open = true;
        row.querySelector("summary").focus();
        const after = [{ key: "c", text: "newer" }, { key: "a", text: "200" }, { key: "b", text: "other" }];
        const addedKeys = renderList(list, after, render);
        const same = list.children[1] === row && list.children[2] === other;
        const open = row.querySelector("details").open;
        return [addedKeys.join(), same, row.textContent, open, document.activeElement.tagName];
    }""")
    assert result == ["c", True, "200", True, "SUMMARY"]


async def test_the_request_log_shows_one_service_when_chosen(page: Page, client: AsyncWebClient) -> None:
    await client.auth_test()
    await page.locator("#request-log-toggle").click()
    calls = page.locator("#calls > li")
    await expect(calls.filter(has_text="auth.test").first).to_be_visible()
    await page.get_by_role("radio", name="Cloud").check()
    await expect(calls).to_have_count(0)
    await expect(page.locator("#request-log-empty")).to_be_visible()
    await page.get_by_role("radio", name="Slack").check()
    await expect(calls.filter(has_text="auth.test").first).to_be_visible()
