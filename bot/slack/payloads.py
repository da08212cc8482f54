"""Slack's payloads, read once at the door: what is not what Slack sends is None, what is becomes a value."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from bot.core.ports import Presence
from bot.flow.answering import Button, Click
from bot.flow.commanding import Press, Shortcut

LONGEST = 4000  # characters of a command's text that are read; Slack's own limit for a message
BUTTONS = {button.value for button in Button}
SHORTCUTS = {shortcut.value for shortcut in Shortcut}
Payload: TypeAlias = Mapping[str, Any]


def text(payload: object, name: str) -> str:
    """A field that has to be text; empty when it is anything else."""
    value = payload.get(name) if isinstance(payload, Mapping) else None
    return value if isinstance(value, str) else ""


def command_presence(body: Payload) -> Presence | None:
    """Who typed the command, and where. https://docs.slack.dev/interactivity/implementing-slash-commands"""
    presence = Presence(
        person_id=text(body, "user_id"),
        team_id=text(body, "team_id"),
        channel_id=text(body, "channel_id"),
        enterprise_id=text(body, "enterprise_id") or None,
        reply_to=text(body, "response_url"),
    )
    return presence if presence.person_id and presence.channel_id and presence.team_id else None


def command_text(body: Payload) -> str:
    """The text after the command; Slack escapes three characters in it, and only those."""
    return text(body, "text")[:LONGEST].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_click(body: Payload) -> Click | None:
    """A pressed button under a question. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    action, presence = _action(body), _pressed_by(body)
    message_ts = text(body.get("container"), "message_ts") or text(body.get("message"), "ts")
    if not (presence.person_id and presence.channel_id and message_ts and text(action, "action_id") in BUTTONS):
        return None
    return Click(
        presence=presence,
        button=Button(text(action, "action_id")),
        upgrade_id=text(action, "value"),
        message_ts=message_ts,
        mark=f"{presence.person_id} {text(action, 'action_ts')}" if text(action, "action_ts") else "",
    )


def read_press(body: Payload) -> Press | None:
    """A pressed button that stands for a command."""
    action, presence = _action(body), _pressed_by(body)
    if not (presence.person_id and presence.channel_id and text(action, "action_id") in SHORTCUTS):
        return None
    return Press(presence, Shortcut(text(action, "action_id")), text(action, "value"), text(body, "trigger_id"))


def _action(body: Payload) -> object:
    """What was pressed; Slack sends one action at a time for buttons."""
    actions = body.get("actions")
    return actions[0] if isinstance(actions, list) and actions else None


def _pressed_by(body: Payload) -> Presence:
    user, channel, container = body.get("user"), body.get("channel"), body.get("container")
    return Presence(
        person_id=text(user, "id"),
        # `team` may be null; the person's own team is what the rules ask for
        team_id=text(user, "team_id") or text(body.get("team"), "id"),
        channel_id=text(channel, "id") or text(container, "channel_id"),
        enterprise_id=text(user, "enterprise_id") or None,
        reply_to=text(body, "response_url"),
    )
