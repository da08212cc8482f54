"""Receiving requests: each is let in or not, done, written down and answered, or a mishap strikes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from email.utils import formatdate
from uuid import uuid4

from aiohttp import web

from bot.sandbox.cloud import looking, tasks, upgrading
from bot.sandbox.cloud.answers import NO_SUCH_API, Answer
from bot.sandbox.cloud.breaking import answer_instead, breaks, spoilt
from bot.sandbox.cloud.iam import Iam
from bot.sandbox.cloud.jobs import Job
from bot.sandbox.cloud.journal import Call, Journal, UpgradeCall, without_secrets
from bot.sandbox.cloud.mishaps import CLOSED_AT_ONCE, Mishaps
from bot.sandbox.cloud.operations import UNKNOWN, Asked, route
from bot.sandbox.cloud.region import Fate, Region
from bot.sandbox.cloud.signatures import SignedRequest

_PASSWORD = re.compile(r'("password"\s*:\s*)"(?:[^"\\]|\\.)*"')
_REQUEST_LINE = re.compile(rb"([A-Z]+) ([^ ?]+)(?:\?\S*)? HTTP/1\.[01]\r\n")
_SHOWN = 2000  # characters of a body that are kept


class Reception:
    """The one handler of all requests."""

    def __init__(self, region: Region, iam: Iam, mishaps: Mishaps, journal: Journal) -> None:
        self.region = region
        self.iam = iam
        self.mishaps = mishaps
        self.journal = journal
        self.lists_jobs_under_parent = False

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request from its first byte to the last of its answer."""
        self.journal.entered()
        try:
            path, _, query = request.raw_path.partition("?")
            operation, ids = route(request.method, path)
            headers = {name.lower(): value for name, value in request.headers.items()}
            body = await request.read()
            asked = Asked(operation, request.method, path, query, headers, body, ids, uuid4().hex)
            return await self._answer(request, asked)
        finally:
            self.journal.left()

    async def _answer(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        number = self.journal.arrived(self._call(asked))
        answer, mishap = self._refused(asked), None
        job: Job | None = None
        if answer is None:
            mishap = self.mishaps.take(asked.operation)
            if mishap and mishap.keeps_off:
                answer = answer_instead(mishap, asked)
            else:
                answer, job = self._do(asked, mishap.fate if mishap else Fate())
            if mishap and not mishap.keeps_off:
                answer = spoilt(answer, mishap, asked)
        upgrade = self._upgrade_arrived(asked, job) if asked.operation == "upgrade" else None
        name = mishap.name if mishap else ""
        self.journal.answering(number, None, mishap=name)
        head = {"X-Request-Id": asked.request_id, "Date": formatdate(self.region.clock(), usegmt=True)}
        response = web.Response(
            status=answer.status,
            body=answer.body,
            headers={"Content-Type": answer.content_type, **head, **answer.headers},
        )
        if mishap and await breaks(mishap, request, head, answer):
            return response  # goes nowhere: its connection is closed
        self.journal.answering(number, answer.status, answer.body[:_SHOWN].decode(errors="replace"), name)
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:  # the client did not wait for it
            self.journal.answering(number, None, mishap=name)
            return response
        if upgrade is not None:
            self.journal.upgrade_answered(upgrade, answer.status)
        return response

    def _refused(self, asked: Asked) -> Answer | None:
        """Answer what may not come in, or what the API does not have."""
        if asked.operation == "token":
            return None
        if asked.operation == UNKNOWN:
            return NO_SUCH_API.answer(asked.request_id)
        signed = SignedRequest(asked.method, asked.path, asked.query, asked.headers, asked.body)
        refused = self.iam.refusal(signed, asked.ids["project"])
        return refused.error.answer(asked.request_id, refused.detail) if refused else None

    def _do(self, asked: Asked, fate: Fate) -> tuple[Answer, Job | None]:
        if asked.operation == "upgrade":
            return upgrading.upgrade(self.region, asked, fate)
        if asked.operation == "token":
            return self.iam.sign_in(asked.body), None
        if asked.operation == "immediate":
            return tasks.immediate(self.region, asked, under_parent=self.lists_jobs_under_parent), None
        plain: dict[str, Callable[[Region, Asked], Answer]] = {
            "job": tasks.job,
            "scheduled": tasks.scheduled,
            "cancel": tasks.cancel,
            "instance": looking.instance,
            "nodes": looking.nodes,
            "htap": looking.htap,
            "taurusdb": looking.taurusdb,
        }
        return plain[asked.operation](self.region, asked), None

    def _call(self, asked: Asked) -> Call:
        by = "ak/sk" if "authorization" in asked.headers else "token" if "x-auth-token" in asked.headers else "nobody"
        return Call(
            at=self.region.clock(),
            operation=asked.operation,
            method=asked.method,
            path=asked.path,
            query=asked.query,
            status=None,
            request_id=asked.request_id,
            language=asked.language,
            signed_by="password" if asked.operation == "token" else by,
            body=_PASSWORD.sub(r'\1"***"', asked.body.decode(errors="replace"))[:_SHOWN],
        )

    def _upgrade_arrived(self, asked: Asked, job: Job | None) -> int:
        try:
            body: object = json.loads(asked.body)
        except ValueError:
            body = asked.body.decode(errors="replace")
        return self.journal.upgrade_arrived(
            UpgradeCall(
                at=self.region.clock(),
                instance_id=asked.ids["instance"],
                body=body,
                headers=without_secrets(asked.headers),
                took_effect=job is not None,
                answered=False,
                job_id=job.id if job else None,
                language=asked.language,
                request_id=asked.request_id,
            )
        )

    def closes(self, data: bytes) -> bool:
        """Whether the connection whose next bytes these are is to be closed unread; if so, write that down."""
        line = _REQUEST_LINE.match(data)
        if line is None or not self.mishaps.chosen:
            return False
        method, path = line[1].decode(), line[2].decode(errors="replace")
        operation, ids = route(method, path)
        if not self.mishaps.closes_at_once(operation):
            return False
        self.mishaps.take(operation)
        unread = Asked(operation, method, path, "", {}, b"", ids, uuid4().hex)
        self.journal.answering(self.journal.arrived(self._call(unread)), None, mishap=CLOSED_AT_ONCE)
        if operation == "upgrade":
            self._upgrade_arrived(unread, None)
        return True
