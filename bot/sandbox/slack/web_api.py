"""The Web API of the stand-in: reads a call, checks its token and answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from bot.sandbox.slack.chat import Chat
from bot.sandbox.slack.credentials import Credentials, SlackRefusal
from bot.sandbox.slack.gate import Gate
from bot.sandbox.slack.lookups import Lookups

FORM_ONLY: Final = frozenset({"users.info", "conversations.info", "usergroups.users.list", "chat.getPermalink"})
Method = Callable[[Mapping[str, Any]], dict[str, Any]]


class WebApi:
    """All methods of the stand-in under /api/."""

    def __init__(
        self, credentials: Credentials, gate: Gate, chat: Chat, lookups: Lookups, open_socket: Callable[[], str]
    ) -> None:
        self._credentials = credentials
        self._gate = gate
        self._methods: dict[str, Method] = {
            "apps.connections.open": lambda arguments: {"url": open_socket()},
            "auth.test": lookups.auth_test,
            "bots.info": lookups.bots_info,
            "users.info": lookups.users_info,
            "conversations.info": lookups.conversations_info,
            "conversations.open": lookups.conversations_open,
            "usergroups.users.list": lookups.usergroups_users_list,
            "chat.postMessage": chat.post_message,
            "chat.update": chat.update,
            "chat.postEphemeral": chat.post_ephemeral,
            "chat.getPermalink": chat.get_permalink,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        method = request.match_info["method"]
        try:
            arguments = await read_arguments(request, form_only=method in FORM_ONLY)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        token = str(arguments.pop("token", "")) or bearer
        return await self._gate.pass_on(request, method, arguments, lambda: self._apply(method, token, arguments))

    def _apply(self, method: str, token: str, arguments: Mapping[str, Any]) -> tuple[web.Response, Any, bool]:
        """Do what the call asks for; a refusal is an answer with status 200, as in Slack."""
        try:
            if method not in self._methods:
                raise SlackRefusal("unknown_method", req_method=method)
            self._credentials.check(method, token)
            answer = {"ok": True, **self._methods[method](arguments)}
        except SlackRefusal as refusal:
            answer = {"ok": False, "error": refusal.error, **refusal.more}
        headers = {"x-oauth-scopes": self._credentials.scopes} if token == self._credentials.bot_token else {}
        return web.json_response(answer, headers=headers), answer, bool(answer["ok"])


async def read_arguments(request: web.Request, *, form_only: bool) -> dict[str, Any]:
    """Read query, form and JSON body; methods that know only forms do not see a JSON body."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        if not form_only:
            given = await request.json() if request.can_read_body else {}
            arguments |= given if isinstance(given, dict) else {}
    else:
        arguments |= dict(await request.post())
    return arguments
