"""The gate of the stand-in's HTTP side: lets calls fail when they shall, and remembers every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.faults import Fault, Faults


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came over the wire; no status and no answer when the connection was closed or hangs."""

    at: float
    method: str
    arguments: Mapping[str, Any]
    status: int | None
    answer: Any
    took_effect: bool


class Gate:
    """Lets calls through to what answers them, or lets them fail; writes the list of calls."""

    def __init__(self, faults: Faults, changes: Changes, clock: Callable[[], float]) -> None:
        self.calls: list[Call] = []
        self._faults = faults
        self._changes = changes
        self._clock = clock

    async def pass_on(
        self,
        request: web.Request,
        method: str,
        arguments: Mapping[str, Any],
        apply: Callable[[], tuple[web.Response, Any, bool]],
    ) -> web.Response:
        """Answer one call; `apply` gives the response, what it says, and whether it took effect."""
        fault = self._faults.take(method, arguments)
        made_up = None if fault is None else failure(fault)
        if made_up is not None:
            self._remember(method, arguments, made_up.status, made_up.text, took_effect=False)
            return made_up
        how = fault.how if fault else ""
        if how in ("hang", "drop_before"):
            self._remember(method, arguments, None, None, took_effect=False)
            if how == "hang":
                await self._faults.hang()
            return drop(request)
        if isinstance(how, tuple) and how[0] == "late":
            await self._faults.hang(how[1])
        response, answer, took_effect = apply()
        if how == "drop_after":
            self._remember(method, arguments, None, None, took_effect=took_effect)
            return drop(request)
        self._remember(method, arguments, response.status, answer, took_effect=took_effect)
        if isinstance(how, tuple) and how[0] == "slow":
            await self._faults.hang(how[1])
        return response

    def _remember(
        self, method: str, arguments: Mapping[str, Any], status: int | None, answer: object, *, took_effect: bool
    ) -> None:
        self.calls.append(Call(self._clock(), method, arguments, status, answer, took_effect))
        self._changes.note()


def failure(fault: Fault) -> web.Response | None:
    """Return the answer that a fault makes up, if it is one that answers at once."""
    if isinstance(fault.how, int):
        if fault.how == 429:
            limited = {"ok": False, "error": "ratelimited"}
            return web.json_response(limited, status=429, headers={"Retry-After": str(fault.retry_after)})
        return web.Response(text="server error", status=fault.how)
    if fault.how == "html":
        return web.Response(text="<!DOCTYPE html><title>Slack</title><p>Sorry!</p>", content_type="text/html")
    if isinstance(fault.how, str) and fault.how not in ("hang", "drop_before", "drop_after"):
        return web.json_response({"ok": False, "error": fault.how})
    return None


def drop(request: web.Request) -> web.Response:
    """Close the connection without a word; the response that is returned reaches nobody."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()
