"""What was said in the stand-in: messages with their edits, ephemerals, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Block: TypeAlias = dict[str, Any]  # one block as Block Kit's JSON has it


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now; `history` holds what it was before each edit, the oldest first."""

    ts: str
    channel_id: str
    user_id: str
    text: str
    blocks: tuple[Block, ...]
    at: float
    thread_ts: str | None = None
    broadcast: bool = False
    edited_at: float | None = None
    history: tuple[tuple[str, tuple[Block, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """What one person alone sees; `by_slack` marks what Slack itself says (an app that did not answer)."""

    channel_id: str
    user_id: str
    text: str
    blocks: tuple[Block, ...]
    at: float
    ts: str
    thread_ts: str | None = None
    by_slack: bool = False


@dataclass(slots=True)
class Record:
    """Every message and ephemeral of the workspace, in the order of time."""

    changed: Callable[[], None]
    _messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    _ephemerals: dict[str, Ephemeral] = field(default_factory=dict)
    _last_micros: int = 0

    def next_ts(self, now: float) -> str:
        """Return a time stamp that no message has, as "seconds.micros"."""
        self._last_micros = max(int(now * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def find(self, channel_id: str, ts: str) -> Message | None:
        """Find a message by channel and ts."""
        return self._messages.get((channel_id, ts))

    def find_ephemeral(self, ts: str) -> Ephemeral | None:
        """Find an ephemeral by ts."""
        return self._ephemerals.get(ts)

    def put(self, message: Message) -> Message:
        """Record a message."""
        self._messages[message.channel_id, message.ts] = message
        self.changed()
        return message

    def edit(self, message: Message, text: str, blocks: tuple[Block, ...], now: float) -> Message:
        """Replace text and blocks of a message and keep what they were."""
        history = (*message.history, (message.text, message.blocks))
        return self.put(replace(message, text=text, blocks=blocks, edited_at=now, history=history))

    def delete(self, channel_id: str, ts: str) -> None:
        """Take a message or an ephemeral away."""
        self._messages.pop((channel_id, ts), None)
        self._ephemerals.pop(ts, None)
        self.changed()

    def whisper(self, ephemeral: Ephemeral) -> Ephemeral:
        """Record an ephemeral, or a new wording of one."""
        self._ephemerals[ephemeral.ts] = ephemeral
        self.changed()
        return ephemeral

    def top_level(self, channel_id: str) -> list[Message]:
        """Return what the channel shows: no replies but those sent to the channel too."""
        return [m for m in self._in(channel_id) if m.thread_ts is None or m.broadcast]

    def replies(self, channel_id: str, ts: str) -> list[Message]:
        """Return the replies in a thread."""
        return [m for m in self._in(channel_id) if m.thread_ts == ts]

    def everything(self, channel_id: str) -> list[Message]:
        """Return all messages of a channel, replies included."""
        return list(self._in(channel_id))

    def ephemerals(self, user_id: str) -> list[Ephemeral]:
        """Return what one person alone has been shown."""
        return [e for e in self._ephemerals.values() if e.user_id == user_id]

    def _in(self, channel_id: str) -> Iterator[Message]:
        return (m for m in self._messages.values() if m.channel_id == channel_id)


def said(spoken: Message | Ephemeral) -> str:
    """Return everything that can be read in a message: its text, then the words of its blocks, line by line."""
    return "\n".join(part for part in (spoken.text, *_words(spoken.blocks)) if part)


def buttons(spoken: Message | Ephemeral) -> dict[str, str]:
    """Return the buttons that a message shows: action_id -> value ("" without one)."""
    return {element["action_id"]: str(element.get("value", "")) for element in button_elements(spoken.blocks)}


def button_elements(blocks: tuple[Block, ...]) -> list[Block]:
    """Return the buttons in blocks as Block Kit has them, each with the `block_id` it stands in."""
    return [
        {"block_id": block.get("block_id", ""), **element}
        for block in blocks
        for element in (*block.get("elements", ()), block.get("accessory"))
        if isinstance(element, dict) and element.get("type") == "button"
    ]


def _words(node: object) -> Iterator[str]:
    """Walk through blocks and give every text that a person reads, button labels and second questions included."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("text", "alt_text") and isinstance(value, str):
                yield value
            elif isinstance(value, Mapping | list | tuple):
                yield from _words(value)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _words(part)
