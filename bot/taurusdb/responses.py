"""Responses of the API: its JSON read with limits, and the `CloudError` that a response stands for.

For the upgrade the class of the error decides whether it may be sent again, so all that is not certain is
`OutcomeUnknown`:

    could not connect; 429 APIGW.0308; 503 APIGW.0613                      NotSent
    401; 400, 403, 404, 409; another 4xx with a code of the API            Rejected
    all else: lost responses, 408, 5xx, 3xx, 2xx without what was asked    OutcomeUnknown
"""

import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpx

from bot.core.errors import CloudError, NotSent, OutcomeUnknown, Rejected

MAX_BODY_BYTES = 1 << 20
MAX_ITEMS = 10_000  # of one list; the longest page that is asked for has 100
# Characters of a value that are kept, whatever the cloud writes there.
MAX_TEXT = 500  # error messages, reasons of a failure
MAX_NAME = 128  # names, request ids
MAX_WORD = 64  # codes, statuses, versions, ids
MAX_RETRY_AFTER_SECONDS = 60.0

UNAUTHENTICATED = 401  # whatever the body says: the request was not passed on

_NOT_PASSED_ON = {(429, "APIGW.0308"), (503, "APIGW.0613")}
_REJECTED_STATUSES = {400, 401, 403, 404, 409}
_REQUEST_TIMEOUT = 408  # the server waited for the request; nobody knows how much of it arrived
_WITH_GZIP_OR_ZLIB_HEADER = zlib.MAX_WBITS | 32
_JOB_ID = re.compile(r"[!-~]{1,128}")  # visible ASCII: it goes into URLs and headers
_YEAR_5138 = 1e11  # a larger number of seconds is one of milliseconds
_INVISIBLE = {"Cf", "Cs"}  # bidirectional and zero-width marks, lone surrogates (no database takes them)
_CONTROL = "Cc"
# The names of an error's fields in lower case and without underscores: error_code, errorCode, errCode, code
_CODE_FIELDS = ("errorcode", "errcode", "code")
_MESSAGE_FIELDS = ("errormsg", "errormessage", "errmsg", "errmessage", "message", "msg")

JsonObject = Mapping[str, object]


# values in the API's JSON


def as_text(value: object, limit: int = MAX_WORD) -> str:
    """A string of the cloud in one line of at most `limit` characters that can be seen; anything else is empty.

    Every string of a response is read here, so that no row, log line or message is as long as somebody else likes.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable() and len(value) <= limit:
        return " ".join(value.split())  # by far the most are such
    head = value[: 2 * limit]  # may lose some of its characters
    visible = [letter for letter in head if unicodedata.category(letter) not in _INVISIBLE]
    text = " ".join("".join(" " if unicodedata.category(letter) == _CONTROL else letter for letter in visible).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def as_count(value: object) -> int | None:
    """A number, also as text (both occur) or as 7.0; None for anything else."""
    if isinstance(value, str) and len(value) <= MAX_WORD and value.isdecimal() and value.isascii():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_bool(value: object) -> bool | None:
    """True or false, also as text or as a number; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def as_objects(value: object) -> list[JsonObject]:
    """The objects of a list, without whatever else is in it; empty when it is no list."""
    return [item for item in value[:MAX_ITEMS] if isinstance(item, dict)] if isinstance(value, list) else []


def parse_job_id(value: object) -> str | None:
    """A job id, None for anything else."""
    return value if isinstance(value, str) and _JOB_ID.fullmatch(value) else None


