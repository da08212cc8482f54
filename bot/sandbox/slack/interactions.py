"""What people do in the stand-in: they type commands and press buttons, and see what comes of it."""

from __future__ import annotations

import time
import uuid
from typing import Any

from bot.sandbox.slack.chat import LONGEST_POST, Chat, content
from bot.sandbox.slack.credentials import SlackRefusal
from bot.sandbox.slack.delivery import Delivery, Envelope, Reply
from bot.sandbox.slack.hooks import Hooks
from bot.sandbox.slack.messages import Block, Ephemeral, Message, Record, button_elements
from bot.sandbox.slack.payloads import click_payload, command_form
from bot.sandbox.slack.ways import Ways
from bot.sandbox.slack.workspace import Channel, Person, Workspace


class Interactions:
    """Turns what people do into envelopes, delivers them, and shows people the app's ack."""

    def __init__(self, workspace: Workspace, record: Record, chat: Chat, hooks: Hooks, ways: Ways) -> None:
        self._workspace = workspace
        self._record = record
        self._chat = chat
        self._hooks = hooks
        self._ways = ways

    async def command(
        self,
        person: Person | str,
        channel: Channel | str,
        text: str,
        command: str = "/starrocks-upgrade",
        *,
        trigger_id: str | None = None,
        team_id: str | None = None,
        through: int | str | None = None,
    ) -> Delivery:
        """Type a slash command; `through` is a connection's number or an address, else they take turns."""
        who, where = self._workspace.person(person), self._workspace.channel(channel)
        form = command_form(
            who,
            where,
            command,
            text,
            team_id=team_id or who.team_id,
            trigger_id=trigger_id or new_trigger_id(),
            response_url=self._hooks.open_url(where.id, who.id),
        )
        return await self._deliver(Envelope(str(uuid.uuid4()), "slash_commands", form, who.id, where.id), through)

    async def click(
        self,
        person: Person | str,
        message: Message | Ephemeral,
        action_id: str,
        value: str | None = None,
        channel: Channel | str | None = None,
        *,
        through: int | str | None = None,
    ) -> Delivery:
        """Press a button of a message as the person sees it, which may be how it was before an edit."""
        who, where = self._workspace.person(person), self._workspace.channel(channel or message.channel_id)
        now = self._record.find(where.id, message.ts) or self._record.find_ephemeral(message.ts) or message
        button = find_button(message, action_id) or find_button(now, action_id)
        if button is None:
            raise AssertionError(f"there is and was no button {action_id!r} in: {message}")
        payload = click_payload(
            who,
            where,
            now,
            button if value is None else {**button, "value": value},
            replies=len(self._record.replies(where.id, message.ts)),
            trigger_id=new_trigger_id(),
            response_url=self._hooks.open_url(where.id, who.id, message.ts),
        )
        return await self._deliver(Envelope(str(uuid.uuid4()), "interactive", payload, who.id, where.id), through)

    def write(
        self, person: Person | str, channel: Channel | str, text: str, *, thread_ts: str | None = None
    ) -> Message:
        """Write a plain message, of which the app hears nothing."""
        who, where = self._workspace.person(person), self._workspace.channel(channel)
        return self._chat.say(where.id, text, (), thread_ts=thread_ts, user_id=who.id)

    async def redeliver(self, delivery: Delivery, *, through: int | str | None = None) -> Delivery:
        """Deliver the same command or click once more, marked as a retry."""
        return await self._deliver(delivery.envelope.again(), through)

    async def _deliver(self, envelope: Envelope, through: int | str | None) -> Delivery:
        """Send an envelope and show the person what comes of it."""
        began = time.monotonic()
        reply = await self._ways.deliver(envelope, through)
        self._show(envelope, reply)
        seconds = time.monotonic() - began
        return Delivery(reply.acked, seconds, reply.body, reply.status, envelope.payload, envelope, reply.through)

    def _show(self, envelope: Envelope, reply: Reply) -> None:
        """Show the person what an ack carries, or that there was none; acks of clicks carry nothing to show."""
        command = envelope.kind == "slash_commands"
        wrong = None
        if not reply.acked:
            wrong = "dispatch_failed" if reply.unreachable or reply.status is not None else "operation_timeout"
        elif command and reply.body:
            wrong = self._show_body(envelope, reply.body)
        if wrong is not None:
            what = envelope.payload["command"] if command else "The button"
            self._chat.whisper(
                envelope.channel_id, envelope.person_id, f'{what} failed with the error "{wrong}"', by_slack=True
            )

    def _show_body(self, envelope: Envelope, body: Any) -> str | None:
        """Show what a command's ack says; returns the error when Slack would not take it."""
        told = body if isinstance(body, dict) else {"text": str(body)}
        try:
            text, blocks = content(told, LONGEST_POST)
        except SlackRefusal as refusal:
            return None if refusal.error == "no_text" else refusal.error
        if told.get("response_type") == "in_channel":
            self._chat.say(envelope.channel_id, text, blocks)
        else:
            self._chat.whisper(envelope.channel_id, envelope.person_id, text, blocks)
        return None


def find_button(spoken: Message | Ephemeral, action_id: str) -> Block | None:
    """Find a button in a message as it is, else as it was before its edits, the newest first."""
    versions = [spoken.blocks]
    if isinstance(spoken, Message):
        versions += [blocks for _, blocks in reversed(spoken.history)]
    for blocks in versions:
        for button in button_elements(blocks):
            if button.get("action_id") == action_id:
                return button
    return None


def new_trigger_id() -> str:
    """Return a trigger_id that no other interaction has."""
    return f"1.2.{uuid.uuid4().hex}"
