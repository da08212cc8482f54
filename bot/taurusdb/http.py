"""HTTP calls of the API: one request, its response read with limits, and the `CloudError` that a response stands for.

For the upgrade the class of the error decides whether it may be sent again, so all that is not certain is
`OutcomeUnknown`:

    could not connect; 429 APIGW.0308; 503 APIGW.0613                      NotSent
    401; 400, 403, 404, 409; another 4xx with a code of the API            Rejected
    all else: lost responses, 408, 5xx, 3xx, 2xx without what was asked    OutcomeUnknown
"""

import asyncio
import json
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, Protocol, TypeVar

import httpx

from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected
from bot.core.messages import Language
from bot.network import DIRECT, Network
from bot.taurusdb.transport import DeliveryAwareTransport

CONNECT_SECONDS = 10.0
RESPONSE_SECONDS = 60.0
READ_SECONDS = 30.0
MAX_CONCURRENT_READS = 8
MAX_BODY_BYTES = 1 << 20
MAX_MESSAGE_CHARACTERS = 500
MAX_RETRY_AFTER_SECONDS = 60.0

_NOT_PASSED_ON = {(429, "APIGW.0308"), (503, "APIGW.0613")}
_TOKEN_EXPIRED = {(401, "APIGW.0301"), (401, "APIGW.0307")}
_REJECTED_STATUSES = {400, 401, 403, 404, 409}
_REQUEST_TIMEOUT = 408  # the server waited for the request; nobody knows how much of it arrived
_WITH_GZIP_OR_ZLIB_HEADER = zlib.MAX_WBITS | 32
_JOB_ID = re.compile(r"[!-~]{1,128}")  # visible ASCII: it goes into URLs and headers
_YEAR_5138 = 1e11  # a larger number of seconds is one of milliseconds

T = TypeVar("T")
JsonObject = Mapping[str, object]


# values in the API's JSON


def as_text(value: object) -> str:
    """A string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def _as_count(value: object) -> int:
    """A number, also as text (both occur); 0 for anything else."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value)
    return value if isinstance(value, int) else 0


def as_objects(value: object) -> list[JsonObject]:
    """The objects of a list, without whatever else is in it; empty when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def parse_job_id(value: object) -> str | None:
    """A job id, None for anything else."""
    return value if isinstance(value, str) and _JOB_ID.fullmatch(value) else None


def parse_time(value: object) -> float | None:
    """UNIX seconds of `2026-11-23T08:00:00+0000` (UTC when no zone is named), or of a number of s or ms."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000 if value > _YEAR_5138 else float(value)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def format_time(at: float) -> str:
    """UNIX seconds in the API's format."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


# responses


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response; `body` is its JSON, None when the body is missing, too long or no JSON."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # IAM's carry the token
    body: object = field(default=None, repr=False)

    @property
    def is_object(self) -> bool:
        """Whether it is a 200 with a JSON object."""
        return self.status == 200 and isinstance(self.body, dict)

    def get(self, name: str) -> object:
        """A field of the JSON object; None when there is none, or no object."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def objects(self, name: str) -> list[JsonObject]:
        """The objects of the list in this field."""
        return as_objects(self.get(name))

    @property
    def code(self) -> str:
        """The API's own code: `DBS.200019`, `APIGW.0301`; of IAM's own errors the title, `Unauthorized`."""
        return as_text(self.get("error_code")) or as_text(self._iam_error("title"))

    @property
    def message(self) -> str:
        """The API's own text, cut to MAX_MESSAGE_CHARACTERS."""
        message = as_text(self.get("error_msg")) or as_text(self._iam_error("message"))
        return message[:MAX_MESSAGE_CHARACTERS]

    @property
    def api_request_id(self) -> str:
        """The id that the cloud's support asks for."""
        return as_text(self.get("request_id")) or self.headers.get("X-Request-Id", "")

    @property
    def date(self) -> float | None:
        """The cloud's own time (UNIX seconds), if it says so."""
        return _parse_http_date(self.headers.get("Date", ""))

    @property
    def retry_after(self) -> float | None:
        """How many seconds the cloud wants us to wait, at most a minute; None when it does not say."""
        header = self.headers.get("Retry-After", "").strip()
        if header.isdecimal() and header.isascii():
            return min(float(header), MAX_RETRY_AFTER_SECONDS)
        at = _parse_http_date(header)
        if at is None:
            return None
        now = self.date if self.date is not None else datetime.now(UTC).timestamp()
        return min(max(at - now, 0.0), MAX_RETRY_AFTER_SECONDS)

    def _iam_error(self, name: str) -> object:
        """IAM's own errors are one level deeper: `{"error": {"code", "message", "title"}}`."""
        error = self.get("error")
        return error.get(name) if isinstance(error, dict) else None


