"""The message box: examples, completion by keyboard, and what is no command."""

from __future__ import annotations

from playwright.async_api import Page, expect

from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import WebServer

LABELS = ("now", "by name", "delayed", "skip-validate", "unknown id", "in07 id", "busy", "—delay", "help")


async def test_an_example_fills_the_box_and_sends_nothing(page: Page, slack: StandInSlack, cloud: StandInCloud) -> None:
    ready, busy, unknown_id = cloud.instances["sr-orders"], cloud.instances["sr-billing"], "0" * 31 + "1in17"
    flagged = (f"{ready.id} --delay", f"{ready.id} --skip-validate")
    arguments = (ready.id, "sr-orders", *flagged, unknown_id, ready.parent_id, busy.id, f"{ready.id} —delay", "help")
    box = page.get_by_role("combobox", name="Message, or the command")
    for label, text in zip(LABELS, arguments, strict=True):
        await page.get_by_role("group", name="Try").get_by_role("button", name=label, exact=True).click()
        await expect(box).to_have_value(f"/starrocks-upgrade {text}")
        await expect(box).to_be_focused()
    assert not slack.messages("db-ops")


async def test_the_em_dash_arrives_as_it_is(page: Page, slack: StandInSlack) -> None:
    await page.get_by_role("button", name="—delay").click()
    await page.keyboard.press("Enter")
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    assert "—delay" in str(message.blocks)


async def test_the_command_is_completed_by_keyboard_alone(page: Page, slack: StandInSlack) -> None:
    box = page.get_by_role("combobox", name="Message, or the command")
    await box.focus()
    await page.keyboard.type("/star")
    options = page.get_by_role("listbox", name="Ready examples").get_by_role("option")
    await expect(options).to_have_count(len(LABELS))
    await expect(box).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Tab")
    await expect(box).to_have_value("/starrocks-upgrade ")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert await box.get_attribute("aria-activedescendant") == await options.nth(1).get_attribute("id")
    command = await options.nth(1).locator("code").inner_text()
    await page.keyboard.press("Enter")
    await expect(box).to_have_value(command)
    await expect(box).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("")
    await slack.until(lambda: slack.messages("db-ops"))
    await page.keyboard.press("ArrowUp")  # what was sent comes back
    await expect(box).to_have_value(command)


async def test_escape_closes_the_examples_and_keeps_the_text(page: Page) -> None:
    box = page.get_by_role("combobox", name="Message, or the command")
    await box.fill("/starrocks-upgrade h")
    await expect(page.get_by_role("listbox", name="Ready examples").get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("#suggestions")).to_be_hidden()
    await expect(box).to_have_value("/starrocks-upgrade h")


async def test_what_is_no_command_is_refused_at_once_and_not_sent(page: Page, slack: StandInSlack) -> None:
    before = slack.change_count
    box = page.get_by_role("combobox", name="Message, or the command")
    for text in ("hello", "/other-command x", "/starrocks-upgrades"):
        await box.fill(text)
        await expect(page.locator("#composer-note")).to_be_hidden()
        await box.press("Enter")
        await expect(page.locator("#composer-note")).to_contain_text("The bot hears /starrocks-upgrade.")
        await expect(box).to_have_value(text)
    assert slack.change_count == before


async def test_the_example_by_name_is_a_name_of_one_instance_alone(page: Page, cloud: StandInCloud) -> None:
    cloud.add_example_project()
    names = [instance.name for instance in cloud.list_instances()]
    box = page.get_by_role("combobox", name="Message, or the command")
    await expect(page.locator("#instances > li")).to_have_count(len(names))
    await page.get_by_role("button", name="by name", exact=True).click()
    name = (await box.input_value()).removeprefix("/starrocks-upgrade ")
    assert names.count(name) == 1


async def test_a_send_that_fails_keeps_the_text(page: Page, server: WebServer) -> None:
    box = page.get_by_role("combobox", name="Message, or the command")
    await box.fill("/starrocks-upgrade sr-1 --delay")
    await page.route("**/api/command", lambda route: route.abort())
    await box.press("Enter")
    await expect(page.locator("#composer-note")).to_contain_text("The sandbox did not answer")
    await expect(box).to_have_value("/starrocks-upgrade sr-1 --delay")
