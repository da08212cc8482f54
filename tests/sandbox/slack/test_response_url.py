"""The response_url through the official webhook client: ephemeral by default, five times, within half an hour."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import StandInSlack, buttons
from tests.sandbox.slack.helpers import BLOCKS, BoltApp


@pytest.fixture
async def webhook(slack: StandInSlack, socket_app: BoltApp) -> AsyncWebhookClient:
    return AsyncWebhookClient((await slack.command("sre", "no-bot", "x")).payload["response_url"])


async def test_an_answer_is_ephemeral_unless_it_is_in_channel(slack: StandInSlack, webhook: AsyncWebhookClient) -> None:
    assert (await webhook.send(text="for you")).status_code == 200
    assert (await webhook.send(text="for all", response_type="in_channel")).status_code == 200
    assert [e.text for e in slack.ephemerals("sre")] == ["for you"]
    assert [m.text for m in slack.messages("no-bot")] == ["for all"]
    assert [call.method for call in slack.calls][-2:] == ["response_url", "response_url"]


async def test_the_sixth_use_is_refused(slack: StandInSlack, webhook: AsyncWebhookClient) -> None:
    uses = [await webhook.send(text=f"{n}") for n in range(6)]
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
    slack: StandInSlack, socket_app: BoltApp, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    [message] = slack.messages("db-ops")
    click = await slack.click("sre", message, "confirm_upgrade")
    webhook = AsyncWebhookClient(click.payload["response_url"])
    await webhook.send(text="beside it")
    await webhook.send(text="Decided.", replace_original=True)
    [replaced] = slack.messages("db-ops")
    assert (replaced.text, buttons(replaced)) == ("Decided.", {})
    assert [e.text for e in slack.ephemerals("sre")] == ["beside it"]
    await webhook.send(delete_original=True)
    assert slack.messages("db-ops") == []


async def test_an_ephemeral_answer_with_buttons_can_be_clicked_and_replaced(
    slack: StandInSlack, socket_app: BoltApp, webhook: AsyncWebhookClient
) -> None:
    await webhook.send(text="Sure?", blocks=BLOCKS)
    [request] = slack.ephemerals("sre")
    click = await slack.click("sre", request, "confirm_upgrade")
    assert click.payload["container"]["is_ephemeral"] is True
    assert "message" not in click.payload
    await AsyncWebhookClient(click.payload["response_url"]).send(text="Well then.", replace_original=True)
    assert [e.text for e in slack.ephemerals("sre")] == ["Well then."]


async def test_content_that_slack_would_refuse_is_refused(slack: StandInSlack, webhook: AsyncWebhookClient) -> None:
    assert (await webhook.send(text="")).body == "no_text"
    assert (await webhook.send(text="x", blocks=[{"type": "section"}])).body == "invalid_blocks"
    assert slack.ephemerals("sre") == []


async def test_faults_apply_to_response_urls(slack: StandInSlack, webhook: AsyncWebhookClient) -> None:
    slack.fail("response_url", 500)
    assert (await webhook.send(text="lost")).status_code == 500
    assert (await webhook.send(text="delivered")).status_code == 200
    assert [e.text for e in slack.ephemerals("sre")] == ["delivered"]
