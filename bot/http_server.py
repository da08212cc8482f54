"""The web server: Slack's requests in HTTP mode (/slack/events), and /healthz, /readyz, /metrics for operators."""

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.core.errors import StorageUnavailable
from bot.core.messages import clipped
from bot.core.ports import Storage
from bot.network import CannotListen
from bot.slack.client import Heartbeat

if TYPE_CHECKING:
    from bot.slack.socket_mode import SocketModeConnection

log = logging.getLogger("bot.http")
MAX_BODY_BYTES = 512 * 1024
BODY_SECONDS = 5.0
STARTING_SECONDS = 2.5  # how long a request waits for the bot to be ready; Slack gives up after three
HEADER_SECONDS = 10.0  # from the start of a connection to the end of its first request's headers
HEADER_CHECK_SECONDS = 1.0
LINGERING_SECONDS = 1.0  # how long the rest of a refused body is read
KEEP_ALIVE_SECONDS = 75.0
SHUTDOWN_SECONDS = 2.0
SIGNATURE_SECONDS = 300  # the age of a signed request, as Slack recommends and Bolt checks
MAX_TIMESTAMP_DIGITS = 12
CONTENT_TYPES = ("application/x-www-form-urlencoded", "application/json")
TIMESTAMP_HEADER, SIGNATURE_HEADER = "x-slack-request-timestamp", "x-slack-signature"
HEADER_REASONS = {TIMESTAMP_HEADER: "timestamp", SIGNATURE_HEADER: "signature"}
EVENTS_PATH = "/slack/events"
UNKNOWN_PATH_SECONDS = 60.0  # at most one line about them in this time: whoever scans ports sends thousands
MAX_LOGGED = 100
METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus's text format
SOCKET_SILENT_SECONDS = 30.0
STORAGE_SECONDS = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MetricsText = Callable[[], Awaitable[bytes]]


@dataclass(slots=True, eq=False, repr=False)
class Readiness:
    """Whether requests of Slack can be taken now: Slack and the database. The cloud is a matter of the metrics.

    The web server is there before the parts are; `starting` has why they are not there yet.
    """

    heartbeat: Heartbeat | None = None
    socket: "SocketModeConnection | None" = None
    storage: Storage | None = None
    clock: Callable[[], float] = time.time
    starting: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("slack", "storage"), "starting"))
    is_stopping: bool = False

    async def problems(self) -> dict[str, str]:
        """Each part, with its problem; empty when it has none."""
        problems = {"slack": self.heartbeat.problem if self.heartbeat else self.starting["slack"]}
        if self.socket is not None:
            problems["socket"] = self._socket_problem(self.socket)
        problems["storage"] = await self._storage_problem(self.storage) if self.storage else self.starting["storage"]
        if self.heartbeat is None or self.is_stopping:
            problems["process"] = "stopping" if self.is_stopping else "starting"
        return problems

    def _socket_problem(self, socket: "SocketModeConnection") -> str:
        if not socket.is_connected:
            return "the socket is not connected"
        if socket.last_pong_at is None:
            return ""
        silent = self.clock() - socket.last_pong_at
        return f"nothing was heard from Slack for {silent:.0f} s" if silent > SOCKET_SILENT_SECONDS else ""

    async def _storage_problem(self, storage: Storage) -> str:
        try:
            async with asyncio.timeout(STORAGE_SECONDS):
                await storage.ping()
        except StorageUnavailable as error:
            return str(error) or "cannot be reached"
        except TimeoutError:
            return f"no answer within {STORAGE_SECONDS:g} s"
        return ""


