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
from bot.core.instances import Instance, instance_choices
from bot.core.messages import Code
from tests.core.command_examples import NAME

A, B, C, D = (letter * 32 + "in17" for letter in "abcd")
ORDERS, CHINESE = Instance(A, "sr-orders"), Instance(B, "订单分析")
LONG = Instance(C, "analyticsstarrocksforproduction1")
NAMES = [ORDERS, CHINESE, LONG, Instance(D)]
TWINS = [Instance(A, "sr-twin"), Instance(B, "sr-twin"), Instance(C, "SR-Twin")]


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
    assert request(LONG.name, []).key == "wrong_length"
    assert isinstance(request(LONG.name, []), NotAnInstance)
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
    crowd = [Instance(f"{n:032x}in17", "same") for n in range(2000)]
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
    thief = [Instance(B, A), Instance(C, "help"), Instance(D, "list")]
    assert request(A, thief) == UpgradeCommand(A)
    assert request("help", thief) == HelpCommand()
    assert request("list", thief) == ListCommand()


def test_two_names_are_two_instances() -> None:
    assert request("sr-orders 订单分析").key == "two_instances"


TAURUS = "e" * 32 + "in07"
ROWS = [Instance(A, "sr-orders", TAURUS), Instance(B, "sr-metrics", TAURUS), Instance(C, "two words")]


@pytest.mark.parametrize(
    "text",
    [
        f"sr-orders {A}",
        f"sr-orders\t{A}",
        f"{A}\nsr-orders",
        f"sr-orders({A})",
        f"sr-orders（{A}）",
        f"sr-orders, {A}",
        f"| sr-orders | {A} |",
        f"SR-Orders {A.upper()}",
        f"sr‑orders {A}",
        f"sr-orders {A} sr-orders",
        f"{TAURUS} {A}",
        f"https://console.example/{TAURUS}/{A} sr-orders",
    ],
)
def test_a_row_of_the_console_is_one_instance(text: str) -> None:
    assert request(text, ROWS) == UpgradeCommand(A)
    assert request(f"{text} [--delay]", ROWS) == UpgradeCommand(A, delay=True)
    assert request(f"status {text}", ROWS) == StatusCommand(A)


def test_a_name_of_several_words_beside_its_id_is_one_instance() -> None:
    assert request(f"two words {C} --delay", ROWS) == UpgradeCommand(C, delay=True)
    assert request(f"two others {C}", ROWS).values["corrected"] == Code(f"{NAME} <instance_id>")


def test_a_name_of_several_instances_beside_one_of_their_ids_is_that_one() -> None:
    assert request(f"sr-twin {B}", TWINS) == UpgradeCommand(B)


def test_a_name_beside_the_id_of_another_instance_is_two() -> None:
    assert request(f"sr-metrics {A}", ROWS).key == "two_instances"
    assert request(f"https://console.example/{A}/{B}", ROWS).key == "two_instances"


@pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2013", "—", "－", "−", "﹣", "─"])
def test_any_dash_stands_in_a_name(dash: str) -> None:
    assert request(f"sr{dash}orders --delay") == UpgradeCommand(A, delay=True)
    assert request("sr-orders", [Instance(A, f"sr{dash}orders")]) == UpgradeCommand(A)
    assert request(f"sr{dash}ordres").key == "unknown_name"


def test_full_width_letters_stand_in_a_name() -> None:
    assert request("ｓｒ－ｏｒｄｅｒｓ　－－ｄｅｌａｙ") == UpgradeCommand(A, delay=True)


def test_the_id_of_a_taurusdb_instance_is_answered_with_its_starrocks_instances() -> None:
    mistake = request(f"{TAURUS.upper()} ——delay [--skip-validate]", ROWS)
    assert mistake.key == "taurusdb_instance_known"
    flags = "--delay --skip-validate"
    assert [line.values["command"] for line in mistake.values["instances"]] == [
        Code(f"{NAME} {A} {flags}"),
        Code(f"{NAME} {B} {flags}"),
    ]
    assert [line.values["instance"].values["name"] for line in mistake.values["instances"]] == [
        "sr-orders",
        "sr-metrics",
    ]
    assert isinstance(request(f"{'f' * 32}in07", ROWS), NotAnInstance)


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("lst", "list"),
        ("ls", "list"),
        ("列表", "list"),
        ("stauts", "status"),
        ("statsu sr-orders", f"status {A}"),
        ("状态", "status"),
        ("sr-orders status", f"status {A}"),
        (f"{A} --status", f"status {A}"),
        ("histroy", "history"),
        (f"hisotry {A}", f"history {A}"),
        ("doctro", "doctor"),
        ("hlep", "help"),
        ("帮助", "help"),
        (f"{A} --help", "help"),
    ],
)
def test_a_verb_is_guessed(text: str, corrected: str) -> None:
    mistake = request(text)
    assert mistake.key == "misspelled_verb"
    assert mistake.values["corrected"] == Code(f"{NAME} {corrected}")


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("list foo", "list"),
        ("list --all", "list"),
        ("list all", "list"),
        ("help me", "help"),
        ("doctor now", "doctor"),
        ("status all", "status [instance_id]"),
        ("status --all", "status [instance_id]"),
        ("history foo bar", "history [instance_id]"),
        ("history --delay", "history [instance_id]"),
        ("status cancel", "status [instance_id]"),
        (f"status {A} please", "status [instance_id]"),
    ],
)
def test_what_a_verb_does_not_take_is_answered_with_its_usage(text: str, usage: str) -> None:
    mistake = request(text)
    assert mistake.key in {"verb_alone", "verb_with_instance"}
    assert mistake.values["corrected"] == Code(f"{NAME} {usage}")


def test_a_name_is_not_taken_for_a_word_of_a_command() -> None:
    named = [Instance(A, "stop"), Instance(B, "later"), Instance(C, "stats"), Instance(D, "delay")]
    assert [request(name, named) for name in ("stop", "later", "stats", "delay")] == [
        UpgradeCommand(id) for id in (A, B, C, D)
    ]


def test_a_command_pasted_whole_is_read() -> None:
    assert request(f"{NAME} {A} --delay") == UpgradeCommand(A, delay=True)
    assert request(f"{NAME} status") == StatusCommand()
    assert request(NAME) == ListCommand()


def test_mistakes_that_are_no_names_stay_what_they_are() -> None:
    assert request(f"{A} --dely").key == "misspelled_flag"
    assert request("sr-orders --dely").key == "misspelled_flag"
    assert request("5" * 32 + "in07").key == "taurusdb_instance"
    assert not isinstance(request(f"{A} --dely"), NotAnInstance)


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_typed_and_whatever_instances_are_called_it_is_read(text: str, labels: list[str]) -> None:
    names = [Instance(f"{n:032x}in17", name) for n, name in enumerate(labels)]
    found = request(text, names)
    kinds = UpgradeCommand | HelpCommand | ListCommand | HistoryCommand | StatusCommand | DoctorCommand | CommandMistake
    assert isinstance(found, kinds)
