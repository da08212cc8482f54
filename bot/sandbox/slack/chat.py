"""The `chat.*` methods: posting, editing, whispering and linking, with what Slack refuses in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.sandbox.slack.checks import InvalidBlocksError, read_blocks
from bot.sandbox.slack.credentials import SlackRefusal
from bot.sandbox.slack.messages import Block, Ephemeral, Message, Record
from bot.sandbox.slack.payloads import message_json
from bot.sandbox.slack.workspace import BOT_USER, Channel, Workspace

LONGEST_POST: Final = 40_000
LONGEST_EDIT: Final = 4_000
Arguments = Mapping[str, Any]


class Chat:
    """Writes what the bot says into the record."""

    def __init__(self, workspace: Workspace, record: Record, clock: Callable[[], float]) -> None:
        self._workspace = workspace
        self._record = record
        self._clock = clock

    def post_message(self, arguments: Arguments) -> dict[str, Any]:
        """Answer chat.postMessage."""
        channel = self._open_channel(arguments)
        text, blocks = content(arguments, LONGEST_POST)
        thread_ts = arguments.get("thread_ts") or None
        if thread_ts is not None:
            parent = self._record.find(channel.id, str(thread_ts))
            if parent is None:
                raise SlackRefusal("thread_not_found")
            if parent.thread_ts is not None:
                raise SlackRefusal("cannot_reply_to_message")
        broadcast = thread_ts is not None and is_true(arguments.get("reply_broadcast"))
        message = self.say(channel.id, text, blocks, thread_ts=thread_ts, broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": message_json(message)}

    def say(
        self,
        channel_id: str,
        text: str,
        blocks: tuple[Block, ...],
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        user_id: str = BOT_USER,
    ) -> Message:
        """Record a message, the bot's unless it is said whose, unchecked."""
        now = self._clock()
        ts = self._record.next_ts(now)
        return self._record.put(Message(ts, channel_id, user_id, text, blocks, now, thread_ts, broadcast))

    def whisper(
        self,
        channel_id: str,
        user_id: str,
        text: str,
        blocks: tuple[Block, ...] = (),
        *,
        thread_ts: str | None = None,
        by_slack: bool = False,
        ts: str | None = None,
    ) -> Ephemeral:
        """Record an ephemeral, unchecked; `ts` names one that it replaces."""
        now = self._clock()
        ts = ts or self._record.next_ts(now)
        return self._record.whisper(Ephemeral(channel_id, user_id, text, blocks, now, ts, thread_ts, by_slack))

    def update(self, arguments: Arguments) -> dict[str, Any]:
        """Answer chat.update: what is not given stays as it was, an empty list of blocks takes them away."""
        channel = self._known_channel(arguments)
        message = self._record.find(channel.id, str(arguments.get("ts")))
        if message is None:
            raise SlackRefusal("message_not_found")
        if channel.is_archived:
            raise SlackRefusal("is_inactive")
        if message.user_id != BOT_USER:
            raise SlackRefusal("cant_update_message")
        text, blocks = content(arguments, LONGEST_EDIT)
        edited = self._record.edit(
            message,
            text if arguments.get("text") is not None else message.text,
            blocks if arguments.get("blocks") is not None else message.blocks,
            self._clock(),
        )
        replies = len(self._record.replies(channel.id, edited.ts))
        return {"channel": channel.id, "ts": edited.ts, "text": edited.text, "message": message_json(edited, replies)}

    def post_ephemeral(self, arguments: Arguments) -> dict[str, Any]:
        """Answer chat.postEphemeral."""
        channel = self._open_channel(arguments)
        person = self._workspace.find_person(str(arguments.get("user")))
        if person is None or not channel.has(person.id):
            raise SlackRefusal("user_not_in_channel")
        text, blocks = content(arguments, LONGEST_POST)
        whispered = self.whisper(channel.id, person.id, text, blocks, thread_ts=arguments.get("thread_ts") or None)
        return {"message_ts": whispered.ts}

    def get_permalink(self, arguments: Arguments) -> dict[str, Any]:
        """Answer chat.getPermalink."""
        channel = self._known_channel(arguments)
        message = self._record.find(channel.id, str(arguments.get("message_ts")))
        if message is None:
            raise SlackRefusal("message_not_found")
        link = f"https://stand-in.example/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def _known_channel(self, arguments: Arguments) -> Channel:
        """Find the channel as the bot may know it: a private one without the bot does not exist for it."""
        asked = str(arguments.get("channel") or "")
        channel = next((c for c in self._workspace.channels.values() if c.id == asked), None)
        person = next((p for p in self._workspace.people.values() if p.id == asked), None)
        if channel is None and person is not None:
            channel = self._workspace.direct_channel(person)
        if channel is None or (channel.is_private and not channel.bot_is_member):
            raise SlackRefusal("channel_not_found")
        return channel

    def _open_channel(self, arguments: Arguments) -> Channel:
        """Find a channel in which the bot may write now."""
        channel = self._known_channel(arguments)
        if channel.is_archived:
            raise SlackRefusal("is_archived")
        if not channel.bot_is_member:
            raise SlackRefusal("not_in_channel")
        if not channel.may_post:
            raise SlackRefusal("restricted_action")
        return channel


def content(arguments: Arguments, longest: int) -> tuple[str, tuple[Block, ...]]:
    """Read the text and the blocks of a message, or refuse them as Slack would."""
    try:
        blocks = read_blocks(arguments.get("blocks"))
    except InvalidBlocksError as error:
        more = {"errors": error.messages, "response_metadata": {"messages": error.messages}}
        raise SlackRefusal("invalid_blocks", **more) from error
    text = str(arguments.get("text") or "")
    if not text and not blocks and not arguments.get("attachments"):
        raise SlackRefusal("no_text")
    if len(text) > longest:
        raise SlackRefusal("msg_too_long")
    return text, blocks


def is_true(given: object) -> bool:
    """Read a boolean as JSON or a form carries it."""
    return given in (True, 1, "1", "true", "True")
