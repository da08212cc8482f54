"""The methods that only look something up: who am I, who is that, what channel, who is in the group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.chat import is_true
from bot.sandbox.slack.credentials import Credentials, SlackRefusal
from bot.sandbox.slack.workspace import APP_ID, BOT_ID, BOT_USER, HOME_TEAM, Workspace

Arguments = Mapping[str, Any]


class Lookups:
    """Answers questions about the workspace."""

    def __init__(self, workspace: Workspace, credentials: Credentials) -> None:
        self._workspace = workspace
        self._credentials = credentials

    def auth_test(self, arguments: Arguments) -> dict[str, Any]:
        """Answer auth.test; the scopes go into a header."""
        del arguments  # it takes none
        return {
            "url": "https://stand-in.example/",
            "team": "Stand-in",
            "user": "starrocks_upgrade",
            "team_id": HOME_TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def bots_info(self, arguments: Arguments) -> dict[str, Any]:
        """Answer bots.info for the one bot there is."""
        if arguments.get("bot") != BOT_ID:
            raise SlackRefusal("bot_not_found")
        return {"bot": {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": "starrocks_upgrade"}}

    def users_info(self, arguments: Arguments) -> dict[str, Any]:
        """Answer users.info; `locale` only when asked for and known."""
        person = self._workspace.find_person(str(arguments.get("user") or ""))
        if person is None:
            raise SlackRefusal("user_not_found")
        user: dict[str, Any] = {
            "id": person.id,
            "team_id": person.team_id,
            "name": person.name,
            "real_name": person.name,
            "profile": {"real_name": person.name, "display_name": person.name, "team": person.team_id},
            "tz": person.tz,
            "deleted": False,
            "is_bot": False,
            "is_restricted": person.is_restricted,
            "is_ultra_restricted": person.is_ultra_restricted,
        }
        if person.team_id != HOME_TEAM:
            user["is_stranger"] = True
        if person.enterprise_id:
            user["enterprise_user"] = {"id": person.id, "enterprise_id": person.enterprise_id}
        if person.locale is not None and is_true(arguments.get("include_locale")):
            user["locale"] = person.locale
        return {"user": user}

    def conversations_info(self, arguments: Arguments) -> dict[str, Any]:
        """Answer conversations.info; a private channel without the bot does not exist for it."""
        asked = str(arguments.get("channel") or "")
        channel = next((c for c in self._workspace.channels.values() if c.id == asked), None)
        if channel is None or (channel.is_private and not channel.bot_is_member):
            raise SlackRefusal("channel_not_found")
        direct = channel.id.startswith("D")
        if not direct:
            self._credentials.check_scope("groups:read" if channel.is_private else "channels:read")
        return {
            "channel": {
                "id": channel.id,
                "name": channel.name,
                "is_channel": not channel.is_private,
                "is_im": direct,
                "is_private": channel.is_private,
                "is_archived": channel.is_archived,
                "is_member": channel.bot_is_member,
            }
        }

    def conversations_open(self, arguments: Arguments) -> dict[str, Any]:
        """Answer conversations.open for one person: the direct messages with them."""
        asked = str(arguments.get("users") or "")
        if not asked:
            raise SlackRefusal("users_list_not_supplied")
        person = self._workspace.find_person(asked)
        if person is None:
            raise SlackRefusal("user_not_found")
        return {"channel": {"id": self._workspace.direct_channel(person).id}}

    def usergroups_users_list(self, arguments: Arguments) -> dict[str, Any]:
        """Answer usergroups.users.list."""
        members = self._workspace.groups.get(str(arguments.get("usergroup")))
        if members is None:
            raise SlackRefusal("no_such_subteam")
        return {"users": list(members)}
