"""Where the bot may be used and by whom: each allowed channel, user group and person, as Slack knows them."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.checkup.check import Check, Note, failed, passed, skipped, warned
from bot.core.policy import Rules
from bot.core.reasons import SlackRefused, Undelivered
from bot.slack.api import SlackApi

AT_ONCE = 4  # Slack limits these calls to 20, 50 and 100 a minute
UNKNOWN_CHANNEL = {"channel_not_found", "invalid_arguments", "method_not_supported_for_channel_type"}


async def check_places(note: Note, rules: Rules, api: SlackApi) -> None:
    """Every id that the settings name."""
    if rules.channels.everything:
        note(skipped("slack.channels", "ALLOWED_CHANNELS is *: the bot has to be invited wherever it is to work"))
    if rules.users.everything:
        note(skipped("slack.people", "ALLOWED_USERS is *: nobody is named"))
    people = rules.users.named | rules.skip_validate_users.named
    looks: list[tuple[Callable[[str, SlackApi], Awaitable[Check]], str]] = [
        *((_channel, id) for id in sorted(rules.channels.named)),
        *((_group, id) for id in sorted(rules.groups_that_matter())),
        *((_person, id) for id in sorted(people)),
    ]
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(look: Callable[[str, SlackApi], Awaitable[Check]], id: str) -> None:
        async with turn:
            note(await look(id, api))

    await asyncio.gather(*(one(look, id) for look, id in looks))


async def _channel(id: str, api: SlackApi) -> Check:
    """Exists, is open, and the bot is in it; whether only some people may post is not to be seen without posting."""
    name = f"slack.channel.{id}"
    try:
        answer = await api.read("conversations.info", channel=id)
    except SlackRefused as refused:
        if refused.error == "missing_scope" and id.startswith("D"):
            return skipped(name, "direct messages cannot be looked at with the bot's scopes")
        if refused.error == "missing_scope":
            return warned(name, "the token may not look at it", "add channels:read and groups:read, install again")
        if refused.error in UNKNOWN_CHANNEL:
            seen = "there is no such channel, or it is private and the bot is not in it"
            return failed(name, seen, f"invite the bot there (/invite), or mend {id} in ALLOWED_CHANNELS")
        return failed(name, f"Slack answers {refused.error}", f"check {id} in ALLOWED_CHANNELS")
    except Undelivered as away:
        return _unread(name, away)
    channel = answer.get("channel")
    if not isinstance(channel, dict):
        return _unread(name, SlackRefused("an answer without a channel"))
    label = f"#{channel.get('name') or id}"
    if channel.get("is_archived"):
        return failed(name, f"{label} is archived", f"unarchive it, or take {id} out of ALLOWED_CHANNELS")
    if not (channel.get("is_member") or channel.get("is_im")):
        return failed(name, f"the bot is not in {label}", f"type /invite with the bot's name in {label}")
    if channel.get("is_read_only") or channel.get("is_frozen"):
        return failed(name, f"{label} is read-only", f"let the bot post there, or take {id} out of ALLOWED_CHANNELS")
    return passed(name, f"the bot is in {label}")


async def _group(id: str, api: SlackApi) -> Check:
    """Exists, and has members."""
    name = f"slack.usergroup.{id}"
    remedy = f"mend {id} in ALLOWED_USERGROUPS or SKIP_VALIDATE_USERGROUPS"
    try:
        answer = await api.read("usergroups.users.list", usergroup=id)
    except SlackRefused as refused:
        if refused.error == "missing_scope":
            return failed(name, "the token may not look at it", "add usergroups:read and install the app again")
        if refused.error == "plan_upgrade_required":
            return failed(name, "this workspace's plan has no user groups", "name people in ALLOWED_USERS instead")
        seen = "there is no such user group" if refused.error == "no_such_subteam" else f"Slack answers {refused.error}"
        return failed(name, seen, remedy)
    except Undelivered as away:
        return _unread(name, away)
    members = answer.get("users")
    count = len(members) if isinstance(members, list) else 0
    return passed(name, f"{count} member(s)") if count else warned(name, "it has no members", remedy)


async def _person(id: str, api: SlackApi) -> Check:
    """Is somebody who is here."""
    name = f"slack.person.{id}"
    remedy = f"mend {id} in ALLOWED_USERS or SKIP_VALIDATE_USERS"
    try:
        answer = await api.read("users.info", user=id)
    except SlackRefused as refused:
        if refused.error == "missing_scope":
            return warned(name, "the token may not look at them", "add users:read and install the app again")
        return warned(name, f"Slack answers {refused.error}", remedy)
    except Undelivered as away:
        return _unread(name, away)
    user = answer.get("user")
    if isinstance(user, dict) and user.get("deleted"):
        return warned(name, "this account is deactivated", remedy)
    return passed(name, "known in this workspace")


def _unread(name: str, trouble: Undelivered) -> Check:
    """Slack did not say."""
    return warned(name, f"Slack did not say: {trouble}", "run the doctor again in a minute")
