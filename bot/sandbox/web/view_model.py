"""The view model of the page: what one person sees of Slack and of the cloud, as JSON.

It is a flat mapping of keys to small objects, the entities, so that an update carries only those that have changed.
A key is a kind, or a kind and an id: `you`, `channel:C0DBOPS001`, `message:C0DBOPS001:1795680000.000200`. Where there
are several of a kind, `order` is the place in the list. The browser's side of it is static/state.js.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from bot.sandbox.slack import Channel, Ephemeral, Message, Person, StandInSlack
from bot.sandbox.taurusdb import FAULTS, SPEEDS
from bot.sandbox.taurusdb.faults import BLOCKING_FAULTS, JOB_FAULTS, RESPONSE_FAULTS

Entity: TypeAlias = Mapping[str, object]
Entities: TypeAlias = dict[str, Entity]

COMMAND: Final = "/starrocks-upgrade"
PEOPLE: Final = ("sre", "dba", "guest", "outsider")  # whom one can be on the page
BOT_NAME: Final = "StarRocks Upgrade"
SLACKBOT_USER_ID: Final = "USLACKBOT"
MAX_MESSAGES: Final = 200  # of each channel; replies are not counted

NO_FAULT: Final = "answers"
SPEED_LABELS: Final = {
    "seconds": "a job takes seconds",
    "minute": "a job takes a minute",
    "hours": "a job takes hours",
    "paused": "jobs stand still",
}
UNKNOWN_ID: Final = "0" * 31 + "1in17"


def slack_entities(slack: StandInSlack, person: Person) -> Entities:
    """The workspace as this person sees it: people, channels, messages, this person's ephemeral messages."""
    entities: Entities = {
        "you": {"id": person.id, "name": person.name, "locale": person.locale},
        "bot": {"id": slack.bot_user_id, "name": BOT_NAME},
        "command": {"name": COMMAND},
        f"user:{slack.bot_user_id}": {"name": BOT_NAME},
        f"user:{SLACKBOT_USER_ID}": {"name": "Slack"},
    }
    for user in slack.people.values():
        entities[f"user:{user.id}"] = {"name": user.name}
    for order, person_key in enumerate(PEOPLE):
        choice = slack.people[person_key]
        entities[f"person:{person_key}"] = {
            "person_key": person_key,
            "name": choice.name,
            "locale": choice.locale,
            "guest": choice.is_restricted or choice.is_ultra_restricted,
            "order": order,
        }
    for order, channel in enumerate(slack.channels.values()):
        if channel.has_member(person.id):
            entities[f"channel:{channel.id}"] = {
                "id": channel.id,
                "name": channel.name,
                "bot_is_member": channel.bot_is_member,
                "is_archived": channel.is_archived,
                "is_private": channel.is_private,
                "order": order,
            }
            entities |= _messages(slack, channel)
    for ephemeral in slack.ephemerals(person):
        user_id = SLACKBOT_USER_ID if ephemeral.by_slack else slack.bot_user_id
        entities[f"ephemeral:{ephemeral.ts}"] = _content(ephemeral, user_id)
    return entities


def _messages(slack: StandInSlack, channel: Channel) -> Entities:
    """The latest messages of a channel, with all their replies."""
    entities: Entities = {}
    for message in slack.messages(channel)[-MAX_MESSAGES:]:
        replies = [] if message.thread_ts else slack.thread(channel, message.ts)
        entities[f"message:{channel.id}:{message.ts}"] = _message(message, replies)
        for reply in replies:
            entities[f"message:{channel.id}:{reply.ts}"] = _message(reply, [])
    return entities


def _message(message: Message, replies: Sequence[Message]) -> Entity:
    return {
        **_content(message, message.user_id),
        "broadcast": message.broadcast,
        "edited_at": message.edited_at,
        "replies": len(replies),
        "last_reply": replies[-1].at if replies else None,
    }


