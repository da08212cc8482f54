"""Fault injection: the faults that can be injected into the next calls of an operation, and what each does."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from bot.sandbox.taurusdb.api import (
    BACKEND_TIMEOUT,
    ERROR_SHAPES,
    ERRORS,
    HTML,
    OPERATIONS,
    ApiError,
    ApiRequest,
    ApiResponse,
    json_response,
)
from bot.sandbox.taurusdb.jobs import JobPlan

CLOSED_AT_ONCE: Final = "closed at once"
EVERY_CALL: Final = sys.maxsize  # `times` of a fault that stays until it is changed
_SILENCE: Final = "for as long as the bot waits, 60 s"

BLOCKING_FAULTS: Final[dict[str, str]] = {
    CLOSED_AT_ONCE: "the connection is closed before the request is read",
    "lost before": "the request is read, then the connection is closed; nothing happened",
    "hang": f"the request is read and not answered {_SILENCE}; nothing happened",
    "html": "200 with an HTML page instead of JSON; nothing happened",
    "redirect": "302 to another address; nothing happened",
}
"""Faults with which the request has no effect, besides ERRORS; the label is for people."""

RESPONSE_FAULTS: Final[dict[str, str]] = {
    "slow": "answered well, but late",
    "accepted, answer lost": "it happens, then the connection is closed without an answer",
    "accepted, reset": "it happens, then the connection is reset",
    "accepted, hang": f"it happens, and is not answered {_SILENCE}",
    "accepted, 504": "it happens, but the gateway answers 504 APIGW.0201",
    "repeated": "a gateway sends it twice; the answer is that of the second copy",
    "half answer": "it happens, but the connection is closed in the middle of the answer",
    "no job_id": "it happens, and the answer is 200 {}",
    "huge": "it happens, and the answer is 2 MiB long",
    "wrong types": "it happens, but the answer's values have other types",
    "empty body": "it happens, and the answer is 200 without a body",
}
"""Faults with which the request takes effect and only its response is wrong."""

JOB_FAULTS: Final[dict[str, str]] = {
    "job fails": "accepted; the job fails at 60 %",
    "job canceled": "accepted; the job is canceled at 30 %",
    "job unauthorized": "accepted; the job waits for an authorization",
    "job paused": "accepted; the job stops at 30 % in a status that nobody documented",
    "job in other words": "accepted; the statuses are SUCCESS, FAIL, running",
    "instance stays abnormal": "accepted; the job is completed, but the instance does not come back",
    "version stays": "accepted; the job is completed, but the kernel version is the old one",
    "late job": "accepted; the job can be queried only after some seconds",
}
"""Faults of the job of an accepted upgrade; only for the operation `upgrade`."""

FAULTS: Final[dict[str, str]] = {
    **{name: error.message for name, error in ERRORS.items()},
    **BLOCKING_FAULTS,
    **RESPONSE_FAULTS,
    **JOB_FAULTS,
}
"""All faults with their labels; those of ERRORS are answered instead, with no effect."""

HUGE_BYTES: Final = 2 * 1024 * 1024
WRONG_VALUES: Final[tuple[object, ...]] = (12345, ["a", "list"], {"an": "object"}, None, True, "")
_JOB_PLANS: Final = {
    "job fails": JobPlan("Failed", 60, "Failed to upgrade the kernel: node be-1 was not ready after 600 s."),
    "job canceled": JobPlan("Canceled", 30),
    "job unauthorized": JobPlan("Unauthorized", 0),
    "job paused": JobPlan("Paused", 30),
    "instance stays abnormal": JobPlan(abnormal_nodes=1),
    "version stays": JobPlan(keeps_version=True),
    "job in other words": JobPlan(in_other_words=True),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the next calls of an operation; `seconds` is a delay or the value of Retry-After.

    `shape` is the form of an error, one of ERROR_SHAPES; `project_id` the project it is of, empty: of all.
    """

    name: str
    operation: str
    times_left: int
    seconds: float
    times_applied: int = 0
    shape: str = ERROR_SHAPES[0]
    project_id: str = ""

    @property
    def error(self) -> ApiError | None:
        """The error of the API that is answered, if it is one."""
        return ERRORS.get(self.name)

    @property
    def prevents_effect(self) -> bool:
        """Whether the request has no effect."""
        return self.error is not None or self.name in BLOCKING_FAULTS

    @property
    def is_repeated(self) -> bool:
        """Whether the service gets the request a second time, and only the answer to that one comes back."""
        return self.name == "repeated"

    @property
    def job_plan(self) -> JobPlan:
        """What it means for the job of an accepted upgrade."""
        if self.name == "late job":
            return JobPlan(visible_after=self.seconds)
        return _JOB_PLANS.get(self.name, JobPlan())

    def response_instead(self, request: ApiRequest) -> ApiResponse:
        """Return the response of a fault that prevents the effect."""
        if self.name == "redirect":
            return ApiResponse(302, b"", headers={"Location": "/login"})
        if self.error is None:
            return ApiResponse(200, HTML, "text/html")
        headers = {"Retry-After": f"{self.seconds:.0f}"} if self.error.status in (429, 503) else {}
        return self.error.response(request, headers=headers, shape=self.shape)

    def corrupt(self, response: ApiResponse, request: ApiRequest) -> ApiResponse:
        """Return what becomes of the response of a request that took effect; errors stay as they are."""
        if response.status >= 300:
            return response
        value = json.loads(response.body)
        match self.name:
            case "no job_id":
                return json_response({}, response.status)
            case "empty body":
                return ApiResponse(response.status, b"")
            case "huge":
                return json_response({"padding": "x" * HUGE_BYTES, **value}, response.status, response.headers)
            case "wrong types":
                wrong_value = WRONG_VALUES[self.times_applied % len(WRONG_VALUES)]
                return json_response(dict.fromkeys(value, wrong_value), response.status, response.headers)
            case "accepted, 504":
                return BACKEND_TIMEOUT.response(request)
        return response

    async def break_connection(
        self, http_request: web.BaseRequest, headers: Mapping[str, str], response: ApiResponse
    ) -> bool:
        """Delay, close or reset the connection; False when the response has still to be sent."""
        transport = http_request.transport
        match self.name:
            case "slow":
                await asyncio.sleep(self.seconds)
                return False
            case "hang" | "accepted, hang":
                await asyncio.Event().wait()  # cancelled when the connection or the server is closed
            case "accepted, reset" if transport is not None:
                _reset(transport)
                return True
            case "half answer" if transport is not None:
                transport.write(_first_half(headers, response))
                transport.close()
                return True
            case "lost before" | "accepted, answer lost" if transport is not None:
                transport.close()
                return True
        return transport is None


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection with RST instead of FIN."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _first_half(headers: Mapping[str, str], response: ApiResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} OK", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Type: {response.content_type}", f"Content-Length: {len(response.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + response.body[: len(response.body) // 2]


class FaultInjection:
    """The faults that are still to come, at most one of each operation."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that are still to come."""
        return tuple(self._faults.values())

    def add(
        self, name: str, operation: str, times: int, seconds: float | None, shape: str, project_id: str = ""
    ) -> Fault:
        """Inject a fault, in place of the operation's former one; ValueError for one that is not possible."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if operation not in OPERATIONS:
            raise ValueError(f"no operation {operation!r}; there are: {', '.join(OPERATIONS)}")
        if name in JOB_FAULTS and operation != "upgrade":
            raise ValueError(f"{name!r} can only happen to an upgrade")
        if shape not in ERROR_SHAPES:
            raise ValueError(f"no shape {shape!r}; there are: {', '.join(ERROR_SHAPES)}")
        if times < 1:
            raise ValueError("a fault is injected at least once")
        if seconds is None:
            seconds = 1.0 if name in ERRORS else 5.0
        self._faults[operation] = fault = Fault(name, operation, times, seconds, shape=shape, project_id=project_id)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def closes_at_once(self, operation: str) -> bool:
        """Whether the connection of the next call has to be closed before the request is read."""
        fault = self._faults.get(operation)
        return fault is not None and fault.name == CLOSED_AT_ONCE

    def take(self, operation: str, project_id: str = "") -> Fault | None:
        """Return the fault of this call and count it."""
        fault = self._faults.get(operation)
        if fault is None or fault.project_id not in ("", project_id):
            return None
        del self._faults[operation]
        if fault.times_left > 1:
            self._faults[operation] = replace(
                fault, times_left=fault.times_left - 1, times_applied=fault.times_applied + 1
            )
        return fault
