"""The response_url through the official webhook client: private by default, five times, for half an hour."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import StandInSlack, buttons
from tests.sandbox.slack.bolt_bot import BUTTONS, BoltBot


@pytest.fixture
async def hook(slack: StandInSlack, socket_bot: BoltBot) -> AsyncWebhookClient:
    return AsyncWebhookClient((await slack.command("sre", "no-bot", "x")).payload["response_url"])


async def test_an_answer_is_private_unless_it_says_otherwise(slack: StandInSlack, hook: AsyncWebhookClient) -> None:
    assert (await hook.send(text="for you")).status_code == 200
    assert (await hook.send(text="for all", response_type="in_channel")).status_code == 200
    assert [e.text for e in slack.ephemerals("sre")] == ["for you"]
    assert [m.text for m in slack.messages("no-bot")] == ["for all"]
    assert [call.method for call in slack.calls][-2:] == ["response_url", "response_url"]


async def test_the_sixth_use_is_refused(slack: StandInSlack, hook: AsyncWebhookClient) -> None:
    uses = [await hook.send(text=f"{n}") for n in range(6)]
    assert [use.status_code for use in uses] == [200] * 5 + [404]
    assert "used_url" in uses[-1].body
    assert len(slack.ephemerals("sre")) == 5


async def test_after_half_an_hour_it_is_refused() -> None:
    now = 1_700_000_000.0
    async with StandInSlack(clock=lambda: now) as slack, aiohttp.ClientSession() as session:
        url = (await slack.command("sre", "db-ops", "x")).payload["response_url"]
        now += 30 * 60 + 1
        async with session.post(url, json={"text": "late"}) as response:
            assert (response.status, await response.json()) == (404, {"ok": False, "error": "expired_url"})


async def test_a_click_lets_its_message_be_replaced_and_deleted(
    slack: StandInSlack, socket_bot: BoltBot, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    [message] = slack.messages("db-ops")
    click = await slack.click("sre", message, "confirm_upgrade")
    hook = AsyncWebhookClient(click.payload["response_url"])
    await hook.send(text="beside it")
    await hook.send(text="Decided.", replace_original=True)
    [replaced] = slack.messages("db-ops")
    assert (replaced.text, buttons(replaced)) == ("Decided.", {})
    assert [e.text for e in slack.ephemerals("sre")] == ["beside it"]
    await hook.send(delete_original=True)
    assert slack.messages("db-ops") == []


async def test_a_private_answer_with_buttons_can_be_clicked_and_replaced(
    slack: StandInSlack, socket_bot: BoltBot, hook: AsyncWebhookClient
) -> None:
    await hook.send(text="Sure?", blocks=BUTTONS)
    [asked] = slack.ephemerals("sre")
    click = await slack.click("sre", asked, "confirm_upgrade")
    assert click.payload["container"]["is_ephemeral"] is True
    assert "message" not in click.payload
    await AsyncWebhookClient(click.payload["response_url"]).send(text="Well then.", replace_original=True)
    assert [e.text for e in slack.ephemerals("sre")] == ["Well then."]


async def test_words_that_slack_would_refuse_are_refused(slack: StandInSlack, hook: AsyncWebhookClient) -> None:
    assert (await hook.send(text="")).body == "no_text"
    assert (await hook.send(text="x", blocks=[{"type": "section"}])).body == "invalid_blocks"
    assert slack.ephemerals("sre") == []


async def test_an_answer_can_fail_on_the_way(slack: StandInSlack, hook: AsyncWebhookClient) -> None:
    slack.fail("response_url", 500)
    assert (await hook.send(text="lost")).status_code == 500
    assert (await hook.send(text="told")).status_code == 200
    assert [e.text for e in slack.ephemerals("sre")] == ["told"]