def web_app(
    events: "EventsEndpoint | None", readiness: Readiness, metrics_text: MetricsText | None = None
) -> web.Application:
    """The routes; `events` is None in Socket Mode, where Slack sends nothing here."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)

    async def healthz(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.StreamResponse:
        problems = await readiness.problems()
        reasons = {part: problem for part, problem in problems.items() if problem}
        body = {
            "ready": not reasons,
            "reasons": reasons,
            "parts": {part: {"ready": not problem, "problem": problem} for part, problem in problems.items()},
        }
        return web.json_response(body, status=503 if reasons else 200)

    async def metrics(_: web.Request) -> web.StreamResponse:
        assert metrics_text is not None
        return web.Response(body=await metrics_text(), headers={"Content-Type": METRICS_CONTENT_TYPE})

    slow_clients = SlowClientGuard()
    if events is not None:
        app.router.add_post(EVENTS_PATH, slow_clients.noting(events.handle))
    app.router.add_get("/healthz", slow_clients.noting(healthz))
    app.router.add_get("/readyz", slow_clients.noting(readyz))
    if metrics_text is not None:
        app.router.add_get("/metrics", slow_clients.noting(metrics))
    hint = f"Slack's requests belong at POST {EVENTS_PATH}" if events else "the bot runs in Socket Mode"
    known_paths = {resource.canonical for resource in app.router.resources()}
    app.router.add_route("*", "/{path:(?s:.*)}", slow_clients.noting(UnknownPaths(known_paths, hint).handle))
    app[SLOW_CLIENTS] = slow_clients
    return app


async def start_server(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; the runner, for the caller to clean up, and the URL. Raises `CannotListen`."""
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=LINGERING_SECONDS,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    app[SLOW_CLIENTS].watch_while_running(app, runner)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, ValueError) as error:
        await runner.cleanup()
        raise CannotListen(error, host, port) from error
    bound_port = runner.addresses[0][1]
    log.info("http.listening", extra={"host": host, "port": bound_port})
    return runner, f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What identifies a request: Slack signs the time with the body, so no two of its requests are equal."""

    timestamp: str
    signature: str
    body_digest: bytes


class EventsEndpoint:
    """`POST /slack/events`. The signature alone proves the sender, never an address; each request counts once.

    Before the bot is ready a request waits a little, because Slack does not send a command again; then it gets a 503.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._bolt_app: asyncio.Future[AsyncApp] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._accepted: dict[SignedRequest, float] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one request; a refused one is answered with nothing but its status, and logged with the reason."""
        bolt_app = self._bolt_app.result() if self._bolt_app.done() else await self._until_ready()
        if request.content_type not in CONTENT_TYPES:
            content_type = clipped(request.content_type, MAX_LOGGED)
            raise _refusal("content_type", web.HTTPUnsupportedMediaType(), header="content-type", value=content_type)
        body = await _read_body(request)
        headers = {name.lower(): value for name, value in reversed(list(request.headers.items()))}
        timestamp, signature = headers.get(TIMESTAMP_HEADER, "0"), headers.get(SIGNATURE_HEADER, "")
        is_timestamp = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_DIGITS
        if not (is_timestamp and signature.isascii()):
            header = TIMESTAMP_HEADER if signature.isascii() else SIGNATURE_HEADER
            raise _refusal(HEADER_REASONS[header], web.HTTPUnauthorized(), header=header)
        signed = SignedRequest(timestamp, signature, hashlib.sha256(body).digest())
        if not self._accept_once(signed):
            log.warning("request.replayed")
            return web.Response()
        try:
            bolt_request = AsyncBoltRequest(body=body.decode(), headers=dict(headers))
            response = await bolt_app.async_dispatch(bolt_request)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # Bolt parses the body before it checks the signature, and fails on what Slack never sends.
            self._accepted.pop(signed, None)
            reason = f"unreadable: {type(error).__name__}"
            raise _refusal(reason, web.HTTPBadRequest(), field="body") from None
        if response.status == web.HTTPUnauthorized.status_code:
            self._accepted.pop(signed, None)
            raise self._unauthorized(signed)
        return await to_aiohttp_response(response)

    def open(self, bolt_app: AsyncApp) -> None:
        """Take requests from now on."""
        self._bolt_app.set_result(bolt_app)

    async def _until_ready(self) -> AsyncApp:
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                return await asyncio.shield(self._bolt_app)
        except TimeoutError:
            raise _refusal("starting", web.HTTPServiceUnavailable()) from None

    def _accept_once(self, signed: SignedRequest) -> bool:
        """Whether this request comes for the first time; older ones are refused by their timestamp alone."""
        now = self._clock()
        while self._accepted and next(iter(self._accepted.values())) < now:
            self._accepted.pop(next(iter(self._accepted)))
        if signed in self._accepted:
            return False
        self._accepted[signed] = now + 2 * SIGNATURE_SECONDS  # its time may be as far ahead as behind
        return True

    def _unauthorized(self, signed: SignedRequest) -> web.HTTPException:
        """The response to what Bolt does not take, after the log line that says what to look at."""
        headers = {SIGNATURE_HEADER: signed.signature, TIMESTAMP_HEADER: signed.timestamp.strip("0")}
        missing = [header for header, value in headers.items() if not value]
        if missing:
            return _refusal("unsigned", web.HTTPUnauthorized(), header=" ".join(missing))
        ahead = self._clock() - int(signed.timestamp)
        if abs(ahead) > SIGNATURE_SECONDS:
            # Slack's requests come within seconds: so far off is a clock, or whoever sends an old request again.
            reason = f"server clock differs by {abs(ahead):.0f} s from the request's"
            hint = f"{'ahead (or the request is old)' if ahead > 0 else 'behind'}: compare it with NTP"
            return _refusal(reason, web.HTTPUnauthorized(), header=TIMESTAMP_HEADER, hint=hint)
        hint = "compare SLACK_SIGNING_SECRET with the app's page"
        return _refusal("signature", web.HTTPUnauthorized(), header=SIGNATURE_HEADER, hint=hint)


async def _read_body(request: web.Request) -> bytes:
    """The body, bounded in size and time."""
    try:
        if request.content.is_eof():
            return await request.read()  # it came with the headers: no timer is needed
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise _refusal("slow body", web.HTTPRequestTimeout(), field="body") from None
    except web.HTTPRequestEntityTooLarge as too_large:
        raise _refusal("oversized", too_large, field="body") from None
    except (OSError, ClientPayloadError, web.RequestPayloadError) as error:
        raise _refusal(f"broken off: {type(error).__name__}", web.HTTPBadRequest(), field="body") from None


def _refusal(reason: str, response: web.HTTPException, **fields: str) -> web.HTTPException:
    """The response, after the reason was logged with the header or field that it is about."""
    log.warning("request.refused", extra={"kind": "http", "reason": reason, **fields})
    response.text = response.reason
    response.headers["Connection"] = "close"
    return response


class UnknownPaths:
    """Answers what no route takes: 404, or 405 for a known path; logged once a minute, however many there are."""

    def __init__(self, known_paths: Collection[str], hint: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._known_paths = known_paths
        self._hint = hint
        self._clock = clock
        self._logged_at = -math.inf
        self._unlogged = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse one request."""
        is_known = request.path in self._known_paths
        now = self._clock()
        if now < self._logged_at + UNKNOWN_PATH_SECONDS:
            self._unlogged += 1
        else:
            fields = {"method": clipped(request.method, MAX_LOGGED), "path": clipped(request.path, MAX_LOGGED)}
            reason = "method" if is_known else "unknown path"
            counted = {"hint": self._hint, "others": self._unlogged}
            log.warning("request.refused", extra={"kind": "http", "reason": reason, **fields, **counted})
            self._logged_at, self._unlogged = now, 0
        return web.Response(status=405 if is_known else 404)


