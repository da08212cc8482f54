"""State of the stand-in Slack: a workspace with people, channels, messages, one installed app, and the request log."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, TypeVar

Block: TypeAlias = dict[str, Any]  # one block or element in the JSON form of Block Kit
Blocks: TypeAlias = tuple[Block, ...]

HOME_TEAM: Final = "T0HOME0001"
OTHER_TEAM: Final = "T0OTHER001"
BOT_USER: Final = "U0BOT00001"
BOT_ID: Final = "B0BOT00001"
APP_ID: Final = "A0STANDIN1"
ALL_SCOPES: Final = "commands,chat:write,users:read,usergroups:read,channels:read,channels:join,groups:read,im:write"

# Conditions passed to `until` may also depend on other objects (the stand-in cloud, a file), whose changes are not
# announced here, so they are checked again at this interval.
RECHECK_SECONDS: Final = 0.05
TRANSCRIPT_CALLS: Final = 20  # how many of the latest calls a transcript lists


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user: a member, a guest, or a member of another organisation.

    In an Enterprise Grid `team_id` may be another workspace of the organisation or the organisation's own id; `teams`
    are the workspaces that the person is in.
    """

    id: str
    name: str
    locale: str | None
    team_id: str
    enterprise_id: str | None = None
    teams: tuple[str, ...] = ()
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    tz: str = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel or direct conversation; `members=None` means every person (the bot has its own flag)."""

    id: str
    name: str
    bot_is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    may_post: bool = True
    members: frozenset[str] | None = None

    def has_member(self, person_id: str) -> bool:
        """Whether that person is in the channel."""
        return self.members is None or person_id in self.members


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its present version; `history` holds (text, blocks) before each edit, the oldest first."""

    ts: str
    channel_id: str
    user_id: str
    text: str
    blocks: Blocks
    at: float
    thread_ts: str | None = None
    broadcast: bool = False
    edited_at: float | None = None
    history: tuple[tuple[str, Blocks], ...] = ()


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """A message that one person alone sees; `by_slack` marks Slack's own error messages about the app."""

    channel_id: str
    user_id: str
    text: str
    blocks: Blocks
    at: float
    ts: str
    thread_ts: str | None = None
    by_slack: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the app to the Web API or a response_url; status and answer are None when none was sent."""

    at: float
    method: str
    arguments: Mapping[str, Any]
    status: int | None
    answer: Any
    took_effect: bool


PEOPLE: Final = {
    "sre": Person("U0SRE00001", "Sam (SRE)", "en-US", HOME_TEAM, tz="Europe/Berlin"),
    "dba": Person("U0DBA00001", "李伟 (DBA)", "zh-CN", HOME_TEAM, tz="Asia/Shanghai"),
    "guest": Person("U0GUEST001", "Gil (guest)", "en-US", HOME_TEAM, is_restricted=True, tz="America/New_York"),
    "outsider": Person("U0OUTSIDE1", "Nora (not allowed)", "en-US", HOME_TEAM, tz="Europe/London"),
    "other": Person("U0OTHER001", "Olga (other organisation)", "en-US", OTHER_TEAM, tz="Europe/Madrid"),
    "third": Person("U0THIRD001", "Theo", "en-GB", HOME_TEAM, tz="Europe/London"),
}
CHANNELS: Final = {
    "db-ops": Channel("C0DBOPS001", "db-ops"),
    "incident-42": Channel("C0INC00042", "incident-42"),
    "inc-2051": Channel("C0INC02051", "inc-2051", bot_is_member=False),
    "no-bot": Channel("C0NOBOT001", "no-bot", bot_is_member=False, is_private=True),
    "archived": Channel("C0ARCHIVE1", "archived", is_archived=True),
}
GROUPS: Final = {"S0DBOPS": (PEOPLE["sre"].id, PEOPLE["dba"].id)}

T = TypeVar("T")
Record = TypeVar("Record", Person, Channel)


class Workspace:
    """One workspace with one installed app; every change calls the listeners of `on_change`.

    People and channels are named by their key in `people` or `channels`, by their id, or by the object itself.
    """

    team_id = HOME_TEAM
    bot_user_id = BOT_USER

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.people = dict(PEOPLE)
        self.channels = dict(CHANNELS)
        self.groups: dict[str, tuple[str, ...]] = dict(GROUPS)
        self.bot_token = f"xoxb-stand-in-{secrets.token_hex(8)}"
        self.app_token = f"xapp-stand-in-{secrets.token_hex(8)}"
        self.signing_secret = secrets.token_hex(16)
        self.enterprise_id: str | None = None  # the Enterprise Grid organisation of this workspace
        self.is_org_wide = False  # whether the app is installed in the whole organisation
        self.scopes = ALL_SCOPES  # of the bot token, comma-separated
        self.revoked_tokens: set[str] = set()
        self.calls: list[Call] = []
        self.change_count = 0
        self._messages: dict[tuple[str, str], Message] = {}  # by channel id and ts
        self._ephemerals: dict[str, Ephemeral] = {}  # by ts
        self._listeners: list[Callable[[], object]] = []
        self._last_ts_micros = 0

    # People, channels, user groups, tokens

    def person(self, person: Person | str) -> Person:
        """Return the present state of a person; KeyError for an unknown one."""
        return _find(self.people, person)

    def channel(self, channel: Channel | str) -> Channel:
        """Return the present state of a channel; KeyError for an unknown one."""
        return _find(self.channels, channel)

    def direct_channel(self, person: Person) -> Channel:
        """Return the direct conversation of the bot and a person; it is opened at the first use."""
        channel_id = "D" + person.id[1:]
        return self.channels.get(channel_id) or self.add_channel(
            Channel(channel_id, f"direct messages with {person.name}", members=frozenset({person.id}), is_private=True),
            key=channel_id,
        )

    def add_person(self, person: Person, key: str | None = None) -> Person:
        """Add a person; the default key is the name."""
        self.people[key or person.name] = person
        self.note_change()
        return person

    def add_channel(self, channel: Channel, key: str | None = None) -> Channel:
        """Add a channel; the default key is the name."""
        self.channels[key or channel.name] = channel
        self.note_change()
        return channel

    def change_person(self, person: Person | str, **fields: Any) -> Person:
        """Replace fields of a person and return the new version."""
        old = self.person(person)
        return self.add_person(replace(old, **fields), key=_key_of(self.people, old))

    def change_channel(self, channel: Channel | str, **fields: Any) -> Channel:
        """Replace fields of a channel and return the new version."""
        old = self.channel(channel)
        return self.add_channel(replace(old, **fields), key=_key_of(self.channels, old))

    def set_group(self, group_id: str, members: Iterable[Person | str]) -> None:
        """Add a user group or replace its members."""
        self.groups[group_id] = tuple(self.person(member).id for member in members)
        self.note_change()

    def revoke_token(self) -> None:
        """Revoke the bot token."""
        self.revoked_tokens.add(self.bot_token)

    def revoke_app_token(self) -> None:
        """Revoke the app-level token of Socket Mode; open connections stay open."""
        self.revoked_tokens.add(self.app_token)

    # Messages

    def messages(self, channel: Channel | str) -> list[Message]:
        """Return the messages of a channel, without replies in threads except broadcast ones."""
        return [m for m in self._in_channel(channel) if m.thread_ts is None or m.broadcast]

    def thread(self, channel: Channel | str, ts: str) -> list[Message]:
        """Return the replies to a message."""
        return [m for m in self._in_channel(channel) if m.thread_ts == ts]

    def ephemerals(self, person: Person | str) -> list[Ephemeral]:
        """Return the ephemeral messages of one person."""
        user_id = self.person(person).id
        return [e for e in self._ephemerals.values() if e.user_id == user_id]

    def find_message(self, channel_id: str, ts: str) -> Message | None:
        """Find a message by channel id and ts."""
        return self._messages.get((channel_id, ts))

    def find_ephemeral(self, ts: str) -> Ephemeral | None:
        """Find an ephemeral message by ts."""
        return self._ephemerals.get(ts)

    def post_message(
        self,
        channel_id: str,
        text: str,
        blocks: Blocks = (),
        *,
        user_id: str = BOT_USER,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Message:
        """Add a message without any check."""
        now = self.clock()
        return self._put(Message(self._new_ts(now), channel_id, user_id, text, blocks, now, thread_ts, broadcast))

    def edit_message(self, message: Message, text: str, blocks: Blocks) -> Message:
        """Replace text and blocks of a message; the old ones go into its history."""
        history = (*message.history, (message.text, message.blocks))
        return self._put(replace(message, text=text, blocks=blocks, edited_at=self.clock(), history=history))

    def show_ephemeral(
        self,
        channel_id: str,
        user_id: str,
        text: str,
        blocks: Blocks = (),
        *,
        thread_ts: str | None = None,
        by_slack: bool = False,
        ts: str | None = None,
    ) -> Ephemeral:
        """Add an ephemeral message without any check; `ts` names one that it replaces."""
        now = self.clock()
        ephemeral = Ephemeral(channel_id, user_id, text, blocks, now, ts or self._new_ts(now), thread_ts, by_slack)
        self._ephemerals[ephemeral.ts] = ephemeral
        self.note_change()
        return ephemeral

    def delete_message(self, channel_id: str, ts: str) -> None:
        """Delete a message or an ephemeral message."""
        self._messages.pop((channel_id, ts), None)
        self._ephemerals.pop(ts, None)
        self.note_change()

    def log_call(
        self, method: str, arguments: Mapping[str, Any], status: int | None, answer: object, *, took_effect: bool
    ) -> None:
        """Append to the request log."""
        self.calls.append(Call(self.clock(), method, arguments, status, answer, took_effect))
        self.note_change()

    # Waiting for changes

    def note_change(self) -> None:
        """Count a change and call the listeners."""
        self.change_count += 1
        for listener in tuple(self._listeners):
            listener()

    def on_change(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call the listener at every change; returns the function that unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def until(self, condition: Callable[[], T], timeout: float = 10) -> T:
        """Wait until the condition is truthy and return its value; AssertionError with a transcript on timeout."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        changed = asyncio.Event()
        unsubscribe = self.on_change(changed.set)
        try:
            while not (value := condition()):
                seconds_left = deadline - loop.time()
                if seconds_left <= 0:
                    raise AssertionError(f"not within {timeout} s; transcript:\n{self.transcript()}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(seconds_left, RECHECK_SECONDS))
                changed.clear()
        finally:
            unsubscribe()
        return value

    def transcript(self) -> str:
        """Return all messages, all ephemeral messages and the latest calls as text."""
        lines: list[str] = []
        for channel in self.channels.values():
            messages = [_transcript_line(message) for message in self._in_channel(channel)]
            lines += [f"#{channel.name}", *messages] if messages else []
        for person in self.people.values():
            lines += [f"only {person.name} sees: {_one_line(text_of(e))}" for e in self.ephemerals(person)]
        lines.append(f"the last of {len(self.calls)} calls:")
        for call in self.calls[-TRANSCRIPT_CALLS:]:
            lines.append(f"  {call.method} -> {call.status} {_one_line(str(call.answer))[:200]}")
        return "\n".join(lines)

    def _in_channel(self, channel: Channel | str) -> Iterator[Message]:
        channel_id = self.channel(channel).id
        return (message for message in self._messages.values() if message.channel_id == channel_id)

    def _put(self, message: Message) -> Message:
        self._messages[message.channel_id, message.ts] = message
        self.note_change()
        return message

    def _new_ts(self, now: float) -> str:
        """Return a unique ts, "seconds.micros"."""
        self._last_ts_micros = max(int(now * 1_000_000), self._last_ts_micros + 1)
        return f"{self._last_ts_micros // 1_000_000}.{self._last_ts_micros % 1_000_000:06d}"


def text_of(message: Message | Ephemeral) -> str:
    """Return all readable text of a message, line by line: its `text`, then the texts in its blocks."""
    return "\n".join(part for part in (message.text, *_texts_in(message.blocks)) if part)


def buttons(message: Message | Ephemeral) -> dict[str, str]:
    """Return the buttons of a message: action_id -> value ("" without one)."""
    return {element["action_id"]: str(element.get("value", "")) for element in button_elements(message.blocks)}


def button_elements(blocks: Blocks) -> list[Block]:
    """Return the button elements in blocks, each with the `block_id` of its block."""
    return [
        {"block_id": block.get("block_id", ""), **element}
        for block in blocks
        for element in (*block.get("elements", ()), block.get("accessory"))
        if isinstance(element, dict) and element.get("type") == "button"
    ]


def find_button(message: Message | Ephemeral, action_id: str) -> Block | None:
    """Find a button in the present version of a message, else in its earlier versions, the newest first."""
    versions = [message.blocks]
    if isinstance(message, Message):
        versions += [blocks for _, blocks in reversed(message.history)]
    elements = (element for blocks in versions for element in button_elements(blocks))
    return next((element for element in elements if element.get("action_id") == action_id), None)


def find_by_id(table: Mapping[str, Record], record_id: object) -> Record | None:
    """Find a person or channel by id, as Slack's own API does."""
    return next((record for record in table.values() if record.id == record_id), None)


def _find(table: Mapping[str, Record], record: Record | str) -> Record:
    key = record if isinstance(record, str) else record.id
    current = table.get(key) or find_by_id(table, key)
    if current is None:
        raise KeyError(f"the stand-in Slack does not know {record!r}")
    return current


def _key_of(table: Mapping[str, Record], record: Record) -> str:
    return next(key for key, value in table.items() if value is record)


def _texts_in(node: object) -> Iterator[str]:
    """Yield every text that a person reads in blocks, button labels and confirm dialogs included."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("text", "alt_text") and isinstance(value, str):
                yield value
            elif isinstance(value, Mapping | list | tuple):
                yield from _texts_in(value)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _texts_in(child)


def _transcript_line(message: Message) -> str:
    indent = "    ⤷" if message.thread_ts else "  "
    edits = f" (edited {len(message.history)} times)" if message.history else ""
    action_ids = f" [{', '.join(buttons(message))}]" if buttons(message) else ""
    return f"{indent} {message.ts}{edits}: {_one_line(text_of(message))}{action_ids}"


def _one_line(text: str) -> str:
    return " / ".join(text.splitlines())
