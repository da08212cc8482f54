"""The other side of every contender: a Slack and a cloud that only count and answer, at once or when told to."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qs, urlsplit

from tests.bench.wire import Answering, Asked, Said

TEAM, CHANNEL, SECRET = "T0BENCH001", "C0BENCH001", "bench-signing-secret"
PROJECT = "0" * 32
PARENT = f"{'a' * 32}in07"
INSTANCE = re.compile(rb"[0-9a-f]{32}in17")
OK: dict[str, object] = {"ok": True}


def job_of(instance_id: str) -> str:
    """The job that an upgrade of this instance gets."""
    return f"job-{instance_id[:32]}"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that a contender posted or edited; one that is for one person alone has no `ts`."""

    ts: str
    thread_ts: str
    body: bytes
    is_edit: bool


@dataclass(slots=True)
class Counterpart:
    """One port for Slack's Web API and for the cloud; `heard` is told of every message."""

    port: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    heard: Callable[[Posted], None] = lambda _: None
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # upgrades are answered while it is set
    _called: asyncio.Event = field(default_factory=asyncio.Event)
    _stamps: "count[int]" = field(default_factory=lambda: count(1))

    def environ(self) -> Mapping[str, str]:
        """The settings of a bot that lives between Slack and the cloud; its database is in its own folder."""
        return {
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": f"http://127.0.0.1:{self.port}/api/",
            "HW_REGION_NAME": "cn-north-4",
            "HW_PROJECT_ID": PROJECT,
            "HW_AUTH_TOKEN": "bench-token",
            "TAURUSDB_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "ALLOWED_CHANNELS": "*",
            "ALLOWED_USERS": "*",
            "CONFIRM_BY": "anyone",
            "JOB_POLL_SECONDS": "3600",
        }

    def answer(self, asked: Asked) -> "Said | asyncio.Task[Said]":
        """Answer one request."""
        self._called.set()
        path = urlsplit(asked.path)
        if path.path.startswith("/api/"):
            method = path.path[5:]
            self.calls[method] += 1
            return Said(json.dumps(self._slack(method, asked.body)).encode())
        what = path.path.rpartition("/")[2]
        if what == "db-upgrade":
            self.calls["upgrade"] += 1
            found = INSTANCE.search(path.path.encode())
            said = Said(json.dumps({"job_id": job_of(found[0].decode() if found else "")}).encode())
            return said if self.gate.is_set() else asyncio.ensure_future(self._when_open(said))
        if what == "jobs":
            self.calls["job"] += 1
            return Said(json.dumps({"job": _job(parse_qs(path.query)["id"][0])}).encode())
        self.calls["other"] += 1
        return Said(b'{"instances":[],"total_count":0,"total":0}')

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until enough has been called; TimeoutError when it never is."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._called.clear()
                await self._called.wait()

    async def _when_open(self, said: Said) -> Said:
        await self.gate.wait()
        return said

    def _slack(self, method: str, body: bytes) -> dict[str, object]:
        match method:
            case "auth.test":
                return OK | {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "team": "bench", "user": "bot"}
            case "users.info":
                return OK | {"user": {"id": "U0SRE", "team_id": TEAM, "locale": "en-US"}}
            case "chat.postMessage" | "chat.update":
                given = json.loads(body)
                ts = given.get("ts") or f"1700000000.{next(self._stamps):06d}"
                self.heard(Posted(ts, given.get("thread_ts") or "", body, method == "chat.update"))
                return OK | {"ts": ts, "channel": CHANNEL}
            case "chat.postEphemeral":
                self.heard(Posted("", "", body, False))
                return OK
            case _:
                return OK


def _job(job_id: str) -> dict[str, object]:
    waits = job_id.endswith("w")  # of a delayed upgrade
    return {"id": job_id, "status": "Pending" if waits else "Running", "process": "" if waits else "40%"}


@asynccontextmanager
async def counterpart() -> AsyncIterator[Counterpart]:
    """One that listens; the gate is open."""
    other = Counterpart()
    other.gate.set()
    server = await asyncio.get_running_loop().create_server(lambda: Answering(other.answer), "127.0.0.1", 0)
    other.port = server.sockets[0].getsockname()[1]
    try:
        yield other
    finally:
        server.close()
        other.gate.set()
