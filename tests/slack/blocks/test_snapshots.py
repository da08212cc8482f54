"""Every view in both languages against the text that was read and approved; SNAPSHOTS=write writes them anew."""

import os
from pathlib import Path
from typing import Any

import pytest

from bot.core.messages import Language
from bot.i18n.catalog import Catalog, Regions
from bot.slack.blocks.kit import MessageView
from tests.slack.blocks.examples import every_view

FOLDER = Path(__file__).parent / "snapshots"
VIEWS = every_view()
REGIONS = Regions({"": "https://console.example/?region=cn-north-4"})


@pytest.mark.parametrize("kind", ["request_card", "thread", "button_reply", "text_reply"])
@pytest.mark.parametrize("language", list(Language))
def test_every_view_reads_as_it_was_approved(language: Language, kind: str) -> None:
    translator = Catalog(REGIONS).translator(language)
    texts = [
        f"##### {name}\n{view_as_text(view(translator))}" for name, view in VIEWS.items() if name.startswith(f"{kind}-")
    ]
    snapshot = "\n".join(texts)
    path = FOLDER / f"{kind}.{language.value}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(snapshot, encoding="utf-8")
    assert snapshot == path.read_text(encoding="utf-8")


def view_as_text(view: MessageView) -> str:
    """The notification, then each block, each button with its confirmation dialog."""
    lines = ["=== notification", view.text, "=== blocks"]
    for block in view.blocks:
        lines.extend(_block_lines(block))
    return "\n".join(lines) + "\n"


def _block_lines(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "header":
            return ["[header]", block["text"]["text"]]
        case "section":
            texts = [block["text"]["text"]] if "text" in block else []
            fields = [" | ".join(field["text"].split("\n")) for field in block.get("fields", ())]
            accessory = _button_lines(block["accessory"]) if "accessory" in block else []
            return ["[section]", *texts, *fields, *accessory]
        case "context":
            return ["[context]", *(element["text"] for element in block["elements"])]
        case "actions":
            return [line for element in block["elements"] for line in _button_lines(element)]
        case block_type:
            raise AssertionError(f"no text form for a block of type {block_type}")


def _button_lines(button: dict[str, Any]) -> list[str]:
    style = f" {button['style']}" if "style" in button else ""
    lines = [f"[button {button['action_id']}{style}] {button['text']['text']}"]
    if "accessibility_label" in button:
        lines.append(f"    spoken: {button['accessibility_label']}")
    dialog = button.get("confirm")
    if dialog:
        lines.extend(f"    {dialog[part]['text']}" for part in ("title", "text", "confirm", "deny"))
    return lines
