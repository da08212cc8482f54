"""Any spelling of a command is read alike; any text at all yields what is in it or a mistake, never a guess."""

import re
import unicodedata

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.core.command import UpgradeCommand
from bot.core.errors import CommandMistake
from bot.core.messages import Code
from bot.core.suggestions import VERBS
from bot.core.tokenizer import FLAGS, LETTER_DASHES, QUOTES, ZERO_WIDTH, read_words
from tests.core.command_examples import NAME, parse
from tests.core.command_strategies import ALPHABET, IDS, MESSES, decorated_flags, negated_commands, spelled_commands


def offers(mistake: CommandMistake) -> list[str]:
    """The commands that a mistake offers to copy."""
    return [mistake.values[name].text for name in ("corrected", "alternative") if name in mistake.values]  # type: ignore[union-attr]  # both are Code


def visible(text: str) -> str:
    """The text as a person sees it: without what takes no room, in half-width letters."""
    letters = (letter for letter in text if not ZERO_WIDTH.match(letter))
    return "".join(chr(ord(one) - 0xFEE0) if "！" <= one <= "～" else one for one in letters)


def letters_of(text: str) -> str:
    """The letters and digits of a text alone, in lower case."""
    plain = unicodedata.normalize("NFKC", visible(text)).casefold()
    return "".join(one for one in plain if one.isalnum() and one not in LETTER_DASHES)


@given(spelled_commands())
@settings(max_examples=400)
def test_any_spelling_is_read_the_same(spelled: tuple[str, UpgradeCommand]) -> None:
    text, command = spelled
    assert parse(text) == command


@given(MESSES)
@settings(max_examples=600)
@example("help")
@example("\u200b")
@example("=")
@example("-=")
@example("--delay\u0600")
def test_any_text_is_a_command_or_a_mistake_that_offers_one(text: str) -> None:
    answer = parse(text)
    if isinstance(answer, CommandMistake):
        assert offers(answer)
        for code in (blank for blank in answer.values.values() if isinstance(blank, Code)):
            assert code.text
            code.text.encode()


@given(MESSES)
@settings(max_examples=600)
def test_no_upgrade_without_exactly_one_id_and_no_flag_that_is_not_in_the_text(text: str) -> None:
    command = parse(text)
    if not isinstance(command, UpgradeCommand):
        return
    ids = re.findall(r"(?<![0-9a-z])[0-9a-f]{32}in17(?![0-9a-z])", visible(text), re.IGNORECASE | re.ASCII)
    assert {one.lower() for one in ids} == {command.instance_id}
    assert not command.delay or "delay" in letters_of(text)
    assert not command.skip_validate or "skipvalidate" in letters_of(text)


@given(MESSES)
@settings(max_examples=600)
def test_what_is_offered_is_read_as_what_it_says(text: str) -> None:
    answer = parse(text)
    for offered in offers(answer) if isinstance(answer, CommandMistake) else []:
        assert offered.startswith(f"{NAME} ")
        first, *flags = offered.removeprefix(f"{NAME} ").split(" ")
        again = parse(offered)
        if isinstance(answer, CommandMistake) and answer.key in {"misspelled_verb", "cancel_elsewhere"}:
            assert not isinstance(again, UpgradeCommand | CommandMistake)
            continue
        if first in VERBS:
            assert not isinstance(again, UpgradeCommand)
            continue
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
    answer = parse(text)
    letters = letters_of(text)
    for offered in offers(answer) if isinstance(answer, CommandMistake) else []:
        assert "--delay" not in offered or re.search("d|ela|now|immediate", letters)
        assert "--skip-validate" not in offered or re.search("s.?k|sip|kip|ki.?p", letters)


@given(negated_commands())
@settings(max_examples=400)
def test_a_flag_that_was_negated_is_neither_taken_nor_offered(negated: tuple[str, str]) -> None:
    text, flag = negated
    answer = parse(text)
    assert isinstance(answer, CommandMistake)
    assert not any(f"--{flag}" in offered for offered in offers(answer))
    if answer.key == "misspelled_flag":
        suggestion = answer.values["suggestion"]
        assert isinstance(suggestion, Code)
        assert f"--{flag}" not in suggestion.text


@given(spelled_commands(), st.sampled_from(["--bogus", "bogus", "--x=1", "=", "不懂", "--时间"]))
@settings(max_examples=300)
def test_no_flag_is_lost_beside_a_word_that_is_not_understood_and_no_upgrade_at_once_is_offered(
    spelled: tuple[str, UpgradeCommand], wrong: str
) -> None:
    text, command = spelled
    answer = parse(f"{wrong} {text}")
    assert isinstance(answer, CommandMistake)
    instance, *flags = offers(answer)[0].removeprefix(f"{NAME} ").split(" ")
    assert instance == (command.instance_id if command.delay else "<instance_id>")
    assert ("--delay" in flags, "--skip-validate" in flags) == (command.delay, command.skip_validate)


@given(IDS, decorated_flags(), st.booleans())
@settings(max_examples=1000)
@example("5" * 32 + "in17", ("✅--delay", "delay"), True)
@example("5" * 32 + "in17", ("=--skip-validate", "skip-validate"), True)
def test_a_flag_with_any_signs_around_it_is_taken_or_offered(
    instance: str, decorated: tuple[str, str], is_first: bool
) -> None:
    text, flag = decorated
    answer = parse(f"{text} {instance}" if is_first else f"{instance} {text}")
    if isinstance(answer, CommandMistake):
        assert all(f"--{flag}" in offered.split(" ") for offered in offers(answer))
        assert all(offered.split(" ")[1] in (instance.lower(), "<instance_id>") for offered in offers(answer))
    else:
        assert answer == UpgradeCommand(instance.lower(), flag == "delay", flag == "skip-validate")


@given(IDS, st.text(ALPHABET, min_size=1, max_size=20), st.sampled_from(["", " --skip-validate"]))
@settings(max_examples=600)
def test_no_word_but_a_flag_makes_an_offer_of_an_upgrade_at_once(instance: str, word: str, flags: str) -> None:
    assume(not re.search("skip|now|valid|no|not|delay|help|立|马|不|别|d", letters_of(word)))
    answer = parse(f"{word} {instance}{flags}")
    if isinstance(answer, CommandMistake) and answer.key != "same_instance_twice":
        assert not any(offered.split(" ")[1:] == [instance.lower(), *flags.split()] for offered in offers(answer))


@given(spelled_commands(), IDS)
def test_of_two_ids_each_is_offered_with_the_flags(spelled: tuple[str, UpgradeCommand], another: str) -> None:
    text, command = spelled
    assume(another.lower() != command.instance_id)
    answer = parse(f"{text} {another}")
    assert isinstance(answer, CommandMistake)
    assert answer.key == "two_instances"
    flags = (command.delay, command.skip_validate)
    assert [parse(offered.removeprefix(NAME)) for offered in offers(answer)] == [
        UpgradeCommand(command.instance_id, *flags),
        UpgradeCommand(another.lower(), *flags),
    ]


@given(st.text(ALPHABET, max_size=60))
def test_words_have_no_blank_and_no_quote_around_them(text: str) -> None:
    for word in read_words(text):
        assert word.text
        assert word.text == word.text.strip(QUOTES) == word.text.strip()
        assert len(word.text.split()) == 1
