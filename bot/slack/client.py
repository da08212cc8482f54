"""Slack's Web API: one shared client, its failures sorted into unavailable and rejected, and the bot's own identity."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import SlackError, SlackRejected, SlackUnavailable
from bot.core.messages import clipped
from bot.core.ports import NO_METRICS, Metrics
from bot.slack.payloads import id_field, text_field
from bot.slack.rate_limits import ANY_TURN, RateLimits, Turn

log = logging.getLogger("bot.slack.client")
CALL_SECONDS = 8  # shorter than a claim on a row, so that no other process takes the row over meanwhile
IDENTITY_SECONDS = 2.0  # the start does not wait longer for what it can do without
HEARTBEAT_SECONDS = 15.0
# A token that was taken at the start is believed dead once Slack has refused it for so long and so often, without one
# good answer between: a single refusal may be Slack's own trouble.
TOKEN_DOUBT_SECONDS = 60.0
TOKEN_DOUBT_REFUSALS = 4
TOKEN_DOUBT_INTERVAL = 10.0
MAX_ERROR_CHARACTERS = 100
INVALID_TOKEN_ERRORS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
# Errors after which the same call to the same place can never succeed. Every other error, also one that Slack does not
# document, passes: what is not delivered is tried again.
FINAL_ERRORS = {
    "access_denied",
    "as_user_not_supported",
    "bot_not_found",
    "cannot_dm_bot",
    "cannot_reply_to_message",
    "cant_update_message",
    "channel_is_limited_access",
    "channel_not_found",
    "edit_window_closed",
    "ekm_access_denied",
    "invalid_arguments",
    "invalid_blocks",
    "invalid_attachments",
    "invalid_blocks_format",
    "is_archived",
    "is_inactive",
    "message_not_found",
    "messages_tab_disabled",
    "method_not_supported_for_channel_type",
    "missing_scope",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_permission",
    "no_such_subteam",
    "no_text",
    "not_allowed_token_type",
    "not_in_channel",
    "plan_upgrade_required",
    "team_access_not_granted",
    "thread_not_found",
    "too_many_attachments",
    "unknown_method",
    "user_disabled",
    "user_is_restricted",
    "user_not_found",
    "user_not_in_channel",
    "user_not_visible",
    "users_not_found",
}
FINAL_ERROR_PREFIX = "restricted_action"  # and what Slack appends: _read_only_channel, _thread_locked …
# Errors of the form of a message, not of its place: the same words without blocks may be taken.
FORM_ERRORS = {
    "invalid_arguments",
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
}
_RETRY_AFTER = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)


class InvalidToken(Exception):
    """Slack does not take a token any more; the process cannot work. `setting` names the variable."""

    def __init__(self, setting: str, error: str) -> None:
        super().__init__(f"{setting}: Slack answers {error}")
        self.setting = setting
        self.error = error


class TokenRefused(SlackUnavailable):
    """Slack does not take the token, for now; `error` is its code."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"{method}: {error}")
        self.error = error


