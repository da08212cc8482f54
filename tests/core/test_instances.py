"""What the cloud tells of an instance, in sentences: facts, doubts, and what of it can be believed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.instances import (
    Instance,
    InstanceList,
    PreflightWarning,
    SyncTask,
    display_name,
    instance_choices,
    instance_label,
    nearest,
    nodes_message,
    not_in_any_project,
    not_in_project,
    preflight_warning,
    region_of,
    state_field,
    sync_tasks_field,
    version_field,
    version_message,
    window_field,
)
from bot.core.messages import Code, Listing, Message, Term, Time, Vocabulary
from tests.core.examples import ID, ORDERS, many

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0


# facts


def test_the_card_says_version_and_where_it_goes() -> None:
    assert version_field(ORDERS) == Message("version_newest", version="3.1.15")
    assert version_field(replace(ORDERS, upgrade_available=False)) == Message("version_is_latest", version="3.1.15")
    assert version_field(replace(ORDERS, upgrade_available=None)) == Message("version_only", version="3.1.15")
    assert version_field(Instance(ID, upgrade_available=False)) == Message("version_is_latest", version="?")


def test_the_list_says_the_version_and_whether_there_is_a_newer_one() -> None:
    assert version_message(ORDERS) == Message("version_upgradable", version="3.1.15")
    assert version_message(replace(ORDERS, upgrade_available=False)) == Message("version_latest", version="3.1.15")
    assert version_message(replace(ORDERS, upgrade_available=None)) == Message("version", version="3.1.15")
    assert version_message(Instance(ID, upgrade_available=True)) == Message("version_upgradable", version="?")
    assert version_message(Instance(ID)) is None


def test_the_card_says_status_nodes_and_what_runs() -> None:
    normal = Term(Vocabulary.INSTANCE_STATUS, "normal")
    idle = Message("state_idle_nodes", status=normal, nodes=3)
    actions = Listing((Term(Vocabulary.INSTANCE_ACTION, "RESTARTING"), Term(Vocabulary.INSTANCE_ACTION, "UPGRADING")))
    assert state_field(ORDERS) == idle
    assert state_field(replace(ORDERS, node_count=None)) == Message("state_idle", status=normal)
    busy = replace(ORDERS, running_actions=("RESTARTING", "UPGRADING", "RESTARTING"))
    assert state_field(busy) == Message("state_busy", state=idle, actions=actions)


def test_the_window_is_told_in_moments() -> None:
    opens_at = NOON + 14 * HOUR
    assert window_field(ORDERS, NOON) == Message(
        "window_next",
        start=Time(opens_at, is_clock=True),
        end=Time(opens_at + 4 * HOUR, is_clock=True),
        at=Time(opens_at),
    )


@pytest.mark.parametrize(
    ("start", "end", "hour", "is_open"),
    [
        ("02:00", "06:00", 2, True),
        ("02:00", "06:00", 5.9, True),
        ("02:00", "06:00", 6, False),
        ("22:00", "02:00", 23, True),
        ("22:00", "02:00", 1, True),
        ("22:00", "02:00", 2, False),
        ("22:00", "", 23, False),
    ],
)
def test_an_open_window_is_said_to_be_open(start: str, end: str, hour: float, is_open: bool) -> None:
    at = NOON + (hour - 12) * HOUR
    instance = replace(ORDERS, window_start=start, window_end=end)
    window = window_field(instance, at)
    assert window is not None
    assert window.key == ("window_open" if is_open else "window_next")
    assert (instance.delayed_start(at) is None) == is_open


@pytest.mark.parametrize(("start", "hours"), [("12:00", 24), ("12:01", 1 / 60), ("11:59", 24 - 1 / 60)])
def test_the_next_start_is_never_in_the_past(start: str, hours: float) -> None:
    assert replace(ORDERS, window_start=start).next_window(NOON) == pytest.approx(NOON + hours * HOUR)


def test_a_window_of_a_whole_day_closes_a_day_after_it_opens() -> None:
    assert replace(ORDERS, window_end="12:00").window_end_after(NOON) == NOON + 24 * HOUR
    assert replace(ORDERS, window_end="12:01").window_end_after(NOON) == NOON + HOUR / 60
    assert replace(ORDERS, window_end="").window_end_after(NOON) is None


@pytest.mark.parametrize("start", ["", "25:00", "02", "two:00", "02:61", ":", "-1:00", "٠٢:00x"])
def test_a_window_that_cannot_be_read_is_left_out(start: str) -> None:
    instance = replace(ORDERS, window_start=start)
    assert window_field(instance, NOON) is None
    assert instance.delayed_start(NOON) is None


def test_half_an_answer_says_only_what_it_knows() -> None:
    assert version_field(Instance(ID)) is state_field(Instance(ID)) is window_field(Instance(ID), NOON) is None


def test_an_instance_is_called_by_its_name_or_by_the_beginning_of_its_id() -> None:
    assert display_name(ID, ORDERS.to_json()) == "sr-orders"
    for snapshot in ("", "-", replace(ORDERS, name=" ").to_json()):
        assert display_name(ID, snapshot).startswith(ID[:8])
        assert ID[:9] not in display_name(ID, snapshot)


def test_very_long_values_are_cut() -> None:
    long = Instance(ID, "n" * 10_000, status="s" * 10_000, version="v" * 10_000, running_actions=("r" * 10_000,) * 50)
    fields = (version_field(long), state_field(long), instance_label(long))
    assert sum(len(str(field)) for field in fields) < 1000


# doubts


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, None),
        ({"upgrade_available": None}, None),
        ({"status": ""}, None),
        ({"running_actions": None}, None),
        ({"upgrade_available": False}, "already_latest"),
        ({"running_actions": ("RESTARTING",)}, "instance_busy"),
        ({"status": "abnormal"}, "not_normal"),
        ({"status": "Frozen"}, "not_normal"),
        ({"status": "abnormal", "running_actions": ("X",), "upgrade_available": False}, "not_normal"),
        ({"running_actions": ("X",), "upgrade_available": False}, "instance_busy"),
    ],
)
def test_what_speaks_against_an_upgrade(fields: dict[str, Any], key: str | None) -> None:
    warning = preflight_warning(replace(ORDERS, **fields))
    assert (warning.key if warning else None) == key


def test_an_instance_without_a_name_is_called_by_its_id() -> None:
    assert instance_label(replace(ORDERS, name=" ")) == Message("unnamed_instance", instance=Code(ID))
    assert instance_label(ORDERS) == Message("named_instance", name="sr-orders", instance=Code(ID))


def test_data_sync_tasks_are_listed_with_those_that_run_first() -> None:
    assert sync_tasks_field(None) == Message("sync_tasks_unchecked")
    assert sync_tasks_field(replace(ORDERS, sync_tasks=None)) == Message("sync_tasks_unchecked")
    assert sync_tasks_field(replace(ORDERS, sync_tasks=())) == Message("sync_tasks_none")
    tasks = (SyncTask("a", "paused"), SyncTask("b", "full"), SyncTask(" ", " "))
    assert sync_tasks_field(replace(ORDERS, sync_tasks=tasks)) == Message(
        "sync_tasks",
        tasks=(
            Message("sync_task", name="b", stage=Term(Vocabulary.SYNC_STAGE, "full")),
            Message("sync_task", name="a", stage=Term(Vocabulary.SYNC_STAGE, "paused")),
            Message("sync_task", name="?", stage=Term(Vocabulary.SYNC_STAGE, "?")),
        ),
    )


@pytest.mark.parametrize(("count", "lines", "more"), [(5, 5, None), (6, 6, 1), (9, 6, 4)])
def test_of_many_data_sync_tasks_five_are_listed_and_the_others_counted(
    count: int, lines: int, more: int | None
) -> None:
    listed = sync_tasks_field(replace(ORDERS, sync_tasks=(SyncTask("a", "full"),) * count)).values["tasks"]
    assert isinstance(listed, tuple)
    assert len(listed) == lines
    assert [line for line in listed if line.key != "sync_task"] == (
        [Message("sync_tasks_more", count=more)] if more else []
    )


def test_only_data_sync_tasks_that_run_speak_against_an_upgrade() -> None:
    tasks = (SyncTask("a", "paused"), SyncTask("b", "full"))
    assert preflight_warning(replace(ORDERS, sync_tasks=tasks[:1])) is None
    running = Message("sync_task", name="b", stage=Term(Vocabulary.SYNC_STAGE, "full"))
    assert preflight_warning(replace(ORDERS, sync_tasks=tasks)) == PreflightWarning(
        "sync_tasks_running", instance=instance_label(ORDERS), tasks=(running,)
    )


def test_nodes_are_counted_only_when_the_cloud_lists_them() -> None:
    assert nodes_message(replace(ORDERS, node_count=3, normal_node_count=0)) == Message(
        "nodes_normal", normal=0, nodes=3
    )
    for nodes, normal in ((3, None), (0, 0), (None, 3)):
        assert nodes_message(replace(ORDERS, node_count=nodes, normal_node_count=normal)) is None


def test_an_id_in_none_of_several_projects_is_answered_with_the_projects_that_were_not_read() -> None:
    assert not_in_any_project(ID, InstanceList()) == PreflightWarning("not_in_any_project", instance=Code(ID))
    unread = Message("project_choice", project=Message("project_by_id", region="cn-north-4", project=Code("abc")))
    assert not_in_any_project(ID, InstanceList(unread_projects=("cn-north-4:abc",))) == PreflightWarning(
        "not_in_projects_read", instance=Code(ID), unread=(unread,)
    )


def test_an_unknown_id_is_answered_with_the_nearest_ones() -> None:
    typed = ID[:5] + "f" + ID[6:]
    assert not_in_project(typed, nearest(typed, [*many(50), ORDERS])) == PreflightWarning(
        "not_in_project_near", instance=Code(typed), near=instance_choices([ORDERS])
    )
    assert not_in_project("f" * 32 + "in17", nearest("f" * 32 + "in17", many(3))) == PreflightWarning(
        "not_in_project", instance=Code("f" * 32 + "in17")
    )


# in the row of an upgrade


def test_an_instance_survives_its_row() -> None:
    for one in (
        ORDERS,
        Instance(ID),
        replace(ORDERS, name="订单\u202e分析", running_actions=("X", "Y"), is_detailed=False),
    ):
        assert Instance.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    "text", ["", "-", "null", "[]", "7", '"x"', "{}", '{"id": "1", "running_actions": 7}', "{" * 50]
)
def test_a_text_that_is_no_instance_is_none(text: str) -> None:
    assert Instance.from_json(text) is None


def test_fields_of_a_newer_version_are_left_out() -> None:
    assert Instance.from_json('{"id": "1", "name": "x", "colour": "blue"}') == Instance("1", "x")


@pytest.mark.parametrize(
    ("stage", "catchup_stage", "is_running"),
    [
        ("full", "", True),
        ("Incremental", "", True),
        ("wait", "incremental", True),
        ("wait", "", False),
        ("paused", "", False),
        ("cancelled", "", False),
    ],
)
def test_a_data_sync_task_runs_in_the_stages_that_copy(stage: str, catchup_stage: str, is_running: bool) -> None:
    assert SyncTask("orders", stage, catchup_stage).is_running == is_running


def test_an_instance_is_found_by_its_id_and_has_a_region() -> None:
    listed = InstanceList((ORDERS, replace(ORDERS, id="another", project="cn-north-4:abc")))
    found = listed.find("another")
    assert found is not None
    assert (found.id, region_of(found.project)) == ("another", "cn-north-4")
    assert listed.find("nowhere") is None
