"""`StandInCloud`: the stand-in as one object to start, to change as people or the cloud would, and to inspect."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.sandbox.taurusdb.api import API_NOT_FOUND, ERROR_SHAPES, UNKNOWN_OPERATION, ApiRequest, ApiResponse
from bot.sandbox.taurusdb.auth import Iam
from bot.sandbox.taurusdb.endpoints import ENDPOINTS, JOB_NAME, upgrade
from bot.sandbox.taurusdb.faults import CLOSED_AT_ONCE, Fault, FaultInjection
from bot.sandbox.taurusdb.jobs import Job, JobPlan
from bot.sandbox.taurusdb.state import CloudState, Instance

HOST: Final = "127.0.0.1"
SECOND_REGION_NAME: Final = "ap-southeast-3"
SECOND_PROJECT_ID: Final = "2f1d9c6e5b7a4083a1c4e8d05f3b6972"
MAX_HEADER_BYTES: Final = 256 * 1024  # aiohttp's default is less than a long token
SHUTDOWN_SECONDS: Final = 1.0
SNAPSHOT_INSTANCES: Final = 200
SNAPSHOT_JOBS: Final = 100
_REQUEST_LINE: Final = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
_access_log: Final = logging.getLogger("bot.sandbox.taurusdb.access")
_access_log.setLevel(logging.WARNING)  # the request log has every request already


class StandInCloud(CloudState, Iam):
    """TaurusDB and IAM of one project, served on loopback between `async with` and its end.

    `port=0` takes a free port, which stays the same when connections are refused and accepted again.
    """

    def __init__(
        self, port: int = 0, clock: Callable[[], float] = time.time, log_path: Path | str | None = None
    ) -> None:
        CloudState.__init__(self, clock, log_path)
        Iam.__init__(self, clock)
        self.ready_token = self.issue_token()
        self._port = port
        self._faults = FaultInjection()
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.accept_connections()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.refuse_connections()

    @property
    def endpoint(self) -> str:
        """The base URL of TaurusDB, the value for TAURUSDB_ENDPOINT."""
        return f"http://{HOST}:{self._port}"

    @property
    def iam_url(self) -> str:
        """The base URL of IAM, the value for HW_AUTH_URL."""
        return f"{self.endpoint}/v3"

    async def accept_connections(self) -> None:
        """Listen, on the same port as before."""
        if self._listener is None:
            self._server = server = web.Server(self._handle, handler_cancellation=True)
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: _Connection(server, self._closes_unread), HOST, self._port
            )
            self._port = self._listener.sockets[0].getsockname()[1]
            self.note_change()

    async def refuse_connections(self) -> None:
        """Stop listening and close all connections, so that every new one is refused."""
        if self._listener is None or self._server is None:
            return
        self._listener.close()
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self._listener.wait_closed()
        self._listener = None
        await self._server.shutdown(timeout=SHUTDOWN_SECONDS)
        self.note_change()

    def add_project(self, region: str, project_id: str) -> str:
        """Add an empty project of the same account; its `region:project_id`."""
        self.projects[project_id] = region
        return f"{region}:{project_id}"

    def add_example_project(self) -> None:
        """Add a second project in another region; one of its instances has the name of one in the first."""
        self.add_project(SECOND_REGION_NAME, SECOND_PROJECT_ID)
        for name in ("sr-orders", "sr-clicks", "sr-search"):
            self.add_instance(name, parent="taurus-abroad", project_id=SECOND_PROJECT_ID)

    # Fault injection

    def inject_fault(
        self,
        name: str,
        operation: str = "upgrade",
        times: int = 1,
        seconds: float | None = None,
        shape: str = ERROR_SHAPES[0],
        project_id: str = "",
    ) -> Fault:
        """Inject a fault of FAULTS into the next calls, of one project or of all.

        `seconds` is for slow, late job (5) and Retry-After (1).
        """
        fault = self._faults.add(name, operation, times, seconds, shape, project_id)
        self.note_change()
        return fault

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self.note_change()

    @property
    def pending_faults(self) -> tuple[Fault, ...]:
        """The faults that are still to come, at most one of each operation."""
        return self._faults.pending

    # Requests

    async def _handle(self, http_request: web.BaseRequest) -> web.StreamResponse:
        with self.count_in_flight():
            body = await http_request.read()
            request = ApiRequest.parse(http_request.method, http_request.raw_path, http_request.headers, body)
            return await self._respond(http_request, request)

    async def _respond(self, http_request: web.BaseRequest, request: ApiRequest) -> web.StreamResponse:
        self.log_request(request)
        response, fault, job = self._process(request)
        if request.operation == "upgrade":
            self.log_upgrade(request, job.id if job else None)
        fault_name = fault.name if fault else ""
        self.log_response(request, None, fault=fault_name)
        headers = {"X-Request-Id": request.request_id, "Date": formatdate(self.clock(), usegmt=True)}
        http_response = web.Response(
            status=response.status,
            body=response.body,
            headers={"Content-Type": response.content_type, **headers, **response.headers},
        )
        if fault and await fault.break_connection(http_request, headers, response):
            return http_response  # it is not sent: the connection is closed
        self.log_response(request, response.status, response.body, fault_name)
        try:
            await http_response.prepare(http_request)
            await http_response.write_eof()
        except ConnectionError:  # the client has gone
            self.log_response(request, None, fault=fault_name)
            return http_response
        if request.operation == "upgrade":
            self.log_upgrade_answered(request, response.status)
        return http_response

    def _process(self, request: ApiRequest) -> tuple[ApiResponse, Fault | None, Job | None]:
        """Return the response, the fault that was injected and the job that was started."""
        if request.operation == UNKNOWN_OPERATION:
            return API_NOT_FOUND.response(request), None, None
        if request.operation != "token" and (error := self.authentication_error(request)):
            return error, None, None
        fault = self._faults.take(request.operation, request.path_params.get("project_id", ""))
        if fault and fault.prevents_effect:
            return fault.response_instead(request), fault, None
        response, job = self._perform(request, fault.job_plan if fault else JobPlan())
        if fault and fault.is_repeated:
            response, _ = self._perform(request, fault.job_plan)
        return fault.corrupt(response, request) if fault else response, fault, job

    def _perform(self, request: ApiRequest, plan: JobPlan) -> tuple[ApiResponse, Job | None]:
        """Do what the request asks for; the response and the job that was started."""
        if request.operation == "upgrade":
            return upgrade(self, request, plan)
        if request.operation == "token":
            return self.sign_in(request), None
        return ENDPOINTS[request.operation](self, request), None

    def _closes_unread(self, data: bytes) -> bool:
        """Whether the connection that received these bytes has to be closed before the request is read."""
        request_line = _REQUEST_LINE.match(data)
        if request_line is None or not self.pending_faults:
            return False
        method, target = request_line[1].decode(), request_line[2].decode(errors="replace")
        request = ApiRequest.parse(method, target, {}, b"")
        if not self._faults.closes_at_once(request.operation):
            return False
        self._faults.take(request.operation)
        self.log_request(request)
        self.log_response(request, None, fault=CLOSED_AT_ONCE)
        if request.operation == "upgrade":
            self.log_upgrade(request, None)
        return True

    # The snapshot for the page

    def snapshot(self) -> dict[str, Any]:
        """Return instances, the latest jobs, the next fault and the speed as JSON values."""
        return {
            "instances": [self._instance_row(instance) for instance in self.list_instances()[:SNAPSHOT_INSTANCES]],
            "jobs": [self._job_row(job) for job in self.jobs[-SNAPSHOT_JOBS:]],
            "fault": next((asdict(fault) for fault in self.pending_faults), None),
            "speed": self.job_clock.speed,
        }

    def _instance_row(self, instance: Instance) -> dict[str, Any]:
        job = self.open_job(instance)
        return {
            "name": instance.name,
            "id": instance.id,
            "region": self.projects[instance.project_id] if len(self.projects) > 1 else "",
            "parent_id": instance.parent_id,
            "version": instance.version,
            "newer_version": instance.latest_version if instance.upgrade_available else "",
            "status": instance.status,
            "running_actions": [action.action for action in self.running_actions(instance)],
            "scheduled": job is not None and self.job_state(job.id).waiting,
            "restart_pending": bool(self.pending_restarts(instance)),
            "sync_tasks": [f"{name}: {stage}" for name, stage in instance.sync_tasks],
            "window": f"{instance.window_start}–{instance.window_end}",
        }

    def _job_row(self, job: Job) -> dict[str, Any]:
        state = self.job_state(job.id)
        return {
            "id": job.id,
            "name": JOB_NAME,
            "instance": job.instance_name,
            "instance_id": job.instance_id,
            "status": state.status,
            "percent": state.percent or 0,
            "created": job.created_at,
            "ended": job.ended_at,
            "delayed": job.delayed,
            "waiting": state.waiting,
            "opens": self.window_opens_at(job) if state.waiting else None,
            "fail_reason": job.fail_reason,
        }


class _Connection(RequestHandler):
    """A connection that can be closed before its request is read."""

    __slots__ = ("_closes_unread",)

    def __init__(self, server: web.Server, closes_unread: Callable[[bytes], bool]) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=_access_log,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )
        self._closes_unread = closes_unread

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on, unless the connection has to be closed."""
        if self.transport is None or not self._closes_unread(data):
            super().data_received(data)
        else:
            self.transport.close()
