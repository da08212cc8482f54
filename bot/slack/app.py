"""The Bolt app: one team, verified requests, acknowledged before anything else is done."""

import logging
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.api import SlackApi
from bot.slack.identity import Identity
from bot.slack.listeners import Listeners

log = logging.getLogger("bot.door")
# What Bolt would read from the environment behind our back: it switches OAuth on, or takes a token for another one.
READ_BY_BOLT = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_VERIFICATION_TOKEN", "SLACK_BOT_TOKEN")


class MeteredApp(AsyncApp):
    """Bolt's app with a clock at its door: both ways from Slack pass here, from the request to its answer."""

    on_answer: Callable[[str, float], None] | None = None  # its outcome, `ok` or `refused`, and how long it took

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Answer one request."""
        began = time.perf_counter()
        response = await super().async_dispatch(req)
        if self.on_answer is not None:
            self.on_answer("ok" if response.status == 200 else "refused", time.perf_counter() - began)
        return response


def bolt_app(
    api: SlackApi, identity: Identity, listeners: Listeners, command_name: str, signing_secret: str | None
) -> MeteredApp:
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
    app = MeteredApp(
        logger=logging.getLogger("slack_bolt"),
        name="starrocks-upgrade-bot",
        client=client,
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        process_before_response=True,
        # Each is a step on the way to every ack: the bot takes no events and no functions.
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.error(_stumbled)
    listeners.open(app, command_name)
    return app


async def _stumbled(error: Exception) -> BoltResponse:
    """Bolt itself stumbled over a payload such as Slack never sends (`actions` without an action)."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    log.warning("door.refused", extra={"kind": "bolt", "why": type(error).__name__, "where": where})
    return BoltResponse(status=400)
