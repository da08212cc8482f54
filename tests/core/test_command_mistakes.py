"""Each mistake by its kind, with the token that is wrong and the command to copy instead."""

from dataclasses import replace

import pytest

from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.messages import Code
from tests.core.command_examples import ANOTHER, BLANK, ID, NAME, copy, parse
from tests.core.examples import ORDERS

AT_ONCE = ("now", "immediate", "immediately", "at-once", "立即", "马上", "立刻")  # the opposite of `--delay`


@pytest.mark.parametrize(
    ("typed", "meant", "flags"),
    [
        ("--dealy", "--delay", "--delay"),
        ("--delayyyy", "--delay", "--delay"),
        ("—delya", "--delay", "--delay"),
        ("--delayed", "--delay", "--delay"),
        ("--del", "--delay", "--delay"),
        ("-d", "--delay", "--delay"),
        ("--later", "--delay", "--delay"),
        ("--window", "--delay", "--delay"),
        ("--延时", "--delay", "--delay"),
        ("——推迟", "--delay", "--delay"),
        ("later", "--delay", "--delay"),
        ("window", "--delay", "--delay"),
        ("延时", "--delay", "--delay"),
        ("可维护时间段", "--delay", "--delay"),
        ("/dely", "--delay", "--delay"),
        ("✅--delay", "--delay", "--delay"),
        ("--no-validation", "--skip-validate", "--skip-validate"),
        ("跳过校验", "--skip-validate", "--skip-validate"),
        ("--skip", "--skip-validate", "--skip-validate"),
        ("-ski", "--skip-validate", "--skip-validate"),
        ("--skip-validation", "--skip-validate", "--skip-validate"),
        ("--skpi-valdate", "--skip-validate", "--skip-validate"),
        ("--is_skip_validate", "--skip-validate", "--skip-validate"),
        ("--delay--skip-validate", "--delay --skip-validate", "--delay --skip-validate"),
        ("—skip-validate—delay", "--delay --skip-validate", "--delay --skip-validate"),
    ],
)
def test_a_flag_nearly_right_is_asked_back(typed: str, meant: str, flags: str) -> None:
    assert parse(f"{ID} {typed}") == CommandMistake(
        "misspelled_flag", token=Code(typed), suggestion=Code(meant), corrected=copy(flags)
    )


@pytest.mark.parametrize("flags", ["", "--skip-validate"])
@pytest.mark.parametrize(
    "word",
    [
        "foo",
        "--force",
        "--force=1",
        "--",
        "—",
        "--42",
        "不懂",
        "upgrade",
        "--upgrade",
        "please",
        "@bob",
        "-",
        "--é",
        "--now",
        *AT_ONCE,
    ],
)
def test_a_word_that_is_not_understood_takes_the_id_out_of_an_upgrade_at_once(word: str, flags: str) -> None:
    for typed in (f"{ID} {flags} {word}", f"{word} {ID} {flags}"):
        mistake = parse(typed)
        assert isinstance(mistake, CommandMistake)
        assert mistake.values["corrected"] == copy(flags, BLANK)
        delayed = parse(f"{typed} [--delay]")
        assert isinstance(delayed, CommandMistake)
        contradicted = word.lstrip("-") in AT_ONCE
        assert delayed.values["corrected"] == (copy(flags, BLANK) if contradicted else copy(f"--delay {flags}".strip()))


@pytest.mark.parametrize(
    "typed",
    ["cancel {id}", "stop {id}", "{id} --cancel", "abort", "取消 {id}", "停止升级", "cancle {id}", "-- stop {id}"],
)
def test_who_wants_to_cancel_is_told_where(typed: str) -> None:
    mistake = parse(typed.format(id=ID))
    assert isinstance(mistake, CommandMistake)
    assert mistake.key == "cancel_elsewhere"
    assert mistake.values["corrected"] == Code(f"{NAME} status")


def test_who_asks_for_the_opposite_of_a_flag_is_not_offered_it() -> None:
    for typed in ("--now --delay", "--validate --skip-validate", "immediately —delay"):
        mistake = parse(f"{ID} {typed}")
        assert isinstance(mistake, CommandMistake)
        assert mistake.values["corrected"] == copy(instance=BLANK)


def test_whose_negation_it_is_may_be_open_then_neither_flag_is_offered() -> None:
    mistake = parse(f"{ID} --skip-validate no delay")
    assert isinstance(mistake, CommandMistake)
    assert mistake.values["corrected"] == copy(instance=BLANK)