def parse_time(value: object) -> float | None:
    """UNIX seconds of `2026-11-23T08:00:00+0000` (UTC when no zone is named), or of a number of s or ms."""
    if isinstance(value, str) and len(value) <= MAX_WORD and value.isdecimal() and value.isascii():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < _YEAR_5138 * 1000:  # nor NaN
            return None
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

    @property
    def is_authenticated(self) -> bool:
        """Whether it shows that the cloud knew who asked: a success, a denied permission, an error of the service."""
        return 200 <= self.status < 300 or self.status == 403 or self.code.startswith("DBS.")

    def get(self, name: str) -> object:
        """A field of the JSON object; None when there is none, or no object."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def has_list(self, name: str) -> bool:
        """Whether it is a 200 with this list; a success without it says nothing about what there is."""
        is_empty = self.get(name) is None and as_count(self.get("total_count")) == 0
        return self.is_object and (is_empty or isinstance(self.get(name), list))

    def objects(self, name: str) -> list[JsonObject]:
        """The objects of the list in this field."""
        return as_objects(self.get(name))

    @property
    def code(self) -> str:
        """The API's own code: `DBS.200019`, `APIGW.0301`; of IAM's own errors the title, `Unauthorized`."""
        for error in self._errors():
            code = _first(error, _CODE_FIELDS, MAX_WORD)
            title = as_text(error.get("title"))
            if title and code in ("", str(self.status)):
                return title
            if code:
                return code
        return ""

    @property
    def message(self) -> str:
        """The API's own text."""
        return next(filter(None, (_first(error, _MESSAGE_FIELDS, MAX_TEXT) for error in self._errors())), "")

    @property
    def api_request_id(self) -> str:
        """The id that the cloud's support asks for."""
        return as_text(self.get("request_id"), MAX_NAME) or as_text(self.headers.get("X-Request-Id"), MAX_NAME)

    @property
    def date(self) -> float | None:
        """The cloud's own time (UNIX seconds), if it says so."""
        return _parse_http_date(as_text(self.headers.get("Date")))

    @property
    def retry_after(self) -> float | None:
        """How many seconds the cloud wants us to wait, at most a minute; None when it does not say."""
        header = as_text(self.headers.get("Retry-After"))
        if header.isdecimal() and header.isascii():
            return min(float(header), MAX_RETRY_AFTER_SECONDS)
        at = _parse_http_date(header)
        if at is None:
            return None
        now = self.date if self.date is not None else datetime.now(UTC).timestamp()
        return min(max(at - now, 0.0), MAX_RETRY_AFTER_SECONDS)

    def _errors(self) -> Iterator[JsonObject]:
        """The objects that may describe the error: the body, then what is one level deeper, as IAM has it.

        Of a 2xx only `error` counts there: another object is what was asked for.
        """
        if isinstance(self.body, dict):
            yield self.body
            nested = self.body if self.status >= 300 else {"error": self.body.get("error")}
            yield from (value for value in nested.values() if isinstance(value, dict))


def _first(error: JsonObject, names: tuple[str, ...], limit: int) -> str:
    """The first of these fields that is a text or a number; names are compared as `_CODE_FIELDS` has them."""
    fields = {name.replace("_", "").lower(): value for name, value in error.items() if len(name) <= MAX_WORD}
    for name in names:
        value = fields.get(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if text := as_text(str(value) if is_number else value, limit):
            return text
    return ""


async def read_response(response: httpx.Response) -> ApiResponse:
    """Read a response; reading stops at MAX_BODY_BYTES, and a longer body counts as unreadable."""
    raw = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
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


@lru_cache(maxsize=8)  # many responses come within a second
def _parse_http_date(text: str) -> float | None:
    """UNIX seconds; None for what is no time, and for one that no clock shows: it could not be written either."""
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return at if 0 < at < _YEAR_5138 else None


# errors


def error_from_response(response: ApiResponse, note: str = "") -> CloudError:
    """The error of a response that is not the expected one; `note` says what is wrong with it, for the log."""
    return _error_class(response)(
        status=response.status,
        code=response.code,
        message=response.message,
        note=note,
        api_request_id=response.api_request_id,
        retry_after=response.retry_after,
    )


def error_from_transport(error: httpx.TransportError) -> CloudError:
    """The error of a request without a response; the class that `DeliveryAwareTransport` raised can be relied on."""
    not_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return (NotSent if not_sent else OutcomeUnknown)(note=as_text(str(error), MAX_TEXT))


def _error_class(response: ApiResponse) -> type[CloudError]:
    """By status and code together."""
    if (response.status, response.code) in _NOT_PASSED_ON:
        return NotSent
    if response.status in _REJECTED_STATUSES:
        return Rejected
    if 400 <= response.status < 500 and response.status != _REQUEST_TIMEOUT and response.code:
        return Rejected
    return OutcomeUnknown
