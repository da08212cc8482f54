"""Everything the command can be asked: lists, history, status, and names typed instead of ids."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import (
    DoctorCommand,
    HelpCommand,
    HistoryCommand,
    ListCommand,
    StatusCommand,
    UpgradeCommand,
    parse_command,
)
from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.instances import Instance, by_name, instance_choices
from bot.core.messages import Code

NAME = "/starrocks-upgrade"
A, B, C, D = (letter * 32 + "in17" for letter in "abcd")
ORDERS, CHINESE = Instance(A, "sr-orders"), Instance(B, "订单分析")
LONG = Instance(C, "analyticsstarrocksforproduction1")
NAMES = by_name([ORDERS, CHINESE, LONG, Instance(D)])
TWINS = by_name([Instance(A, "sr-twin"), Instance(B, "sr-twin"), Instance(C, "SR-Twin")])


def request(text: str, names: Any = NAMES) -> Any:
    return parse_command(text, NAME, names)


@pytest.mark.parametrize("text", ["", "  ", "\u3000", "\u200b", "list", "LIST"])
def test_the_command_alone_lists(text: str) -> None:
    assert request(text) == ListCommand()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("history", HistoryCommand()),
        ("History", HistoryCommand()),
        (f"history {A.upper()}", HistoryCommand(A)),
        ("history sr-orders", HistoryCommand(A)),
        ("status", StatusCommand()),
        ("status 订单分析", StatusCommand(B)),
        ("doctor", DoctorCommand()),
        ("help", HelpCommand()),
        ("—help", HelpCommand()),
    ],
)
def test_questions_to_the_bot_are_read(text: str, expected: object) -> None:
    assert request(text) == expected


@pytest.mark.parametrize("text", ["sr-orders", "SR-Orders", "`sr-orders`", "“sr-orders”", "sr-\u200borders"])
def test_a_unique_name_stands_for_its_id(text: str) -> None:
    assert request(f"{text} —delay") == UpgradeCommand(A, delay=True)
    assert request("--skip-validate 订单分析") == UpgradeCommand(B, skip_validate=True)


def test_a_name_that_looks_like_half_an_id_is_found() -> None:
    assert request(LONG.name, {}).key == "wrong_length"
    assert isinstance(request(LONG.name, {}), NotAnInstance)
    assert request(LONG.name) == UpgradeCommand(C)


def test_a_name_of_several_instances_has_to_be_told_apart_by_id() -> None:
    found = request("sr-TWIN --delay", TWINS)
    assert found.key == "ambiguous_name"
    assert found.values["token"] == Code("sr-TWIN")
    assert len(found.values["instances"]) == 3


def test_of_names_that_differ_in_case_the_exact_one_is_meant() -> None:
    assert request("SR-Twin", TWINS) == UpgradeCommand(C)
    assert request("sr-twin", TWINS).key == "ambiguous_name"


def test_many_of_one_name_are_not_all_listed() -> None:
    crowd = by_name([Instance(f"{n:032x}in17", "same") for n in range(2000)])
    found = request("same", crowd)
    assert found.key == "ambiguous_name"
    assert len(found.values["instances"]) == 5


def test_a_slip_in_a_name_is_answered_with_the_nearest() -> None:
    assert request("sr-ordres") == CommandMistake(
        "unknown_name", token=Code("sr-ordres"), near=instance_choices([ORDERS])
    )
    assert request("please").key == "not_an_instance"
    assert request("history sr-ordres").key == "unknown_name"


def test_an_id_is_never_taken_for_a_name() -> None:
    thief = by_name([Instance(B, A), Instance(C, "help"), Instance(D, "list")])
    assert request(A, thief) == UpgradeCommand(A)
    assert request("help", thief) == HelpCommand()
    assert request("list", thief) == ListCommand()


def test_two_names_are_two_instances() -> None:
    assert request("sr-orders 订单分析").key == "two_instances"


def test_mistakes_that_are_no_names_stay_what_they_are() -> None:
    assert request(f"{A} --dely").key == "misspelled_flag"
    assert request("sr-orders --dely").key == "misspelled_flag"
    assert request("5" * 32 + "in07").key == "taurusdb_instance"
    assert not isinstance(request(f"{A} --dely"), NotAnInstance)


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_typed_and_whatever_instances_are_called_it_is_read(text: str, labels: list[str]) -> None:
    names = by_name([Instance(f"{n:032x}in17", name) for n, name in enumerate(labels)])
    found = request(text, names)
    kinds = UpgradeCommand | HelpCommand | ListCommand | HistoryCommand | StatusCommand | DoctorCommand | CommandMistake
    assert isinstance(found, kinds)
