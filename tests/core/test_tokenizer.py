"""How a mistake repeats what was typed: cut, cleaned, and never more than that."""

import pytest

from bot.core.command import parse_command
from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.messages import Code
from tests.core.command_examples import ID, parse


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
