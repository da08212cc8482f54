"""A view as a text that people can read and compare."""

from typing import Any

from bot.slack.views.view import View


def readable(view: View) -> str:
    """The notification, then each block, then what its buttons ask."""
    lines = ["=== notification", view.text, "=== blocks"]
    for block in view.blocks:
        lines.extend(_block(block))
    return "\n".join(lines) + "\n"


def _block(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "header" | "section":
            return [f"[{block['type']}]", block["text"]["text"]]
        case "context":
            return ["[context]", *(element["text"] for element in block["elements"])]
        case "actions":
            return [line for element in block["elements"] for line in _button(element)]
        case kind:
            raise AssertionError(f"no reading for {kind}")


def _button(button: dict[str, Any]) -> list[str]:
    style = f" {button['style']}" if "style" in button else ""
    lines = [f"[button {button['action_id']}{style}] {button['text']['text']}"]
    confirm = button.get("confirm")
    if confirm:
        parts = [confirm[name]["text"] for name in ("title", "text", "confirm", "deny")]
        lines.extend(f"    {part}" for part in parts)
    return lines
