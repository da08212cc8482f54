"""Who may use the bot, request, confirm and cancel: every row of the permission table."""

from dataclasses import replace

import pytest

from bot.core.errors import PermissionDenied
from bot.core.permissions import EVERYTHING, NOTHING, AccessPolicy, Channel, ConfirmBy, Rules, User
from bot.core.upgrade import Upgrade
from tests.core.examples import new_upgrade
from tests.core.permission_table import ANN, ANYONE, CONFIRM, GUEST, HERE, ID, NAMED, NOT_IDENTIFIED, REQUEST, USE, ids


def reason(refusal: PermissionDenied | None) -> str | None:
    """The key of a refusal."""
    return None if refusal is None else refusal.key


def requested(by: str, channel: str = "CDB", instance: str = ID, *, skip_validate: bool) -> Upgrade:
    return new_upgrade(requested_by=by, channel_id=channel, instance_id=instance, skip_validate=skip_validate)


@pytest.mark.parametrize(("rules", "user", "channel", "refusal"), USE)
def test_who_may_use_the_bot_and_so_cancel(rules: Rules, user: User, channel: str, refusal: str | None) -> None:
    assert reason(AccessPolicy(rules, "T1").check_use(user, channel)) == refusal


@pytest.mark.parametrize(("rules", "user", "channel", "refusal"), USE)
@pytest.mark.parametrize("skip_validate", [False, True])
def test_who_may_not_use_the_bot_may_neither_request_nor_confirm_nor_cancel_a_scheduled_one(
    rules: Rules, user: User, channel: str, refusal: str | None, skip_validate: bool
) -> None:
    policy = AccessPolicy(rules, "T1")
    upgrade = requested(user.id, channel, skip_validate=skip_validate)
    assert reason(policy.check_request(user, channel, ID, skip_validate)) == refusal
    assert reason(policy.check_confirm(user, upgrade)) == refusal
    assert reason(policy.check_cancel_scheduled(user, upgrade)) == refusal


@pytest.mark.parametrize(("rules", "user", "instance", "skip", "refusal"), REQUEST)
def test_who_may_request_what(rules: Rules, user: User, instance: str, skip: bool, refusal: str | None) -> None:
    policy = AccessPolicy(rules, "T1")
    upgrade = requested(user.id, instance=instance, skip_validate=skip)
    assert reason(policy.check_request(user, "CDB", instance, skip)) == refusal
    assert reason(policy.check_confirm(user, upgrade)) == refusal
    assert reason(policy.check_cancel_scheduled(user, upgrade)) == refusal
    # cancelling a request is not held up by these
    assert policy.check_use(user, "CDB") is None or refusal == "user_not_allowed"


@pytest.mark.parametrize(("rules", "user", "skip", "refusal"), CONFIRM)
def test_who_may_confirm_what_ann_requested(
    rules: Rules, user: User, skip: bool, refusal: PermissionDenied | None
) -> None:
    assert AccessPolicy(rules, "T1").check_confirm(user, requested("UANN", skip_validate=skip)) == refusal


@pytest.mark.parametrize(("rules", "user", "skip", "refusal"), CONFIRM)
def test_who_may_confirm_may_cancel_a_scheduled_upgrade_and_nobody_else(
    rules: Rules, user: User, skip: bool, refusal: PermissionDenied | None
) -> None:
    own_words = {"only_requester": "only_requester_cancels", "only_another": "only_another_cancels"}
    key = None if refusal is None else own_words.get(refusal.key, refusal.key)
    canceled = AccessPolicy(rules, "T1").check_cancel_scheduled(user, requested("UANN", skip_validate=skip))
    assert reason(canceled) == key
    assert canceled is None or refusal is None or canceled.values == refusal.values


@pytest.mark.parametrize(("rules", "user", "asking", "effect"), NOT_IDENTIFIED)
def test_whoever_slack_does_not_describe_may_ask_but_change_nothing(
    rules: Rules, user: User, asking: str | None, effect: str | None
) -> None:
    policy = AccessPolicy(replace(rules, confirm_by=ANYONE, confirm_skip_validate_by=ANYONE), "T1")
    upgrade = requested("UREQ", skip_validate=True)
    assert reason(policy.check_request(user, "CDB", ID, skip_validate=True)) == asking
    assert reason(policy.check_confirm(user, upgrade)) == effect
    assert reason(policy.check_cancel_scheduled(user, upgrade)) == effect
    assert policy.check_use(user, "CDB") is None or reason(policy.check_use(user, "CDB")) == asking


