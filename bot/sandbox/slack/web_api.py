"""The Web API of the stand-in: authorization by token and scope, the methods, and what Slack refuses in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from bot.sandbox.slack.block_validation import InvalidBlocksError, parse_blocks
from bot.sandbox.slack.faults import Arguments, FaultInjection
from bot.sandbox.slack.state import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    HOME_TEAM,
    Blocks,
    Channel,
    Message,
    Workspace,
    find_by_id,
)

MAX_POST_LENGTH: Final = 40_000
MAX_EDIT_LENGTH: Final = 4_000
REQUIRED_SCOPES: Final = {
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "bots.info": "users:read",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.join": "channels:join",
    "conversations.list": "channels:read",
    "conversations.open": "im:write",
}
APP_TOKEN_METHODS: Final = frozenset({"apps.connections.open"})
# Methods that do not read a JSON body.
FORM_ONLY: Final = frozenset(
    {"users.info", "conversations.info", "conversations.list", "usergroups.users.list", "chat.getPermalink"}
)
DEFAULT_PAGE: Final = 100  # channels


class WebApiError(Exception):
    """A refusal: Slack's error code and the further fields of the answer."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


class WebApi:
    """The methods under /api/; `connection_url` returns the websocket URL for one new Socket Mode connection."""

    def __init__(self, workspace: Workspace, faults: FaultInjection, connection_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._faults = faults
        self._methods: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "apps.connections.open": lambda arguments: {"url": connection_url()},
            "auth.test": self._auth_test,
            "bots.info": self._bots_info,
            "users.info": self._users_info,
            "conversations.info": self._conversations_info,
            "conversations.join": self._conversations_join,
            "conversations.list": self._conversations_list,
            "conversations.open": self._conversations_open,
            "usergroups.users.list": self._usergroups_users_list,
            "chat.postMessage": self._chat_post_message,
            "chat.update": self._chat_update,
            "chat.postEphemeral": self._chat_post_ephemeral,
            "chat.getPermalink": self._chat_get_permalink,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        method = request.match_info["method"]
        try:
            arguments = await _read_arguments(request, form_only=method in FORM_ONLY)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        token = str(arguments.pop("token", "")) or bearer  # popped: the request log holds no token
        return await self._faults.respond(request, method, arguments, lambda: self._call(method, token, arguments))

    def _call(self, method: str, token: str, arguments: Arguments) -> tuple[web.Response, Any, bool]:
        """Authorize and call a method; a refusal is answered with status 200, as in Slack."""
        try:
            if method not in self._methods:
                raise WebApiError("unknown_method", req_method=method)
            self._authorize(method, token)
            answer = {"ok": True, **self._methods[method](arguments)}
        except WebApiError as error:
            answer = {"ok": False, "error": error.error, **error.fields}
        headers = {"x-oauth-scopes": self._workspace.scopes} if token == self._workspace.bot_token else {}
        return web.json_response(answer, headers=headers), answer, bool(answer["ok"])

    def _authorize(self, method: str, token: str) -> None:
        if not token:
            raise WebApiError("not_authed")
        if token in self._workspace.revoked_tokens:
            raise WebApiError("token_revoked")
        if token not in (self._workspace.bot_token, self._workspace.app_token):
            raise WebApiError("invalid_auth")
        if (token == self._workspace.app_token) != (method in APP_TOKEN_METHODS):
            raise WebApiError("not_allowed_token_type")
        if method in REQUIRED_SCOPES:
            self._require_scope(REQUIRED_SCOPES[method])

    def _require_scope(self, scope: str) -> None:
        if scope not in self._workspace.scopes.split(","):
            raise WebApiError("missing_scope", needed=scope, provided=self._workspace.scopes)

    # auth, bots, users, conversations, usergroups

    def _auth_test(self, arguments: Arguments) -> dict[str, Any]:
        del arguments  # it takes none
        return {
            "url": "https://stand-in.example/",
            "team": "Stand-in",
            "user": "starrocks_upgrade",
            "team_id": self._workspace.enterprise_id if self._workspace.is_org_wide else HOME_TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": self._workspace.is_org_wide,
            **({"enterprise_id": self._workspace.enterprise_id} if self._workspace.enterprise_id else {}),
        }

    def _bots_info(self, arguments: Arguments) -> dict[str, Any]:
        if arguments.get("bot") != BOT_ID:
            raise WebApiError("bot_not_found")
        return {"bot": {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": "starrocks_upgrade"}}

    def _users_info(self, arguments: Arguments) -> dict[str, Any]:
        person = find_by_id(self._workspace.people, arguments.get("user"))
        if person is None:
            raise WebApiError("user_not_found")
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
        if person.team_id != HOME_TEAM and HOME_TEAM not in person.teams:
            user["is_stranger"] = True
        if person.enterprise_id:
            user["enterprise_user"] = {"id": f"W{person.id[1:]}", "enterprise_id": person.enterprise_id}
        if person.teams:
            user["enterprise_user"]["teams"] = list(person.teams)
        if person.locale is not None and is_true(arguments.get("include_locale")):
            user["locale"] = person.locale
        return {"user": user}

    def _conversations_info(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._visible_channel(arguments.get("channel"))
        is_direct = channel.id.startswith("D")
        if not is_direct:
            self._require_scope("groups:read" if channel.is_private else "channels:read")
        return {"channel": channel_json(channel)}

    def _conversations_join(self, arguments: Arguments) -> dict[str, Any]:
        """A bot joins public channels by itself, and no others."""
        channel = self._visible_channel(arguments.get("channel"))
        if channel.is_private:
            raise WebApiError("method_not_supported_for_channel_type")
        if channel.is_archived:
            raise WebApiError("is_archived")
        warning = {"warning": "already_in_channel"} if channel.bot_is_member else {}
        return {"channel": channel_json(self._workspace.change_channel(channel, bot_is_member=True)), **warning}

    def _conversations_list(self, arguments: Arguments) -> dict[str, Any]:
        """Public channels and, when asked for, the private ones that the bot is in; a page at a time."""
        types = str(arguments.get("types") or "public_channel").split(",")
        if "private_channel" in types:
            self._require_scope("groups:read")
        channels = [
            channel
            for channel in self._workspace.channels.values()
            if not channel.id.startswith("D")
            and ("private_channel" if channel.is_private else "public_channel") in types
            and (channel.bot_is_member or not channel.is_private)
            and not (channel.is_archived and is_true(arguments.get("exclude_archived")))
        ]
        start, size = int(arguments.get("cursor") or 0), int(arguments.get("limit") or DEFAULT_PAGE)
        next_cursor = str(start + size) if start + size < len(channels) else ""
        page = [channel_json(channel) for channel in channels[start : start + size]]
        return {"channels": page, "response_metadata": {"next_cursor": next_cursor}}

    def _conversations_open(self, arguments: Arguments) -> dict[str, Any]:
        user_id = arguments.get("users")
        if not user_id:
            raise WebApiError("users_list_not_supplied")
        person = find_by_id(self._workspace.people, user_id)
        if person is None:
            raise WebApiError("user_not_found")
        return {"channel": {"id": self._workspace.direct_channel(person).id}}

    def _usergroups_users_list(self, arguments: Arguments) -> dict[str, Any]:
        members = self._workspace.groups.get(str(arguments.get("usergroup")))
        if members is None:
            raise WebApiError("no_such_subteam")
        return {"users": list(members)}

    # chat

    def _chat_post_message(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._writable_channel(arguments.get("channel"))
        text, blocks = parse_content(arguments, MAX_POST_LENGTH)
        thread_ts = arguments.get("thread_ts") or None
        if thread_ts is not None:
            parent = self._workspace.find_message(channel.id, str(thread_ts))
            if parent is None:
                raise WebApiError("thread_not_found")
            if parent.thread_ts is not None:
                raise WebApiError("cannot_reply_to_message")
        broadcast = thread_ts is not None and is_true(arguments.get("reply_broadcast"))
        message = self._workspace.post_message(channel.id, text, blocks, thread_ts=thread_ts, broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": message_json(message)}

    def _chat_update(self, arguments: Arguments) -> dict[str, Any]:
        """Text or blocks that are not given stay as they are; an empty list of blocks removes them."""
        channel = self._visible_channel(arguments.get("channel"))
        message = self._find_message(channel, arguments.get("ts"))
        if channel.is_archived:
            raise WebApiError("is_inactive")
        if message.user_id != BOT_USER:
            raise WebApiError("cant_update_message")
        text, blocks = parse_content(arguments, MAX_EDIT_LENGTH)
        edited = self._workspace.edit_message(
            message,
            text if arguments.get("text") is not None else message.text,
            blocks if arguments.get("blocks") is not None else message.blocks,
        )
        reply_count = len(self._workspace.thread(channel, edited.ts))
        answer = {"channel": channel.id, "ts": edited.ts, "text": edited.text}
        return {**answer, "message": message_json(edited, reply_count)}

    def _chat_post_ephemeral(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._writable_channel(arguments.get("channel"))
        person = find_by_id(self._workspace.people, arguments.get("user"))
        if person is None or not channel.has_member(person.id):
            raise WebApiError("user_not_in_channel")
        text, blocks = parse_content(arguments, MAX_POST_LENGTH)
        thread_ts = arguments.get("thread_ts") or None
        ephemeral = self._workspace.show_ephemeral(channel.id, person.id, text, blocks, thread_ts=thread_ts)
        return {"message_ts": ephemeral.ts}

    def _chat_get_permalink(self, arguments: Arguments) -> dict[str, Any]:
        channel = self._visible_channel(arguments.get("channel"))
        message = self._find_message(channel, arguments.get("message_ts"))
        permalink = f"https://stand-in.example/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            permalink += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": permalink}

    def _find_message(self, channel: Channel, ts: object) -> Message:
        message = self._workspace.find_message(channel.id, str(ts))
        if message is None:
            raise WebApiError("message_not_found")
        return message

    def _visible_channel(self, channel_id: object) -> Channel:
        """Find a channel by id; a private one without the bot does not exist for the bot."""
        channel = find_by_id(self._workspace.channels, channel_id)
        if channel is None or (channel.is_private and not channel.bot_is_member):
            raise WebApiError("channel_not_found")
        return channel

    def _writable_channel(self, channel_id: object) -> Channel:
        """Find a channel in which the bot may post; the id of a person means their direct conversation."""
        person = find_by_id(self._workspace.people, channel_id)
        channel = self._visible_channel(channel_id) if person is None else self._workspace.direct_channel(person)
        if channel.is_archived:
            raise WebApiError("is_archived")
        if not channel.bot_is_member:
            raise WebApiError("not_in_channel")
        if not channel.may_post:
            raise WebApiError("restricted_action")
        return channel


def parse_content(arguments: Arguments, max_length: int) -> tuple[str, Blocks]:
    """Return text and blocks of a message; WebApiError when Slack would refuse them."""
    try:
        blocks = parse_blocks(arguments.get("blocks"))
    except InvalidBlocksError as error:
        details = {"errors": error.messages, "response_metadata": {"messages": error.messages}}
        raise WebApiError("invalid_blocks", **details) from error
    text = str(arguments.get("text") or "")
    if not text and not blocks and not arguments.get("attachments"):
        raise WebApiError("no_text")
    if len(text) > max_length:
        raise WebApiError("msg_too_long")
    return text, blocks


def channel_json(channel: Channel) -> dict[str, Any]:
    """Return the JSON form of a channel."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_im": channel.id.startswith("D"),
        "is_mpim": channel.name.startswith("mpdm-"),
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": channel.bot_is_member,
    }


def message_json(message: Message, reply_count: int = 0) -> dict[str, Any]:
    """Return the JSON form of a message in API answers and click payloads."""
    fields: dict[str, Any] = {
        "type": "message",
        "user": message.user_id,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "team": HOME_TEAM,
        "ts": message.ts,
        "text": message.text,
        "blocks": list(message.blocks),
    }
    if message.thread_ts or reply_count:
        fields["thread_ts"] = message.thread_ts or message.ts
    if reply_count:
        fields["reply_count"] = reply_count
    if message.edited_at is not None:
        fields["edited"] = {"user": message.user_id, "ts": f"{message.edited_at:.6f}"}
    return fields


def is_true(value: object) -> bool:
    """Parse a boolean as JSON or a form carries it."""
    return value in (True, 1, "1", "true", "True")


async def _read_arguments(request: web.Request, *, form_only: bool) -> dict[str, Any]:
    """Read query, form and JSON body; ValueError for a body that is not JSON although it says so."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type != "application/json":
        arguments |= dict(await request.post())
    elif request.can_read_body and not form_only:
        body = await request.json()
        arguments |= body if isinstance(body, Mapping) else {}
    return arguments
