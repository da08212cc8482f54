"""Looking at instances: one StarRocks instance, those of a TaurusDB instance, TaurusDB instances, nodes."""

from __future__ import annotations

from bot.sandbox.cloud.answers import NOT_FOUND, PARAMETER, Answer, in_json
from bot.sandbox.cloud.instances import Instance
from bot.sandbox.cloud.jobs import stamp
from bot.sandbox.cloud.operations import Asked
from bot.sandbox.cloud.region import Region


def instance(region: Region, asked: Asked) -> Answer:
    """Answer `GET …/instances/{in07}/starrocks/{in17}`."""
    found = region.instance(asked.ids["starrocks"])
    if found is None or found.parent_id != asked.ids["instance"]:
        return NOT_FOUND.answer(asked.request_id)
    return in_json({"instances": [_details(region, found)]})


def _details(region: Region, found: Instance) -> dict[str, object]:
    return {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "data_store_version": found.version,
        "new_version_available": found.newer,
        "actions": [
            {
                "id": action.id,
                "action": action.action,
                "object_id": action.object_id,
                "type": "instance",
                "job_id": action.job_id,
                "status": action.status,
                "created_at": stamp(action.created_at),
                "updated_at": stamp(action.created_at),
            }
            for action in region.actions(found)
        ],
        "ops_window": {"period": "", "start_time": found.window_start, "end_time": found.window_end},
        "groups": [{"group_node_type": role, "nodes": _nodes(found, role)} for role in ("fe", "be")],
    }


def _nodes(found: Instance, role: str) -> list[dict[str, object]]:
    return [
        {
            "id": node_id,
            "name": name,
            "type": role,
            "status": "normal",
            "datastore": {"type": "star-rocks", "version": found.version},
            "actions": [],
        }
        for node_id, name, its_role in found.nodes
        if its_role == role
    ]


def nodes(region: Region, asked: Asked) -> Answer:
    """Answer `GET …/instances/{in17}/starrocks/nodes`."""
    found = region.instance(asked.ids["instance"])
    if found is None:
        return NOT_FOUND.answer(asked.request_id)
    rows = [{"node_id": node_id, "node_name": name, "role": role.upper()} for node_id, name, role in found.nodes]
    return in_json({"node_list": rows})


def htap(region: Region, asked: Asked) -> Answer:
    """Answer `GET …/instances/{in07}/htap`."""
    rows = [
        {
            "id": found.id,
            "name": found.name,
            "engine_name": "star-rocks",
            "engine_version": found.version,
            "instance_state": {"instance_status": found.status},
            "current_actions": [action.action for action in region.actions(found)],
            "node_num": len(found.nodes),
        }
        for found in region.instances()
        if found.parent_id == asked.ids["instance"]
    ]
    return in_json({"total": len(rows), "instances": rows}) if rows else NOT_FOUND.answer(asked.request_id)


def taurusdb(region: Region, asked: Asked) -> Answer:
    """Answer `GET /v3/{project_id}/instances`, a hundred to a page."""
    limit, offset = asked.fields.get("limit", "100"), asked.fields.get("offset", "0")
    if not (limit.isdecimal() and 1 <= int(limit) <= 100 and offset.isdecimal()):
        return PARAMETER.answer(asked.request_id, f"{PARAMETER.message} limit, offset")
    names = {found.parent_id: found.parent_name for found in region.instances()}
    rows = [
        {"id": one, "name": name, "status": "normal", "type": "Cluster", "datastore": {"type": "gaussdb-mysql"}}
        for one, name in names.items()
    ]
    return in_json({"instances": rows[int(offset) : int(offset) + int(limit)], "total_count": len(rows)})
