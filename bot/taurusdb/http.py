"""HTTP calls of the API: authorised requests to one project, one at a time or many, each sent once.

What a response means, and which error it stands for, is in responses.py.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote, urlencode

import httpx

from bot.core.errors import NotSent, OutcomeUnknown, Rejected
from bot.core.messages import Language
from bot.network import DIRECT, Network
from bot.taurusdb.responses import (
    UNAUTHENTICATED,
    ApiResponse,
    JsonObject,
    as_count,
    error_from_response,
    error_from_transport,
    read_response,
)
from bot.taurusdb.transport import FRESH_CONNECTION, DeliveryAwareTransport

CONNECT_SECONDS = 10.0
RESPONSE_SECONDS = 60.0
READ_SECONDS = 30.0
MAX_CONCURRENT_READS = 8
MAX_CONCURRENT_LISTS = 4
MAX_CONCURRENT_DETAILS = 4
REFUSAL_SECONDS = 30.0  # the pause after refused credentials; four times longer each time
MAX_REFUSAL_SECONDS = 1800.0
MAX_TURN_SECONDS = 2.0  # a request does not wait longer for another one to show whether the credentials are right

_NO_TURN: AbstractAsyncContextManager[None] = nullcontext()
_INSTANCE_ID = re.compile(r"[0-9a-f]{32}in\d\d")

JSON_TYPE: Mapping[str, str] = {"Content-Type": "application/json"}
T = TypeVar("T")


class RequestAuth(Protocol):
    """What authorises a request: a user token, or a signature."""

    def authorise(self, request: httpx.Request) -> None:
        """Add the headers; the request must be complete."""


class HttpClient:
    """The process's one HTTP client of the cloud; it reads nothing of the environment.

    The transport is called without `httpx.AsyncClient`, whose redirects, cookies and further attempts the API does not
    need: they took a third of a read's CPU, and here each request is sent once, to the host that it names.
    """

    def __init__(self, network: Network = DIRECT, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._transport = DeliveryAwareTransport(network)
        self._timeout = httpx.Timeout(None, connect=connect_seconds, pool=connect_seconds).as_dict()

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def build_request(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] = JSON_TYPE
    ) -> httpx.Request:
        """A request with the client's headers and timeouts; a POST gets its own connection."""
        all_headers = {"Accept-Encoding": "identity", "User-Agent": "starrocks-upgrade-bot", **headers}
        extensions = {"timeout": self._timeout} | (FRESH_CONNECTION if method == "POST" else {})
        return httpx.Request(method, url, headers=all_headers, content=content or None, extensions=extensions)

    async def send(self, request: httpx.Request, auth: RequestAuth | None, seconds: float) -> ApiResponse:
        """Send a request once and read its response; raises NotSent or OutcomeUnknown when there is none in `seconds`.

        The limit is for everything together: a server that sends a byte now and then cannot hold us. Connecting has a
        shorter limit of its own, so that this one never strikes before something was sent.
        """
        if auth is not None:
            auth.authorise(request)
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(request)
                try:
                    return await read_response(response)
                finally:
                    await response.aclose()
        except httpx.TransportError as error:
            raise error_from_transport(error) from error
        except TimeoutError as error:
            raise OutcomeUnknown(note=f"no whole answer within {seconds:g} s") from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


# signing in


class SignInPaused(NotSent):
    """The cloud has refused our credentials; until it can be tried again the request is not sent.

    `status`, `code` and `message` are those of the refusal.
    """


