"""What the stand-in answers: plain answers, and every error of the API with its status, code and English text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer before it goes on the wire."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def in_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Write a JSON value as an answer."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), JSON, headers or {})


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error of the service (`DBS.…`) or of the gateway before it (`APIGW.…`)."""

    status: int
    code: str
    message: str

    @property
    def name(self) -> str:
        """The name it is chosen by as a mishap: `409 DBS.200019`."""
        return f"{self.status} {self.code}"

    def answer(self, request_id: str, detail: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Write it in the shape of the service, or of the gateway, which adds the request's id."""
        body = {"error_code": self.code, "error_msg": detail or self.message}
        if self.code.startswith("APIGW."):
            body["request_id"] = request_id
        return in_json(body, self.status, headers)

    def from_iam(self, request_id: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Write it in the shape of IAM, which has one of its own; the gateway before IAM keeps its shape."""
        if self.code.startswith("APIGW.") and self.status != 401:
            return self.answer(request_id, headers=headers)
        return iam_error(self.status, self.message)


def iam_error(status: int, message: str) -> Answer:
    """Write an error as IAM does."""
    title = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}.get(status, "Error")
    return in_json({"error": {"code": status, "message": message, "title": title}}, status)


_BUSY = "Another operation is being performed on the instance, or the instance is faulty. Try again later."

NOT_FOUND = ApiError(400, "DBS.200022", "Instance not found.")
LATEST = ApiError(400, "DBS.05000008", "The current version is the latest. No update is available.")
CALL_SERVICE = ApiError(400, "DBS.05000012", "Please contact Huawei cloud customer service to upgrade.")
PARAMETER = ApiError(400, "DBS.280001", "Parameter error.")
BUSY = ApiError(409, "DBS.200019", _BUSY)
FAULTY = ApiError(409, "DBS.200047", _BUSY)
WRONG_SIGN_IN = ApiError(401, "APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
OLD_TOKEN = ApiError(401, "APIGW.0307", "The token must be updated.")
NO_PROJECT = ApiError(403, "APIGW.0310", "The project is unavailable.")
NO_SUCH_API = ApiError(404, "APIGW.0101", "The API does not exist or has not been published in the environment.")
JOB_NOT_FOUND = PARAMETER  # the real code is undocumented: this is the one place to mend it

ERRORS: tuple[ApiError, ...] = (
    NOT_FOUND,
    LATEST,
    CALL_SERVICE,
    PARAMETER,
    BUSY,
    FAULTY,
    ApiError(409, "DBS.201014", _BUSY),
    ApiError(409, "DBS.201015", _BUSY),
    ApiError(409, "DBS.05000084", _BUSY),
    ApiError(409, "DBS.212033", _BUSY),
    ApiError(500, "DBS.05000000", "server error."),
    WRONG_SIGN_IN,
    OLD_TOKEN,
    ApiError(403, "APIGW.0302", "The IAM user is not authorized to access the API."),
    ApiError(403, "APIGW.0306", "API access denied."),
    NO_PROJECT,
    ApiError(403, "APIGW.0802", "The IAM user is forbidden in the current region."),
    NO_SUCH_API,
    ApiError(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit."),
    ApiError(502, "APIGW.0201", "Backend unavailable."),
    ApiError(504, "APIGW.0201", "Backend timeout."),
    ApiError(502, "APIGW.0610", "No backend available."),
    ApiError(503, "APIGW.0613", "The IAM service is currently unavailable."),
)
