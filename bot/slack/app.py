"""The Bolt app: one team, verified requests, acknowledged before anything else is done."""

import logging
import os
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.slack.api import SlackApi
from bot.slack.identity import Identity
from bot.slack.listeners import Listeners

# What Bolt would read from the environment behind our back: it switches OAuth on, or takes a token for another one.
READ_BY_BOLT = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_VERIFICATION_TOKEN", "SLACK_BOT_TOKEN")


def bolt_app(
    api: SlackApi, identity: Identity, listeners: Listeners, command_name: str, signing_secret: str | None
) -> AsyncApp:
    """An app in Bolt's fastest form: `process_before_response`, `ack` first, the work in tasks of ours."""
    for name in READ_BY_BOLT:
        os.environ.pop(name, None)

    async def authorize(**_: Any) -> AuthorizeResult:
        # Known since the start: Bolt's own way asks auth.test inside the first person's three seconds.
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
            bot_token=identity.token,
        )

    client = api.anonymous_client()
    app = AsyncApp(
        logger=logging.getLogger("slack_bolt"),
        name="starrocks-upgrade-bot",
        client=client,
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        process_before_response=True,
    )
    listeners.open(app, command_name)
    return app