class SlowClientGuard:
    """Closes connections without a request; aiohttp itself waits for headers as long as for an idle connection."""

    def __init__(self, seconds: float = HEADER_SECONDS) -> None:
        self._seconds = seconds
        self._with_request: set[object] = set()
        self._opened_at: dict[object, float] = {}

    def noting(self, handler: Handler) -> Handler:
        """The handler of a route; a middleware would cost every request more."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._with_request.add(request.protocol)
            return await handler(request)

        return handle

    def watch_while_running(self, app: web.Application, runner: web.AppRunner) -> None:
        """Watch the connections for as long as the server runs; to be called before the runner is set up."""

        async def watch(_: web.Application) -> AsyncIterator[None]:
            task = asyncio.create_task(self._watch(runner), name="slow clients")
            yield
            task.cancel()
            with suppress(asyncio.CancelledError):  # it was just cancelled
                await task

        app.cleanup_ctx.append(watch)

    async def _watch(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(HEADER_CHECK_SECONDS)
            connections = runner.server.connections if runner.server else []
            now = time.monotonic()
            self._opened_at = {connection: self._opened_at.get(connection, now) for connection in connections}
            self._with_request &= self._opened_at.keys()
            for connection in connections:
                if connection not in self._with_request and now - self._opened_at[connection] > self._seconds:
                    log.warning("request.refused", extra={"kind": "http", "reason": "slow headers"})
                    connection.force_close()


SLOW_CLIENTS = web.AppKey("slow_clients", SlowClientGuard)
