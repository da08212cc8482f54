"""Block validation through the official client: what Slack accepts and what it refuses."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack

PLAIN = {"type": "plain_text", "text": "x"}


def text(length: int, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": "x" * length}


def section(**fields: Any) -> dict[str, Any]:
    return {"type": "section", **fields}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": PLAIN, **fields}


def confirm(**fields: Any) -> dict[str, Any]:
    return actions(button(confirm={"title": PLAIN, "text": text(1), "confirm": PLAIN, "deny": PLAIN, **fields}))


VALID = {
    "fifty blocks": [{"type": "divider"}] * 50,
    "longest section": [section(text=text(3000))],
    "ten fields": [section(fields=[text(2000)] * 10)],
    "longest header": [{"type": "header", "text": text(150, "plain_text")}],
    "ten in a context": [{"type": "context", "elements": [text(5)] * 10}],
    "longest button": [actions(button(text=text(75, "plain_text"), value="v" * 2000, action_id="i" * 255))],
    "longest confirm": [confirm(title=text(100, "plain_text"), text=text(300), deny=text(30, "plain_text"))],
    "same action_id in two blocks": [actions(button()), actions(button())],
    "accessory": [section(text=PLAIN, accessory=button())],
}
INVALID = {
    "51 blocks": [{"type": "divider"}] * 51,
    "section too long": [section(text=text(3001))],
    "empty text": [section(text=text(0))],
    "section without text": [section()],
    "eleven fields": [section(fields=[text(1)] * 11)],
    "field too long": [section(fields=[text(2001)])],
    "header too long": [{"type": "header", "text": text(151, "plain_text")}],
    "header in mrkdwn": [{"type": "header", "text": text(5)}],
    "eleven in a context": [{"type": "context", "elements": [text(5)] * 11}],
    "empty actions": [actions()],
    "button text too long": [actions(button(text=text(76, "plain_text")))],
    "button text in mrkdwn": [actions(button(text=text(5)))],
    "button value too long": [actions(button(value="v" * 2001))],
    "button value not a string": [actions(button(value=7))],
    "action_id too long": [actions(button(action_id="i" * 256))],
    "action_id twice": [actions(button(), button())],
    "unknown style": [actions(button(style="warning"))],
    "confirm title too long": [confirm(title=text(101, "plain_text"))],
    "confirm text too long": [confirm(text=text(301))],
    "confirm button too long": [confirm(confirm=text(31, "plain_text"))],
    "confirm without deny": [confirm(deny=None)],
    "accessory too long": [section(text=PLAIN, accessory=button(text=text(76, "plain_text")))],
    "block_id twice": [{"type": "divider", "block_id": "b"}] * 2,
    "alert": [{"type": "alert", "text": text(5)}],
    "image without alt_text": [{"type": "image", "image_url": "https://stand-in.example/x.png"}],
}


@pytest.mark.parametrize("name", VALID)
async def test_blocks_within_the_limits_are_accepted(name: str, slack: StandInSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="x", blocks=VALID[name])
    assert len(slack.messages("db-ops")[0].blocks) == len(VALID[name])


@pytest.mark.parametrize("name", INVALID)
async def test_blocks_beyond_the_limits_are_refused(name: str, slack: StandInSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="x", blocks=INVALID[name])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks" in caught.value.response["response_metadata"]["messages"][0]
    assert slack.messages("db-ops") == []


async def test_every_block_gets_an_id(slack: StandInSlack, client: AsyncWebClient) -> None:
    blocks = [{"type": "divider", "block_id": "mine"}, {"type": "divider"}]
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="x", blocks=blocks)
    assert [bool(block["block_id"]) for block in slack.messages("db-ops")[0].blocks] == [True, True]


async def test_blocks_may_come_as_json_in_a_form(slack: StandInSlack, client: AsyncWebClient) -> None:
    form = {"channel": slack.channels["db-ops"].id, "text": "x", "blocks": '[{"type": "divider"}]'}
    await client.api_call("chat.postMessage", data=form)
    assert slack.messages("db-ops")[0].blocks[0]["type"] == "divider"
    with pytest.raises(SlackApiError):
        await client.api_call("chat.postMessage", data={**form, "blocks": "[{"})
