"""Slack's payloads and answers, validated, cut and turned into values; what Slack would not send is None."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from bot.core.actions import COMMAND_ACTIONS, Action, Click, Origin
from bot.core.messages import MAX_FOREIGN_TEXT, clipped

MAX_COMMAND_TEXT = 4000  # characters of a command that are read; Slack's own limit for a message
MAX_BUTTON_VALUE = 2000
MAX_URL = 2000
MAX_IDENTIFIER = 255
ACTION_IDS = {action.value for action in Action}
Payload: TypeAlias = Mapping[str, Any]
_ID = re.compile(r"[A-Za-z0-9]{2,40}", re.ASCII)
_TS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?", re.ASCII)


def text_field(payload: object, name: str, limit: int = MAX_FOREIGN_TEXT) -> str:
    """A text, cut and on one line; empty when the field is anything else."""
    value = payload.get(name) if isinstance(payload, Mapping) else None
    return clipped(value, limit) if isinstance(value, str) else ""


def url_field(payload: object, name: str) -> str:
    """A URL; empty when the field is anything else, or longer than any that Slack makes: half of one leads nowhere."""
    value = text_field(payload, name, MAX_URL + 1)
    return value if len(value) <= MAX_URL else ""


def ts_field(payload: object, name: str) -> str:
    """The `ts` of a message; empty when the field is anything else."""
    value = text_field(payload, name)
    return value if _TS.fullmatch(value) else ""


def id_field(payload: object, name: str) -> str:
    """One of Slack's ids; empty when the field is anything else."""
    value = text_field(payload, name)
    return value if _ID.fullmatch(value) else ""


def identifier_field(payload: object, name: str) -> str:
    """What identifies one interaction, e.g. `trigger_id`; empty when it is nothing that Slack makes."""
    value = text_field(payload, name)
    return value if len(value) <= MAX_IDENTIFIER and value.isascii() and value.isprintable() else ""


def command_origin(body: Payload) -> Origin | None:
    """Who typed the command, and where. https://docs.slack.dev/interactivity/implementing-slash-commands"""
    origin = Origin(
        user_id=id_field(body, "user_id"),
        team_id=id_field(body, "team_id"),
        channel_id=id_field(body, "channel_id"),
        enterprise_id=id_field(body, "enterprise_id"),
        response_url=url_field(body, "response_url"),
        channel_name=text_field(body, "channel_name"),
    )
    has_team = bool(origin.team_id) or body.get("team_id") is None  # null where the app is an organisation's
    return origin if origin.user_id and origin.channel_id and has_team else None


def command_text(body: Payload) -> str:
    """The text after the command; Slack escapes three characters in it, and only those."""
    text = text_field(body, "text", MAX_COMMAND_TEXT)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_click(body: Payload) -> Click | None:
    """A pressed button. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    actions = body.get("actions")
    button = actions[0] if isinstance(actions, list) and actions else None  # Slack sends one action for a button
    origin, action_id = _click_origin(body), text_field(button, "action_id")
    if not (origin.user_id and origin.channel_id and action_id in ACTION_IDS):
        return None
    action = Action(action_id)
    container = body.get("container")
    message_ts = ts_field(container, "message_ts") or ts_field(body.get("message"), "ts")
    thread_ts = ts_field(container, "thread_ts")
    if thread_ts and thread_ts != message_ts:
        origin = replace(origin, thread_ts=thread_ts)
    is_on_private_copy = isinstance(container, dict) and container.get("is_ephemeral") is True
    trigger_id, action_ts = identifier_field(body, "trigger_id"), identifier_field(button, "action_ts")
    if action in COMMAND_ACTIONS:
        delivery_id = trigger_id
    elif message_ts:
        delivery_id = f"{message_ts} {action} {origin.user_id} {action_ts}" if action_ts else ""
    else:
        return None
    value = text_field(button, "value", MAX_BUTTON_VALUE)
    return Click(origin, action, value, message_ts, trigger_id, is_on_private_copy, delivery_id)


def _click_origin(body: Payload) -> Origin:
    user, channel, container = body.get("user"), body.get("channel"), body.get("container")
    app_team_id = id_field(body.get("team"), "id")  # `team` may be null, and in an organisation so may any other
    return Origin(
        user_id=id_field(user, "id"),
        team_id=id_field(user, "team_id") or app_team_id,
        channel_id=id_field(channel, "id") or id_field(container, "channel_id"),
        app_team_id=app_team_id,
        enterprise_id=id_field(user, "enterprise_id") or id_field(body.get("enterprise"), "id"),
        response_url=url_field(body, "response_url"),
        channel_name=text_field(channel, "name"),
    )


def rejection_reason(body: Payload, own_app_id: str) -> str:
    """Why a payload is not for this bot, empty if it is; its own app's id may be unknown (empty).

    Another team does not make it another bot's: people of other organisations press our buttons in channels that are
    shared with them, and `team` is theirs. Whether they may is for the rules to say.
    """
    team, message = body.get("team"), body.get("message")
    ids = [body.get("team_id"), team.get("id") if isinstance(team, Mapping) else None, body.get("api_app_id")]
    if not all(id is None or isinstance(id, str) for id in ids):
        return "ids"
    app_id = str(body.get("api_app_id") or "")
    posted_by = message.get("app_id") if isinstance(message, Mapping) else None
    if app_id and ((own_app_id or app_id) != app_id or (posted_by or app_id) != app_id):
        return "another app"
    return ""
