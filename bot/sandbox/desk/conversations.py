"""The Slack side of the picture, as one person sees it: people, channels, messages, what only they see."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from bot.sandbox.desk.items import Item, Items
from bot.sandbox.slack import Channel, Ephemeral, Message, Person, StandInSlack

PEOPLE_TO_BE: Final = ("sre", "dba", "guest")
BOT_NAME: Final = "StarRocks Upgrade"
SLACK_ITSELF: Final = "USLACKBOT"
KEPT_MESSAGES: Final = 200  # of each channel, threads apart; older ones have scrolled away


def conversations(slack: StandInSlack, person: Person, command: str) -> Items:
    """Draw the workspace as this person sees it."""
    items: Items = {
        "you": {"id": person.id, "name": person.name, "locale": person.locale},
        "bot": {"id": slack.bot_user_id, "name": BOT_NAME},
        "command": {"name": command},
        f"user:{slack.bot_user_id}": {"name": BOT_NAME},
        f"user:{SLACK_ITSELF}": {"name": "Slack"},
    }
    for somebody in slack.people.values():
        items[f"user:{somebody.id}"] = {"name": somebody.name}
    for order, key in enumerate(PEOPLE_TO_BE):
        items[f"person:{key}"] = _person(key, slack.people[key], order)
    for order, channel in enumerate(slack.channels.values()):
        if channel.has(person.id):
            items[f"channel:{channel.id}"] = _channel(channel, order)
            items |= _messages(slack, channel)
    for ephemeral in slack.ephemerals(person):
        items[f"ephemeral:{ephemeral.ts}"] = _ephemeral(ephemeral, slack.bot_user_id)
    return items


def _person(key: str, person: Person, order: int) -> Item:
    guest = person.is_restricted or person.is_ultra_restricted
    return {
        "id_key": key,
        "id": person.id,
        "name": person.name,
        "locale": person.locale,
        "guest": guest,
        "order": order,
    }


def _channel(channel: Channel, order: int) -> Item:
    return {
        "id": channel.id,
        "name": channel.name,
        "bot_is_member": channel.bot_is_member,
        "is_archived": channel.is_archived,
        "is_private": channel.is_private,
        "order": order,
    }


def _messages(slack: StandInSlack, channel: Channel) -> Items:
    """Draw the latest messages of a channel with all their replies."""
    top_level = slack.messages(channel)[-KEPT_MESSAGES:]
    items: Items = {}
    replies: dict[str, list[Message]] = defaultdict(list)
    for message in top_level:
        if message.thread_ts is None:
            replies[message.ts] = slack.thread(channel, message.ts)
    for message in (*top_level, *(reply for thread in replies.values() for reply in thread)):
        items[f"message:{channel.id}:{message.ts}"] = _message(message, replies.get(message.ts, []))
    return items


def _message(message: Message, replies: list[Message]) -> Item:
    return {
        "kind": "message",
        "channel": message.channel_id,
        "ts": message.ts,
        "user": message.user_id,
        "text": message.text,
        "blocks": message.blocks,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "edited": message.edited_at,
        "at": message.at,
        "replies": len(replies),
        "last_reply": replies[-1].at if replies else None,
    }


def _ephemeral(ephemeral: Ephemeral, bot: str) -> Item:
    return {
        "kind": "ephemeral",
        "channel": ephemeral.channel_id,
        "ts": ephemeral.ts,
        "user": SLACK_ITSELF if ephemeral.by_slack else bot,
        "text": ephemeral.text,
        "blocks": ephemeral.blocks,
        "thread_ts": ephemeral.thread_ts,
        "at": ephemeral.at,
    }
