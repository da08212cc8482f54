"""The endpoints of TaurusDB: upgrade, jobs, the task centre (immediate and scheduled tasks), instances."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bot.sandbox.taurusdb.api import (
    ALREADY_LATEST,
    INSTANCE_BUSY,
    INSTANCE_FAULTY,
    INSTANCE_NOT_FOUND,
    INVALID_PARAMETER,
    JOB_NOT_FOUND,
    JSON,
    ApiRequest,
    ApiResponse,
    json_response,
)
from bot.sandbox.taurusdb.jobs import DAY_SECONDS, Job, JobPlan
from bot.sandbox.taurusdb.state import CloudState, ForeignTask, Instance, make_id

Row: TypeAlias = Mapping[str, object]
JOB_NAME: Final = "UpgradeStarRocksVersion"  # the real name is undocumented, so that no client may rely on it
SCHEDULED_JOB_NAME: Final = "VERSION_UPGRADE"
JOB_RETENTION_SECONDS: Final = 30 * DAY_SECONDS
WINDOW_SECONDS: Final = 4 * 3600
TASK_PAGE_SIZES: Final = ("10", "20", "50")
MAX_INSTANCE_PAGE: Final = 100
LANGUAGES: Final = ("en-us", "zh-cn")
_ID: Final = re.compile(r"[0-9A-Za-z]{36}")
_BOOLEANS: Final = (True, False, "true", "false")  # the API page says strings; its example and the SDK use booleans


def upgrade(cloud: CloudState, request: ApiRequest, plan: JobPlan) -> tuple[ApiResponse, Job | None]:
    """`POST …/instances/{in17}/starrocks/db-upgrade`; the job is None when the upgrade is refused."""
    if invalid := _invalid_upgrade(request):
        return _parameter_error(request, invalid), None
    instance = cloud.find_instance(request.path_params["instance_id"], request.path_params["project_id"])
    if instance is None:
        return INSTANCE_NOT_FOUND.response(request), None
    if cloud.open_job(instance) or instance.actions:
        return INSTANCE_BUSY.response(request), None
    if instance.status != "normal":
        return INSTANCE_FAULTY.response(request), None
    if not instance.upgrade_available:
        return ALREADY_LATEST.response(request), None
    delay = json.loads(request.body)["delay"] in (True, "true")
    job = cloud.start_job(instance, delay=delay, plan=plan)
    return json_response({"job_id": job.id}), job


def _invalid_upgrade(request: ApiRequest) -> str:
    """Return what is wrong with the form of an upgrade request, empty when nothing is."""
    if request.query:
        return "The path takes no query."
    if request.language not in LANGUAGES:
        return "X-Language"
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return "Content-Type"
    try:
        body = json.loads(request.body)
    except ValueError:
        return "The body is not JSON."
    if not isinstance(body, dict) or set(body) != {"delay", "is_skip_validate"}:
        return "The body has exactly delay and is_skip_validate."
    for name, value in body.items():
        if not isinstance(value, bool | str) or value not in _BOOLEANS:
            return str(name)
    return "" if _ID.fullmatch(request.path_params["instance_id"]) else "instance_id"


def job_details(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/jobs?id=`."""
    job_id = request.query_params.get("id", "")
    if (task := cloud.foreign_tasks.get(job_id)) and _is_here(cloud, task, request):
        return json_response({"job": _foreign_details(cloud, task)})
    job = cloud.find_job(job_id)
    if job is None or not _is_visible(cloud, job) or not _is_here(cloud, job, request):
        return JOB_NOT_FOUND.response(request)
    state = cloud.job_state(job.id)
    details: dict[str, object] = {
        "id": job.id,
        "name": JOB_NAME,
        "status": job.spelt(state.status),
        "created": format_time(job.created_at),
        "process": state.process,
        "instance": {"id": job.instance_id, "name": job.instance_name},
        "entities": {},
    }
    if job.ended_at is not None:
        details["ended"] = format_time(job.ended_at)
    if state.status == "Failed":
        details["fail_reason"] = job.fail_reason
    return json_response({"job": details})


