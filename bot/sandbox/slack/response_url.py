"""The response_url of a command or click: the app may answer there five times within thirty minutes.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from bot.sandbox.slack.faults import Arguments, FaultInjection
from bot.sandbox.slack.state import Message, Workspace
from bot.sandbox.slack.web_api import MAX_POST_LENGTH, WebApiError, is_true, parse_content

MAX_USES: Final = 5
LIFETIME_SECONDS: Final = 30 * 60


@dataclass(slots=True)
class ResponseUrl:
    """One response_url; `source_ts` is the ts of the clicked message, None after a command."""

    channel_id: str
    user_id: str
    source_ts: str | None
    created_at: float
    uses: int = 0


class ResponseUrls:
    """All response_urls that were issued, by the secret in their path."""

    def __init__(self, workspace: Workspace, faults: FaultInjection) -> None:
        self._workspace = workspace
        self._faults = faults
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, channel_id: str, user_id: str, source_ts: str | None = None) -> str:
        """Issue a new response_url and return its secret."""
        secret = secrets.token_urlsafe(16)
        self._issued[secret] = ResponseUrl(channel_id, user_id, source_ts, self._workspace.clock())
        return secret

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one answer of the app."""
        body = await request.json()
        arguments: Arguments = body if isinstance(body, dict) else {}
        url = self._issued.get(request.match_info["secret"])
        return await self._faults.respond(request, "response_url", arguments, lambda: self._use(url, arguments))

    def _use(self, url: ResponseUrl | None, arguments: Arguments) -> tuple[web.Response, Any, bool]:
        if url is None:
            return _not_found("no_such_url")
        if self._workspace.clock() - url.created_at > LIFETIME_SECONDS:
            return _not_found("expired_url")
        if url.uses >= MAX_USES:
            return _not_found("used_url")
        url.uses += 1
        try:
            self._apply(url, arguments)
        except WebApiError as refusal:
            return web.Response(text=refusal.error, status=400), refusal.error, False
        return web.Response(text="ok"), "ok", True

    def _apply(self, url: ResponseUrl, arguments: Arguments) -> None:
        """Post, replace or delete; by default the answer is an ephemeral message for the person."""
        if is_true(arguments.get("delete_original")):
            if url.source_ts is not None:
                self._workspace.delete_message(url.channel_id, url.source_ts)
            return
        text, blocks = parse_content(arguments, MAX_POST_LENGTH)
        thread_ts = arguments.get("thread_ts") or None
        if url.source_ts is not None and is_true(arguments.get("replace_original")):
            message = self._workspace.find_message(url.channel_id, url.source_ts)
            source = message or self._workspace.find_ephemeral(url.source_ts)
            if isinstance(source, Message):
                self._workspace.edit_message(source, text, blocks)
            elif source is not None:
                self._workspace.show_ephemeral(source.channel_id, source.user_id, text, blocks, ts=source.ts)
        elif arguments.get("response_type") == "in_channel":
            self._workspace.post_message(url.channel_id, text, blocks, thread_ts=thread_ts)
        else:
            self._workspace.show_ephemeral(url.channel_id, url.user_id, text, blocks, thread_ts=thread_ts)


def _not_found(error: str) -> tuple[web.Response, Any, bool]:
    return web.json_response({"ok": False, "error": error}, status=404), error, False
