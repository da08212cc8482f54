"""The permission table: rules, people, and what they are answered; None is yes."""

from dataclasses import replace
from typing import Any

from bot.core.errors import PermissionDenied
from bot.core.messages import Code, Person
from bot.core.permissions import EVERYTHING, NOTHING, ConfirmBy, IdSet, Rules, User

ID = "590031445ef845bb912d7fc8243db80cin17"
ANOTHER_ID = "0123456789abcdef0123456789abcdefin17"


def ids(*ids: str) -> IdSet:
    """Some ids."""
    return IdSet(frozenset(ids))


def user(name: str, *groups: str, team: str = "T1", guest: bool = False) -> User:
    """A person."""
    return User(name, team, frozenset(groups), is_guest=guest)


ANN, BOB, EVE = user("UANN"), user("UBOB"), user("UEVE")
IN_DBA, IN_BOTH = user("UDBA", "SDBA"), user("UTWO", "SDBA", "SOPS")
GUEST, STRANGER = user("UGUEST", guest=True), user("USTRANGE", team="T2")
GUEST_IN_DBA, STRANGER_IN_DBA = user("UGUEST", "SDBA", guest=True), user("USTRANGE", "SDBA", team="T2")
STRANGE_GUEST, TEAMLESS = user("UODD", team="T2", guest=True), user("UANN2", team="")

HERE = ids("CDB")
ALL = Rules(channels=EVERYTHING, users=EVERYTHING)
NAMED = Rules(channels=HERE, users=ids("UANN", "UBOB"))
GROUP = Rules(channels=HERE, usergroups=ids("SDBA", "SNONE"))
MIXED = Rules(channels=HERE, users=ids("UANN", "UGUEST", "USTRANGE", "UODD"), usergroups=ids("SDBA"))
EVERY_GROUP = Rules(channels=HERE, usergroups=EVERYTHING)
NAMED_AND_ALL = Rules(channels=EVERYTHING, users=IdSet(frozenset({"USTRANGE"}), is_everything=True))

USE: list[tuple[Rules, User, str, str | None]] = [
    # nobody by default
    (Rules(), ANN, "CDB", "user_not_allowed"),
    (Rules(channels=EVERYTHING), ANN, "CDB", "user_not_allowed"),
    (Rules(users=EVERYTHING), ANN, "CDB", "channel_not_allowed"),
    (Rules(channels=HERE, users=NOTHING, usergroups=NOTHING), IN_DBA, "CDB", "user_not_allowed"),
    # people by id
    (NAMED, ANN, "CDB", None),
    (NAMED, BOB, "CDB", None),
    (NAMED, EVE, "CDB", "user_not_allowed"),
    (NAMED, IN_DBA, "CDB", "user_not_allowed"),
    (NAMED, user("uann"), "CDB", "user_not_allowed"),
    (NAMED, user("UAN"), "CDB", "user_not_allowed"),
    (NAMED, user(""), "CDB", "user_not_allowed"),
    # people by user group
    (GROUP, IN_DBA, "CDB", None),
    (GROUP, IN_BOTH, "CDB", None),
    (GROUP, ANN, "CDB", "user_not_allowed"),
    (GROUP, user("UOPS", "SOPS"), "CDB", "user_not_allowed"),
    (GROUP, user("SDBA"), "CDB", "user_not_allowed"),
    (EVERY_GROUP, ANN, "CDB", None),
    # either is enough
    (MIXED, ANN, "CDB", None),
    (MIXED, IN_DBA, "CDB", None),
    (MIXED, EVE, "CDB", "user_not_allowed"),
    # everybody
    (ALL, ANN, "CDB", None),
    (ALL, EVE, "CANY", None),
    (Rules(channels=HERE, users=EVERYTHING), EVE, "CDB", None),
    # channels
    (NAMED, ANN, "COTHER", "channel_not_allowed"),
    (NAMED, ANN, "cdb", "channel_not_allowed"),
    (NAMED, ANN, "", "channel_not_allowed"),
    (Rules(channels=ids("CDB", "CTWO"), users=EVERYTHING), ANN, "CTWO", None),
    (GROUP, IN_DBA, "COTHER", "channel_not_allowed"),
    # another team: only by id, even with `*`
    (ALL, STRANGER, "CDB", "other_team"),
    (EVERY_GROUP, STRANGER, "CDB", "other_team"),
    (GROUP, STRANGER_IN_DBA, "CDB", "other_team"),
    (NAMED, STRANGER, "CDB", "other_team"),
    (ALL, TEAMLESS, "CDB", "other_team"),
    (MIXED, STRANGER, "CDB", None),
    (NAMED_AND_ALL, STRANGER, "CDB", None),
    (NAMED_AND_ALL, user("UELSE", team="T2"), "CDB", "other_team"),
    (MIXED, STRANGER, "COTHER", "channel_not_allowed"),
    # guests: only by id, even with `*`
    (ALL, GUEST, "CDB", "guest_not_allowed"),
    (EVERY_GROUP, GUEST, "CDB", "guest_not_allowed"),
    (GROUP, GUEST_IN_DBA, "CDB", "guest_not_allowed"),
    (NAMED, GUEST, "CDB", "guest_not_allowed"),
    (MIXED, GUEST, "CDB", None),
    (MIXED, GUEST, "COTHER", "channel_not_allowed"),
    (ALL, STRANGE_GUEST, "CDB", "other_team"),
    (MIXED, STRANGE_GUEST, "CDB", None),
]


