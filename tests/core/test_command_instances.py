"""What is wrong with the id of a command: none, two, or something else than an id."""

import pytest

from bot.core.errors import CommandMistake, NotAnInstance
from bot.core.messages import Code
from tests.core.command_examples import ANOTHER, BLANK, ID, copy, parse


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("--delay", copy("--delay", BLANK)),
        ("—skip-validate", copy("--skip-validate", BLANK)),
        ("--skip-validate --delay --delay", copy("--delay --skip-validate", BLANK)),
    ],
)
def test_no_id_is_a_blank_to_fill(typed: str, corrected: Code) -> None:
    assert parse(typed) == CommandMistake("no_instance", corrected=corrected)


@pytest.mark.parametrize(
    ("typed", "flags"),
    [(f"{ID} {ANOTHER}", ""), (f"{ID} —delay {ANOTHER}", "--delay"), (f"{ID} {ANOTHER} {ANOTHER} --delay", "--delay")],
)
def test_two_ids_are_two_commands(typed: str, flags: str) -> None:
    assert parse(typed) == CommandMistake(
        "two_instances", first=Code(ID), second=Code(ANOTHER), corrected=copy(flags), alternative=copy(flags, ANOTHER)
    )


@pytest.mark.parametrize("again", [ID, ID.upper()])
def test_the_same_id_twice_is_not_one_id(again: str) -> None:
    """Only flags count once: a repeated id is more likely half of a slip of the pen than meant."""
    assert parse(f"{ID} {again}") == CommandMistake("same_instance_twice", instance=Code(ID), corrected=copy())


def test_an_id_repeated_beside_another_is_answered_with_the_two_that_differ() -> None:
    assert parse(f"{ID} {ID} {ANOTHER}") == CommandMistake(
        "two_instances", first=Code(ID), second=Code(ANOTHER), corrected=copy(), alternative=copy(instance=ANOTHER)
    )


TAURUS = ID[:-2] + "07"
NO_IDS = [
    (TAURUS, NotAnInstance("taurusdb_instance", token=Code(TAURUS), corrected=copy(instance=BLANK))),
    (TAURUS.upper(), NotAnInstance("taurusdb_instance", token=Code(TAURUS.upper()), corrected=copy(instance=BLANK))),
    (
        f"{TAURUS[3:]} --delay",
        NotAnInstance("taurusdb_instance", token=Code(TAURUS[3:]), corrected=copy("--delay", BLANK)),
    ),
    (f"{TAURUS} {ID}", NotAnInstance("taurusdb_instance", token=Code(TAURUS), corrected=copy())),
    (ID[1:], NotAnInstance("wrong_length", token=Code(ID[1:]), length=35, corrected=copy(instance=BLANK))),
    (f"a{ID}", NotAnInstance("wrong_length", token=Code(f"a{ID}"), length=37, corrected=copy(instance=BLANK))),
    (ID[:32], NotAnInstance("wrong_length", token=Code(ID[:32]), length=32, corrected=copy(instance=BLANK))),
    (
        ID[:20] + "in17",
        NotAnInstance("wrong_length", token=Code(ID[:20] + "in17"), length=24, corrected=copy(instance=BLANK)),
    ),
    (
        f"--delay {ID[1:]}",
        NotAnInstance("wrong_length", token=Code(ID[1:]), length=35, corrected=copy("--delay", BLANK)),
    ),
    (
        "g" + ID[1:],
        NotAnInstance("invalid_letters", token=Code("g" + ID[1:]), letters=Code("g"), corrected=copy(instance=BLANK)),
    ),
    (
        "oOlo" + ID[4:],
        NotAnInstance(
            "invalid_letters", token=Code("oOlo" + ID[4:]), letters=Code("oOl"), corrected=copy(instance=BLANK)
        ),
    ),
    (
        f"é{ID[1:]} —delay",
        NotAnInstance("invalid_letters", token=Code(f"é{ID[1:]}"), letters=Code("é"), corrected=copy("--delay", BLANK)),
    ),
    (
        ID[:-4] + "in18",
        NotAnInstance(
            "invalid_letters", token=Code(ID[:-4] + "in18"), letters=Code("in18"), corrected=copy(instance=BLANK)
        ),
    ),
    (
        ID[:-4] + "abcd",
        NotAnInstance(
            "invalid_letters", token=Code(ID[:-4] + "abcd"), letters=Code("abcd"), corrected=copy(instance=BLANK)
        ),
    ),
    ("orders", NotAnInstance("not_an_instance", token=Code("orders"), corrected=copy(instance=BLANK))),
    ("in07", NotAnInstance("not_an_instance", token=Code("in07"), corrected=copy(instance=BLANK))),
    (
        f"{'a' * 32}ın07",  # a dotless i, which ignoring the case would take for an i
        NotAnInstance("not_an_instance", token=Code(f"{'a' * 32}ın07"), corrected=copy(instance=BLANK)),
    ),
    ("<instance_id>", NotAnInstance("not_an_instance", token=Code(BLANK), corrected=copy(instance=BLANK))),
    ("<@U0123|bob>", NotAnInstance("not_an_instance", token=Code("<@U0123|bob>"), corrected=copy(instance=BLANK))),
    (
        "<!channel> --delay",
        NotAnInstance("not_an_instance", token=Code("<!channel>"), corrected=copy("--delay", BLANK)),
    ),
    (
        "590031445ef8-45bb-912d-7fc8-243db80c",
        NotAnInstance(
            "not_an_instance", token=Code("590031445ef8-45bb-912d-7fc8-243db80c"), corrected=copy(instance=BLANK)
        ),
    ),
]


@pytest.mark.parametrize(("typed", "mistake"), NO_IDS, ids=[typed for typed, _ in NO_IDS])
def test_what_is_no_id_is_named_for_what_it_is(typed: str, mistake: CommandMistake) -> None:
    assert parse(typed) == mistake
