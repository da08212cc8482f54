"""How words, flags with their values and ids are read, and how a mistake repeats what was typed."""

import pytest

from bot.core.command import parse_command
from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.messages import Code
from bot.core.tokenizer import (
    MAX_QUOTED,
    exact_flag,
    flag_name,
    id_in,
    is_flag,
    is_label,
    quoted,
    read_option,
    read_words,
)
from tests.core.command_examples import ANOTHER, ID, parse


@pytest.mark.parametrize("text", ["x" * 4000, f"--{'x' * 4000}", f"--delay={'x' * 4000}", f"{ID} {'<!channel>' * 400}"])
def test_a_very_long_token_is_cut_when_it_is_repeated(text: str) -> None:
    mistake = parse(text)
    assert isinstance(mistake, CommandMistake)
    assert all(len(code.text) <= 81 for code in mistake.values.values() if isinstance(code, Code))


def test_a_token_is_repeated_without_what_no_message_may_carry() -> None:
    assert parse("a\0b\ud800c") == NotAnInstance(
        "not_an_instance", token=Code("a�b�c"), corrected=Code("/starrocks-upgrade <instance_id>")
    )


def test_the_command_is_offered_under_the_name_it_has_in_this_workspace() -> None:
    assert parse_command("--delay", "/sr-up") == CommandMistake(
        "no_instance", corrected=Code("/sr-up <instance_id> --delay")
    )


@pytest.mark.parametrize("text", ["-a ", "--delay ", "--skpi-valdate ", "-", "delay=", "no ", f"{ID} "])
def test_four_thousand_characters_of_anything_are_one_mistake(text: str) -> None:
    mistake = parse((text * 4000)[:4000])
    assert isinstance(mistake, CommandMistake)
    assert sum(len(code.text) for code in mistake.values.values() if isinstance(code, Code)) < 400


@pytest.mark.parametrize("length", [MAX_QUOTED - 1, MAX_QUOTED, MAX_QUOTED + 1])
def test_a_token_of_eighty_characters_is_repeated_whole(length: int) -> None:
    cut = "…" if length > 80 else ""
    assert quoted("x" * length) == Code("x" * min(length, 80) + cut)


def test_what_is_only_around_a_word_is_not_read() -> None:
    words = read_words("“--delay”. <x>! (y)… *z* who? ? a,b")
    assert [word.text for word in words] == ["--delay", "x", "y", "z", "who", "?", "a", "b"]
    assert words[0].typed == "--delay”."


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("delay", "delay"),
        ("DELAY", "delay"),
        ("ｄelay", "delay"),
        ("de-lay", "delay"),
        ("+delay", "delay"),
        ("delay!", "delay"),
        ("skip.validate", "skip-validate"),
        ("skip_validate", "skip-validate"),
        ("Skip—Validate", "skip-validate"),
        ("skipvalidate", "skip-validate"),
        ("ー–delay", "delay"),
        ("delays", None),
        ("validate", None),
        ("", None),
    ],
)
def test_a_flag_is_known_whatever_its_case_and_its_dashes(name: str, flag: str | None) -> None:
    assert exact_flag(name) == flag


@pytest.mark.parametrize(
    ("word", "name"), [("—Skip–validate", "skip-validate"), ("--skip_validate", "skip-validate"), ("/+-é", "é")]
)
def test_the_name_of_a_flag_has_no_dashes_before_it_and_one_kind_within(word: str, name: str) -> None:
    assert flag_name(word) == name


def test_what_stands_for_a_dash_does_so_only_beside_a_flag() -> None:
    assert [
        word for word in ("-x", "—x", "+delay", "/delay=1", "一delay", "+x", "/x", "一x", "x") if is_flag(word)
    ] == [
        "-x",
        "—x",
        "+delay",
        "/delay=1",
        "一delay",
    ]


@pytest.mark.parametrize(
    ("text", "token", "name", "value", "length"),
    [
        ("--delay", "--delay", "delay", None, 1),
        ("--delay x", "--delay", "delay", None, 1),
        ("--delay true x", "--delay true", "delay", "true", 2),
        ("--delay = true x", "--delay = true", "delay", "true", 3),
        ("--delay =true", "--delay =true", "delay", "true", 2),
        ("--delay= x", "--delay=", "delay", "", 1),
        ("--delay=02:00", "--delay=02:00", "delay", "02:00", 1),
        ("--delay truer", "--delay", "delay", None, 1),
    ],
)
def test_an_option_takes_the_next_words_only_as_its_value(
    text: str, token: str, name: str, value: str | None, length: int
) -> None:
    option = read_option(read_words(text), 0)
    assert (option.token, option.name, option.value, option.length) == (token, name, value, length)


@pytest.mark.parametrize(
    ("value", "is_off", "is_understood"),
    [("", False, True), ("=", False, True), ("=no", True, True), ("=yes", False, True), ("=nope", False, False)],
)
def test_a_value_says_yes_or_no_or_is_not_understood(value: str, is_off: bool, is_understood: bool) -> None:
    option = read_option(read_words(f"--delay{value}"), 0)
    assert (option.is_off, option.is_understood) == (is_off, is_understood)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        (ID, ID),
        (f"{ID}:", ID),
        (f"https://example.com/{ID}/basic", ID),
        (f"https://example.com/%2F{ID}", ID),
        (f"https://example.com/{ID}/{ID.upper()}", ID),
        (f"https://example.com/{ID}/{ANOTHER}", None),
        (f"https://example.com/{ID}/--delay", None),
        (f"instance_id={ID}", ID),
        (f"name={ID}", None),
        (f"x{ID}", None),
        (f"--{ID}", None),
        ("in17", None),
    ],
)
def test_an_id_is_found_in_a_link_or_after_a_label_and_nowhere_else(text: str, id: str | None) -> None:
    assert id_in(read_words(text), 0) == id


@pytest.mark.parametrize(
    ("text", "label"),
    [(f"ID: {ID}", True), (f"实例ID： {ID}", True), ("ID: foo", False), ("ID:", False), (f"x {ID}", False)],
)
def test_a_label_only_says_that_an_id_follows(text: str, label: bool) -> None:
    assert is_label(read_words(text), 0) == label
