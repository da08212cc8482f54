"""Who the bot is in this workspace: `auth.test`, asked once before anything is served."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.reasons import SlackAway
from bot.slack.api import DeadToken, SlackApi


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot's team and its own ids; `token` is what Bolt hands to its context."""

    team_id: str
    user_id: str
    bot_id: str = ""
    enterprise_id: str | None = None
    token: str = field(default="", repr=False)

    def owns(self, body: Mapping[str, Any]) -> bool:
        """Whether a payload is one of Slack's for a workspace: a team or an organisation is named, as text or null."""
        team = body.get("team")
        ids = (body.get("team_id"), team.get("id") if isinstance(team, Mapping) else None)
        return all(one is None or isinstance(one, str) for one in ids)


async def identify(api: SlackApi) -> Identity:
    """Ask Slack who the bot's token belongs to. Raises `DeadToken`, or `SlackAway` when Slack cannot be reached."""
    try:
        answer = await api.call("auth.test")
    except SlackAway:
        if api.watch.dead.is_set():
            raise DeadToken("SLACK_BOT_TOKEN", api.watch.error) from None
        raise
    return Identity(
        team_id=str(answer.get("team_id") or ""),
        user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
        enterprise_id=answer.get("enterprise_id") or None,
        token=api.client.token or "",
    )