# Slack did not say whether a guest or a stranger, or who is in a group: (rules, user, at asking, at an effect)
UNKNOWN = User("UUNK", "T1", is_identified=False)
UNKNOWN_GROUPS = User("UUNK", "T1", unread_groups=frozenset({"SDBA"}))
NOT_IDENTIFIED: list[tuple[Rules, User, str | None, str | None]] = [
    (ALL, UNKNOWN, None, "user_not_identified"),
    (EVERY_GROUP, UNKNOWN, None, "user_not_identified"),
    (GROUP, replace(UNKNOWN, groups=frozenset({"SDBA"})), None, "user_not_identified"),
    (GROUP, UNKNOWN_GROUPS, "user_not_identified", "user_not_identified"),
    (GROUP, replace(UNKNOWN_GROUPS, unread_groups=frozenset({"SNONE"}), groups=frozenset({"SDBA"})), None, None),
    (NAMED, UNKNOWN, "user_not_allowed", "user_not_allowed"),
    (NAMED, replace(UNKNOWN, id="UANN"), None, None),
    (MIXED, replace(UNKNOWN, id="USTRANGE", team_id=""), None, None),
    (ALL, replace(UNKNOWN, team_id="T2"), "other_team", "other_team"),
    (ALL, replace(UNKNOWN, is_guest=True), "guest_not_allowed", "guest_not_allowed"),
    (NAMED, replace(UNKNOWN, other_ids=frozenset({"UBOB"})), None, None),
    (
        Rules(channels=HERE, users=ids("UUNK"), skip_validate_users=NOTHING, skip_validate_usergroups=ids("SDBA")),
        UNKNOWN_GROUPS,
        "user_not_identified",
        "user_not_identified",
    ),
]


def team(**more: Any) -> Rules:
    """Rules for everybody of the team in one channel."""
    return Rules(channels=HERE, users=EVERYTHING, **more)


ONE_INSTANCE = team(instances=ids(ID))
ANN_SKIPS = team(skip_validate_users=ids("UANN"))
DBA_SKIPS = team(skip_validate_users=NOTHING, skip_validate_usergroups=ids("SDBA"))
EITHER_SKIPS = team(skip_validate_users=ids("UANN"), skip_validate_usergroups=ids("SDBA"))
NOBODY_SKIPS = team(skip_validate_users=NOTHING)
GROUPS_SKIP = team(skip_validate_users=NOTHING, skip_validate_usergroups=EVERYTHING)