class TokenDoubt:
    """Whether a token that Slack has refused is dead."""

    def __init__(self, setting: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._setting = setting
        self._clock = clock
        self._since: float | None = None
        self._refusals = 0

    @property
    def is_open(self) -> bool:
        """Whether the last answer was a refusal."""
        return self._since is not None

    def accepted(self) -> None:
        """Slack has taken the token."""
        self._since, self._refusals = None, 0

    def refused(self, error: str) -> None:
        """Slack has refused it once more. Raises `InvalidToken` when there is no doubt left."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        self._refusals += 1
        if self._refusals >= TOKEN_DOUBT_REFUSALS and now - self._since >= TOKEN_DOUBT_SECONDS:
            raise InvalidToken(self._setting, error)


class SlackClient:
    """The Web API over one session. Nothing is retried here: the workflow decides what is sent again."""

    def __init__(
        self, token: str, base_url: str, session: aiohttp.ClientSession, metrics: Metrics = NO_METRICS
    ) -> None:
        self.session = session
        self.web_client = AsyncWebClient(
            token=token, base_url=base_url, session=session, timeout=CALL_SECONDS, retry_handlers=[]
        )
        self.web_client.proxy = None  # the SDK has read the environment; the session decides, by each address
        self._metrics = metrics
        self._rate_limits = RateLimits()
        self.token_refused = asyncio.Event()
        """Set when a call was answered that the token is invalid; `auth.test` has to confirm it."""

    def without_token(self) -> AsyncWebClient:
        """A client without the token over the same session: Bolt's own, which only ever copies it."""
        return AsyncWebClient(base_url=self.web_client.base_url, session=self.session, retry_handlers=[])

    async def call(self, method: str, *, turn: Turn = ANY_TURN, **arguments: Any) -> dict[str, Any]:
        """Call a method, e.g. `chat.postMessage`, with JSON. Raises `SlackUnavailable` or `SlackRejected`."""
        data, _ = await self.request(method, turn, json=arguments)
        return data

    async def read(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The same for methods that take no JSON (users.info and other reads)."""
        data, _ = await self.request(method, http_verb="GET", params=arguments)
        return data

    async def request(
        self, method: str, turn: Turn = ANY_TURN, **request: Any
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """One call with the SDK's own arguments; the answer and its headers. Raises as `call` does."""
        channel = str(request.get("json", {}).get("channel", ""))
        await self._rate_limits.wait(method, channel, turn)
        try:
            async with self._translated_errors(method, channel, turn), asyncio.timeout(CALL_SECONDS):
                response = await self.web_client.api_call(method, **request)
            if not isinstance(response.data, dict):
                raise SlackUnavailable(f"{method}: no JSON")
        except SlackError as error:
            self._metrics.slack_called(method, "rejected" if isinstance(error, SlackRejected) else "unavailable")
            raise
        self._metrics.slack_called(method, "ok")
        return response.data, response.headers

    @asynccontextmanager
    async def _translated_errors(self, method: str, channel: str, turn: Turn) -> AsyncIterator[None]:
        try:
            yield
        except SlackApiError as error:
            raise self._slack_error(method, channel, turn, error) from error
        except Exception as error:
            # The SDK lets through what aiohttp raises, and fails in ways of its own on answers that are no JSON.
            reason = clipped(f"{type(error).__name__}: {error}".removesuffix(": "))
            raise SlackUnavailable(f"{method}: {reason}") from error

    def _slack_error(
        self, method: str, channel: str, turn: Turn, api_error: SlackApiError
    ) -> SlackUnavailable | SlackRejected:
        response = api_error.response
        data = getattr(response, "data", None)
        error = text_field(data, "error", MAX_ERROR_CHARACTERS)
        status = int(getattr(response, "status_code", 0) or 0)
        if error in INVALID_TOKEN_ERRORS:
            self.token_refused.set()
            return TokenRefused(method, error)
        if status == 429:
            self._metrics.slack_rate_limited(method)
            return self._rate_limits.limited(method, channel, _retry_after(response), turn)
        if (error in FINAL_ERRORS or error.startswith(FINAL_ERROR_PREFIX)) and status < 500:
            return SlackRejected(error)
        return SlackUnavailable(f"{method}: {error or status}")


def _retry_after(response: object) -> float | None:
    """Slack's `Retry-After` in seconds."""
    headers = getattr(response, "headers", None) or {}
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(value) if _RETRY_AFTER.fullmatch(str(value)) else None


class Heartbeat:
    """Calls `auth.test` every 15 s, and at once when a call was answered that the token is invalid."""

    def __init__(self, client: SlackClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._doubt = TokenDoubt("SLACK_BOT_TOKEN", clock)
        self.problem = ""
        """Why the last call failed; empty when it did not."""

    async def run(self) -> None:
        """Call for ever. Raises `InvalidToken` when Slack has refused the token for a minute."""
        while True:
            if self._doubt.is_open:
                await asyncio.sleep(TOKEN_DOUBT_INTERVAL)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._client.token_refused.wait(), HEARTBEAT_SECONDS)
            await self.beat()

    async def beat(self) -> None:
        """Call once."""
        try:
            await self._client.call("auth.test")
        except TokenRefused as refused:
            self.problem = refused.reason
            log.warning("slack.token_refused", extra={"error": refused.error})
            self._doubt.refused(refused.error)
        except SlackError as error:
            self.problem = str(error) or type(error).__name__
        else:
            self.problem = ""
            self._doubt.accepted()
        finally:
            self._client.token_refused.clear()


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The team and the ids of the bot, as `auth.test` tells them; `token` is what Bolt hands to its context.

    `is_org_wide`: the token of a whole organisation, whose people are all of other teams than the "team" it names.
    """

    team_id: str
    user_id: str
    bot_id: str = ""
    enterprise_id: str | None = None
    app_id: str = ""
    token: str = field(default="", repr=False)
    is_org_wide: bool = False


def is_org_wide(auth_test: Mapping[str, Any]) -> bool:
    """Whether an answer of `auth.test` is about a token of a whole Enterprise Grid organisation."""
    return bool(auth_test.get("is_enterprise_install")) or id_field(auth_test, "team_id").startswith("E")


async def read_identity(client: SlackClient) -> BotIdentity:
    """Ask Slack whose token it is. Raises `InvalidToken`, or `SlackUnavailable` when Slack cannot be reached."""
    try:
        data = await client.call("auth.test")
    except TokenRefused as refused:
        raise InvalidToken("SLACK_BOT_TOKEN", refused.error) from refused
    team_id, bot_id = id_field(data, "team_id"), id_field(data, "bot_id")
    if not team_id:  # with none, everybody would be of another team
        raise SlackUnavailable("auth.test: no team_id")
    return BotIdentity(
        team_id=team_id,
        user_id=id_field(data, "user_id"),
        bot_id=bot_id,
        enterprise_id=id_field(data, "enterprise_id") or None,
        app_id=id_field(data, "app_id") or await _read_app_id(client, bot_id),
        token=client.web_client.token or "",
        is_org_wide=is_org_wide(data),
    )


async def _read_app_id(client: SlackClient, bot_id: str) -> str:
    """The app of the bot, which auth.test does not tell; empty when Slack does not either (scope users:read)."""
    if not bot_id:
        return ""
    try:
        async with asyncio.timeout(IDENTITY_SECONDS):
            data = await client.read("bots.info", bot=bot_id)
    except (SlackError, TimeoutError):
        return ""
    return id_field(data.get("bot"), "app_id")
