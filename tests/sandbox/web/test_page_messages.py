"""Messages look as Slack would show them, and nothing from a value becomes markup."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack

FORMATTED = (
    ("a *bold* word", "strong", "bold"),
    ("an _italic_ word", "em", "italic"),
    ("a ~gone~ word", "s", "gone"),
    ("an `id` here", "code", "id"),
    ("an `a &lt;b&gt; &amp;amp; *c*` here", "code", "a <b> &amp; *c*"),
    ("```\nline 1\n*line 2*\n```", "pre", "line 1\n*line 2*"),
    ("before\n&gt; quoted *here*\nafter", "blockquote", "quoted here"),
    ("<https://example.com/a_b_c|the *page*>", "a", "the *page*"),
    ("<https://example.com/?a=1&amp;b=2>", "a[href='https://example.com/?a=1&b=2']", "https://example.com/?a=1&b=2"),
    ("<mailto:a@example.com|a@example.com>", "a[href='mailto:a@example.com']", "a@example.com"),
    ("<@U0DBA00001> look", ".mention", "@李伟 (DBA)"),
    ("<@U0SRE00001> look", ".mention.to-you", "@Sam (SRE)"),
    ("<@U0NOBODY> look", ".mention", "@U0NOBODY"),
    ("<#C0INC00042> and", ".mention", "#incident-42"),
    ("<#C0ELSE|elsewhere> and", ".mention", "#elsewhere"),
    ("<!here> and", ".mention", "@here"),
    ("<!subteam^S1|@db-ops> and", ".mention", "@db-ops"),
    (":warning: careful", ".emoji[role=img][aria-label=warning]", "⚠️"),
)
PLAIN = (
    ("2*3*4 and snake_case_name and a~b~c", "2*3*4 and snake_case_name and a~b~c"),
    ("* no bold * and _ no _", "* no bold * and _ no _"),
    ("sr-订*单*", "sr-订*单*"),
    ("&lt;!channel&gt; &lt;@U0DBA00001&gt; &amp;lt;", "<!channel> <@U0DBA00001> &lt;"),
    ("&lt;img src=x onerror=alert(1)&gt;", "<img src=x onerror=alert(1)>"),
    ("<javascript:alert(1)|click>", "click"),
    ("<JavaScript:alert(1)>", "JavaScript:alert(1)"),
    ("<data:text/html,x|y>", "y"),
    (":no_such_emoji: :constructor: 12:30:45", ":no_such_emoji: :constructor: 12:30:45"),
    ("<!date^nonsense^{time}|&lt;later&gt;>", "<later>"),
)


async def post(page: Page, slack: StandInSlack, client: AsyncWebClient, text: str, **arguments: Any) -> Locator:
    """Post a message and return its body on the page."""
    posted = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text=text, **arguments)
    body = page.locator(f'#messages > li[data-key$="{posted["ts"]}"] .body')
    await body.wait_for()
    return body


async def test_mrkdwn_is_formatted(page: Page, slack: StandInSlack, client: AsyncWebClient) -> None:
    for text, selector, content in FORMATTED:
        formatted = (await post(page, slack, client, text)).locator(selector)
        assert await formatted.all_text_contents() == [content], text


async def test_what_is_no_markup_stays_text(page: Page, slack: StandInSlack, client: AsyncWebClient) -> None:
    for text, content in PLAIN:
        inner = (await post(page, slack, client, text)).locator(".block-text")
        assert await inner.text_content() == content
        assert await inner.locator("*").count() == 0, text


async def test_html_in_every_part_of_a_block_stays_text(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    safe = evil.replace("<", "&lt;").replace(">", "&gt;")
    plain = {"type": "plain_text", "text": evil}
    mrkdwn = {"type": "mrkdwn", "text": safe}
    button = {"type": "button", "action_id": "x", "text": plain, "value": evil}
    confirm = {"title": plain, "text": mrkdwn, "confirm": {**plain, "text": "Yes"}, "deny": {**plain, "text": "No"}}
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": mrkdwn, "fields": [mrkdwn, plain]},
        {"type": "context", "elements": [mrkdwn, plain]},
        {"type": "actions", "elements": [{**button, "confirm": confirm}]},
    ]
    body = await post(page, slack, client, "text", blocks=blocks)
    assert (await body.inner_text()).count(evil) == 7
    await body.get_by_role("button", name=evil).click()
    await expect(page.get_by_role("dialog")).to_contain_text(evil)
    await expect(page.locator("img")).to_have_count(0)


async def test_dates_are_in_the_time_zone_of_the_browser(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    text = "<!date^1392734382^{date_short} {time} and {date_num} {time_secs}, {odd}|2014-02-18 14:39 UTC>"
    body = await post(page, slack, client, text)
    await expect(body).to_have_text("Feb 18, 2014 23:39 and 2014-02-18 23:39:42, {odd}")  # the browser is in Tokyo
    time = body.locator("time")
    await expect(time).to_have_attribute("datetime", "2014-02-18T14:39:42.000Z")
    await expect(time).to_have_attribute("title", "2014-02-18 14:39 UTC")


async def test_a_permalink_leads_to_its_message(page: Page, slack: StandInSlack, client: AsyncWebClient) -> None:
    elsewhere = slack.channels["incident-42"].id
    first = await client.chat_postMessage(channel=elsewhere, text="the first message")
    link = await client.chat_getPermalink(channel=elsewhere, message_ts=first["ts"])
    body = await post(page, slack, client, f"see <{link['permalink']}|the first message>")
    await body.get_by_role("link").click()
    await expect(page.locator("#channel-name")).to_have_text("# incident-42")
    await expect(page.locator("#messages > li:focus")).to_contain_text("the first message")


async def test_blocks_that_are_not_rendered_are_named(page: Page, slack: StandInSlack, client: AsyncWebClient) -> None:
    blocks = [{"type": "divider"}, {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "a chart"}]
    body = await post(page, slack, client, "text", blocks=blocks)
    await expect(body.locator("hr")).to_have_count(1)
    await expect(body).to_contain_text("[image: a chart]")
