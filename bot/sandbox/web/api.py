"""The page's API: what a person does there (commands, clicks, settings of the cloud) is passed on to the stand-ins."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import web

from bot.sandbox.slack import Ephemeral, Message, StandInSlack
from bot.sandbox.slack.state import find_button
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.taurusdb.faults import EVERY_CALL
from bot.sandbox.web.view_model import NO_FAULT

Body: TypeAlias = Mapping[str, Any]
MAX_TEXT: Final = 4000
CHANNEL_NAME: Final = re.compile(r"[\w-]{1,80}")


class Api:
    """Answers POST /api/{name}. What cannot be done raises LookupError or ValueError with a text for the person."""

    def __init__(self, slack: StandInSlack, cloud: StandInCloud) -> None:
        self._slack = slack
        self._cloud = cloud
        self._operations: dict[str, Callable[[Body], Awaitable[Body]]] = {
            "command": self._command,
            "click": self._click,
            "fault": self._fault,
            "speed": self._speed,
            "window": self._window,
            "work": self._work,
            "rename": self._rename,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Respond {"ok": true, …}, or {"ok": false, "error": …} with status 400 or 404."""
        operation = self._operations.get(request.match_info["name"])
        if operation is None:
            return error_response(404, "There is no such operation.")
        try:
            body = await request.json()
            if not isinstance(body, dict):
                return error_response(400, "The body is a JSON object.")
            return web.json_response({"ok": True, **await operation(body)})
        except (json.JSONDecodeError, UnicodeDecodeError):
            return error_response(400, "This is not JSON.")
        except (LookupError, ValueError) as error:
            return error_response(400, str(error.args[0]) if error.args else type(error).__name__)

    async def _command(self, body: Body) -> Body:
        """Send a slash command: {person, channel, command, text}."""
        person, channel, command, text = (_text(body, name) for name in ("person", "channel", "command", "text"))
        delivery = await self._slack.command(person, channel, text, command=command)
        return {"acked": delivery.acked}

    async def _click(self, body: Body) -> Body:
        """Press a button of a message: {person, channel, ts, thread, ephemeral, action_id, value}."""
        message, action_id, value = self._visible_message(body), _text(body, "action_id"), body.get("value")
        if find_button(message, action_id) is None:
            raise ValueError("That message has no such button.")
        value = value if isinstance(value, str) else None
        delivery = await self._slack.click(_text(body, "person"), message, action_id, value)
        return {"acked": delivery.acked}

    async def _fault(self, body: Body) -> Body:
        """Choose the fault of the next upgrade request, or of `every` one: {name, every}; NO_FAULT takes it back."""
        name = _text(body, "name")
        if name == NO_FAULT:
            self._cloud.clear_faults()
        else:
            self._cloud.inject_fault(name, times=EVERY_CALL if body.get("every") is True else 1)
        return {}

    async def _speed(self, body: Body) -> Body:
        """Choose how long jobs take: {name}."""
        self._cloud.set_speed(_text(body, "name"))
        return {}

    async def _window(self, body: Body) -> Body:
        """Open the maintenance window of an instance: {instance}, its id or name."""
        self._cloud.open_window(_text(body, "instance"))
        return {}

    async def _work(self, body: Body) -> Body:
        """Put work of other people on an instance, or take it away: {instance, kind}, its id and one of WORK_KINDS."""
        self._cloud.toggle_work(_text(body, "instance"), _text(body, "kind"))
        return {}

    async def _rename(self, body: Body) -> Body:
        """Rename a channel: {channel, name}."""
        channel, name = self._slack.channel(_text(body, "channel")), _text(body, "name").strip().removeprefix("#")
        if not CHANNEL_NAME.fullmatch(name) or name != name.lower():
            raise ValueError("A channel's name has 1 to 80 lower-case letters, digits, hyphens and underscores.")
        if any(other.name == name for other in self._slack.channels.values() if other.id != channel.id):
            raise ValueError("Another channel has this name.")
        self._slack.change_channel(channel, name=name)
        return {}

    def _visible_message(self, body: Body) -> Message | Ephemeral:
        """Find the message of a click among those that this person sees there."""
        channel, ts, thread_ts = _text(body, "channel"), _text(body, "ts"), body.get("thread")
        messages: list[Message | Ephemeral] = []
        if body.get("ephemeral"):
            messages += self._slack.ephemerals(_text(body, "person"))
        else:
            messages += self._slack.messages(channel)
            if isinstance(thread_ts, str):
                messages += self._slack.thread(channel, thread_ts)
        message = next((message for message in messages if message.ts == ts), None)
        if message is None:
            raise ValueError("That message is gone.")
        return message


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"`{name}` is missing, or is no text of at most {MAX_TEXT} characters.")
    return value


def error_response(status: int, error: str) -> web.Response:
    """The response to a request that was refused; `error` is shown to the person."""
    return web.json_response({"ok": False, "error": error}, status=status)
