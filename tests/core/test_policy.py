"""Who may use the bot, ask, confirm and cancel: every row of the permission table."""

import pytest

from bot.core.denials import PersonNotAllowed
from bot.core.policy import EVERYTHING, NOBODY, Actor, Door, Rules
from bot.core.reasons import Denied, Refusal
from tests.core.permissions import ANN, ANYONE, ASK, CONFIRM, HERE, ID, NAMED, USE, ids


def asked(refusal: Refusal | None) -> type[Refusal] | None:
    """The kind of an answer."""
    return None if refusal is None else type(refusal)


@pytest.mark.parametrize(("rules", "actor", "channel", "refusal"), USE)
def test_who_may_use_the_bot_and_so_cancel(
    rules: Rules, actor: Actor, channel: str, refusal: type[Refusal] | None
) -> None:
    door = Door(rules, "T1")
    assert asked(door.use(actor, channel)) is refusal
    assert refusal is None or issubclass(refusal, Denied)


@pytest.mark.parametrize(("rules", "actor", "channel", "refusal"), USE)
@pytest.mark.parametrize("skip_validate", [False, True])
def test_who_may_not_use_the_bot_may_neither_ask_nor_confirm(
    rules: Rules, actor: Actor, channel: str, refusal: type[Refusal] | None, skip_validate: bool
) -> None:
    door = Door(rules, "T1")
    assert asked(door.ask(actor, channel, ID, skip_validate)) is refusal
    assert asked(door.confirm(actor, channel, ID, skip_validate, asked_by=actor.id)) is refusal


@pytest.mark.parametrize(("rules", "actor", "instance", "skip", "refusal"), ASK)
def test_who_may_ask_for_what(
    rules: Rules, actor: Actor, instance: str, skip: bool, refusal: type[Refusal] | None
) -> None:
    door = Door(rules, "T1")
    assert asked(door.ask(actor, "CDB", instance, skip)) is refusal
    assert asked(door.confirm(actor, "CDB", instance, skip, asked_by=actor.id)) is refusal
    assert door.use(actor, "CDB") is None or refusal is PersonNotAllowed  # cancelling is not held up by these


@pytest.mark.parametrize(("rules", "actor", "skip", "refusal"), CONFIRM)
def test_who_may_confirm_what_ann_asked_for(rules: Rules, actor: Actor, skip: bool, refusal: Refusal | None) -> None:
    assert Door(rules, "T1").confirm(actor, "CDB", ID, skip, asked_by="UANN") == refusal


def test_who_was_allowed_at_the_command_is_asked_again_at_the_click() -> None:
    assert Door(NAMED, "T1").ask(ANN, "CDB", ID, skip_validate=False) is None
    since_then = Rules(channels=HERE, users=ids("UBOB"), confirm_by=ANYONE)
    assert Door(since_then, "T1").confirm(ANN, "CDB", ID, False, asked_by="UANN") == PersonNotAllowed()


def test_the_groups_that_have_to_be_known_are_those_of_all_rules() -> None:
    rules = Rules(usergroups=ids("S1", "S2"), skip_validate_usergroups=ids("S2", "S3"))
    assert rules.groups_that_matter() == {"S1", "S2", "S3"}
    assert Rules(usergroups=EVERYTHING).groups_that_matter() == frozenset()


def test_a_set_of_ids_is_true_only_if_it_can_have_somebody() -> None:
    assert not NOBODY
    assert EVERYTHING
    assert ids("U1")
    assert "U1" not in NOBODY
    assert "U1" in EVERYTHING
    assert "U1" in ids("U1")
    assert "U2" not in ids("U1")


def test_the_table_has_at_least_sixty_rows() -> None:
    assert len(USE) + len(ASK) + len(CONFIRM) >= 60
