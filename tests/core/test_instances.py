"""What the cloud tells of an instance, in sentences: facts, doubts, and what of it can be believed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.doubts import AlreadyLatest, Doubt, NotFit, NotInProject, NotInProjectButNear, SomethingRuns, doubt
from bot.core.doubts import not_in_project as missing
from bot.core.facts import (
    InstanceAbnormal,
    InstanceNamed,
    InstanceOther,
    NewerAvailable,
    NodeCount,
    NoNewer,
    NotDescribed,
    NothingRuns,
    RunsNow,
    StatusNow,
    VersionNow,
    WindowNext,
    WindowOpen,
    facts_of,
    status_of,
)
from bot.core.instances import Instance
from bot.core.naming import NamedInstance, UnnamedInstance, called, choices, nearest
from bot.core.sentence import Code, Moment

ID = "590031445ef845bb912d7fc8243db80cin17"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0
ORDERS = Instance(
    ID,
    "sr-orders",
    status="normal",
    version="3.1.15",
    has_newer=True,
    nodes=3,
    window_start="02:00",
    window_end="06:00",
    running=(),
)


def many(count: int, **fields: Any) -> tuple[Instance, ...]:
    return tuple(Instance(f"{n:032x}in17", f"sr-{n:05}", **fields) for n in range(count))


# facts


def test_the_card_says_name_version_status_nodes_and_what_runs() -> None:
    facts = facts_of(ORDERS, delay=False, now=NOON)
    assert facts[:2] == (InstanceNamed("sr-orders"), NewerAvailable("3.1.15"))
    assert [type(fact) for fact in facts[2:]] == [StatusNow, NodeCount, NothingRuns]


def test_the_window_and_its_next_start_are_said_with_delay_alone() -> None:
    (window,) = set(facts_of(ORDERS, delay=True, now=NOON)) - set(facts_of(ORDERS, delay=False, now=NOON))
    assert window == WindowNext("02:00", "06:00", Moment(NOON + 14 * HOUR))


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
        ("", "06:00", 1, False),
    ],
)
def test_an_open_window_is_said_to_be_open(start: str, end: str, hour: float, is_open: bool) -> None:
    at = NOON + (hour - 12) * HOUR
    facts = facts_of(replace(ORDERS, window_start=start, window_end=end), delay=True, now=at)
    assert any(isinstance(fact, WindowOpen) for fact in facts) == is_open


@pytest.mark.parametrize(("start", "hours"), [("12:00", 24), ("12:01", 1 / 60), ("11:59", 24 - 1 / 60)])
def test_the_next_start_is_never_in_the_past(start: str, hours: float) -> None:
    assert replace(ORDERS, window_start=start).next_window(NOON) == pytest.approx(NOON + hours * HOUR)


@pytest.mark.parametrize("start", ["", "25:00", "02", "two:00", "02:61", ":", "-1:00", "٠٢:00x"])
def test_a_window_that_cannot_be_read_is_left_out(start: str) -> None:
    facts = facts_of(replace(ORDERS, window_start=start), delay=True, now=NOON)
    assert not [fact for fact in facts if isinstance(fact, WindowNext | WindowOpen)]


def test_half_an_answer_says_only_what_it_knows() -> None:
    assert facts_of(Instance(ID), delay=True, now=NOON) == ()
    assert facts_of(Instance(ID, version="3.1"), delay=True, now=NOON) == (VersionNow("3.1"),)
    assert facts_of(Instance(ID, has_newer=False), delay=True, now=NOON) == (NoNewer("?"),)
    assert facts_of(Instance(ID, nodes=0), delay=False, now=NOON) == (NodeCount(0),)


def test_what_only_the_list_says_is_called_incomplete() -> None:
    facts = facts_of(Instance(ID, "sr-orders", is_detailed=False), delay=False, now=NOON)
    assert facts == (InstanceNamed("sr-orders"), NotDescribed())


def test_actions_are_named_as_the_api_names_them() -> None:
    assert RunsNow("RESTARTING, UPGRADING") in facts_of(replace(ORDERS, running=("RESTARTING", "UPGRADING")), False, 0)


def test_an_undocumented_status_stays_as_it_is() -> None:
    assert status_of(replace(ORDERS, status="Frozen")) == InstanceOther("Frozen")
    assert status_of(replace(ORDERS, status="Abnormal")) == InstanceAbnormal()


def test_very_long_values_are_cut() -> None:
    long = Instance(ID, "n" * 10_000, status="s" * 10_000, version="v" * 10_000, running=("r" * 10_000,) * 50)
    assert sum(len(str(fact)) for fact in facts_of(long, delay=True, now=NOON)) < 1000


# doubts


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, None),
        ({"has_newer": None}, None),
        ({"status": ""}, None),
        ({"running": None}, None),
        ({"has_newer": False}, AlreadyLatest),
        ({"running": ("RESTARTING",)}, SomethingRuns),
        ({"status": "abnormal"}, NotFit),
        ({"status": "Frozen"}, NotFit),
        ({"status": "abnormal", "running": ("X",), "has_newer": False}, NotFit),
        ({"running": ("X",), "has_newer": False}, SomethingRuns),
    ],
)
def test_what_speaks_against_an_upgrade(fields: dict[str, Any], kind: type[Doubt] | None) -> None:
    found = doubt(replace(ORDERS, **fields))
    assert type(found) is (kind or type(None))


def test_an_instance_without_a_name_is_called_by_its_id() -> None:
    assert called(replace(ORDERS, name=" ")) == UnnamedInstance(Code(ID))
    assert called(ORDERS) == NamedInstance("sr-orders", Code(ID))


def test_an_unknown_id_is_answered_with_the_nearest_ones() -> None:
    typed = ID[:5] + "f" + ID[6:]
    assert missing(typed, nearest(typed, [*many(50), ORDERS])) == NotInProjectButNear(Code(typed), choices([ORDERS]))
    assert missing("f" * 32 + "in17", nearest("f" * 32 + "in17", many(3))) == NotInProject(Code("f" * 32 + "in17"))


# in the row of an upgrade


def test_an_instance_survives_its_row() -> None:
    for one in (ORDERS, Instance(ID), replace(ORDERS, name="订单\u202e分析", running=("X", "Y"), is_detailed=False)):
        assert Instance.read(one.written()) == one


@pytest.mark.parametrize("text", ["", "-", "null", "[]", "7", '"x"', "{}", '{"id": "1", "running": 7}', "{" * 50])
def test_a_text_that_is_no_instance_is_none(text: str) -> None:
    assert Instance.read(text) is None


def test_fields_of_a_newer_version_are_left_out() -> None:
    assert Instance.read('{"id": "1", "name": "x", "colour": "blue"}') == Instance("1", "x")
