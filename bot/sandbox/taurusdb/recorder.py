"""The request log: every request and every upgrade that arrived, and how to wait for a change."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from bot.sandbox.taurusdb.api import ApiRequest

T = TypeVar("T")
MAX_CALLS: Final = 20_000  # older ones are dropped
MAX_BODY: Final = 2000  # characters of a body that are kept
RECHECK_SECONDS: Final = 0.1  # a job that makes progress by the clock alone signals no change
TRANSCRIPT_CALLS: Final = 20
_SECRET_HEADERS: Final = frozenset({"x-auth-token", "authorization", "x-security-token"})
_PASSWORD: Final = re.compile(r'("password"\s*:\s*)"(?:[^"\\]|\\.)*"')
_NOT_YET_KNOWN: Final = ("answered", "status")  # when an upgrade is written to the file


@dataclass(frozen=True, slots=True)
class Call:
    """One request, secrets hidden; `status` is None until it is answered, or when no answer was sent."""

    at: float
    operation: str
    method: str
    path: str
    query: str
    status: int | None
    request_id: str
    language: str
    signed_by: str
    body: str = ""
    answer: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeCall:
    """One upgrade request that arrived; `answered` once the whole answer was sent."""

    at: float
    instance_id: str
    body: object
    headers: Mapping[str, str]
    took_effect: bool
    answered: bool
    job_id: str | None
    language: str
    status: int | None = None
    request_id: str = ""


class Recorder:
    """The request log; upgrades are also appended to the file `log_path` as JSON lines."""

    def __init__(self, clock: Callable[[], float], log_path: Path | str | None = None) -> None:
        self.clock = clock
        self.in_flight = 0  # requests being handled now
        self.most_in_flight = 0
        self._log_path = None if log_path is None else Path(log_path)
        self._calls: dict[str, Call] = {}  # by request id
        self._upgrades: dict[str, UpgradeCall] = {}  # by request id
        self._listeners: list[Callable[[], None]] = []
        self._changed = asyncio.Event()

    @property
    def calls(self) -> list[Call]:
        """The requests, the oldest first."""
        return list(self._calls.values())

    @property
    def upgrades(self) -> list[UpgradeCall]:
        """Every POST that arrived at the upgrade path, the oldest first."""
        return list(self._upgrades.values())

    @contextlib.contextmanager
    def count_in_flight(self) -> Iterator[None]:
        """Count a request as in flight while the context is entered."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1
            self.note_change()

    def log_request(self, request: ApiRequest) -> None:
        """Log a request that has arrived."""
        signed_by = "nobody"
        if request.operation == "token":
            signed_by = "password"
        elif "authorization" in request.headers:
            signed_by = "ak/sk"
        elif "x-auth-token" in request.headers:
            signed_by = "token"
        self._calls[request.request_id] = Call(
            at=self.clock(),
            operation=request.operation,
            method=request.method,
            path=request.path,
            query=request.query,
            status=None,
            request_id=request.request_id,
            language=request.language,
            signed_by=signed_by,
            body=_PASSWORD.sub(r'\1"***"', request.body.decode(errors="replace"))[:MAX_BODY],
        )
        if len(self._calls) > MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        self.note_change()

    def log_response(self, request: ApiRequest, status: int | None, body: bytes = b"", fault: str = "") -> None:
        """Log the answer of a request, and the fault that was injected."""
        if call := self._calls.get(request.request_id):
            answer = body[:MAX_BODY].decode(errors="replace")
            self._calls[request.request_id] = replace(call, status=status, answer=answer, fault=fault)
        self.note_change()

    def log_upgrade(self, request: ApiRequest, job_id: str | None) -> None:
        """Log an upgrade before it is answered; `job_id` is None when it had no effect."""
        try:
            body: object = json.loads(request.body)
        except ValueError:
            body = request.body.decode(errors="replace")
        upgrade = UpgradeCall(
            at=self.clock(),
            instance_id=request.path_params["instance_id"],
            body=body,
            headers={name: "***" if name in _SECRET_HEADERS else value for name, value in request.headers.items()},
            took_effect=job_id is not None,
            answered=False,
            job_id=job_id,
            language=request.language,
            request_id=request.request_id,
        )
        self._upgrades[request.request_id] = upgrade
        if self._log_path is not None:
            line = {name: value for name, value in asdict(upgrade).items() if name not in _NOT_YET_KNOWN}
            with self._log_path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
                log.flush()
                os.fsync(log.fileno())
        self.note_change()

    def log_upgrade_answered(self, request: ApiRequest, status: int) -> None:
        """Log that the whole answer of an upgrade was sent."""
        self._upgrades[request.request_id] = replace(self._upgrades[request.request_id], answered=True, status=status)
        self.note_change()

    def note_change(self) -> None:
        """Wake those who wait and call the listeners."""
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in tuple(self._listeners):
            listener()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener at every change; returns the function that unsubscribes it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    async def until(self, condition: Callable[[], T], timeout: float = 10.0) -> T:
        """Wait until the condition is truthy and return its value; AssertionError with the last calls on timeout."""
        try:
            async with asyncio.timeout(timeout):
                while not (value := condition()):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), RECHECK_SECONDS)
                return value
        except TimeoutError:
            raise AssertionError(f"not within {timeout} s; {self.transcript()}") from None

    def transcript(self) -> str:
        """Return the latest calls as text."""
        lines = [
            f"  {call.method} {call.path} -> {call.status} {call.answer[:100]} {call.fault}"
            for call in self.calls[-TRANSCRIPT_CALLS:]
        ]
        return "the cloud saw:\n" + ("\n".join(lines) or "  nothing")
