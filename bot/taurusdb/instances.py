"""Instances in the cloud's JSON, as far as it is what the API page says; half an answer is half an instance."""

from collections.abc import Iterable, Mapping

from bot.core.instances import Instance
from bot.taurusdb.answer import text
from bot.taurusdb.traces import objects

MOST_NAME = 128
MOST_WORD = 64
MOST_ACTIONS = 8


def detailed(row: Mapping[str, object], parent_id: str) -> Instance:
    """One of `GET …/instances/{in07}/starrocks/{in17}`."""
    window, newer, groups = row.get("ops_window"), row.get("new_version_available"), row.get("groups")
    nodes = [node for group in objects(groups) for node in objects(group.get("nodes"))]
    actions = [action for one in (row, *nodes) for action in objects(one.get("actions"))]
    names = [text(action.get("action")) for action in actions]
    times = window if isinstance(window, dict) else {}
    return Instance(
        id=text(row.get("id")),
        name=text(row.get("name"))[:MOST_NAME],
        parent_id=parent_id,
        status=text(row.get("status"))[:MOST_WORD],
        version=text(row.get("data_store_version"))[:MOST_WORD],
        has_newer=newer if isinstance(newer, bool) else None,
        nodes=len(nodes) if isinstance(groups, list) else None,
        window_start=text(times.get("start_time"))[:MOST_WORD],
        window_end=text(times.get("end_time"))[:MOST_WORD],
        running=_running(names) if names or isinstance(row.get("actions"), list) else None,
    )


def listed(row: Mapping[str, object], parent_id: str) -> Instance:
    """One of `GET …/instances/{in07}/htap`: what is known before its details are."""
    state, actions, nodes = row.get("instance_state"), row.get("current_actions"), row.get("node_num")
    status = state.get("instance_status") if isinstance(state, dict) else None
    return Instance(
        id=text(row.get("id")),
        name=text(row.get("name"))[:MOST_NAME],
        parent_id=parent_id,
        status=text(status)[:MOST_WORD],
        version=text(row.get("engine_version"))[:MOST_WORD],
        nodes=nodes if isinstance(nodes, int) and not isinstance(nodes, bool) and nodes >= 0 else None,
        running=_running(map(text, actions)) if isinstance(actions, list) else None,
        is_detailed=False,
    )


def _running(names: Iterable[str]) -> tuple[str, ...]:
    """The names of actions, each once; an action without a name is one all the same."""
    return tuple(dict.fromkeys(name[:MOST_WORD] or "?" for name in names))[:MOST_ACTIONS]
