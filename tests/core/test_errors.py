"""The two trees of errors are drawn once, and the drawing is true."""

import inspect
import re

import pytest

from bot.core import errors
from bot.core.errors import (
    CloudError,
    JobIdTaken,
    LiveUpgradeExists,
    NotSent,
    OutcomeUnknown,
    Refusal,
    Rejected,
    ServiceError,
    SlackRejected,
    SlackUnavailable,
)
from bot.core.messages import Message


def drawn_parents() -> dict[str, str | None]:
    """Each name of the drawing with the name it hangs from."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in filter(None, (errors.__doc__ or "").splitlines()[2:]):
        match = re.fullmatch(r"(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: .*)?", line)
        assert match, line
        depth, odd = divmod(len(match["branch"]), 4)
        assert not odd, line
        path = [*path[:depth], match["name"]]
        assert len(path) == depth + 1, line
        parents[match["name"]] = path[-2] if depth else None
    return parents


def defined_classes() -> list[type]:
    """The classes of both trees."""
    classes = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    outside = (JobIdTaken, LiveUpgradeExists)
    return [one for one in classes if one.__module__ == errors.__name__ and one not in outside]


def test_the_trees_as_drawn_are_the_trees_of_the_classes() -> None:
    names = {one.__name__ for one in defined_classes()}
    parents = {one.__name__: one.__bases__[0].__name__ for one in defined_classes()}
    assert drawn_parents() == {name: base if base in names else None for name, base in parents.items()}


def test_the_two_roots_are_a_message_and_an_exception() -> None:
    assert [name for name, parent in drawn_parents().items() if parent is None] == ["Refusal", "ServiceError"]
    assert Refusal.__bases__ == (Message,)
    assert ServiceError.__bases__ == (Exception,)


def test_every_class_says_what_it_is_for() -> None:
    for one in defined_classes():
        assert one.__doc__, one
        assert not one.__doc__.startswith(f"{one.__name__}("), f"{one} has a generated docstring"


@pytest.mark.parametrize("kind", [NotSent, Rejected, OutcomeUnknown])
def test_a_cloud_error_reads_as_one_line_with_what_the_cloud_wrote(kind: type[CloudError]) -> None:
    error = kind(status=409, code="DBS.200019", message="Another operation is running.", api_request_id="r-1")
    assert str(error) == f"{kind.__name__}: 409 DBS.200019 Another operation is running."
    nothing = kind()
    assert str(nothing) == f"{kind.__name__}: no answer"
    assert (nothing.code, nothing.message, nothing.api_request_id, nothing.note) == ("", "", "", "")


@pytest.mark.parametrize("kind", [NotSent, Rejected, OutcomeUnknown])
def test_a_cloud_error_is_only_itself_so_that_two_lost_answers_are_not_one(kind: type[CloudError]) -> None:
    assert kind() != kind()
    with pytest.raises(CloudError):
        raise kind()


def test_errors_of_slack_carry_what_slack_answered() -> None:
    assert SlackUnavailable("chat.update: 429", 3.0).retry_after == 3.0
    assert SlackUnavailable("chat.update: timeout").retry_after is None
    assert SlackRejected("is_archived").error == "is_archived"


def test_refusals_with_the_same_key_and_values_are_equal_and_those_of_another_kind_are_not() -> None:
    assert errors.TooLate("unknown_request") == errors.TooLate("unknown_request")
    assert errors.TooLate("unknown_request") != errors.Refusal("unknown_request")
    assert errors.TooLate("unknown_request") != Message("unknown_request")


def test_a_note_of_ours_stands_in_brackets_and_an_error_is_of_the_request_unless_it_says_so() -> None:
    assert str(NotSent(note="no free connection")) == "NotSent: (no free connection)"
    assert str(Rejected(403, "APIGW.0306", "denied", note="twice")) == "Rejected: 403 APIGW.0306 denied (twice)"
    assert not Rejected(401).is_sign_in
