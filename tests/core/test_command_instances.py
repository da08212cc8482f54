"""What is wrong with the id of a command: none, two, or something else than an id."""

import pytest

from bot.core.command import parse
from bot.core.mistakes import (
    NoInstance,
    NotAnInstance,
    SameInstanceTwice,
    TaurusInstance,
    TwoInstances,
    WrongLength,
    WrongLetters,
)
from bot.core.reasons import Mistake
from bot.core.sentence import Code

ID = "590031445ef845bb912d7fc8243db80cin17"
ANOTHER = "0123456789abcdef0123456789abcdefin17"
NAME = "/starrocks-upgrade"


BLANK = "<instance_id>"


def copy(flags: str = "", instance: str = ID) -> Code:
    """The command offered to copy."""
    return Code(" ".join(filter(None, [NAME, instance, flags])))


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("", copy(instance=BLANK)),
        (" \u3000\u200b“”` ", copy(instance=BLANK)),
        ("--delay", copy("--delay", BLANK)),
        ("—skip-validate", copy("--skip-validate", BLANK)),
        ("--skip-validate --delay --delay", copy("--delay --skip-validate", BLANK)),
    ],
)
def test_no_id_is_a_blank_to_fill(typed: str, corrected: Code) -> None:
    assert parse(typed) == NoInstance(corrected)


@pytest.mark.parametrize(
    ("typed", "flags"),
    [(f"{ID} {ANOTHER}", ""), (f"{ID} —delay {ANOTHER}", "--delay"), (f"{ID} {ANOTHER} {ANOTHER} --delay", "--delay")],
)
def test_two_ids_are_two_commands(typed: str, flags: str) -> None:
    assert parse(typed) == TwoInstances(Code(ID), Code(ANOTHER), copy(flags), copy(flags, ANOTHER))


@pytest.mark.parametrize("again", [ID, ID.upper()])
def test_the_same_id_twice_is_not_one_id(again: str) -> None:
    """Only flags count once: a repeated id is more likely half of a slip of the pen than meant."""
    assert parse(f"{ID} {again}") == SameInstanceTwice(Code(ID), copy())


def test_an_id_repeated_beside_another_is_answered_with_the_two_that_differ() -> None:
    assert parse(f"{ID} {ID} {ANOTHER}") == TwoInstances(Code(ID), Code(ANOTHER), copy(), copy(instance=ANOTHER))


TAURUS = ID[:-2] + "07"
NO_IDS = [
    (TAURUS, TaurusInstance(Code(TAURUS), copy(instance=BLANK))),
    (TAURUS.upper(), TaurusInstance(Code(TAURUS.upper()), copy(instance=BLANK))),
    (f"{TAURUS[3:]} --delay", TaurusInstance(Code(TAURUS[3:]), copy("--delay", BLANK))),
    (f"{TAURUS} {ID}", TaurusInstance(Code(TAURUS), copy())),
    (ID[1:], WrongLength(Code(ID[1:]), 35, copy(instance=BLANK))),
    (f"a{ID}", WrongLength(Code(f"a{ID}"), 37, copy(instance=BLANK))),
    (ID[:32], WrongLength(Code(ID[:32]), 32, copy(instance=BLANK))),
    (ID[:20] + "in17", WrongLength(Code(ID[:20] + "in17"), 24, copy(instance=BLANK))),
    (f"--delay {ID[1:]}", WrongLength(Code(ID[1:]), 35, copy("--delay", BLANK))),
    ("g" + ID[1:], WrongLetters(Code("g" + ID[1:]), Code("g"), copy(instance=BLANK))),
    ("oOlo" + ID[4:], WrongLetters(Code("oOlo" + ID[4:]), Code("oOl"), copy(instance=BLANK))),
    (f"é{ID[1:]} —delay", WrongLetters(Code(f"é{ID[1:]}"), Code("é"), copy("--delay", BLANK))),
    (ID[:-4] + "in18", WrongLetters(Code(ID[:-4] + "in18"), Code("in18"), copy(instance=BLANK))),
    (ID[:-4] + "abcd", WrongLetters(Code(ID[:-4] + "abcd"), Code("abcd"), copy(instance=BLANK))),
    ("orders", NotAnInstance(Code("orders"), copy(instance=BLANK))),
    ("in07", NotAnInstance(Code("in07"), copy(instance=BLANK))),
    ("<instance_id>", NotAnInstance(Code(BLANK), copy(instance=BLANK))),
    ("<@U0123|bob>", NotAnInstance(Code("<@U0123|bob>"), copy(instance=BLANK))),
    ("<!channel> --delay", NotAnInstance(Code("<!channel>"), copy("--delay", BLANK))),
    (f"{NAME} {ID}", NotAnInstance(Code(NAME), copy())),
    (f"{ID}--delay", NotAnInstance(Code(f"{ID}--delay"), copy("--delay"))),
    (f"{ID}——delay —skip-validate", NotAnInstance(Code(f"{ID}——delay"), copy("--delay --skip-validate"))),
    (
        "590031445ef8-45bb-912d-7fc8-243db80c",
        NotAnInstance(Code("590031445ef8-45bb-912d-7fc8-243db80c"), copy(instance=BLANK)),
    ),
]


@pytest.mark.parametrize(("typed", "mistake"), NO_IDS, ids=[typed for typed, _ in NO_IDS])
def test_what_is_no_id_is_named_for_what_it_is(typed: str, mistake: Mistake) -> None:
    assert parse(typed) == mistake
