"""Fault injection for the app's HTTP calls (Web API and response_url); every call is written to the request log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.slack.rate_limits import RateLimiter
from bot.sandbox.slack.state import Workspace

Arguments: TypeAlias = Mapping[str, Any]
Failure: TypeAlias = str | int | tuple[str, float] | Mapping[str, object]
# The HTTP response of a call, the answer for the request log, and whether the call took effect.
Handler: TypeAlias = Callable[[], tuple[web.Response, Any, bool]]
DONE = "done, "


@dataclass(slots=True)
class Fault:
    """A failure of the next calls of a method ("*": any method); `times_left=None` means until it is cleared.

    `failure` is one of
    - an error code of Slack, answered with status 200
    - an HTTP status (429 comes with Retry-After)
    - "done, " and an error code: the call takes effect and is answered with the error, as internal_error may be
    - "html", "text": an HTML page, or plain text, with status 200
    - an object: answered as JSON with status 200
    - "hang": no effect and no answer
    - ("delay_before", seconds): the call takes effect late
    - ("delay_after", seconds): the call takes effect at once and is answered late
    - "drop_before", "drop_after": the connection is closed without an answer, before or after the call took effect
    """

    method: str
    failure: Failure
    times_left: int | None = 1
    when: Callable[[Arguments], bool] | None = None
    retry_after: float = 1

    def __post_init__(self) -> None:
        if isinstance(self.failure, tuple) and self.failure[0] not in ("delay_before", "delay_after"):
            raise ValueError(f"unknown failure {self.failure!r}")

    def applies_to(self, method: str, arguments: Arguments) -> bool:
        """Whether this call is one that fails."""
        return self.method in ("*", method) and (self.when is None or self.when(arguments))

    def response(self) -> web.Response | None:
        """Return the response of a failure that answers at once, None for the other kinds."""
        if isinstance(self.failure, Mapping):
            return web.json_response(self.failure)
        if self.failure == 429:
            return _rate_limited(f"{self.retry_after:g}")
        if isinstance(self.failure, int):
            return web.Response(text="server error", status=self.failure)
        if self.failure == "html":
            return web.Response(text="<!DOCTYPE html><title>Slack</title><p>Sorry!</p>", content_type="text/html")
        if self.failure == "text":
            return web.Response(text="upstream connect error", content_type="text/plain")
        is_code = isinstance(self.failure, str) and self.failure not in ("hang", "drop_before", "drop_after")
        if is_code and not self.error_after_effect:
            return web.json_response({"ok": False, "error": self.failure})
        return None

    @property
    def error_after_effect(self) -> str:
        """The error that follows an effect; empty for the other kinds."""
        is_done = isinstance(self.failure, str) and self.failure.startswith(DONE)
        return str(self.failure).removeprefix(DONE) if is_done else ""


class FaultInjection:
    """The faults that are still to come, in the order in which they were added."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._faults: list[Fault] = []
        self._cleared = asyncio.Event()
        self.rate_limiter: RateLimiter | None = None

    def add(self, fault: Fault) -> None:
        """Let calls fail in that way."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults; hanging calls lose their connection, delayed ones go on."""
        self._faults.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def respond(self, request: web.Request, method: str, arguments: Arguments, handler: Handler) -> web.Response:
        """Answer one call by its handler, or by the fault that applies to it, and log it."""
        retry_after = self.rate_limiter.retry_after(method, arguments) if self.rate_limiter else None
        if retry_after is not None:
            refusal = _rate_limited(retry_after)
            self._workspace.log_call(method, arguments, refusal.status, refusal.text, took_effect=False)
            return refusal
        fault = self._take(method, arguments)
        if fault is not None and (response := fault.response()) is not None:
            self._workspace.log_call(method, arguments, response.status, response.text, took_effect=False)
            return response
        failure = None if fault is None else fault.failure
        kind, seconds = failure if isinstance(failure, tuple) else (failure, None)
        if kind in ("hang", "drop_before"):
            self._workspace.log_call(method, arguments, None, None, took_effect=False)
            if kind == "hang":
                await self._wait_until_cleared()
            return _drop_connection(request)
        if kind == "delay_before":
            await self._wait_until_cleared(seconds)
        response, answer, took_effect = handler()
        if took_effect and fault is not None and fault.error_after_effect:
            answer = {"ok": False, "error": fault.error_after_effect}
            response = web.json_response(answer)
        if kind == "drop_after":
            self._workspace.log_call(method, arguments, None, None, took_effect=took_effect)
            return _drop_connection(request)
        self._workspace.log_call(method, arguments, response.status, answer, took_effect=took_effect)
        if kind == "delay_after":
            await self._wait_until_cleared(seconds)
        return response

    def _take(self, method: str, arguments: Arguments) -> Fault | None:
        """Return the first fault that applies to this call and count it."""
        fault = next((fault for fault in self._faults if fault.applies_to(method, arguments)), None)
        if fault is not None and fault.times_left is not None:
            fault.times_left -= 1
            if fault.times_left <= 0:
                self._faults.remove(fault)
        return fault

    async def _wait_until_cleared(self, timeout: float | None = None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), timeout)


def _rate_limited(retry_after: str) -> web.Response:
    headers = {"Retry-After": retry_after}
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)


def _drop_connection(request: web.Request) -> web.Response:
    """Close the connection; the response that a handler has to return is never sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()
