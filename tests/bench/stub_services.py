"""What every app under test talks to: a stub of Slack and of the cloud that counts calls and answers at once."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qs, urlsplit

from tests.bench.http_protocol import Request, Response, ServerProtocol

TEAM, CHANNEL, SECRET = "T0BENCH001", "C0BENCH001", "bench-signing-secret"
PROJECT = "0" * 32
PARENT = f"{'a' * 32}in07"
INSTANCE = re.compile(rb"[0-9a-f]{32}in17")
OK: dict[str, object] = {"ok": True}


def job_id_of_instance(instance_id: str) -> str:
    """The id of the job that an upgrade of this instance gets."""
    return f"job-{instance_id[:32]}"


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message that an app posted or edited; an ephemeral one has no `ts`."""

    ts: str
    thread_ts: str
    body: bytes
    is_edit: bool


@dataclass(slots=True)
class StubServices:
    """One port for Slack's Web API and for the cloud; `on_message` is called with every message."""

    port: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    on_message: Callable[[SlackMessage], None] = lambda _: None
    answers_upgrades: asyncio.Event = field(default_factory=asyncio.Event)  # while it is not set, the cloud hangs
    _called: asyncio.Event = field(default_factory=asyncio.Event)
    _ts_numbers: "count[int]" = field(default_factory=lambda: count(1))

    def environ(self) -> Mapping[str, str]:
        """The settings of a bot that uses these services; its database is not among them."""
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

    def handle(self, request: Request) -> "Response | asyncio.Task[Response]":
        """Answer one request."""
        self._called.set()
        url = urlsplit(request.path)
        if url.path.startswith("/api/"):
            method = url.path[5:]
            self.calls[method] += 1
            return Response(json.dumps(self._slack(method, request.body)).encode())
        resource = url.path.rpartition("/")[2]
        if resource == "db-upgrade":
            self.calls["upgrade"] += 1
            match = INSTANCE.search(url.path.encode())
            response = Response(json.dumps({"job_id": job_id_of_instance(match[0].decode() if match else "")}).encode())
            return response if self.answers_upgrades.is_set() else asyncio.ensure_future(self._after_hang(response))
        if resource == "jobs":
            self.calls["job"] += 1
            return Response(json.dumps({"job": _job(parse_qs(url.query)["id"][0])}).encode())
        self.calls["other"] += 1
        return Response(b'{"instances":[],"total_count":0,"total":0}')

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until enough has been called; TimeoutError when it never is."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._called.clear()
                await self._called.wait()

    async def _after_hang(self, response: Response) -> Response:
        await self.answers_upgrades.wait()
        return response

    def _slack(self, method: str, body: bytes) -> dict[str, object]:
        match method:
            case "auth.test":
                return OK | {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "team": "bench", "user": "bot"}
            case "users.info":
                return OK | {"user": {"id": "U0SRE", "team_id": TEAM, "locale": "en-US"}}
            case "chat.postMessage" | "chat.update":
                message = json.loads(body)
                ts = message.get("ts") or f"1700000000.{next(self._ts_numbers):06d}"
                self.on_message(SlackMessage(ts, message.get("thread_ts") or "", body, method == "chat.update"))
                return OK | {"ts": ts, "channel": CHANNEL}
            case "chat.postEphemeral":
                self.on_message(SlackMessage("", "", body, False))
                return OK
            case _:
                return OK


def _job(job_id: str) -> dict[str, object]:
    waits = job_id.endswith("w")  # of a delayed upgrade
    return {"id": job_id, "status": "Pending" if waits else "Running", "process": "" if waits else "40%"}


@asynccontextmanager
async def run_stub_services() -> AsyncIterator[StubServices]:
    """Serve them on a free port; upgrades are answered at once."""
    services = StubServices()
    services.answers_upgrades.set()
    server = await asyncio.get_running_loop().create_server(lambda: ServerProtocol(services.handle), "127.0.0.1", 0)
    services.port = server.sockets[0].getsockname()[1]
    try:
        yield services
    finally:
        server.close()
        services.answers_upgrades.set()
