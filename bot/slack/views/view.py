"""A message as Slack takes it, and the few kinds of blocks it is built of."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, SectionBlock

MOST_TEXT = 3800  # of the 4000 characters that a message's text may have


@dataclass(frozen=True, slots=True)
class View:
    """A message: `text` is the whole of it for notifications and screen readers, `blocks` are what is shown."""

    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)


def view(text: str, *blocks: Block) -> View:
    """A message of these blocks; Slack's limits are checked here."""
    return View(text, [block.to_dict() for block in blocks])


def in_short(parts: Iterable[str]) -> str:
    """As many whole parts, one a line, as the text of a message holds; its blocks have them all."""
    kept: list[str] = []
    length = 0
    for part in parts:
        length += len(part) + 1
        if length > MOST_TEXT:
            return "\n".join([*kept, "…"])
        kept.append(part)
    return "\n".join(kept)


def header(text: str) -> Block:
    """The title line."""
    return HeaderBlock(text=text)


def section(text: str) -> Block:
    """A paragraph of mrkdwn, taken as it is: nothing in it becomes a link or a mention by itself."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True))


def context(*texts: str) -> Block:
    """Small print."""
    return ContextBlock(elements=[MarkdownTextObject(text=text, verbatim=True) for text in texts])
