"""The JSON and the form fields in which Slack tells an app what people did."""

from __future__ import annotations

import time
from typing import Any

from bot.sandbox.slack.messages import Block, Ephemeral, Message
from bot.sandbox.slack.workspace import APP_ID, BOT_ID, HOME_TEAM, Channel, Person


def message_json(message: Message, replies: int = 0) -> dict[str, Any]:
    """Return a message as Slack's answers and clicks carry it."""
    told: dict[str, Any] = {
        "type": "message",
        "user": message.user_id,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "team": HOME_TEAM,
        "ts": message.ts,
        "text": message.text,
        "blocks": list(message.blocks),
    }
    if message.thread_ts or replies:
        told["thread_ts"] = message.thread_ts or message.ts
    if replies:
        told["reply_count"] = replies
    if message.edited_at is not None:
        told["edited"] = {"user": message.user_id, "ts": f"{message.edited_at:.6f}"}
    return told


def command_form(
    person: Person, channel: Channel, command: str, text: str, *, team_id: str, trigger_id: str, response_url: str
) -> dict[str, str]:
    """Return a slash command as Slack sends it: flat form fields, never a `thread_ts`."""
    form = {
        "token": "verification-token-of-old",
        "team_id": team_id,
        "team_domain": team_id.lower(),
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.is_private else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }
    if person.enterprise_id:
        form |= {"enterprise_id": person.enterprise_id, "enterprise_name": person.enterprise_id.lower()}
    return form


def click_payload(
    person: Person,
    channel: Channel,
    source: Message | Ephemeral,
    button: Block,
    *,
    replies: int,
    trigger_id: str,
    response_url: str,
) -> dict[str, Any]:
    """Return a `block_actions` payload: this person has pressed this button of this message."""
    private = isinstance(source, Ephemeral)
    container: dict[str, Any] = {
        "type": "message",
        "message_ts": source.ts,
        "channel_id": channel.id,
        "is_ephemeral": private,
    }
    if source.thread_ts:
        container["thread_ts"] = source.thread_ts
    action = {key: button[key] for key in ("action_id", "block_id", "text", "value", "style") if key in button}
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": "verification-token-of-old",
        "container": container,
        "trigger_id": trigger_id,
        "team": {"id": person.team_id, "domain": person.team_id.lower()},
        "enterprise": {"id": person.enterprise_id, "name": "enterprise"} if person.enterprise_id else None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": "privategroup" if channel.is_private else channel.name},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{"type": "button", "action_ts": f"{time.time():.6f}", **action}],
    }
    if isinstance(source, Message):
        payload["message"] = message_json(source, replies)
    return payload