def test_the_command_offered_has_the_other_flags_too() -> None:
    assert parse(f"--dealy {ID} --Skip") == CommandMistake(
        "misspelled_flag", token=Code("--dealy"), suggestion=Code("--delay"), corrected=copy("--delay --skip-validate")
    )
    assert parse(f"{ID} --bogus —skip–validate delay") == CommandMistake(
        "unknown_flag",
        token=Code("--bogus"),
        delay=Code("--delay"),
        skip_validate=Code("--skip-validate"),
        corrected=copy("--delay --skip-validate"),
    )


@pytest.mark.parametrize("typed", ["--", "—", "－－", "--force", "--42", "---", "--<!here>", "--é", "-f=1", "-s"])
def test_an_unknown_flag_is_named_with_those_there_are(typed: str) -> None:
    flags = {"delay": Code("--delay"), "skip_validate": Code("--skip-validate")}
    mistake = parse(f"{ID} {typed}")
    assert isinstance(mistake, CommandMistake)
    assert mistake.key == "unknown_flag"
    assert mistake.values == {"token": mistake.values["token"], **flags, "corrected": copy(instance=BLANK)}
    delayed = parse(f"{typed} --skip-validate {ID} --delay")
    assert isinstance(delayed, CommandMistake)
    assert delayed.values["corrected"] == copy("--delay --skip-validate")


@pytest.mark.parametrize(
    ("typed", "token", "flags"),
    [
        ("--delay=true", "--delay=true", "--delay"),
        ("--delay=1", "--delay=1", "--delay"),
        ("--delay=02:00", "--delay=02:00", "--delay"),
        ("--delay=", "--delay=", "--delay"),
        ("--delay:true", "--delay:true", "--delay"),
        ("——delay＝true", "——delay＝true", "--delay"),
        ("--delay true", "--delay true", "--delay"),
        ("--delay yes", "--delay yes", "--delay"),
        ("--delay = true", "--delay = true", "--delay"),
        ("--delay =true", "--delay =true", "--delay"),
        ("--Delay=true", "--Delay=true", "--delay"),
        ("--skip_validate: TRUE", "--skip_validate: TRUE", "--skip-validate"),
        ("--delay=false", "--delay=false", ""),
        ("--delay=“false”", "--delay=“false", ""),
        ("--delay=FALSE --skip-validate", "--delay=FALSE", "--skip-validate"),
        ("--skip-validate=no --delay", "--skip-validate=no", "--delay"),
        ("--skip-validate off", "--skip-validate off", ""),
        ("--delay : 0", "--delay : 0", ""),
        ("--delay=否", "--delay=否", ""),
        ("--delay=disabled", "--delay=disabled", ""),
        ("delay=true", "delay=true", "--delay"),
        ("delay: false", "delay: false", ""),
        ("Skip-Validate no", "Skip-Validate no", ""),
    ],
)
def test_a_value_is_named_and_heeded_in_what_is_offered(typed: str, token: str, flags: str) -> None:
    assert parse(f"{ID} {typed}") == CommandMistake("flag_with_value", token=Code(token), corrected=copy(flags))


@pytest.mark.parametrize(
    ("typed", "token", "flag"),
    [
        ("delay", "delay", "--delay"),
        ("Delay", "Delay", "--delay"),
        ("skip-validate", "skip-validate", "--skip-validate"),
        ("skip—validate", "skip—validate", "--skip-validate"),
        ("skip_validate", "skip_validate", "--skip-validate"),
        ("skip validate", "skip validate", "--skip-validate"),
    ],
)
def test_a_flag_without_dashes_is_no_flag(typed: str, token: str, flag: str) -> None:
    assert parse(f"{ID} {typed}") == CommandMistake(
        "flag_without_dashes", token=Code(token), suggestion=Code(flag), corrected=copy(flag)
    )
    assert parse(f"{typed} {ID}") == CommandMistake(
        "flag_without_dashes", token=Code(token), suggestion=Code(flag), corrected=copy(flag)
    )


@pytest.mark.parametrize(
    ("typed", "flags"),
    [
        ("--no-delay", ""),
        ("--no-delay --delay", ""),
        ("--nodelay --skip-validate", "--skip-validate"),
        ("--strict-validate --delay", "--delay"),
        ("--keep-validate --delay", "--delay"),
        ("--nodelay", ""),
        ("delay no-delay", ""),
        ("no --delay", ""),
        ("--skip-validate-off", ""),
    ],
)
def test_who_says_no_is_not_offered_yes(typed: str, flags: str) -> None:
    mistake = parse(f"{ID} {typed}")
    assert isinstance(mistake, CommandMistake)
    assert mistake.key in ("unknown_flag", "not_an_instance", "wrong_length", "invalid_letters")
    assert mistake.values["corrected"] == copy(flags)