def _foreign_details(cloud: CloudState, task: ForeignTask) -> Row:
    return {
        "id": task.id,
        "name": task.name,
        "status": task.status,
        "created": format_time(_created_at(cloud, task)),
        "process": "",
        "instance": {"id": task.instance_id, "name": task.instance_name},
        "entities": {},
    }


def _created_at(cloud: CloudState, task: ForeignTask) -> float:
    return cloud.clock() if task.created_at is None else task.created_at


def immediate_tasks(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/immediate-jobs`: the jobs that do not wait for a window."""
    params = request.query_params
    try:
        start = parse_time(params["start_time"]) if "start_time" in params else 0.0
        end = parse_time(params["end_time"]) if "end_time" in params else float("inf")
    except ValueError:
        return _parameter_error(request, "start_time, end_time")
    rows: list[Row] = [
        {
            "instance_id": task.instance_id,
            "instance_name": task.instance_name,
            "instance_status": "normal",
            "job_id": task.id,
            "job_name": task.name,
            "status": task.status,
            "process": "",
            "created_time": format_time(_created_at(cloud, task)),
            "ended_time": "",
            "fail_reason": "",
        }
        for task in cloud.foreign_tasks.values()
        if not task.scheduled and _is_here(cloud, task, request) and start <= int(_created_at(cloud, task)) <= end
    ]
    for job in reversed(cloud.jobs):
        state = cloud.job_state(job.id)
        if state.waiting or not start <= int(job.created_at) <= end or not _is_visible(cloud, job):
            continue
        if not _is_here(cloud, job, request):
            continue
        rows.append(
            {
                "instance_id": job.parent_id if cloud.lists_jobs_under_parent else job.instance_id,
                "instance_name": job.instance_name,
                "instance_status": "normal",
                "job_id": job.id,
                "job_name": JOB_NAME,
                "status": job.spelt(state.status),
                "process": state.process,
                "created_time": format_time(job.created_at),
                "ended_time": "" if job.ended_at is None else format_time(job.ended_at),
                "fail_reason": job.fail_reason,
            }
        )
    return _task_page(request, "jobs", rows, {"status": "status", "job_name": "job_name", "job_id": "job_id"})


def scheduled_tasks(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/scheduled-jobs`: the delayed jobs."""
    rows: list[Row] = [
        {
            "job_id": task.id,
            "instance_id": task.instance_id,
            "instance_name": task.instance_name,
            "job_name": task.name,
            "create_time": format_time(_created_at(cloud, task)),
            "start_time": format_time(_created_at(cloud, task) + DAY_SECONDS),
            "end_time": format_time(_created_at(cloud, task) + DAY_SECONDS + WINDOW_SECONDS),
            "job_status": task.status,
            "target_config": {},
        }
        for task in cloud.foreign_tasks.values()
        if task.scheduled and _is_here(cloud, task, request)
    ]
    rows += [
        {
            "job_id": job.id,
            "instance_id": job.instance_id,
            "instance_name": job.instance_name,
            "job_name": SCHEDULED_JOB_NAME,
            "create_time": format_time(job.created_at),
            "start_time": format_time(cloud.window_opens_at(job)),
            "end_time": format_time(cloud.window_opens_at(job) + WINDOW_SECONDS),
            "job_status": job.spelt(cloud.job_state(job.id).status),
            "target_config": {},
        }
        for job in reversed(cloud.jobs)
        if job.delayed and _is_visible(cloud, job) and _is_here(cloud, job, request)
    ]
    filters = {"instance_id": "instance_id", "status": "job_status", "job_id": "job_id"}
    return _task_page(request, "schedules", rows, filters)


def cancel_scheduled_tasks(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`DELETE …/scheduled-jobs`: cancels those jobs that still wait for their window."""
    try:
        job_ids = json.loads(request.body)["job_ids"]
    except (ValueError, KeyError, TypeError):
        job_ids = None
    if not isinstance(job_ids, list) or not job_ids or not all(isinstance(job_id, str) for job_id in job_ids):
        return _parameter_error(request, "job_ids")
    jobs = [job for job_id in job_ids if (job := cloud.find_job(job_id)) and _is_here(cloud, job, request)]
    waiting = [job.id for job in jobs if cloud.job_state(job.id).waiting]
    for job_id in waiting:
        cloud.finish(job_id, "Canceled")
    foreign = [job_id for job_id in job_ids if job_id in cloud.foreign_tasks]
    for job_id in foreign:
        cloud.foreign_tasks[job_id] = replace(cloud.foreign_tasks[job_id], status="Canceled")
    return json_response({"job_ids": waiting + foreign})


def instance_details(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/instances/{in07}/starrocks/{in17}`."""
    instance = cloud.find_instance(request.path_params["starrocks_id"], request.path_params["project_id"])
    if instance is None or instance.parent_id != request.path_params["instance_id"]:
        return INSTANCE_NOT_FOUND.response(request)
    details = {
        "id": instance.id,
        "name": instance.name,
        "status": instance.status,
        "data_store_version": instance.version,
        "new_version_available": instance.upgrade_available,
        "actions": _actions(cloud, instance),
        "ops_window": {"period": "", "start_time": instance.window_start, "end_time": instance.window_end},
        "groups": [{"group_node_type": role, "nodes": _node_details(instance, role)} for role in ("fe", "be")],
    }
    return json_response({"instances": [details]})


def _actions(cloud: CloudState, instance: Instance) -> list[Row]:
    return [
        {
            "id": action.id,
            "action": action.action,
            "object_id": action.object_id,
            "type": "instance",
            "job_id": action.job_id,
            "status": action.status,
            "created_at": int(action.created_at * 1000),
            "updated_at": int(action.created_at * 1000),
        }
        for action in cloud.running_actions(instance)
    ]


def _node_details(instance: Instance, role: str) -> list[Row]:
    return [
        {
            "id": node_id,
            "name": name,
            "type": role,
            "status": "abnormal" if number < instance.abnormal_nodes else "normal",
            "datastore": {"type": "star-rocks", "version": instance.version},
            "actions": [],
        }
        for number, (node_id, name, node_role) in enumerate(reversed(instance.nodes))
        if node_role == role
    ]


def list_nodes(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/instances/{in17}/starrocks/nodes`."""
    instance = cloud.find_instance(request.path_params["instance_id"], request.path_params["project_id"])
    if instance is None:
        return INSTANCE_NOT_FOUND.response(request)
    rows = [{"node_id": node_id, "node_name": name, "role": role.upper()} for node_id, name, role in instance.nodes]
    return json_response({"node_list": rows})


def list_data_sync_tasks(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/instances/{in17}/starrocks/databases/replication`: every value is a string."""
    instance = cloud.find_instance(request.path_params["instance_id"], request.path_params["project_id"])
    if instance is None:
        return INSTANCE_NOT_FOUND.response(request)
    limit = request.query_params.get("limit", str(MAX_INSTANCE_PAGE))
    offset = request.query_params.get("offset", "0")
    if not (limit.isdecimal() and 1 <= int(limit) <= MAX_INSTANCE_PAGE and offset.isdecimal()):
        return _parameter_error(request, "limit, offset")
    rows = [
        {
            "task_name": name,
            "source_database": name,
            "target_database": name,
            "status": "Yes",
            "stage": stage,
            "percentage": "100" if stage == "incremental" else "40",
            "catchup_stage": stage,
            "catchup_percentage": "100" if stage == "incremental" else "40",
        }
        for name, stage in instance.sync_tasks
    ]
    page = rows[int(offset) : int(offset) + int(limit)]
    return json_response({"total_count": str(len(rows)), "replications": page})


def list_starrocks_instances(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/instances/{in07}/htap`."""
    rows: list[Row] = [
        {
            "id": instance.id,
            "name": instance.name,
            "engine_name": "star-rocks",
            "engine_version": instance.version,
            "instance_state": {"instance_status": instance.status},
            "current_actions": _actions(cloud, instance),
            "node_num": len(instance.nodes),
        }
        for instance in cloud.list_instances(request.path_params["project_id"])
        if instance.parent_id == request.path_params["instance_id"]
    ]
    if not rows:
        return INSTANCE_NOT_FOUND.response(request)
    rows.append(_other_engine(request.path_params["instance_id"]))
    return json_response({"total": len(rows), "instances": rows})


def _other_engine(parent_id: str) -> Row:
    """An instance of another engine, which is listed under a TaurusDB instance, too."""
    return {
        "id": make_id(f"clickhouse/{parent_id}", "in17"),
        "name": "ch-analytics",
        "engine_name": "clickhouse",
        "engine_version": "22.3",
        "instance_state": {"instance_status": "normal"},
        "current_actions": [],
        "node_num": 1,
    }


def list_taurusdb_instances(cloud: CloudState, request: ApiRequest) -> ApiResponse:
    """`GET …/instances`: the TaurusDB instances."""
    limit = request.query_params.get("limit", str(MAX_INSTANCE_PAGE))
    offset = request.query_params.get("offset", "0")
    if not (limit.isdecimal() and 1 <= int(limit) <= MAX_INSTANCE_PAGE and offset.isdecimal()):
        return _parameter_error(request, "limit, offset")
    names = {
        instance.parent_id: instance.parent_name for instance in cloud.list_instances(request.path_params["project_id"])
    }
    rows = [
        {"id": parent_id, "name": name, "status": "normal", "type": "Cluster", "datastore": {"type": "gaussdb-mysql"}}
        for parent_id, name in names.items()
    ]
    return json_response({"instances": rows[int(offset) : int(offset) + int(limit)], "total_count": len(rows)})


ENDPOINTS: Final[Mapping[str, Callable[[CloudState, ApiRequest], ApiResponse]]] = {
    "job": job_details,
    "immediate": immediate_tasks,
    "scheduled": scheduled_tasks,
    "cancel": cancel_scheduled_tasks,
    "instance": instance_details,
    "nodes": list_nodes,
    "data-sync": list_data_sync_tasks,
    "htap": list_starrocks_instances,
    "taurusdb": list_taurusdb_instances,
}
"""The endpoints by operation; `upgrade` and `token` are called with more, or elsewhere."""


def format_time(at: float) -> str:
    """Write a time as the API does: `2026-11-23T08:00:00+0000`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def parse_time(text: str) -> float:
    """Read a time in the API's format; ValueError when it is none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _is_here(cloud: CloudState, task: Job | ForeignTask, request: ApiRequest) -> bool:
    """Whether a job or task is of the project that is asked."""
    return cloud.project_of(task.instance_id) == request.path_params["project_id"]


def _is_visible(cloud: CloudState, job: Job) -> bool:
    return job.created_at + job.plan.visible_after <= cloud.clock() < job.created_at + JOB_RETENTION_SECONDS


def _parameter_error(request: ApiRequest, detail: str) -> ApiResponse:
    return INVALID_PARAMETER.response(request, f"{INVALID_PARAMETER.message} {detail}")


def _task_page(request: ApiRequest, key: str, rows: Sequence[Row], filters: Mapping[str, str]) -> ApiResponse:
    """Return one page of the rows that pass the filters: query parameter -> the field that has to be equal."""
    params = request.query_params
    limit, offset = params.get("limit", "10"), params.get("offset", "0")
    if limit not in TASK_PAGE_SIZES or not offset.isdecimal():
        return _parameter_error(request, "limit, offset")
    expected = {name: params[param] for param, name in filters.items() if params.get(param)}
    matches = [row for row in rows if all(row[name] == value for name, value in expected.items())]
    return json_response({key: matches[int(offset) : int(offset) + int(limit)], "total_count": len(matches)})
