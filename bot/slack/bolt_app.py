"""The Bolt app and its listeners: verified requests, acknowledged first, then handed to tasks as values.

Nothing raises out of a listener: Bolt would lose the acknowledgement.
"""

import logging
import os
import time
import traceback
from pathlib import Path
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.core.actions import COMMAND_ACTIONS, Action
from bot.core.messages import clipped
from bot.core.ports import NO_METRICS, Metrics
from bot.slack.client import BotIdentity, SlackClient
from bot.slack.payloads import (
    Payload,
    command_origin,
    command_text,
    identifier_field,
    read_click,
    rejection_reason,
)
from bot.workflow.background_tasks import BackgroundTasks
from bot.workflow.handle_action import ActionHandler
from bot.workflow.handle_command import CommandHandler

log = logging.getLogger("bot.slack.requests")
# What Bolt would read from the environment by itself: it switches OAuth on, or takes one token for another.
BOLT_VARIABLES = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_VERIFICATION_TOKEN", "SLACK_BOT_TOKEN")
MAX_REMEMBERED_DELIVERIES = 2000
MAX_LOGGED_FIELDS = 20
MAX_LOGGED_FIELD_NAME = 30
MAX_BOLT_LINE = 1000


class TimedApp(AsyncApp):
    """Bolt's app, measured where requests of both transports enter: from the request to its acknowledgement."""

    metrics: Metrics = NO_METRICS
    transport = ""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Answer one request."""
        started_at = time.perf_counter()
        response = await super().async_dispatch(req)
        outcome = "ok" if response.status == 200 else "refused"
        self.metrics.request_acknowledged(self.transport, outcome, time.perf_counter() - started_at)
        return response


def bolt_app(
    client: SlackClient,
    identity: BotIdentity,
    listeners: "Listeners",
    command_name: str,
    signing_secret: str | None,
    metrics: Metrics,
) -> TimedApp:
    """An app in Bolt's fastest form: `process_before_response`, `ack` first, the work in tasks of our own.

    Without a signing secret requests are not verified: in Socket Mode the connection itself is authenticated.
    """
    for name in BOLT_VARIABLES:
        os.environ.pop(name, None)

    async def authorize(**_: Any) -> AuthorizeResult:
        # Known since the start: Bolt's own way calls auth.test within the first person's three seconds.
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
            bot_token=identity.token,
        )

    bolt_logger = logging.getLogger("slack_bolt")
    bolt_logger.addFilter(_clip_line)  # a second time does nothing; Bolt repeats parts of what it does not know
    app = TimedApp(
        logger=bolt_logger,
        name="starrocks-upgrade-bot",
        client=client.without_token(),
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        process_before_response=True,
        # Each is a step before every acknowledgement: the bot takes no events and no functions.
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.metrics, app.transport = metrics, "socket" if signing_secret is None else "http"
    app.error(_on_bolt_error)
    app.command(command_name)(listeners.on_command)
    for action in Action:
        app.action(action.value)(listeners.on_click)
    return app


def _clip_line(record: logging.LogRecord) -> bool:
    """Cut what Bolt logs of a payload."""
    record.msg, record.args = clipped(record.getMessage(), MAX_BOLT_LINE), ()
    return True


async def _on_bolt_error(error: Exception) -> BoltResponse:
    """Bolt itself failed on a payload such as Slack never sends (`actions` without an action)."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    location = f"{Path(last.filename).name}:{last.lineno}"
    log.warning("request.refused", extra={"kind": "bolt", "reason": type(error).__name__, "location": location})
    return BoltResponse(status=400)


class Listeners:
    """Acknowledge, validate, start the handler's task."""

    def __init__(
        self,
        command_handler: CommandHandler,
        action_handler: ActionHandler,
        tasks: BackgroundTasks,
        identity: BotIdentity,
    ) -> None:
        self._command_handler = command_handler
        self._action_handler = action_handler
        self._tasks = tasks
        self._identity = identity
        self._delivery_ids: dict[str, None] = {}

    async def on_command(self, ack: AsyncAck, body: Payload) -> None:
        """The slash command."""
        await ack()
        origin, trigger_id = command_origin(body), identifier_field(body, "trigger_id")
        if self._is_refused("command", body, is_readable=origin is not None) or origin is None:
            return
        if self._is_duplicate(trigger_id):
            return
        work = self._command_handler.handle_command(origin, command_text(body), trigger_id)
        self._tasks.start(work, name=f"command {trigger_id}")

    async def on_click(self, ack: AsyncAck, body: Payload) -> None:
        """A button."""
        await ack()
        click = read_click(body)
        if self._is_refused("click", body, is_readable=click is not None) or click is None:
            return
        if self._is_duplicate(click.delivery_id):
            return
        handler = self._command_handler if click.action in COMMAND_ACTIONS else self._action_handler
        self._tasks.start(handler.handle_click(click), name=f"click {click.action}")

    def _is_duplicate(self, delivery_id: str) -> bool:
        """Whether Slack delivered this before: the storage does the work once, but a reply would be sent twice."""
        if not delivery_id:
            return False
        if delivery_id in self._delivery_ids:
            log.info("request.duplicate")
            return True
        self._delivery_ids[delivery_id] = None
        if len(self._delivery_ids) > MAX_REMEMBERED_DELIVERIES:
            self._delivery_ids.pop(next(iter(self._delivery_ids)))
        return False

    def _is_refused(self, kind: str, body: Payload, *, is_readable: bool) -> bool:
        """Whether it is not for this bot, or not what Slack sends: logged by its field names, never by its content."""
        reason = rejection_reason(body, self._identity.app_id) if is_readable else "unreadable"
        if reason:
            fields = ",".join(sorted(clipped(str(name), MAX_LOGGED_FIELD_NAME) for name in body)[:MAX_LOGGED_FIELDS])
            log.warning("request.refused", extra={"kind": kind, "reason": reason, "fields": fields})
        return bool(reason)