def test_two_ids_of_one_person_are_not_another_person() -> None:
    person = User("WANN", "T1", other_ids=frozenset({"UANN"}))
    upgrade = requested("UANN", skip_validate=False)
    rules = Rules(channels=HERE, users=EVERYTHING)
    assert AccessPolicy(rules, "T1").check_confirm(person, upgrade) is None
    by_another = AccessPolicy(replace(rules, confirm_by=ConfirmBy.ANOTHER), "T1")
    assert reason(by_another.check_confirm(person, upgrade)) == "only_another"


@pytest.mark.parametrize("channel", ["CDB", "COTHER"])
@pytest.mark.parametrize("instance", [ID, "0123456789abcdef0123456789abcdefin17"])
def test_lists_show_what_may_be_used(channel: str, instance: str) -> None:
    policy = AccessPolicy(Rules(channels=HERE, users=EVERYTHING, instances=ids(ID)), "T1")
    assert policy.may_see(ANN, requested("UBOB", channel, instance, skip_validate=True)) == (
        channel == "CDB" and instance == ID
    )
    assert policy.may_see_instance(instance) == (instance == ID)


def test_who_asks_about_all_instances_asks_about_none_that_is_not_allowed() -> None:
    policy = AccessPolicy(Rules(channels=HERE, users=EVERYTHING, instances=ids(ID)), "T1")
    assert policy.check_instance(ANN, "CDB", None) is None
    assert policy.check_instance(ANN, "CDB", ID) is None
    assert reason(policy.check_instance(ANN, "CDB", "0" * 32 + "in17")) == "instance_not_allowed"


def test_who_was_allowed_at_the_command_is_checked_again_at_the_click() -> None:
    assert AccessPolicy(NAMED, "T1").check_request(ANN, "CDB", ID, skip_validate=False) is None
    changed_rules = Rules(channels=HERE, users=ids("UBOB"), confirm_by=ANYONE)
    refusal = AccessPolicy(changed_rules, "T1").check_confirm(ANN, requested("UANN", skip_validate=False))
    assert refusal == PermissionDenied("user_not_allowed")


def test_the_groups_that_have_to_be_known_are_those_of_all_rules() -> None:
    rules = Rules(usergroups=ids("S1", "S2"), skip_validate_usergroups=ids("S2", "S3"))
    assert rules.all_usergroups() == {"S1", "S2", "S3"}
    assert Rules(usergroups=EVERYTHING).all_usergroups() == frozenset()


def test_a_set_of_ids_is_true_only_if_it_can_have_somebody() -> None:
    assert not NOTHING
    assert EVERYTHING
    assert ids("U1")
    assert "U1" not in NOTHING
    assert "U1" in EVERYTHING
    assert "U1" in ids("U1")
    assert "U2" not in ids("U1")


def test_the_table_has_at_least_sixty_rows() -> None:
    assert len(USE) + len(REQUEST) + len(CONFIRM) >= 60


BY_NAME = Rules(channels=HERE, channel_names=frozenset({"db-ops", "inc-*"}), users=EVERYTHING, confirm_by=ANYONE)


@pytest.mark.parametrize(
    ("channel_id", "channel", "asking", "effect"),
    [
        ("CDB", None, None, None),
        ("CDB", Channel("whatever", is_archived=True), None, None),
        ("C1", Channel("db-ops"), None, None),
        ("C1", Channel("inc-2051"), None, None),
        ("C1", Channel("inc-"), None, None),
        ("C1", Channel("db-ops-2"), "channel_not_allowed", "channel_not_allowed"),
        ("C1", Channel("my-inc-1"), "channel_not_allowed", "channel_not_allowed"),
        ("C1", Channel(""), "channel_not_allowed", "channel_not_allowed"),
        ("C1", None, "channel_not_named", "channel_not_named"),
        ("C1", Channel(), "channel_not_named", "channel_not_named"),
        ("C1", Channel(is_hidden=True), "channel_hidden", "channel_hidden"),
        ("C1", Channel("inc-2051", is_archived=True), None, "channel_archived"),
        ("D1", Channel("inc-2051"), "channel_not_allowed", "channel_not_allowed"),
    ],
)
def test_where_a_name_decides(channel_id: str, channel: Channel | None, asking: str | None, effect: str | None) -> None:
    policy, channels = AccessPolicy(BY_NAME, "T1"), {channel_id: channel} if channel else {}
    upgrade = requested("UBOB", channel_id, skip_validate=False)
    assert reason(policy.check_use(ANN, channel_id, channels)) == asking
    assert reason(policy.check_instance(ANN, channel_id, ID, channels)) == asking
    assert reason(policy.check_request(ANN, channel_id, ID, False, channels)) == asking
    assert policy.may_see(ANN, upgrade, channels) == (asking is None)
    assert reason(policy.check_confirm(ANN, upgrade, channels)) == effect
    assert reason(policy.check_cancel_scheduled(ANN, upgrade, channels)) == effect
    assert reason(policy.check_use(GUEST, channel_id, channels)) == "guest_not_allowed"