@pytest.mark.parametrize(
    ("typed", "flags", "instance"),
    [
        ("no validate", "", BLANK),
        ("--validate=no", "", BLANK),
        ("no --validate", "", BLANK),
        ("not immediately", "--delay", ID),
        ("--delay validate", "--delay", ID),
    ],
)
def test_two_negations_are_no_wish_to_skip_the_validation(typed: str, flags: str, instance: str) -> None:
    mistake = parse(f"{ID} {typed}")
    assert isinstance(mistake, CommandMistake)
    assert mistake.values["corrected"] == copy(flags, instance)


@pytest.mark.parametrize(
    ("typed", "flags", "instance"),
    [("delay skip validate", "--delay --skip-validate", ID), ("skip --validate", "--skip-validate", BLANK)],
)
def test_a_flag_in_two_words_is_not_its_opposite(typed: str, flags: str, instance: str) -> None:
    mistake = parse(f"{ID} {typed}")
    assert isinstance(mistake, CommandMistake)
    assert mistake.values["corrected"] == copy(flags, instance)


def test_a_flag_that_is_negated_elsewhere_is_not_suggested() -> None:
    mistake = parse(f"{ID} --dealy --no-delay")
    assert isinstance(mistake, CommandMistake)
    assert (mistake.key, mistake.values["corrected"]) == ("unknown_flag", copy())


def test_a_flag_given_as_a_value_is_offered() -> None:
    mistake = parse(f"{ID} --mode=delay")
    assert isinstance(mistake, CommandMistake)
    assert mistake.values["corrected"] == copy("--delay")


def test_one_letter_without_a_dash_is_no_flag_but_offered_as_one() -> None:
    assert parse(f"{ID} d") == NotAnInstance("not_an_instance", token=Code("d"), corrected=copy("--delay"))


# verbs

TAURUSDB = "9a7d3c1b2e4f4a5b8c6d7e8f90a1b2c3in07"


@pytest.mark.parametrize("verb", ["status", "history"])
@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (f"{ID} {ANOTHER}", "two_instances"),
        (f"{ID} {ID}", "same_instance_twice"),
        ("z" * 32 + "in17", "invalid_letters"),
        (f"{ID[:-6]}in17", "wrong_length"),
        ("sr-orders", "ambiguous_name"),
        ("sr-order", "unknown_name"),
        ("0" * 32 + "in07", "taurusdb_instance"),
        (TAURUSDB, "taurusdb_instance_known"),
    ],
)
def test_a_verb_with_a_wrong_instance_says_what_is_wrong_with_it(verb: str, typed: str, key: str) -> None:
    one = replace(ORDERS, id=ID, parent_id=TAURUSDB)
    mistake = parse(f"{verb} {typed}", instances=[one, replace(one, id=ANOTHER)])
    assert isinstance(mistake, CommandMistake)
    assert mistake.key == key


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        (f"{ID} --dealy", "--dealy"),
        (f"{ID} foo", "foo"),
        ("--delay", "--delay"),
        ("--delay --skip-validate", "--delay"),
    ],
)
@pytest.mark.parametrize("verb", ["status", "history"])
def test_a_verb_takes_only_an_instance(verb: str, typed: str, token: str) -> None:
    assert parse(f"{verb} {typed}") == NotAnInstance(
        "verb_with_instance", verb=Code(verb), token=Code(token), corrected=Code(f"{NAME} {verb} [instance_id]")
    )


@pytest.mark.parametrize(
    ("typed", "token", "corrected"),
    [
        ("staus", "staus", "status"),
        (f"staus {ID}", "staus", f"status {ID}"),
        (f"histroy {ID.upper()}", "histroy", f"history {ID}"),
        (f"staus {ID} {ANOTHER}", "staus", "status"),
        (f"lst {ID}", "lst", "list"),
        (f"staus https://example.com/{ID.upper()}", "staus", f"status {ID}"),
    ],
)
def test_a_verb_nearly_right_is_asked_back_with_the_instance_if_it_takes_one(
    typed: str, token: str, corrected: str
) -> None:
    assert parse(typed) == NotAnInstance("misspelled_verb", token=Code(token), corrected=Code(f"{NAME} {corrected}"))


@pytest.mark.parametrize(
    ("typed", "length"),
    [("b1" * 10, 20), ("a" * 19, None), ("x" * 8 + "in17", 12), ("x" * 7 + "in17", None), ("sr-" + "b1" * 10, None)],
)
def test_a_word_is_an_id_of_the_wrong_length_only_if_it_resembles_one(typed: str, length: int | None) -> None:
    mistake = parse(typed)
    assert isinstance(mistake, NotAnInstance)
    assert (mistake.key, mistake.values.get("length")) == (
        ("not_an_instance", None) if length is None else ("wrong_length", length)
    )
