"""Any spelling of a command is read alike; any text at all yields what is in it or a mistake, never a guess."""

import re
import unicodedata

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.core.command import HelpCommand, UpgradeCommand, parse_upgrade
from bot.core.errors import CommandMistake
from bot.core.messages import Code
from bot.core.tokenizer import DASHES, FLAGS, QUOTES, split_words
from tests.core.command_strategies import ALPHABET, IDS, MESSES, negated_commands, spelled_commands

NAME = "/starrocks-upgrade"


def offers(mistake: CommandMistake) -> list[str]:
    """The commands that a mistake offers to copy."""
    return [mistake.values[name].text for name in ("corrected", "alternative") if name in mistake.values]  # type: ignore[union-attr]  # both are Code


def visible(text: str) -> str:
    """The text as a person sees it: without what takes no room, with one kind of dash."""
    seen = (letter for letter in text if unicodedata.category(letter) not in {"Cf", "Mn"})
    return "".join("-" if letter in DASHES else letter for letter in seen)


@given(spelled_commands())
@settings(max_examples=400)
def test_any_spelling_is_read_the_same(spelled: tuple[str, UpgradeCommand]) -> None:
    text, command = spelled
    assert parse_upgrade(text) == command


@given(MESSES)
@settings(max_examples=600)
@example("help")
@example("\u200b")
@example("=")
@example("-=")
@example("--delay\u0600")
def test_any_text_is_a_command_or_a_mistake_that_offers_one(text: str) -> None:
    answer = parse_upgrade(text)
    if isinstance(answer, CommandMistake):
        assert offers(answer)
        for code in (blank for blank in answer.values.values() if isinstance(blank, Code)):
            assert code.text
            code.text.encode()
    else:
        assert isinstance(answer, UpgradeCommand | HelpCommand)


@given(MESSES)
@settings(max_examples=600)
def test_no_upgrade_without_exactly_one_id_and_no_flag_that_is_not_in_the_text(text: str) -> None:
    command = parse_upgrade(text)
    if not isinstance(command, UpgradeCommand):
        return
    words = visible(text).split()
    ids = [word.strip(QUOTES) for word in words if re.search(r"[0-9a-f]{32}in17", word, re.IGNORECASE)]
    assert [one.lower() for one in ids] == [command.instance_id]
    flags = {word.strip(QUOTES).lstrip("-") for word in words if word.strip(QUOTES).startswith("-")}
    assert flags == {flag for flag, on in (("delay", command.delay), ("skip-validate", command.skip_validate)) if on}
    assert len(words) >= 1 + len(flags)


@given(MESSES)
@settings(max_examples=600)
def test_what_is_offered_is_read_as_what_it_says(text: str) -> None:
    answer = parse_upgrade(text, NAME)
    for offered in offers(answer) if isinstance(answer, CommandMistake) else []:
        assert offered.startswith(f"{NAME} ")
        first, *flags = offered.removeprefix(f"{NAME} ").split(" ")
        again = parse_upgrade(offered.removeprefix(NAME))
        if first == "<instance_id>":
            assert isinstance(again, CommandMistake)
            assert offered in offers(again)
        else:
            assert first.lower() in visible(text).lower()
            assert again == UpgradeCommand(first, delay="--delay" in flags, skip_validate="--skip-validate" in flags)
        assert set(flags) <= {f"--{flag}" for flag in FLAGS}


@given(MESSES)
@settings(max_examples=600)
def test_no_flag_is_offered_that_nothing_in_the_text_resembles(text: str) -> None:
    answer = parse_upgrade(text)
    letters = visible(text).lower()
    for offered in offers(answer) if isinstance(answer, CommandMistake) else []:
        assert "--delay" not in offered or re.search("d.?e|de?l|ela", letters)
        assert "--skip-validate" not in offered or re.search("s.?k|sip|kip|ki.?p", letters)


@given(negated_commands())
@settings(max_examples=400)
def test_a_flag_that_was_negated_is_neither_taken_nor_offered(negated: tuple[str, str]) -> None:
    text, flag = negated
    answer = parse_upgrade(text)
    assert isinstance(answer, CommandMistake)
    assert not any(f"--{flag}" in offered for offered in offers(answer))
    if answer.key == "misspelled_flag":
        suggestion = answer.values["suggestion"]
        assert isinstance(suggestion, Code)
        assert f"--{flag}" not in suggestion.text


@given(spelled_commands(), st.sampled_from(["--bogus", "bogus", "--x=1", "=", "--"]))
@settings(max_examples=300)
def test_no_flag_that_was_given_is_missing_from_what_is_offered(
    spelled: tuple[str, UpgradeCommand], wrong: str
) -> None:
    text, command = spelled
    answer = parse_upgrade(f"{wrong} {text}")
    assert isinstance(answer, CommandMistake)
    assert parse_upgrade(offers(answer)[0].removeprefix(NAME)) == command


@given(spelled_commands(), IDS)
def test_of_two_ids_each_is_offered_with_the_flags(spelled: tuple[str, UpgradeCommand], another: str) -> None:
    text, command = spelled
    assume(another.lower() != command.instance_id)
    answer = parse_upgrade(f"{text} {another}")
    assert isinstance(answer, CommandMistake)
    assert answer.key == "two_instances"
    flags = (command.delay, command.skip_validate)
    assert [parse_upgrade(offered.removeprefix(NAME)) for offered in offers(answer)] == [
        UpgradeCommand(command.instance_id, *flags),
        UpgradeCommand(another.lower(), *flags),
    ]


@given(st.text(ALPHABET, max_size=60))
def test_words_have_no_blank_and_no_quote_around_them(text: str) -> None:
    for word in split_words(text):
        assert word
        assert word == word.strip(QUOTES) == word.strip()
        assert len(word.split()) == 1
