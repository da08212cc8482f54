"""The HTTP API of TaurusDB and IAM: its operations, a request, a response, and the documented errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl
from uuid import uuid4

JSON: Final = "application/json"
UNKNOWN_OPERATION: Final = "unknown"
_PROJECT: Final = r"/v3/(?P<project_id>[^/]+)"
_INSTANCE: Final = _PROJECT + r"/instances/(?P<instance_id>[^/]+)"
_ROUTES: Final = tuple(
    (operation, method, re.compile(path))
    for operation, method, path in (
        ("token", "POST", r"/v3/auth/tokens"),
        ("upgrade", "POST", _INSTANCE + r"/starrocks/db-upgrade"),
        ("job", "GET", _PROJECT + r"/jobs"),
        ("immediate", "GET", _PROJECT + r"/immediate-jobs"),
        ("scheduled", "GET", _PROJECT + r"/scheduled-jobs"),
        ("cancel", "DELETE", _PROJECT + r"/scheduled-jobs"),
        ("nodes", "GET", _INSTANCE + r"/starrocks/nodes"),
        ("data-sync", "GET", _INSTANCE + r"/starrocks/databases/replication"),
        ("instance", "GET", _INSTANCE + r"/starrocks/(?P<starrocks_id>[^/]+)"),
        ("htap", "GET", _INSTANCE + r"/htap"),
        ("taurusdb", "GET", _PROJECT + r"/instances"),
    )
)
OPERATIONS: Final[tuple[str, ...]] = tuple(operation for operation, _, _ in _ROUTES)


def find_operation(method: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Return the operation of a path and the ids in the path; UNKNOWN_OPERATION when the API has none there."""
    for operation, its_method, pattern in _ROUTES:
        if method == its_method and (match := pattern.fullmatch(path)):
            return operation, match.groupdict()
    return UNKNOWN_OPERATION, {}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request; header names are in lower case, `path` and `query` as on the wire (percent-encoded)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    operation: str
    path_params: Mapping[str, str]
    request_id: str

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ApiRequest:
        """Find the operation of a request and give it an id; `target` is the path with the query."""
        path, _, query = target.partition("?")
        lower_case = {name.lower(): value for name, value in headers.items()}
        return cls(method, path, query, lower_case, body, *find_operation(method, path), uuid4().hex)

    @property
    def query_params(self) -> dict[str, str]:
        """The query, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def language(self) -> str:
        """The `X-Language` header, empty when it is missing."""
        return self.headers.get("x-language", "")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One response, except for the headers that every response has."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> ApiResponse:
    """Return a response with a JSON body."""
    return ApiResponse(status, json.dumps(value, ensure_ascii=False).encode(), JSON, headers or {})


def iam_error_response(status: int, message: str) -> ApiResponse:
    """Return an error in the form of IAM."""
    title = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}.get(status, "Error")
    return json_response({"error": {"code": status, "message": message, "title": title}}, status)


ERROR_SHAPES: Final[tuple[str, ...]] = ("error_code", "errorCode", "errCode", "code", "error", "empty", "html")
"""In which form an error comes: with fields of these names, nested in `error`, without a body, as a page."""
HTML: Final = b"<!DOCTYPE html><html><head><title>Sign in to this network</title></head><body>Welcome</body></html>"


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error of the service (`DBS.…`) or of the gateway in front of it (`APIGW.…`)."""

    status: int
    code: str
    message: str

    def response(
        self,
        request: ApiRequest,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        shape: str = ERROR_SHAPES[0],
    ) -> ApiResponse:
        """Return it in the form of IAM for a sign-in, else of the service; the gateway adds the request's id."""
        if shape != ERROR_SHAPES[0]:
            return self._response_in(shape, headers or {})
        is_from_gateway = self.code.startswith("APIGW.")
        if request.operation == "token" and (self.status == 401 or not is_from_gateway):
            return iam_error_response(self.status, self.message)
        body = {"error_code": self.code, "error_msg": message or self.message}
        if is_from_gateway:
            body["request_id"] = request.request_id
        return json_response(body, self.status, headers)

    def _response_in(self, shape: str, headers: Mapping[str, str]) -> ApiResponse:
        match shape:
            case "errorCode":
                return json_response({"errorCode": self.code, "errorMsg": self.message}, self.status, headers)
            case "errCode":
                return json_response({"errCode": self.code, "errMsg": self.message}, self.status, headers)
            case "code":
                return json_response({"code": self.code, "message": self.message}, self.status, headers)
            case "error":
                error = {"code": self.code, "message": self.message, "title": "Error"}
                return json_response({"error": error}, self.status, headers)
            case "html":
                return ApiResponse(self.status, HTML, "text/html", headers)
            case _:
                return ApiResponse(self.status, b"", headers=headers)


_BUSY: Final = "Another operation is being performed on the instance, or the instance is faulty. Try again later."
ERRORS: Final[dict[str, ApiError]] = {
    f"{status} {code}": ApiError(status, code, message)
    for status, code, message in (
        (400, "DBS.200022", "Instance not found."),
        (400, "DBS.05000008", "The current version is the latest. No update is available."),
        (400, "DBS.05000012", "Please contact Huawei cloud customer service to upgrade."),
        (400, "DBS.280001", "Parameter error."),
        (409, "DBS.200019", _BUSY),
        (409, "DBS.200047", _BUSY),
        (409, "DBS.201014", _BUSY),
        (409, "DBS.201015", _BUSY),
        (409, "DBS.05000084", _BUSY),
        (409, "DBS.212033", _BUSY),
        (500, "DBS.05000000", "server error."),
        (401, "APIGW.0301", "Incorrect IAM authentication information: decrypt token fail"),
        (401, "APIGW.0307", "The token must be updated."),
        (401, "APIG.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
        (401, "IAM.0011", "The token is invalid."),
        (403, "APIGW.0302", "The IAM user is not authorized to access the API."),
        (403, "APIGW.0306", "API access denied."),
        (403, "APIGW.0310", "The project is unavailable."),
        (403, "APIGW.0802", "The IAM user is forbidden in the current region."),
        (404, "APIGW.0101", "The API does not exist or has not been published in the environment."),
        (429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit."),
        (502, "APIGW.0201", "Backend unavailable."),
        (504, "APIGW.0201", "Backend timeout."),
        (502, "APIGW.0610", "No backend available."),
        (503, "APIGW.0613", "The IAM service is currently unavailable."),
    )
}
"""The errors by status and code."""

INSTANCE_NOT_FOUND: Final = ERRORS["400 DBS.200022"]
ALREADY_LATEST: Final = ERRORS["400 DBS.05000008"]
INVALID_PARAMETER: Final = ERRORS["400 DBS.280001"]
INSTANCE_BUSY: Final = ERRORS["409 DBS.200019"]
INSTANCE_FAULTY: Final = ERRORS["409 DBS.200047"]
INVALID_CREDENTIALS: Final = ERRORS["401 APIGW.0301"]
TOKEN_EXPIRED: Final = ERRORS["401 APIGW.0307"]
PROJECT_UNAVAILABLE: Final = ERRORS["403 APIGW.0310"]
API_NOT_FOUND: Final = ERRORS["404 APIGW.0101"]
BACKEND_TIMEOUT: Final = ERRORS["504 APIGW.0201"]
JOB_NOT_FOUND: Final = INVALID_PARAMETER  # the real code is undocumented
