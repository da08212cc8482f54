"""What a person does and sees on the page: commands, the confirm dialog, the thread, ephemeral messages."""

from __future__ import annotations

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack


async def send_command(page: Page, text: str) -> None:
    """Type a command and send it."""
    await page.get_by_role("combobox", name="Message, or the command").fill(f"/starrocks-upgrade {text}")
    await page.get_by_role("button", name="Send").click()


async def test_the_confirm_dialog_comes_before_the_click(page: Page, slack: StandInSlack) -> None:
    await send_command(page, "sr-1")
    await page.get_by_role("button", name="Upgrade", exact=True).click()
    dialog = page.get_by_role("dialog", name="Really upgrade?")
    await expect(dialog).to_contain_text("sr-1")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    assert not slack.thread("db-ops", slack.messages("db-ops")[0].ts)

    await page.get_by_role("button", name="Upgrade", exact=True).click()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert not slack.thread("db-ops", slack.messages("db-ops")[0].ts)

    await page.get_by_role("button", name="Upgrade", exact=True).click()
    await dialog.get_by_role("button", name="Upgrade").click()
    await expect(page.locator("#replies")).to_contain_text("Accepted. job-1")


async def test_a_confirmed_message_changes_in_place_and_counts_its_replies(page: Page) -> None:
    await send_command(page, "sr-1")
    message = page.locator("#messages > li")
    await message.get_by_role("button", name="Upgrade", exact=True).click()
    await page.locator("#confirm-accept").click()
    await expect(message.get_by_role("button", name="1 reply")).to_be_visible()
    await expect(message).to_have_count(1)
    await expect(message).to_contain_text("(edited)")
    await expect(message.get_by_role("button", name="Upgrade", exact=True)).to_have_count(0)


async def test_the_thread_opens_from_its_reply_count_and_closes(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    root = await client.chat_postMessage(channel=channel, text="the question")
    await client.chat_postMessage(channel=channel, text="an answer", thread_ts=root["ts"])
    await expect(page.locator("#messages")).not_to_contain_text("an answer")
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("region", name="Replies in the thread")
    await expect(thread).to_contain_text("the question")
    await expect(thread).to_contain_text("an answer")
    await client.chat_postMessage(channel=channel, text="another answer", thread_ts=root["ts"])
    await expect(thread).to_contain_text("another answer")
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await page.get_by_role("button", name="Close the thread").click()
    await expect(thread).not_to_contain_text("an answer")


async def test_an_ephemeral_message_is_marked_and_seen_by_that_person_alone(page: Page) -> None:
    await send_command(page, "bad <b>id</b>")
    ephemeral = page.locator("#messages > li.ephemeral")
    await expect(ephemeral).to_contain_text("Only visible to you")
    await expect(ephemeral).to_contain_text("bad <b>id</b> is no instance id")
    await page.get_by_role("radio", name="DBA").check()
    await expect(page.locator("#messages-empty")).to_be_visible()
    await expect(ephemeral).to_have_count(0)
    await page.get_by_role("radio", name="SRE").check()
    await expect(ephemeral).to_have_count(1)


async def test_an_ephemeral_message_in_a_thread_is_shown_there(page: Page) -> None:
    await send_command(page, "sr-1")
    await page.locator("#messages").get_by_role("button", name="Cancel").click()
    await expect(page.locator("#replies > li.ephemeral")).to_contain_text("not yours to cancel")
    await expect(page.locator("#messages > li.ephemeral")).to_have_count(0)


async def test_each_person_is_answered_in_their_language(page: Page) -> None:
    await page.get_by_role("radio", name="DBA").check()
    await page.get_by_role("combobox", name="消息或命令").fill("/starrocks-upgrade sr-1")
    await page.get_by_role("button", name="发送").click()
    message = page.locator("#messages > li")
    await expect(message).to_contain_text("升级 sr-1？")
    await expect(message.locator(".body")).to_have_attribute("lang", "zh-CN")
    await expect(message).to_contain_text("今天")
    await message.get_by_role("button", name="升级").click()
    await expect(page.get_by_role("dialog", name="确定要升级吗？")).to_be_visible()


async def test_channels_show_where_the_bot_is_absent_and_where_something_is_new(
    page: Page, slack: StandInSlack, client: AsyncWebClient
) -> None:
    channels = page.get_by_role("list", name="Channels")
    await expect(channels.get_by_role("button", name="inc-2051")).to_contain_text("no bot here")
    await expect(channels.get_by_role("button", name="db-ops")).to_have_attribute("aria-current", "true")
    await client.chat_postMessage(channel=slack.channels["incident-42"].id, text="elsewhere")
    other = channels.get_by_role("button", name="incident-42")
    await expect(other).to_contain_text("new messages")
    await expect(page.locator("#messages")).not_to_contain_text("elsewhere")
    await other.click()
    await expect(page.locator("#messages")).to_contain_text("elsewhere")
    await expect(other).not_to_contain_text("new messages")


async def test_the_command_works_where_the_bot_is_absent(page: Page) -> None:
    await page.get_by_role("button", name="inc-2051").click()
    await send_command(page, "sr-1")
    await expect(page.locator("#messages > li.ephemeral")).to_contain_text("not_in_channel")


async def test_new_messages_are_read_out(page: Page, slack: StandInSlack, client: AsyncWebClient) -> None:
    announcer = page.locator("#announcer")
    await expect(announcer).to_have_attribute("aria-live", "polite")
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="good news")
    await expect(announcer).to_contain_text("StarRocks Upgrade: good news")


async def test_the_chosen_person_channel_and_thread_survive_a_reload(page: Page) -> None:
    await page.get_by_role("radio", name="DBA").check()
    await page.get_by_role("button", name="incident-42").click()
    await page.reload()
    await expect(page.get_by_role("radio", name="DBA")).to_be_checked()
    await expect(page.locator("#channel-name")).to_have_text("# incident-42")
