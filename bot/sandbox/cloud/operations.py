"""The operations of the API: their paths, and a request as one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

_PROJECT = r"/v3/(?P<project>[^/]+)"
_ONE = _PROJECT + r"/instances/(?P<instance>[^/]+)"

_ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("token", "POST", re.compile(r"/v3/auth/tokens")),
    ("upgrade", "POST", re.compile(_ONE + r"/starrocks/db-upgrade")),
    ("job", "GET", re.compile(_PROJECT + r"/jobs")),
    ("immediate", "GET", re.compile(_PROJECT + r"/immediate-jobs")),
    ("scheduled", "GET", re.compile(_PROJECT + r"/scheduled-jobs")),
    ("cancel", "DELETE", re.compile(_PROJECT + r"/scheduled-jobs")),
    ("nodes", "GET", re.compile(_ONE + r"/starrocks/nodes")),
    ("instance", "GET", re.compile(_ONE + r"/starrocks/(?P<starrocks>[^/]+)")),
    ("htap", "GET", re.compile(_ONE + r"/htap")),
    ("taurusdb", "GET", re.compile(_PROJECT + r"/instances")),
)

OPERATIONS: tuple[str, ...] = tuple(name for name, _, _ in _ROUTES)
"""upgrade, job, immediate, scheduled, cancel, instance, htap, taurusdb, nodes, token."""

UNKNOWN = "unknown"


def route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Find the operation of a path, and the ids in it; `unknown` when the API has none such."""
    for name, its_method, pattern in _ROUTES:
        if method == its_method and (found := pattern.fullmatch(path)):
            return name, found.groupdict()
    return UNKNOWN, {}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read and routed; header names in lower case, `path` and `query` as on the wire."""

    operation: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    ids: Mapping[str, str]
    request_id: str

    @property
    def fields(self) -> dict[str, str]:
        """The query's fields."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def language(self) -> str:
        """The `X-Language` header, empty when it is missing."""
        return self.headers.get("x-language", "")
