"""`response_url`: the addresses at which an app may answer a command or a click, five times in thirty minutes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from bot.sandbox.slack.chat import LONGEST_POST, Chat, content, is_true
from bot.sandbox.slack.credentials import SlackRefusal
from bot.sandbox.slack.gate import Gate
from bot.sandbox.slack.messages import Message, Record

MOST_USES: Final = 5
LIFETIME_SECONDS: Final = 30 * 60


@dataclass(slots=True)
class Hook:
    """One response_url: whose it is, and the message it came from when that was a click."""

    channel_id: str
    user_id: str
    source_ts: str | None
    opened_at: float
    uses: int = 0


class Hooks:
    """All response_urls that were handed out."""

    def __init__(
        self, gate: Gate, chat: Chat, record: Record, clock: Callable[[], float], host: Callable[[], str]
    ) -> None:
        self._gate = gate
        self._chat = chat
        self._record = record
        self._clock = clock
        self._host = host
        self._hooks: dict[str, Hook] = {}

    def open_url(self, channel_id: str, user_id: str, source_ts: str | None = None) -> str:
        """Return a new response_url."""
        secret = secrets.token_urlsafe(16)
        self._hooks[secret] = Hook(channel_id, user_id, source_ts, self._clock())
        return f"http://{self._host()}/hooks/{secret}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one answer of the app."""
        given = await request.json()
        arguments: Mapping[str, Any] = given if isinstance(given, dict) else {}
        hook = self._hooks.get(request.match_info["secret"])
        return await self._gate.pass_on(request, "response_url", arguments, lambda: self._apply(hook, arguments))

    def _apply(self, hook: Hook | None, arguments: Mapping[str, Any]) -> tuple[web.Response, Any, bool]:
        wrong = self._use(hook)
        if hook is None or wrong is not None:
            return web.json_response({"ok": False, "error": wrong}, status=404), wrong, False
        try:
            self._answer(hook, arguments)
        except SlackRefusal as refusal:
            return web.Response(text=refusal.error, status=400), refusal.error, False
        return web.Response(text="ok"), "ok", True

    def _use(self, hook: Hook | None) -> str | None:
        """Count a use, or say why there can be none."""
        if hook is None:
            return "no_such_url"
        if self._clock() - hook.opened_at > LIFETIME_SECONDS:
            return "expired_url"
        if hook.uses >= MOST_USES:
            return "used_url"
        hook.uses += 1
        return None

    def _answer(self, hook: Hook, arguments: Mapping[str, Any]) -> None:
        """Say, replace or delete what the app asks for; without further word only the person sees it."""
        source_ts = hook.source_ts
        if is_true(arguments.get("delete_original")):
            if source_ts is not None:
                self._record.delete(hook.channel_id, source_ts)
            return
        text, blocks = content(arguments, LONGEST_POST)
        thread_ts = arguments.get("thread_ts") or None
        if source_ts is not None and is_true(arguments.get("replace_original")):
            source = self._record.find(hook.channel_id, source_ts) or self._record.find_ephemeral(source_ts)
            if isinstance(source, Message):
                self._record.edit(source, text, blocks, self._clock())
            elif source is not None:
                self._chat.whisper(source.channel_id, source.user_id, text, blocks, ts=source_ts)
        elif arguments.get("response_type") == "in_channel":
            self._chat.say(hook.channel_id, text, blocks, thread_ts=thread_ts)
        else:
            self._chat.whisper(hook.channel_id, hook.user_id, text, blocks, thread_ts=thread_ts)
