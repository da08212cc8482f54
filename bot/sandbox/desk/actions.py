"""What people do on the page, passed on to the stand-ins: commands, clicks, the dials of the cloud."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk.clouds import ANSWERS
from bot.sandbox.slack import Delivery, Ephemeral, Message, StandInSlack
from bot.sandbox.slack.interactions import find_button

Told: TypeAlias = Mapping[str, object]
Action: TypeAlias = Callable[[Told], Awaitable[Told]]
LONGEST_TEXT = 4000


class ActionRefused(Exception):
    """What the page asked for cannot be done; the text is for the person at the page."""


class Actions:
    """Does what the page asks for."""

    def __init__(self, slack: StandInSlack, cloud: StandInCloud) -> None:
        self._slack = slack
        self._cloud = cloud
        self._known: dict[str, Action] = {
            "command": self.command,
            "click": self.click,
            "mishap": self.mishap,
            "speed": self.speed,
            "window": self.window,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Answer POST /act/{name}: {"ok": true, …}, or {"ok": false, "error": …} with status 400 or 404."""
        action = self._known.get(request.match_info["name"])
        if action is None:
            return web.json_response({"ok": False, "error": "There is no such action."}, status=404)
        try:
            asked = await request.json()
            if not isinstance(asked, dict):
                raise ActionRefused("An action is a JSON object.")
            return web.json_response({"ok": True, **await action(asked)})
        except (json.JSONDecodeError, UnicodeDecodeError):
            return web.json_response({"ok": False, "error": "This is not JSON."}, status=400)
        except (ActionRefused, LookupError, ValueError) as refused:
            return web.json_response({"ok": False, "error": _reason(refused)}, status=400)

    async def command(self, asked: Told) -> Told:
        """Send a slash command: {person, channel, command, text}."""
        person, channel = text(asked, "person"), text(asked, "channel")
        return told(await self._slack.command(person, channel, text(asked, "text"), command=text(asked, "command")))

    async def click(self, asked: Told) -> Told:
        """Press a button of a message: {person, channel, ts, ephemeral, action_id, value}."""
        person, value = text(asked, "person"), asked.get("value")
        spoken, action_id = self._spoken(asked), text(asked, "action_id")
        if find_button(spoken, action_id) is None:
            raise ActionRefused("That message has no such button.")
        return told(await self._slack.click(person, spoken, action_id, value if isinstance(value, str) else None))

    async def mishap(self, asked: Told) -> Told:
        """Choose what happens to the next upgrade call: {name}; "answers" takes the choice back."""
        name = text(asked, "name")
        if name == ANSWERS:
            self._cloud.heal()
        else:
            self._cloud.choose_mishap(name)
        return {}

    async def speed(self, asked: Told) -> Told:
        """Choose how fast jobs are: {name}."""
        self._cloud.set_speed(text(asked, "name"))
        return {}

    async def window(self, asked: Told) -> Told:
        """Open the maintenance window of an instance by its name: {instance}."""
        self._cloud.open_window(text(asked, "instance"))
        return {}

    def _spoken(self, asked: Told) -> Message | Ephemeral:
        """Find what the button stands on, as this person sees it."""
        channel, ts = text(asked, "channel"), text(asked, "ts")
        root = asked.get("thread")
        seen: list[Message | Ephemeral] = [*self._slack.messages(channel)]
        if isinstance(root, str):
            seen += self._slack.thread(channel, root)
        if asked.get("ephemeral"):
            seen = [*self._slack.ephemerals(text(asked, "person"))]
        found = next((one for one in seen if one.ts == ts), None)
        if found is None:
            raise ActionRefused("That message is gone.")
        return found


def text(asked: Told, name: str) -> str:
    """Read a text that an action needs."""
    value = asked.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ActionRefused(f"`{name}` is missing, or is no text of at most {LONGEST_TEXT} characters.")
    return value


def told(delivery: Delivery) -> Told:
    """Say whether the bot has acknowledged, and how fast."""
    return {"acked": delivery.acked, "seconds": round(delivery.seconds, 4)}


def _reason(refused: Exception) -> str:
    return str(refused.args[0]) if refused.args else type(refused).__name__