REQUEST: list[tuple[Rules, User, str, bool, str | None]] = [
    # instances
    (ONE_INSTANCE, ANN, ID, False, None),
    (ONE_INSTANCE, ANN, ANOTHER_ID, False, "instance_not_allowed"),
    (ONE_INSTANCE, ANN, ANOTHER_ID, True, "instance_not_allowed"),
    (team(instances=NOTHING), ANN, ID, False, "instance_not_allowed"),
    (team(instances=ids(ID, ANOTHER_ID)), ANN, ANOTHER_ID, False, None),
    (team(), ANN, ANOTHER_ID, False, None),
    # skipping the validation
    (team(), EVE, ID, True, None),
    (ANN_SKIPS, ANN, ID, True, None),
    (ANN_SKIPS, BOB, ID, True, "skip_validate_not_allowed"),
    (ANN_SKIPS, BOB, ID, False, None),
    (ANN_SKIPS, IN_DBA, ID, True, "skip_validate_not_allowed"),
    (DBA_SKIPS, IN_DBA, ID, True, None),
    (DBA_SKIPS, IN_BOTH, ID, True, None),
    (DBA_SKIPS, ANN, ID, True, "skip_validate_not_allowed"),
    (DBA_SKIPS, ANN, ID, False, None),
    (EITHER_SKIPS, ANN, ID, True, None),
    (EITHER_SKIPS, IN_DBA, ID, True, None),
    (EITHER_SKIPS, EVE, ID, True, "skip_validate_not_allowed"),
    (NOBODY_SKIPS, ANN, ID, True, "skip_validate_not_allowed"),
    (NOBODY_SKIPS, ANN, ID, False, None),
    (GROUPS_SKIP, ANN, ID, True, None),
    (Rules(channels=HERE, users=ids("UANN"), skip_validate_users=ids("UBOB")), BOB, ID, True, "user_not_allowed"),
    (Rules(channels=HERE, users=ids("USTRANGE"), skip_validate_users=EVERYTHING), STRANGER, ID, True, None),
]


REQUESTER, ANYONE, OTHER = ConfirmBy.REQUESTER, ConfirmBy.ANYONE, ConfirmBy.ANOTHER


def by(plain: ConfirmBy, skipping: ConfirmBy | None = None) -> Rules:
    """Rules that name who confirms."""
    return team(confirm_by=plain, confirm_skip_validate_by=skipping or plain)


CONFIRM: list[tuple[Rules, User, bool, PermissionDenied | None]] = [  # ANN requested it
    (team(), ANN, False, None),
    (team(), BOB, False, PermissionDenied("only_requester", requester=Person("UANN"))),
    (team(), BOB, True, PermissionDenied("only_requester", requester=Person("UANN"))),
    (by(REQUESTER), ANN, True, None),
    (by(ANYONE), ANN, False, None),
    (by(ANYONE), BOB, False, None),
    (by(ANYONE), BOB, True, None),
    (by(ANYONE), STRANGER, False, PermissionDenied("other_team")),
    (by(ANYONE), GUEST, False, PermissionDenied("guest_not_allowed")),
    (by(OTHER), ANN, False, PermissionDenied("only_another")),
    (by(OTHER), ANN, True, PermissionDenied("only_another")),
    (by(OTHER), BOB, False, None),
    (by(OTHER), BOB, True, None),
    (by(OTHER), STRANGER, False, PermissionDenied("other_team")),
    # stricter with --skip-validate, and looser
    (by(REQUESTER, OTHER), ANN, False, None),
    (by(REQUESTER, OTHER), ANN, True, PermissionDenied("only_another")),
    (by(REQUESTER, OTHER), BOB, False, PermissionDenied("only_requester", requester=Person("UANN"))),
    (by(REQUESTER, OTHER), BOB, True, None),
    (by(ANYONE, REQUESTER), BOB, False, None),
    (by(ANYONE, REQUESTER), BOB, True, PermissionDenied("only_requester", requester=Person("UANN"))),
    (by(OTHER, ANYONE), ANN, False, PermissionDenied("only_another")),
    (by(OTHER, ANYONE), ANN, True, None),
    (by(OTHER, REQUESTER), ANN, True, None),
    # the other pair of eyes needs the right as well
    (
        team(confirm_skip_validate_by=OTHER, skip_validate_users=ids("UANN")),
        BOB,
        True,
        PermissionDenied("skip_validate_not_allowed"),
    ),
    (
        team(confirm_by=ANYONE, instances=NOTHING),
        BOB,
        False,
        PermissionDenied("instance_not_allowed", instance=Code(ID)),
    ),
]
