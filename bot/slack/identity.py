"""Who the bot is in this workspace: asked of Slack once before anything is served."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.ports import Presence
from bot.core.reasons import SlackAway, Undelivered
from bot.slack.api import DeadToken, SlackApi

PATIENCE = 2.0  # the start does not wait longer for what it can do without


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot's team and its own ids; `token` is what Bolt hands to its context."""

    team_id: str
    user_id: str
    bot_id: str = ""
    enterprise_id: str | None = None
    app_id: str = ""
    token: str = field(default="", repr=False)

    def objection(self, body: Mapping[str, Any]) -> str:
        """Why a payload is not for this bot, empty if it is.

        A team of its own does not make it another bot's: people of other organisations press our buttons in channels
        that are shared with them, and `team` is theirs. Whether they may is for the rules to say.
        """
        team, message = body.get("team"), body.get("message")
        ids = [body.get("team_id"), team.get("id") if isinstance(team, Mapping) else None, body.get("api_app_id")]
        if not all(one is None or isinstance(one, str) for one in ids):
            return "ids"
        app_id = str(body.get("api_app_id") or "")
        posted_by = message.get("app_id") if isinstance(message, Mapping) else None
        if app_id and ((self.app_id or app_id) != app_id or (posted_by or app_id) != app_id):
            return "another app"
        return ""

    def of(self, presence: Presence) -> Presence:
        """The same person; the organisation stands for the team when it is another than the bot's."""
        if presence.enterprise_id in (None, self.enterprise_id) or presence.team_id not in ("", self.team_id):
            return presence
        return replace(presence, team_id=str(presence.enterprise_id))


async def identify(api: SlackApi) -> Identity:
    """Ask Slack who the bot's token belongs to. Raises `DeadToken`, or `SlackAway` when Slack cannot be reached."""
    try:
        answer = await api.call("auth.test")
    except SlackAway:
        if api.watch.dead.is_set():
            raise DeadToken("SLACK_BOT_TOKEN", api.watch.error) from None
        raise
    bot_id = str(answer.get("bot_id") or "")
    return Identity(
        team_id=str(answer.get("team_id") or ""),
        user_id=str(answer.get("user_id") or ""),
        bot_id=bot_id,
        enterprise_id=answer.get("enterprise_id") or None,
        app_id=str(answer.get("app_id") or "") or await _app_id(api, bot_id),
        token=api.client.token or "",
    )


async def _app_id(api: SlackApi, bot_id: str) -> str:
    """The app behind the bot, which auth.test does not tell; empty when Slack does not either (scope users:read)."""
    if not bot_id:
        return ""
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await api.read("bots.info", bot=bot_id)
    except (Undelivered, TimeoutError):
        return ""
    bot = answer.get("bot")
    found = bot.get("app_id") if isinstance(bot, Mapping) else None
    return found if isinstance(found, str) else ""
