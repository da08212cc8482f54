"""The tree of reasons is drawn once, and the drawing is true."""

import inspect
import re
from types import ModuleType

import pytest

from bot.core import denials, mistakes, reasons
from bot.core.reasons import Denied, Fault, Mistake, NotSent, Refused, SlackAway, SlackRefused, Trouble, Unsure
from bot.core.sentence import Sentence


def drawn() -> dict[str, str | None]:
    """Each name of the drawing with the name it hangs from."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    lines = (reasons.__doc__ or "").splitlines()[2:]
    for line in filter(None, lines):
        found = re.fullmatch(r"(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: .*)?", line)
        assert found, line
        depth, odd = divmod(len(found["branch"]), 4)
        assert not odd, line
        path = [*path[:depth], found["name"]]
        assert len(path) == depth + 1, line
        parents[found["name"]] = path[-2] if depth else None
    return parents


def classes(module: ModuleType) -> list[type]:
    """The classes that a module defines."""
    return [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]


def test_the_tree_as_drawn_is_the_tree_of_the_classes() -> None:
    names = {one.__name__ for one in classes(reasons)}
    hangs_from = {
        one.__name__: base if (base := one.__bases__[0].__name__) in names else None for one in classes(reasons)
    }
    assert drawn() == hangs_from


def test_the_two_roots_are_a_sentence_and_an_exception() -> None:
    assert [name for name, parent in drawn().items() if parent is None] == ["Refusal", "Trouble"]
    assert reasons.Refusal.__bases__ == (Sentence,)
    assert Trouble.__bases__ == (Exception,)


@pytest.mark.parametrize(("module", "base"), [(mistakes, Mistake), (denials, Denied)])
def test_the_kinds_kept_in_a_file_of_their_own_hang_where_the_drawing_says(module: ModuleType, base: type) -> None:
    assert module.__name__.rsplit(".", 1)[-1] + ".py" in next(
        line for line in (reasons.__doc__ or "").splitlines() if base.__name__ in line
    )
    assert {one.__bases__ for one in classes(module)} == {(base,)}


def test_every_reason_says_in_one_line_what_it_is_for() -> None:
    for module in (reasons, mistakes, denials):
        for one in classes(module):
            assert one.__doc__, one
            assert not one.__doc__.startswith(f"{one.__name__}("), f"{one} has a generated docstring"


def test_every_refusal_has_its_own_key() -> None:
    keys = [
        one.key() for module in (reasons, mistakes, denials) for one in classes(module) if issubclass(one, Sentence)
    ]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("kind", [NotSent, Refused, Unsure])
def test_a_fault_reads_as_one_line_with_what_the_cloud_said(kind: type[Fault]) -> None:
    fault = kind(status=409, code="DBS.200019", message="Another operation is running.", request_id="r-1")
    assert str(fault) == f"{kind.__name__}: 409 DBS.200019 Another operation is running."
    assert str(kind()) == f"{kind.__name__}: no answer"


@pytest.mark.parametrize("kind", [NotSent, Refused, Unsure])
def test_a_fault_is_only_itself_so_that_two_lost_answers_are_not_one(kind: type[Fault]) -> None:
    assert kind() != kind()
    with pytest.raises(Fault):
        raise kind()


def test_slack_that_is_away_and_slack_that_refuses_carry_what_slack_said() -> None:
    assert SlackAway("chat.update: 429", 3.0).retry_after == 3.0
    assert SlackAway("chat.update: timeout").retry_after is None
    assert SlackRefused("is_archived").error == "is_archived"
