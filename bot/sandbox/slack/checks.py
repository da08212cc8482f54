"""What Slack refuses in blocks: kinds it does not know, words that are too long or missing, ids that stand twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bot.sandbox.slack.messages import Block

MAX_BLOCKS: Final = 50
MAX_ID: Final = 255
MAX_ELEMENTS: Final = {"actions": 25, "context": 10}
CHECKED_KINDS: Final = {"section", "header", "markdown", "image", "divider", *MAX_ELEMENTS}
OTHER_KINDS: Final = {"input", "rich_text", "table", "video", "file", "context_actions"}  # taken, not looked into


class InvalidBlocksError(Exception):
    """Blocks that Slack would not take; `messages` say where and why, in Slack's way."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


def read_blocks(given: object) -> tuple[Block, ...]:
    """Read blocks as a Web API call carries them (a list, or JSON text in a form) and check them."""
    if given is None or given == "":
        return ()
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise InvalidBlocksError([f"blocks are no JSON: {error}"]) from error
    if not isinstance(given, list) or not all(isinstance(block, dict) for block in given):
        raise InvalidBlocksError(["must be an array of objects [json-pointer:/blocks]"])
    wrongs = [f"[ERROR] {why} [json-pointer:/blocks{where}]" for where, why in _wrongs(given)]
    if wrongs:
        raise InvalidBlocksError(wrongs)
    # Slack gives a block_id to every block that came without one.
    return tuple({**block, "block_id": block.get("block_id") or f"b{n:04d}"} for n, block in enumerate(given))


Wrong = tuple[str, str]  # where (a JSON pointer below /blocks), why


def _wrongs(blocks: list[Block]) -> Iterator[Wrong]:
    if len(blocks) > MAX_BLOCKS:
        yield "", f"no more than {MAX_BLOCKS} items allowed"
    yield from _twice([block.get("block_id") for block in blocks], "/{}/block_id", "block_id")
    for n, block in enumerate(blocks):
        kind = block.get("type")
        if kind not in CHECKED_KINDS | OTHER_KINDS:
            yield f"/{n}/type", f"unsupported type: {kind}"
            continue
        for where, why in (*_id_wrongs(block, "block_id"), *_layout_wrongs(str(kind), block)):
            yield f"/{n}{where}", why


def _layout_wrongs(kind: str, block: Block) -> Iterator[Wrong]:
    if kind == "section":
        yield from _section_wrongs(block)
    elif kind == "header":
        yield from _text_wrongs(block.get("text"), "/text", 150, plain=True)
    elif kind == "markdown":
        if not 1 <= len(str(block.get("text") or "")) <= 12_000:
            yield "/text", "must be 1 to 12000 characters"
    elif kind == "image":
        yield from _image_wrongs(block, "")
    elif kind in MAX_ELEMENTS:
        yield from _elements_wrongs(kind, block.get("elements"))


def _section_wrongs(block: Block) -> Iterator[Wrong]:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        yield "", "missing required field: text"
    if block.get("text") is not None:
        yield from _text_wrongs(block["text"], "/text", 3000)
    if fields is not None and len(fields) > 10:
        yield "/fields", "no more than 10 items allowed"
    for n, text in enumerate(fields or ()):
        yield from _text_wrongs(text, f"/fields/{n}", 2000)
    if (accessory := block.get("accessory")) is not None:
        for where, why in _element_wrongs("actions", accessory):
            yield f"/accessory{where}", why


def _elements_wrongs(kind: str, elements: Any) -> Iterator[Wrong]:
    if not isinstance(elements, list) or not elements:
        yield "/elements", "missing required field: elements"
        return
    if len(elements) > MAX_ELEMENTS[kind]:
        yield "/elements", f"no more than {MAX_ELEMENTS[kind]} items allowed"
    if kind == "actions":
        yield from _twice([element.get("action_id") for element in elements], "/elements/{}/action_id", "action_id")
    for n, element in enumerate(elements):
        for where, why in _element_wrongs(kind, element):
            yield f"/elements/{n}{where}", why


def _element_wrongs(kind: str, element: Any) -> Iterator[Wrong]:
    element_kind = element.get("type") if isinstance(element, dict) else None
    if element_kind == "image":
        yield from _image_wrongs(element, "")
    elif kind == "context":
        yield from _text_wrongs(element, "", 3000)
    elif element_kind == "button":
        yield from _button_wrongs(element)
    elif not element_kind or element_kind in ("mrkdwn", "plain_text"):
        yield "/type", f"unsupported type: {element_kind}"


def _button_wrongs(button: Block) -> Iterator[Wrong]:
    yield from _text_wrongs(button.get("text"), "/text", 75, plain=True)
    yield from _id_wrongs(button, "action_id")
    for name, most in (("value", 2000), ("url", 3000)):
        value = button.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= most):
            yield f"/{name}", f"must be a string of fewer than {most + 1} characters"
    if button.get("style") not in (None, "primary", "danger"):
        yield "/style", "must be primary or danger"
    confirm = button.get("confirm")
    if confirm is None:
        return
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        yield from _text_wrongs(confirm.get(name), f"/confirm/{name}", most, plain=name != "text")
    if confirm.get("style") not in (None, "primary", "danger"):
        yield "/confirm/style", "must be primary or danger"


def _image_wrongs(image: Block, where: str) -> Iterator[Wrong]:
    if not image.get("alt_text"):
        yield f"{where}/alt_text", "missing required field: alt_text"
    if not (image.get("image_url") or image.get("slack_file")):
        yield f"{where}/image_url", "missing required field: image_url"


def _text_wrongs(text: Any, where: str, most: int, *, plain: bool = False) -> Iterator[Wrong]:
    if not isinstance(text, dict):
        yield where, "missing required field: text"
        return
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if text.get("type") not in kinds:
        yield f"{where}/type", f"unsupported type: {text.get('type')}, must be {' or '.join(kinds)}"
    words = text.get("text")
    if not isinstance(words, str) or not words:
        yield f"{where}/text", "must be more than 0 characters"
    elif len(words) > most:
        yield f"{where}/text", f"must be less than {most + 1} characters"


def _id_wrongs(holder: Block, name: str) -> Iterator[Wrong]:
    value = holder.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_ID):
        yield f"/{name}", f"must be a string of fewer than {MAX_ID + 1} characters"


def _twice(ids: list[Any], pointer: str, name: str) -> Iterator[Wrong]:
    """Name every id that stood before; a missing one may be missing again."""
    for n, value in enumerate(ids):
        if value is not None and value in ids[:n]:
            yield pointer.format(n), f"`{name}` {value!r} already exists"