async def read_response(response: httpx.Response) -> ApiResponse:
    """Read a response; reading stops at MAX_BODY_BYTES, and a longer body counts as unreadable."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return ApiResponse(response.status_code, response.headers)
    return ApiResponse(response.status_code, response.headers, _parse_json(_decoded(bytes(raw), response.headers)))


def _decoded(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """Undo gzip and deflate (we ask for neither), up to the limit; empty when that cannot be done."""
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return raw
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        body = zlib.decompressobj(_WITH_GZIP_OR_ZLIB_HEADER).decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        return b""
    return body if len(body) <= MAX_BODY_BYTES else b""


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _parse_http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


# errors


def error_from_response(response: ApiResponse, note: str = "") -> CloudError:
    """The error of a response that is not the expected one; `note` says what is wrong where the API says nothing."""
    return _error_class(response)(
        status=response.status,
        code=response.code,
        message=response.message or note,
        api_request_id=response.api_request_id,
        retry_after=response.retry_after,
    )


def error_from_transport(error: httpx.TransportError) -> CloudError:
    """The error of a request without a response; the class that `DeliveryAwareTransport` raised can be relied on."""
    not_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return (NotSent if not_sent else OutcomeUnknown)(message=str(error)[:MAX_MESSAGE_CHARACTERS])


def _error_class(response: ApiResponse) -> type[CloudError]:
    """By status and code together."""
    if (response.status, response.code) in _NOT_PASSED_ON:
        return NotSent
    if response.status in _REJECTED_STATUSES:
        return Rejected
    if 400 <= response.status < 500 and response.status != _REQUEST_TIMEOUT and response.code:
        return Rejected
    return OutcomeUnknown


# requests


def http_client(
    network: Network = DIRECT, connect_seconds: float = CONNECT_SECONDS, response_seconds: float = RESPONSE_SECONDS
) -> httpx.AsyncClient:
    """The process's one HTTP client of the cloud; httpx itself reads nothing of the environment."""
    timeout = httpx.Timeout(response_seconds, connect=connect_seconds, pool=connect_seconds)
    headers = {"Accept-Encoding": "identity", "User-Agent": "starrocks-upgrade-bot"}
    transport = DeliveryAwareTransport(network)
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout, headers=headers)


async def send_once(
    http: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None, seconds: float
) -> ApiResponse:
    """Send a request once and read its response; raises NotSent or OutcomeUnknown when there is none in `seconds`.

    The limit is for everything together: a server that sends a byte now and then cannot hold us. Connecting has a
    shorter limit of its own, so that this one never strikes before something was sent.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request, auth=auth, stream=True)
            try:
                return await read_response(response)
            finally:
                await response.aclose()
    except httpx.TransportError as error:
        raise error_from_transport(error) from error
    except TimeoutError as error:
        raise OutcomeUnknown(message=f"no whole answer within {seconds:g} s") from error


@dataclass(frozen=True, slots=True)
class ObjectList:
    """The objects of a paginated list; `is_complete` is false when there are more than were read."""

    items: Sequence[JsonObject]
    is_complete: bool


class Credentials(Protocol):
    """How requests are authorised: `IamUser` or `ReadyToken` (auth.py), `AkSk` (signing.py)."""

    async def auth(self, http: httpx.AsyncClient) -> httpx.Auth:
        """What authorises the next request; raises Rejected or NotSent when signing in fails."""
        ...

    def invalidate(self, used: httpx.Auth) -> bool:
        """The cloud answered 401 to this one; whether the request can be authorised anew."""
        ...

    async def aclose(self) -> None:
        """Stop what runs in the background."""
        ...


class DeadlinePassed(NotSent):
    """`may_send` said no: the caller does not want the request sent any more."""


@dataclass(frozen=True, slots=True)
class SignInFailure:
    """A refusal to sign in, or a final 401: the error as text, and when (UNIX seconds)."""

    error: str
    at: float


class ProjectApi:
    """Authorised requests to one project. GETs have a common limit of concurrency; a POST waits for nobody."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        endpoint: str,
        project_id: str,
        credentials: Credentials,
        response_seconds: float = RESPONSE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._project_url = f"{endpoint.rstrip('/')}/v3/{project_id}"
        self._credentials = credentials
        self._response_seconds = response_seconds
        self._read_seconds = min(READ_SECONDS, response_seconds)
        self._clock = clock
        self._read_slots = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self.clock_skew = 0.0
        """By how many seconds the cloud's clock is ahead of ours, by its last response."""
        self.sign_in_failure: SignInFailure | None = None
        """The last one, if no request has been authorised since."""

    async def get(self, path: str, query: Mapping[str, str], language: Language) -> ApiResponse:
        """GET a path of the project."""
        async with self._read_slots:
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
        is_valid: Callable[[ApiResponse], bool] = lambda response: response.is_object,
    ) -> ObjectList:
        """GET a paginated list (`offset`, `limit`) whole; raises the error of the first page that is not valid."""
        items: list[JsonObject] = []
        for page in range(max_pages):
            page_query = {**query, "offset": str(page * page_size), "limit": str(page_size)}
            response = await self.get(path, page_query, language)
            if not is_valid(response):
                raise error_from_response(response)
            page_items = response.objects(key)
            items += page_items
            if len(page_items) < page_size:
                return ObjectList(items, len(items) >= _as_count(response.get("total_count")))
        return ObjectList(items, is_complete=False)

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
        """Send the request; after a 401, once more if the credentials can be renewed: the first was not passed on."""
        headers = {"X-Language": language.value, "Content-Type": "application/json"}
        url = httpx.URL(f"{self._project_url}/{path}", params=query) if query else f"{self._project_url}/{path}"
        for _ in range(2):
            try:
                auth = await self._credentials.auth(self._http)
            except Rejected as error:
                self.sign_in_failure = SignInFailure(str(error), self._clock())
                raise
            if may_send is not None and not await may_send():
                raise DeadlinePassed(message="the time for sending was over")
            request = self._http.build_request(method, url, content=content or None, headers=headers)
            response = await send_once(self._http, request, auth, seconds)
            if response.date is not None:
                self.clock_skew = response.date - self._clock()
            is_expired = (response.status, response.code) in _TOKEN_EXPIRED
            if not (is_expired and self._credentials.invalidate(auth)):
                break
        is_denied = response.status == 401
        self.sign_in_failure = SignInFailure(str(error_from_response(response)), self._clock()) if is_denied else None
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
