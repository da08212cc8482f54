"""Everything the command can be asked: lists, history, status, and names typed instead of ids."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import HelpCommand, UpgradeCommand
from bot.core.instances import Instance
from bot.core.mistakes import (
    MisspelledFlag,
    NotAName,
    NotAnInstance,
    SeveralOfThatName,
    TaurusInstance,
    TwoInstances,
    WrongLength,
)
from bot.core.naming import choices, names_of
from bot.core.reasons import Mistake
from bot.core.requests import (
    DoctorCommand,
    HistoryCommand,
    ListCommand,
    StatusCommand,
    might_be_name,
    read,
)
from bot.core.sentence import Code

NAME = "/starrocks-upgrade"
A, B, C, D = (letter * 32 + "in17" for letter in "abcd")
ORDERS, CHINESE = Instance(A, "sr-orders"), Instance(B, "订单分析")
LONG = Instance(C, "analyticsstarrocksforproduction1")
NAMES = names_of([ORDERS, CHINESE, LONG, Instance(D)])
TWINS = names_of([Instance(A, "sr-twin"), Instance(B, "sr-twin"), Instance(C, "SR-Twin")])


def request(text: str, names: Any = NAMES) -> Any:
    return read(text, NAME, names)


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
    assert isinstance(request(LONG.name, {}), WrongLength)
    assert might_be_name(request(LONG.name, {}))
    assert request(LONG.name) == UpgradeCommand(C)


def test_a_name_of_several_instances_has_to_be_told_apart_by_id() -> None:
    found = request("sr-TWIN --delay", TWINS)
    assert isinstance(found, SeveralOfThatName)
    assert found.token == Code("sr-TWIN")
    assert len(found.which) == 3


def test_of_names_that_differ_in_case_the_exact_one_is_meant() -> None:
    assert request("SR-Twin", TWINS) == UpgradeCommand(C)
    assert isinstance(request("sr-twin", TWINS), SeveralOfThatName)


def test_many_of_one_name_are_not_all_listed() -> None:
    crowd = names_of([Instance(f"{n:032x}in17", "same") for n in range(2000)])
    found = request("same", crowd)
    assert isinstance(found, SeveralOfThatName)
    assert len(found.which) == 5


def test_a_slip_in_a_name_is_answered_with_the_nearest() -> None:
    assert request("sr-ordres") == NotAName(Code("sr-ordres"), choices([ORDERS]))
    assert isinstance(request("please"), NotAnInstance)
    assert isinstance(request("history sr-ordres"), NotAName)


def test_an_id_is_never_taken_for_a_name() -> None:
    thief = names_of([Instance(B, A), Instance(C, "help"), Instance(D, "list")])
    assert request(A, thief) == UpgradeCommand(A)
    assert request("help", thief) == HelpCommand()
    assert request("list", thief) == ListCommand()


def test_two_names_are_two_instances() -> None:
    assert isinstance(request("sr-orders 订单分析"), TwoInstances)


def test_mistakes_that_are_no_names_stay_what_they_are() -> None:
    assert isinstance(request(f"{A} --dely"), MisspelledFlag)
    assert isinstance(request("sr-orders --dely"), MisspelledFlag)
    assert isinstance(request("5" * 32 + "in07"), TaurusInstance)
    assert not might_be_name(request(f"{A} --dely"))


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_typed_and_whatever_instances_are_called_it_is_read(text: str, called: list[str]) -> None:
    names = names_of([Instance(f"{n:032x}in17", name) for n, name in enumerate(called)])
    found = request(text, names)
    kinds = UpgradeCommand | HelpCommand | ListCommand | HistoryCommand | StatusCommand | DoctorCommand | Mistake
    assert isinstance(found, kinds)
