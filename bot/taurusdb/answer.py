"""One answer of the cloud, read with a limit: its status, its headers, and what its JSON says."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

MAX_BODY_BYTES = 1 << 20
MAX_MESSAGE_CHARACTERS = 500
MAX_RETRY_AFTER_SECONDS = 60.0
_WITH_GZIP_OR_ZLIB_HEADER = zlib.MAX_WBITS | 32


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `value` is its JSON, None when the body is missing, too long or no JSON."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # IAM's carry the token
    value: object = field(default=None, repr=False)

    @property
    def code(self) -> str:
        """The API's own code: `DBS.200019`, `APIGW.0301`; of IAM's own errors the title, `Unauthorized`."""
        return text(self._said("error_code")) or text(self._of_iam("title"))

    @property
    def message(self) -> str:
        """The API's own text, cut to a bearable length."""
        said = text(self._said("error_msg")) or text(self._of_iam("message"))
        return said[:MAX_MESSAGE_CHARACTERS]

    @property
    def request_id(self) -> str:
        """What the cloud's support asks for."""
        return text(self._said("request_id")) or self.headers.get("X-Request-Id", "")

    @property
    def date(self) -> float | None:
        """The cloud's own time (UNIX seconds), if it says so."""
        return _http_date(self.headers.get("Date", ""))

    def retry_after(self) -> float | None:
        """How many seconds the cloud wants us to wait, at most a minute; None when it does not say."""
        said = self.headers.get("Retry-After", "").strip()
        if said.isdecimal() and said.isascii():
            return min(float(said), MAX_RETRY_AFTER_SECONDS)
        at = _http_date(said)
        if at is None:
            return None
        now = self.date if self.date is not None else datetime.now(UTC).timestamp()
        return min(max(at - now, 0.0), MAX_RETRY_AFTER_SECONDS)

    def _said(self, name: str) -> object:
        return self.value.get(name) if isinstance(self.value, dict) else None

    def _of_iam(self, name: str) -> object:
        """IAM's own errors are one level deeper: `{"error": {"code", "message", "title"}}`."""
        error = self._said("error")
        return error.get(name) if isinstance(error, dict) else None


async def received(response: httpx.Response) -> Answer:
    """Read the answer; reading stops at the limit, and what is longer counts as unreadable."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return Answer(response.status_code, response.headers)
    return Answer(response.status_code, response.headers, _json(_plain(bytes(raw), response.headers)))


def _plain(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """Undo gzip and deflate (we ask for neither), up to the limit; empty when that cannot be done."""
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return raw
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        plain = zlib.decompressobj(_WITH_GZIP_OR_ZLIB_HEADER).decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        return b""
    return plain if len(plain) <= MAX_BODY_BYTES else b""


def _json(body: bytes) -> object:
    """The value of a JSON text, None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text(value: object) -> str:
    """A string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def _http_date(text: str) -> float | None:
    """Read an HTTP date."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
