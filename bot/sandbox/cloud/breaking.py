"""How a mishap is done: to an answer, before it is written, or to the connection that it would go by."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping

from aiohttp import web

from bot.sandbox.cloud.answers import ERRORS, Answer, in_json
from bot.sandbox.cloud.mishaps import Mishap
from bot.sandbox.cloud.operations import Asked

HUGE_BYTES = 2 * 1024 * 1024
WRONG_VALUES: tuple[object, ...] = (12345, ["a", "list"], {"an": "object"}, None, True, "")
_HTML = b"<!DOCTYPE html><html><head><title>Sign in to this network</title></head><body>Welcome</body></html>"
_NEVER = ("hang", "accepted, hang")
_CLOSED = ("lost before", "accepted, answer lost")
_TIMEOUT = next(error for error in ERRORS if error.name == "504 APIGW.0201")


def answer_instead(mishap: Mishap, asked: Asked) -> Answer:
    """Give the answer of a mishap that keeps the request off."""
    if mishap.name == "redirect":
        return Answer(302, b"", headers={"Location": "/login"})
    if mishap.error is None:
        return Answer(200, _HTML, "text/html")
    headers = {"Retry-After": f"{mishap.seconds:.0f}"} if mishap.error.status in (429, 503) else {}
    if asked.operation == "token":
        return mishap.error.from_iam(asked.request_id, headers)
    return mishap.error.answer(asked.request_id, headers=headers)


def spoilt(answer: Answer, mishap: Mishap, asked: Asked) -> Answer:
    """Spoil a good answer as the mishap has it; an error stays as it is."""
    if answer.status >= 300:
        return answer
    value = json.loads(answer.body)
    match mishap.name:
        case "no job_id":
            return in_json({}, answer.status)
        case "empty body":
            return Answer(answer.status, b"")
        case "huge":
            return in_json({"padding": "x" * HUGE_BYTES, **value}, answer.status, answer.headers)
        case "wrong types":
            wrong = WRONG_VALUES[mishap.struck % len(WRONG_VALUES)]
            return in_json(dict.fromkeys(value, wrong), answer.status, answer.headers)
        case "accepted, 504":
            return _TIMEOUT.answer(asked.request_id)
    return answer


async def breaks(mishap: Mishap, request: web.BaseRequest, head: Mapping[str, str], answer: Answer) -> bool:
    """Do what the mishap does to the connection; False when the answer is to be written after all."""
    transport = request.transport
    if mishap.name == "slow":
        await asyncio.sleep(mishap.seconds)
        return False
    if mishap.name in _NEVER:
        await asyncio.Event().wait()  # cancelled when the client or the stand-in goes away
    if transport is None or mishap.name not in (*_CLOSED, "accepted, reset", "half answer"):
        return transport is None
    if mishap.name == "accepted, reset":
        reset(transport)
        return True
    if mishap.name == "half answer":
        transport.write(_half(head, answer))
    transport.close()
    return True


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST instead of FIN."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _half(head: Mapping[str, str], answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} OK", *(f"{name}: {value}" for name, value in head.items())]
    lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body[: len(answer.body) // 2]
