"""Slack's payloads, read once at the door: what is not what Slack sends is None, what is becomes a value."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from bot.core.ports import Presence
from bot.flow.answering import Button, Click
from bot.flow.commanding import Press, Shortcut

LONGEST = 4000  # characters of a command's text that are read; Slack's own limit for a message
BUTTONS = {button.value for button in Button}
LONGEST_PROOF = 255
SHORTCUTS = {shortcut.value for shortcut in Shortcut}
Payload: TypeAlias = Mapping[str, Any]
_ID = re.compile(r"[A-Za-z0-9]{2,40}", re.ASCII)
_TS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?", re.ASCII)


def text(payload: object, name: str) -> str:
    """A field that has to be text; empty when it is anything else."""
    value = payload.get(name) if isinstance(payload, Mapping) else None
    return value if isinstance(value, str) else ""


def id_in(payload: object, name: str) -> str:
    """A field that has to be one of Slack's ids; empty when it is anything else."""
    value = text(payload, name)
    return value if _ID.fullmatch(value) else ""


def proof(payload: object, name: str) -> str:
    """A field that marks one doing of a person, e.g. `trigger_id`; empty when it is none that Slack makes."""
    value = text(payload, name)
    return value if len(value) <= LONGEST_PROOF and value.isascii() and value.isprintable() else ""


def command_presence(body: Payload) -> Presence | None:
    """Who typed the command, and where. https://docs.slack.dev/interactivity/implementing-slash-commands"""
    presence = Presence(
        person_id=id_in(body, "user_id"),
        team_id=id_in(body, "team_id"),
        channel_id=id_in(body, "channel_id"),
        enterprise_id=id_in(body, "enterprise_id") or None,
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
    if not (presence.person_id and presence.channel_id and _TS.fullmatch(message_ts)):
        return None
    if text(action, "action_id") not in BUTTONS:
        return None
    return Click(
        presence=presence,
        button=Button(text(action, "action_id")),
        upgrade_id=text(action, "value"),
        message_ts=message_ts,
        mark=f"{presence.person_id} {proof(action, 'action_ts')}" if proof(action, "action_ts") else "",
    )


def read_press(body: Payload) -> Press | None:
    """A pressed button that stands for a command."""
    action, presence = _action(body), _pressed_by(body)
    if not (presence.person_id and presence.channel_id and text(action, "action_id") in SHORTCUTS):
        return None
    return Press(presence, Shortcut(text(action, "action_id")), text(action, "value"), proof(body, "trigger_id"))


def _action(body: Payload) -> object:
    """What was pressed; Slack sends one action at a time for buttons."""
    actions = body.get("actions")
    return actions[0] if isinstance(actions, list) and actions else None


def _pressed_by(body: Payload) -> Presence:
    user, channel, container = body.get("user"), body.get("channel"), body.get("container")
    enterprise = id_in(user, "enterprise_id") or id_in(body.get("enterprise"), "id")
    return Presence(
        person_id=id_in(user, "id"),
        # `team` may be null; the person's own team is what the rules ask for
        team_id=id_in(user, "team_id") or id_in(body.get("team"), "id"),
        channel_id=id_in(channel, "id") or id_in(container, "channel_id"),
        enterprise_id=enterprise or None,
        reply_to=text(body, "response_url"),
    )
