"""Slash commands and button clicks: their payloads, and what the person sees of the app's acknowledgement."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.sandbox.slack.state import APP_ID, Block, Channel, Ephemeral, Message, Person, Workspace
from bot.sandbox.slack.web_api import MAX_POST_LENGTH, WebApiError, message_json, parse_content


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command or click to be delivered to the app; a retry keeps the id."""

    id: str
    kind: Literal["slash_commands", "interactive"]
    payload: dict[str, Any]
    person_id: str
    channel_id: str
    attempt: int = 0

    def retry(self) -> Envelope:
        """Return the same envelope for one more attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of delivering an envelope."""

    envelope: Envelope
    acked: bool
    body: Any = None  # of the acknowledgement: JSON, text or None
    status: int | None = None  # HTTP mode only
    through: int | str | None = None  # the number of the connection, or the URL, that was used
    unreachable: bool = False
    seconds: float = 0.0

    @property
    def payload(self) -> dict[str, Any]:
        """The payload of the envelope."""
        return self.envelope.payload


def command_envelope(
    person: Person,
    channel: Channel,
    command: str,
    text: str,
    response_url: str,
    *,
    team_id: str | None = None,
    trigger_id: str | None = None,
) -> Envelope:
    """Return a slash command: flat form fields, never a `thread_ts`.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    team_id = team_id or person.team_id
    form = {
        "token": "deprecated-verification-token",
        "team_id": team_id,
        "team_domain": team_id.lower(),
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id or _new_trigger_id(),
    }
    if person.enterprise_id:
        form |= {"enterprise_id": person.enterprise_id, "enterprise_name": person.enterprise_id.lower()}
    return Envelope(str(uuid.uuid4()), "slash_commands", form, person.id, channel.id)


def click_envelope(
    person: Person,
    channel: Channel,
    message: Message | Ephemeral,
    button: Block,
    response_url: str,
    *,
    app_team_id: str,
    reply_count: int,
) -> Envelope:
    """Return the `block_actions` payload of a button click; `app_team_id` is its `team`.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    container: dict[str, Any] = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": isinstance(message, Ephemeral),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    action = {key: button[key] for key in ("action_id", "block_id", "text", "value", "style") if key in button}
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": "deprecated-verification-token",
        "container": container,
        "trigger_id": _new_trigger_id(),
        "team": {"id": app_team_id, "domain": app_team_id.lower()},
        "enterprise": {"id": person.enterprise_id, "name": "enterprise"} if person.enterprise_id else None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{"type": "button", "action_ts": f"{time.time():.6f}", **action}],
    }
    if isinstance(message, Message):
        payload["message"] = message_json(message, reply_count)
    return Envelope(str(uuid.uuid4()), "interactive", payload, person.id, channel.id)


def show_result(workspace: Workspace, delivery: Delivery) -> None:
    """Show the person the body of a command's acknowledgement, or Slack's own error message."""
    envelope = delivery.envelope
    is_command = envelope.kind == "slash_commands"
    error = None
    if not delivery.acked:
        error = "dispatch_failed" if delivery.unreachable or delivery.status is not None else "operation_timeout"
    elif is_command and delivery.body:
        error = _show_body(workspace, envelope, delivery.body)
    if error is not None:
        subject = envelope.payload["command"] if is_command else "The button"
        text = f'{subject} failed with the error "{error}"'
        workspace.show_ephemeral(envelope.channel_id, envelope.person_id, text, by_slack=True)


def _show_body(workspace: Workspace, envelope: Envelope, body: Any) -> str | None:
    """Show the body of a command's acknowledgement; returns the error code when Slack would refuse it."""
    arguments = body if isinstance(body, dict) else {"text": str(body)}
    try:
        text, blocks = parse_content(arguments, MAX_POST_LENGTH)
    except WebApiError as refusal:
        return None if refusal.error == "no_text" else refusal.error
    if arguments.get("response_type") == "in_channel":
        workspace.post_message(envelope.channel_id, text, blocks)
    else:
        workspace.show_ephemeral(envelope.channel_id, envelope.person_id, text, blocks)
    return None


def _channel_name(channel: Channel) -> str:
    """Return the name as payloads have it: that of a group's direct messages is told, a private channel's is not."""
    if channel.id.startswith("D"):
        return "directmessage"
    return "privategroup" if channel.is_private and not channel.name.startswith("mpdm-") else channel.name


def _new_trigger_id() -> str:
    return f"1.2.{uuid.uuid4().hex}"
