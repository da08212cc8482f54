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
    not_in_project,
    preflight_warning,
    region_of,
    state_field,
    version_field,
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
