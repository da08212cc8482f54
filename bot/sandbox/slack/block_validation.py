"""Validation of blocks as Slack does it: unknown types, texts that are missing or too long, duplicate ids.

The limits are those of https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from bot.sandbox.slack.state import Block, Blocks

MAX_BLOCKS: Final = 50
MAX_ID_LENGTH: Final = 255
MAX_ELEMENTS: Final = {"actions": 25, "context": 10}
VALIDATED_TYPES: Final = {"section", "header", "markdown", "image", "divider", *MAX_ELEMENTS}
OTHER_TYPES: Final = {"input", "rich_text", "table", "video", "file", "context_actions"}  # accepted unchecked

Problem: TypeAlias = tuple[str, str]  # a JSON pointer below /blocks, and the reason


class InvalidBlocksError(Exception):
    """Blocks that Slack would refuse; `messages` are worded like Slack's."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


def parse_blocks(value: object) -> Blocks:
    """Parse and validate blocks as a Web API call carries them: a list, or JSON text in a form."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise InvalidBlocksError([f"blocks are no JSON: {error}"]) from error
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        raise InvalidBlocksError(["must be an array of objects [json-pointer:/blocks]"])
    messages = [f"[ERROR] {reason} [json-pointer:/blocks{pointer}]" for pointer, reason in _block_problems(value)]
    if messages:
        raise InvalidBlocksError(messages)
    # Slack gives a block_id to every block that came without one.
    return tuple({**block, "block_id": block.get("block_id") or f"b{n:04d}"} for n, block in enumerate(value))


def _block_problems(blocks: list[Block]) -> Iterator[Problem]:
    if len(blocks) > MAX_BLOCKS:
        yield "", f"no more than {MAX_BLOCKS} items allowed"
    yield from _duplicates([block.get("block_id") for block in blocks], "/{}/block_id", "block_id")
    for n, block in enumerate(blocks):
        block_type = block.get("type")
        if block_type not in VALIDATED_TYPES | OTHER_TYPES:
            yield f"/{n}/type", f"unsupported type: {block_type}"
            continue
        yield from _below(f"/{n}", _id_problems(block, "block_id"))
        yield from _below(f"/{n}", _content_problems(str(block_type), block))


def _content_problems(block_type: str, block: Block) -> Iterator[Problem]:
    if block_type == "section":
        yield from _section_problems(block)
    elif block_type == "header":
        yield from _text_problems(block.get("text"), "/text", 150, plain=True)
    elif block_type == "markdown":
        if not 1 <= len(str(block.get("text") or "")) <= 12_000:
            yield "/text", "must be 1 to 12000 characters"
    elif block_type == "image":
        yield from _image_problems(block)
    elif block_type in MAX_ELEMENTS:
        yield from _elements_problems(block_type, block.get("elements"))


def _section_problems(section: Block) -> Iterator[Problem]:
    fields = section.get("fields")
    if section.get("text") is None and not fields:
        yield "", "missing required field: text"
    if section.get("text") is not None:
        yield from _text_problems(section["text"], "/text", 3000)
    if fields is not None and len(fields) > 10:
        yield "/fields", "no more than 10 items allowed"
    for n, text in enumerate(fields or ()):
        yield from _text_problems(text, f"/fields/{n}", 2000)
    if (accessory := section.get("accessory")) is not None:
        yield from _below("/accessory", _element_problems("actions", accessory))


def _elements_problems(block_type: str, elements: Any) -> Iterator[Problem]:
    if not isinstance(elements, list) or not elements:
        yield "/elements", "missing required field: elements"
        return
    if len(elements) > MAX_ELEMENTS[block_type]:
        yield "/elements", f"no more than {MAX_ELEMENTS[block_type]} items allowed"
    if block_type == "actions":
        action_ids = [element.get("action_id") for element in elements]
        yield from _duplicates(action_ids, "/elements/{}/action_id", "action_id")
    for n, element in enumerate(elements):
        yield from _below(f"/elements/{n}", _element_problems(block_type, element))


def _element_problems(block_type: str, element: Any) -> Iterator[Problem]:
    element_type = element.get("type") if isinstance(element, dict) else None
    if element_type == "image":
        yield from _image_problems(element)
    elif block_type == "context":
        yield from _text_problems(element, "", 3000)
    elif element_type == "button":
        yield from _button_problems(element)
    elif not element_type or element_type in ("mrkdwn", "plain_text"):
        yield "/type", f"unsupported type: {element_type}"


def _button_problems(button: Block) -> Iterator[Problem]:
    yield from _text_problems(button.get("text"), "/text", 75, plain=True)
    yield from _id_problems(button, "action_id")
    for name, max_length in (("value", 2000), ("url", 3000)):
        value = button.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= max_length):
            yield f"/{name}", f"must be a string of fewer than {max_length + 1} characters"
    yield from _style_problems(button)
    confirm = button.get("confirm")
    if confirm is not None:
        for name, max_length in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _text_problems(confirm.get(name), f"/confirm/{name}", max_length, plain=name != "text")
        yield from _below("/confirm", _style_problems(confirm))


def _image_problems(image: Block) -> Iterator[Problem]:
    if not image.get("alt_text"):
        yield "/alt_text", "missing required field: alt_text"
    if not (image.get("image_url") or image.get("slack_file")):
        yield "/image_url", "missing required field: image_url"


def _text_problems(text: Any, pointer: str, max_length: int, *, plain: bool = False) -> Iterator[Problem]:
    """Validate a text object, which must be plain_text when `plain`."""
    if not isinstance(text, dict):
        yield pointer, "missing required field: text"
        return
    types = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if text.get("type") not in types:
        yield f"{pointer}/type", f"unsupported type: {text.get('type')}, must be {' or '.join(types)}"
    value = text.get("text")
    if not isinstance(value, str) or not value:
        yield f"{pointer}/text", "must be more than 0 characters"
    elif len(value) > max_length:
        yield f"{pointer}/text", f"must be less than {max_length + 1} characters"


def _style_problems(element: Block) -> Iterator[Problem]:
    if element.get("style") not in (None, "primary", "danger"):
        yield "/style", "must be primary or danger"


def _id_problems(element: Block, name: str) -> Iterator[Problem]:
    value = element.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_ID_LENGTH):
        yield f"/{name}", f"must be a string of fewer than {MAX_ID_LENGTH + 1} characters"


def _duplicates(ids: list[Any], pointer: str, name: str) -> Iterator[Problem]:
    for n, value in enumerate(ids):
        if value is not None and value in ids[:n]:
            yield pointer.format(n), f"`{name}` {value!r} already exists"


def _below(pointer: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    """Prefix the pointers of problems."""
    return ((pointer + inner, reason) for inner, reason in problems)
