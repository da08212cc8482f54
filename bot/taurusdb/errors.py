"""What became of a request: the one place that reads an answer or a silence as a Fault.

For the upgrade this decides whether it may be sent again, so everything that is not certain is Unsure:

    could not connect; 429 APIGW.0308; 503 APIGW.0613                    NotSent
    401; 400, 403, 404, 409; another 4xx with a code of the API          Refused
    all else: lost answers, 408, 5xx, 3xx, 2xx without what was asked    Unsure
"""

import httpx

from bot.core.reasons import Fault, NotSent, Refused, Unsure
from bot.taurusdb.answer import MAX_MESSAGE_CHARACTERS, Answer

_NOT_PASSED_ON = {(429, "APIGW.0308"), (503, "APIGW.0613")}
_TOKEN_OUTDATED = {(401, "APIGW.0301"), (401, "APIGW.0307")}
_REFUSALS = {400, 401, 403, 404, 409}
_REQUEST_TIMEOUT = 408  # the server waited for the request; nobody knows how much of it arrived


def fault_of(answer: Answer, note: str = "") -> Fault:
    """Read an answer that is not the wanted one; `note` says what is wrong where the API says nothing."""
    return _kind(answer)(
        status=answer.status,
        code=answer.code,
        message=answer.message or note,
        request_id=answer.request_id,
        retry_after=answer.retry_after(),
    )


def fault_of_loss(error: httpx.TransportError) -> Fault:
    """Read an exception of our transport: its name tells the truth."""
    connecting = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return (NotSent if connecting else Unsure)(message=str(error)[:MAX_MESSAGE_CHARACTERS])


def token_outdated(answer: Answer) -> bool:
    """Whether the cloud wants another user token."""
    return (answer.status, answer.code) in _TOKEN_OUTDATED


def job_unknown(answer: Answer) -> bool:
    """Whether the cloud says that it knows no such job.

    The code is undocumented. The job's id is all that varies in this request, so any 400 of the service is taken for
    it; a code of the gateway speaks of something else.
    """
    return answer.status in (400, 404) and not answer.code.startswith("APIGW.")


def _kind(answer: Answer) -> type[Fault]:
    """The class of an answer by status and code together."""
    if (answer.status, answer.code) in _NOT_PASSED_ON:
        return NotSent
    if answer.status in _REFUSALS:
        return Refused
    if 400 <= answer.status < 500 and answer.status != _REQUEST_TIMEOUT and answer.code:
        return Refused
    return Unsure
