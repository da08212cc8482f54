"""Every view of the bot, built again by slackblocks, which checks Slack's limits, and by Slack's own SDK.

Not collected with the other tests: .ci/run runs this file in an environment of its own, with slackblocks from PyPI.
"""

from collections.abc import Callable
from typing import Any

import pytest
import slackblocks
from slack_sdk.models.blocks import Block
from slackblocks.errors import InvalidUsageError

from bot.core.messages import Language
from bot.i18n.catalog import Catalog
from tests.slack.blocks.examples import every_view

CATALOG = Catalog()
VIEWS = every_view()
Json = dict[str, Any]


def text(part: Json) -> slackblocks.Text:
    return slackblocks.Text.from_dict(part)


def button(part: Json) -> slackblocks.Button:
    confirm = part.get("confirm")
    return build(
        slackblocks.Button,
        part,
        text=text(part["text"]),
        confirm=slackblocks.ConfirmationDialogue.from_dict(confirm) if confirm else None,
    )


def section(block: Json) -> slackblocks.SectionBlock:
    rebuilt: Json = {}
    if "text" in block:
        rebuilt["text"] = text(block["text"])
    if "fields" in block:
        rebuilt["fields"] = [text(part) for part in block["fields"]]
    if "accessory" in block:
        rebuilt["accessory"] = button(block["accessory"])
    return build(slackblocks.SectionBlock, block, **rebuilt)


def actions(block: Json) -> slackblocks.ActionsBlock:
    return build(slackblocks.ActionsBlock, block, elements=[button(element) for element in block["elements"]])


def build(kind: Callable[..., Any], part: Json, **rebuilt: Any) -> Any:
    """Make an object from the fields of its JSON; a field that it does not know is a TypeError."""
    return kind(**{**{name: value for name, value in part.items() if name != "type"}, **rebuilt})


# What slackblocks cannot read back by itself: blocks with buttons. Every other block it reads.
BUILDERS: dict[str, Callable[[Json], slackblocks.Block]] = {"section": section, "actions": actions}


def message(blocks: list[Json], notification: str) -> Json:
    """The message as slackblocks sends it; raises InvalidUsageError beyond a limit of Slack."""
    rebuilt = [BUILDERS.get(block["type"], slackblocks.Block.from_dict)(block) for block in blocks]
    sent: Json = slackblocks.Message(channel="C0INCIDENT", text=notification, blocks=rebuilt).to_dict()
    return sent


def without_defaults(part: Any) -> Any:
    """Without what either side adds although it says nothing: block ids, `emoji` and `verbatim` where false or true."""
    if isinstance(part, list):
        return [without_defaults(item) for item in part]
    if not isinstance(part, dict):
        return part
    ignored = {"block_id", "emoji", "verbatim"}
    return {name: without_defaults(value) for name, value in part.items() if name not in ignored}


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", VIEWS)
def test_slackblocks_finds_every_view_within_slack_s_limits(name: str, language: Language) -> None:
    view = VIEWS[name](CATALOG.translator(language))
    assert 1 <= len(view.text) <= 4000
    sent = message(view.blocks, view.text)
    assert without_defaults(sent["blocks"]) == without_defaults(view.blocks)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", VIEWS)
def test_the_sdk_of_slack_reads_every_view_and_writes_it_unchanged(name: str, language: Language) -> None:
    for block in VIEWS[name](CATALOG.translator(language)).blocks:
        model = Block.parse(block)
        assert model is not None
        model.validate_json()
        assert model.to_dict() == block


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
        {
            "type": "actions",
            "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x" * 76}}],
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "a",
                    "text": {"type": "plain_text", "text": "x"},
                    "confirm": {
                        "title": {"type": "plain_text", "text": "x"},
                        "text": {"type": "plain_text", "text": "x" * 301},
                        "confirm": {"type": "plain_text", "text": "x"},
                        "deny": {"type": "plain_text", "text": "x"},
                    },
                }
            ],
        },
    ],
    ids=["header", "section", "field", "fields", "context", "button", "dialog"],
)
def test_slackblocks_refuses_what_is_beyond_a_limit(block: Json) -> None:
    """So that this check can fail at all."""
    with pytest.raises(InvalidUsageError):
        message([block], "x")