@dataclass(slots=True, eq=False, repr=False)
class Refusals:
    """The memory of refused credentials: after a refusal nothing is sent for a while, each time four times longer.

    Five wrong signatures in a row lock an access key for five minutes, wrong passwords lock an IAM user. As long as no
    answer has shown that the credentials are right, requests can be made to go one at a time (`turn`): of many that
    start together not five are refused. The first `free` refusals make no pause: they may be of one project only.
    """

    one_at_a_time: bool = False
    free: int = 0
    _refusal: Rejected | None = field(default=None, init=False)
    count: int = field(default=0, init=False)
    _paused_until: float = field(default=0.0, init=False)
    _is_accepted: bool = field(default=False, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    def is_paused(self, now: float) -> bool:
        """Whether it is too early for another attempt."""
        return self._refusal is not None and now < self._paused_until

    def check(self, now: float) -> int:
        """Raise `SignInPaused` in the pause; else the number of refusals so far, for `refused`."""
        refusal = self._refusal
        if refusal is not None and self.is_paused(now):
            note = f"not sent: the cloud refused to sign the bot in, next attempt in {self._paused_until - now:.0f} s"
            raise SignInPaused(
                refusal.status,
                refusal.code,
                refusal.message,
                refusal.api_request_id,
                note=note,
                is_sign_in=refusal.is_sign_in,
            )
        return self.count

    def refused(self, error: Rejected, now: float, count: int) -> None:
        """Pause; of several requests that were on their way together (`count` as `check` returned it) one counts."""
        self._is_accepted = False
        if count == self.count:
            self._refusal, self.count = error, count + 1
            if count >= self.free:
                pause = REFUSAL_SECONDS * 4 ** (count - self.free)
                self._paused_until = now + min(pause, MAX_REFUSAL_SECONDS)

    def accepted(self) -> None:
        """The cloud has let a request in."""
        self._refusal, self.count, self._is_accepted = None, 0, True

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Around one request: while nobody knows whether the credentials are right, the others wait a little."""
        return _NO_TURN if self._is_accepted or not self.one_at_a_time else self._take_turn()

    @asynccontextmanager
    async def _take_turn(self) -> AsyncIterator[None]:
        is_held = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_TURN_SECONDS):
                    is_held = await self._lock.acquire()
            yield
        finally:
            if is_held:
                self._lock.release()


@dataclass(frozen=True, slots=True)
class ObjectList:
    """The objects of a paginated list; `is_complete` is false when there are more than were read.

    `has_others`: there was something else in it than objects, or a total that is no number.
    """

    items: Sequence[JsonObject]
    is_complete: bool
    has_others: bool = False


class Credentials(Protocol):
    """How requests are authorised: `IamUser` or `ReadyToken` (auth.py), `AkSk` (signing.py)."""

    @property
    def refusals(self) -> Refusals:
        """What the cloud refused of them."""

    async def auth(self, http: HttpClient) -> RequestAuth:
        """What authorises the next request; raises Rejected or NotSent when signing in fails."""

    def invalidate(self, used: RequestAuth) -> bool:
        """The cloud answered 401 to this one; whether the request can be authorised anew."""

    async def aclose(self) -> None:
        """Stop what runs in the background."""


class DeadlinePassed(NotSent):
    """`may_send` said no: the caller does not want the request sent any more."""


# requests to the project


class Slots:
    """So many at once: `async with` waits for one; a share takes its own from those of `whole`."""

    def __init__(self, count: int, whole: "Slots | None" = None) -> None:
        self._count = count
        self._free = asyncio.Semaphore(count)
        self._whole = whole

    def share(self) -> "Slots":
        """Half of them."""
        return Slots(max(1, self._count // 2), self)

    async def __aenter__(self) -> None:
        await self._free.acquire()
        if self._whole is not None:
            try:
                await self._whole.__aenter__()
            except BaseException:  # cancelled
                self._free.release()
                raise

    async def __aexit__(self, *exc_info: object) -> None:
        if self._whole is not None:
            await self._whole.__aexit__()
        self._free.release()


@dataclass(slots=True, eq=False, repr=False)
class ReadSlots:
    """How many reads are in flight at once, of all projects together.

    Lists and details of the inventory take less than all: polling a job, or reading one instance, does not wait for
    them.
    """

    reads: Slots = field(default_factory=lambda: Slots(MAX_CONCURRENT_READS))
    lists: Slots = field(default_factory=lambda: Slots(MAX_CONCURRENT_LISTS))
    details: Slots = field(default_factory=lambda: Slots(MAX_CONCURRENT_DETAILS))

    def of_one_project(self) -> "ReadSlots":
        """Half of each: a project that does not answer leaves the rest to the others."""
        return ReadSlots(self.reads.share(), self.lists.share(), self.details.share())


class ProjectApi:
    """Authorised requests to one project. GETs have a common limit of concurrency; a POST waits for nobody.

    Several projects share the limit by passing `slots` from one `ReadSlots`.
    """

    def __init__(
        self,
        http: HttpClient,
        endpoint: str,
        project_id: str,
        credentials: Credentials,
        response_seconds: float = RESPONSE_SECONDS,
        clock: Callable[[], float] = time.time,
        slots: "ReadSlots | None" = None,
        project: str = "",
    ) -> None:
        self.project = project
        """`region:project_id` when there are several, else empty."""
        self.log_fields = {"project": project} if project else {}
        self._http = http
        self._project_url = f"{endpoint.rstrip('/')}/v3/{project_id}"
        self._credentials = credentials
        self._response_seconds = response_seconds
        self._read_seconds = min(READ_SECONDS, response_seconds)
        self._clock = clock
        self.slots = slots or ReadSlots()
        self._fresh_refused: defaultdict[str, Refusals] = defaultdict(Refusals)
        self.clock_skew = 0.0
        """By how many seconds the cloud's clock is ahead of ours, by its last response."""

    async def get(self, path: str, query: Mapping[str, str], language: Language) -> ApiResponse:
        """GET a path of the project."""
        async with self.slots.reads:
            return await self._send("GET", path, query, b"", language, self._read_seconds)

    async def get_list(
        self,
        path: str,
        query: Mapping[str, str],
        language: Language,
        *,
        key: str,
        page_size: int,
        max_pages: int,
        is_valid: Callable[[ApiResponse], bool] | None = None,
    ) -> ObjectList:
        """GET a paginated list (`offset`, `limit`) whole; raises the error of the first page that is not valid.

        It counts as complete only if it is as long as any page said: while pages are read, rows come and go, and the
        others move from one page to the next.
        """
        items: dict[object, JsonObject] = {}
        total, has_others = 0, False
        for page in range(max_pages):
            page_query = {**query, "offset": str(page * page_size), "limit": str(page_size)}
            response = await self.get(path, page_query, language)
            if not (response.has_list(key) if is_valid is None else is_valid(response)):
                raise error_from_response(response, f"the answer holds no list {key}")
            rows, page_items = response.get(key), response.objects(key)
            row_count = len(rows) if isinstance(rows, list) else 0
            page_total = response.get("total_count")
            total = max(total, as_count(page_total) or 0)
            has_others |= row_count != len(page_items) or (page_total is not None and as_count(page_total) is None)
            for item in page_items:
                item_id = item.get("job_id") or item.get("id")
                items.setdefault(item_id if isinstance(item_id, str) else len(items), item)
            if row_count != page_size:  # the last page, or a list that knows no pages
                return ObjectList(tuple(items.values()), len(items) >= total, has_others)
        return ObjectList(tuple(items.values()), is_complete=False)

    async def post(
        self, path: str, body: Mapping[str, bool], language: Language, may_send: Callable[[], Awaitable[bool]]
    ) -> ApiResponse:
        """POST to a path of the project; DeadlinePassed when `may_send` says no just before it."""
        content = json.dumps(body).encode()
        return await self._send("POST", path, {}, content, language, self._response_seconds, may_send)

    async def delete(self, path: str, body: JsonObject, language: Language) -> ApiResponse:
        """DELETE at a path of the project, with a body."""
        return await self._send("DELETE", path, {}, json.dumps(body).encode(), language, self._read_seconds)

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: bytes,
        language: Language,
        seconds: float,
        may_send: Callable[[], Awaitable[bool]] | None = None,
    ) -> ApiResponse:
        """Send the request; after a 401, once more if the credentials can be renewed: the first was not passed on.

        Where renewed ones are refused too it is not the credentials, and no other operation has to pause. Reads of
        this one go on without renewing them each time.
        """
        headers = {"X-Language": language.value, **JSON_TYPE}
        url = f"{self._project_url}/{path}{f'?{urlencode(query, quote_via=quote)}' if query else ''}"
        refusals = self._credentials.refusals
        fresh_refused = self._fresh_refused[f"{method} {_INSTANCE_ID.sub('', path)}"]
        earlier_fresh = 0
        for is_last in (False, True):
            async with refusals.turn():
                earlier_refusals = refusals.check(self._clock())
                auth = await self._credentials.auth(self._http)
                if may_send is not None and not await may_send():
                    raise DeadlinePassed(note="the time for sending was over")
                request = self._http.build_request(method, url, content, headers)
                response = await self._http.send(request, auth, seconds)
                date = response.date
                if date is not None:
                    self.clock_skew = date - self._clock()
                if response.status != UNAUTHENTICATED:
                    if response.is_authenticated:
                        refusals.accepted()
                        fresh_refused.accepted()
                    break
                refusal = error_from_response(response)
                assert isinstance(refusal, Rejected)
                if is_last:
                    fresh_refused.refused(refusal, self._clock(), earlier_fresh)
                    break
                if method == "GET" and fresh_refused.is_paused(self._clock()):
                    break
                earlier_fresh = fresh_refused.count
                if not self._credentials.invalidate(auth):
                    refusals.refused(refusal, self._clock(), earlier_refusals)
                    break
        return response


class SingleFlight(Generic[T]):
    """Concurrent callers with the same key share one task. A caller that stops waiting does not end it."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}

    def running(self, key: Hashable) -> asyncio.Task[T] | None:
        """The task of this key, if it runs."""
        task = self._tasks.get(key)
        return None if task is None or task.done() else task

    def start(self, key: Hashable, work: Callable[[], Coroutine[object, object, T]]) -> asyncio.Task[T]:
        """The task of this key, started if it does not run; await it through `asyncio.shield` or `asyncio.wait`."""
        task = self.running(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work(), name=str(key))
            task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def aclose(self) -> None:
        """Cancel every task."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()  # asyncio warns of an exception that nobody has looked at