def _content(message: Message | Ephemeral, user_id: str) -> Entity:
    return {
        "ephemeral": isinstance(message, Ephemeral),
        "channel": message.channel_id,
        "ts": message.ts,
        "user": user_id,
        "text": message.text,
        "blocks": message.blocks,
        "thread_ts": message.thread_ts,
        "at": message.at,
    }


def cloud_entities(snapshot: Mapping[str, Any]) -> Entities:
    """Instances, jobs, and the two settings of the stand-in cloud: the next fault and the speed of jobs."""
    entities: Entities = {
        "faults": _fault_setting(snapshot["fault"]),
        "speeds": {
            "groups": [_group("", {name: SPEED_LABELS.get(name, name) for name in SPEEDS})],
            "selected": snapshot["speed"],
        },
    }
    for kind, rows in (("instance", snapshot["instances"]), ("job", snapshot["jobs"])):
        entities |= {f"{kind}:{row['id']}": {**row, "order": order} for order, row in enumerate(rows)}
    return entities


def _fault_setting(fault: Mapping[str, Any] | None) -> Entity:
    groups = {
        "Refused by the API: nothing happens": {name: FAULTS[name] for name in FAULTS if name[:3].isdigit()},
        "Lost on the way: nothing happens": BLOCKING_FAULTS,
        "It happens, but the answer is spoilt": RESPONSE_FAULTS,
        "Accepted, then the job goes its own way": JOB_FAULTS,
    }
    fault_groups = [_group(title, labels, show_names=True) for title, labels in groups.items()]
    return {
        "groups": [_group("", {NO_FAULT: NO_FAULT}), *fault_groups],
        "selected": fault["name"] if fault else NO_FAULT,
        "every": fault is not None and fault["times_left"] > 1,
    }


def _group(title: str, labels: Mapping[str, str], *, show_names: bool = False) -> Entity:
    """A group of options of a <select>; the page translates the labels and cuts long ones."""
    options = [{"name": name, "label": label} for name, label in labels.items()]
    return {"label": title, "options": options, "show_names": show_names}


def example_entities(instances: Sequence[Mapping[str, Any]]) -> Entities:
    """Example commands, one for each outcome, in the order in which a newcomer may try them.

    `instances` are those of the cloud's snapshot; the examples carry the ids of instances that are in the right state.
    """
    ready = next((row for row in instances if _accepts_upgrade(row)), instances[0])
    # An upgrade in progress does not count: the bot itself knows of it, and answers before it asks the cloud.
    busy = next((row for row in instances if set(row["running_actions"]) - {"UPGRADING"}), instances[0])
    ready_id = ready["id"]
    names = [row["name"] for row in instances]
    unique = [row for row in instances if names.count(row["name"]) == 1]
    named = next((row for row in unique if _accepts_upgrade(row)), ready)
    examples = (
        ("now", ready_id, "upgrade at once"),
        ("by name", named["name"], "a name that one instance alone has"),
        ("delayed", f"{ready_id} --delay", "upgrade in the maintenance window"),
        ("skip-validate", f"{ready_id} --skip-validate", "upgrade without the cloud's own check"),
        ("unknown id", UNKNOWN_ID, "well formed, but nobody's"),
        ("in07 id", ready["parent_id"], "the id of the TaurusDB instance, a frequent mix-up"),
        ("busy", busy["id"], "an instance on which something runs"),
        ("—delay", f"{ready_id} —delay", "the em dash that keyboards make of two hyphens"),
        ("help", "help", "what the bot understands"),
    )
    return {
        f"example:{order}": {"label": label, "text": f"{COMMAND} {arguments}", "hint": hint, "order": order}
        for order, (label, arguments, hint) in enumerate(examples)
    }


def _accepts_upgrade(row: Mapping[str, Any]) -> bool:
    return bool(
        row["newer_version"] and row["status"] == "normal" and not row["running_actions"] and not row["scheduled"]
    )
