"""The permission table: rules, people, and what they are answered; None is yes."""

from typing import Any

from bot.core.denials import (
    ChannelNotAllowed,
    GuestNotAllowed,
    InstanceNotAllowed,
    OnlyAnother,
    OnlyRequester,
    OtherTeam,
    PersonNotAllowed,
    SkipValidateNotAllowed,
)
from bot.core.policy import EVERYTHING, NOBODY, Actor, ConfirmBy, Ids, Rules
from bot.core.reasons import Refusal
from bot.core.sentence import Code, Person

ID = "590031445ef845bb912d7fc8243db80cin17"
ANOTHER_ID = "0123456789abcdef0123456789abcdefin17"


def ids(*named: str) -> Ids:
    """Some ids."""
    return Ids(frozenset(named))


def who(name: str, *groups: str, team: str = "T1", guest: bool = False) -> Actor:
    """A person."""
    return Actor(name, team, frozenset(groups), is_guest=guest)


ANN, BOB, EVE = who("UANN"), who("UBOB"), who("UEVE")
IN_DBA, IN_BOTH = who("UDBA", "SDBA"), who("UTWO", "SDBA", "SOPS")
GUEST, STRANGER = who("UGUEST", guest=True), who("USTRANGE", team="T2")
GUEST_IN_DBA, STRANGER_IN_DBA = who("UGUEST", "SDBA", guest=True), who("USTRANGE", "SDBA", team="T2")
STRANGE_GUEST, TEAMLESS = who("UODD", team="T2", guest=True), who("UANN2", team="")

HERE = ids("CDB")
ALL = Rules(channels=EVERYTHING, users=EVERYTHING)
NAMED = Rules(channels=HERE, users=ids("UANN", "UBOB"))
GROUP = Rules(channels=HERE, usergroups=ids("SDBA", "SNONE"))
MIXED = Rules(channels=HERE, users=ids("UANN", "UGUEST", "USTRANGE", "UODD"), usergroups=ids("SDBA"))
EVERY_GROUP = Rules(channels=HERE, usergroups=EVERYTHING)
NAMED_AND_ALL = Rules(channels=EVERYTHING, users=Ids(frozenset({"USTRANGE"}), everything=True))

USE: list[tuple[Rules, Actor, str, type[Refusal] | None]] = [
    # nobody by default
    (Rules(), ANN, "CDB", PersonNotAllowed),
    (Rules(channels=EVERYTHING), ANN, "CDB", PersonNotAllowed),
    (Rules(users=EVERYTHING), ANN, "CDB", ChannelNotAllowed),
    (Rules(channels=HERE, users=NOBODY, usergroups=NOBODY), IN_DBA, "CDB", PersonNotAllowed),
    # people by id
    (NAMED, ANN, "CDB", None),
    (NAMED, BOB, "CDB", None),
    (NAMED, EVE, "CDB", PersonNotAllowed),
    (NAMED, IN_DBA, "CDB", PersonNotAllowed),
    (NAMED, who("uann"), "CDB", PersonNotAllowed),
    (NAMED, who("UAN"), "CDB", PersonNotAllowed),
    (NAMED, who(""), "CDB", PersonNotAllowed),
    # people by user group
    (GROUP, IN_DBA, "CDB", None),
    (GROUP, IN_BOTH, "CDB", None),
    (GROUP, ANN, "CDB", PersonNotAllowed),
    (GROUP, who("UOPS", "SOPS"), "CDB", PersonNotAllowed),
    (GROUP, who("SDBA"), "CDB", PersonNotAllowed),
    (EVERY_GROUP, ANN, "CDB", None),
    # either is enough
    (MIXED, ANN, "CDB", None),
    (MIXED, IN_DBA, "CDB", None),
    (MIXED, EVE, "CDB", PersonNotAllowed),
    # everybody
    (ALL, ANN, "CDB", None),
    (ALL, EVE, "CANY", None),
    (Rules(channels=HERE, users=EVERYTHING), EVE, "CDB", None),
    # channels
    (NAMED, ANN, "COTHER", ChannelNotAllowed),
    (NAMED, ANN, "cdb", ChannelNotAllowed),
    (NAMED, ANN, "", ChannelNotAllowed),
    (Rules(channels=ids("CDB", "CTWO"), users=EVERYTHING), ANN, "CTWO", None),
    (GROUP, IN_DBA, "COTHER", ChannelNotAllowed),
    # another team: only by id, even with `*`
    (ALL, STRANGER, "CDB", OtherTeam),
    (EVERY_GROUP, STRANGER, "CDB", OtherTeam),
    (GROUP, STRANGER_IN_DBA, "CDB", OtherTeam),
    (NAMED, STRANGER, "CDB", OtherTeam),
    (ALL, TEAMLESS, "CDB", OtherTeam),
    (MIXED, STRANGER, "CDB", None),
    (NAMED_AND_ALL, STRANGER, "CDB", None),
    (NAMED_AND_ALL, who("UELSE", team="T2"), "CDB", OtherTeam),
    (MIXED, STRANGER, "COTHER", ChannelNotAllowed),
    # guests: only by id, even with `*`
    (ALL, GUEST, "CDB", GuestNotAllowed),
    (EVERY_GROUP, GUEST, "CDB", GuestNotAllowed),
    (GROUP, GUEST_IN_DBA, "CDB", GuestNotAllowed),
    (NAMED, GUEST, "CDB", GuestNotAllowed),
    (MIXED, GUEST, "CDB", None),
    (MIXED, GUEST, "COTHER", ChannelNotAllowed),
    (ALL, STRANGE_GUEST, "CDB", OtherTeam),
    (MIXED, STRANGE_GUEST, "CDB", None),
]


def team(**more: Any) -> Rules:
    """Rules for everybody of the team in one channel."""
    return Rules(channels=HERE, users=EVERYTHING, **more)


ONE_INSTANCE = team(instances=ids(ID))
ANN_SKIPS = team(skip_validate_users=ids("UANN"))
DBA_SKIPS = team(skip_validate_users=NOBODY, skip_validate_usergroups=ids("SDBA"))
EITHER_SKIPS = team(skip_validate_users=ids("UANN"), skip_validate_usergroups=ids("SDBA"))
NOBODY_SKIPS = team(skip_validate_users=NOBODY)
GROUPS_SKIP = team(skip_validate_users=NOBODY, skip_validate_usergroups=EVERYTHING)

ASK: list[tuple[Rules, Actor, str, bool, type[Refusal] | None]] = [
    # instances
    (ONE_INSTANCE, ANN, ID, False, None),
    (ONE_INSTANCE, ANN, ANOTHER_ID, False, InstanceNotAllowed),
    (ONE_INSTANCE, ANN, ANOTHER_ID, True, InstanceNotAllowed),
    (team(instances=NOBODY), ANN, ID, False, InstanceNotAllowed),
    (team(instances=ids(ID, ANOTHER_ID)), ANN, ANOTHER_ID, False, None),
    (team(), ANN, ANOTHER_ID, False, None),
    # skipping the validation
    (team(), EVE, ID, True, None),
    (ANN_SKIPS, ANN, ID, True, None),
    (ANN_SKIPS, BOB, ID, True, SkipValidateNotAllowed),
    (ANN_SKIPS, BOB, ID, False, None),
    (ANN_SKIPS, IN_DBA, ID, True, SkipValidateNotAllowed),
    (DBA_SKIPS, IN_DBA, ID, True, None),
    (DBA_SKIPS, IN_BOTH, ID, True, None),
    (DBA_SKIPS, ANN, ID, True, SkipValidateNotAllowed),
    (DBA_SKIPS, ANN, ID, False, None),
    (EITHER_SKIPS, ANN, ID, True, None),
    (EITHER_SKIPS, IN_DBA, ID, True, None),
    (EITHER_SKIPS, EVE, ID, True, SkipValidateNotAllowed),
    (NOBODY_SKIPS, ANN, ID, True, SkipValidateNotAllowed),
    (NOBODY_SKIPS, ANN, ID, False, None),
    (GROUPS_SKIP, ANN, ID, True, None),
    (Rules(channels=HERE, users=ids("UANN"), skip_validate_users=ids("UBOB")), BOB, ID, True, PersonNotAllowed),
    (Rules(channels=HERE, users=ids("USTRANGE"), skip_validate_users=EVERYTHING), STRANGER, ID, True, None),
]


REQUESTER, ANYONE, OTHER = ConfirmBy.REQUESTER, ConfirmBy.ANYONE, ConfirmBy.ANOTHER


def by(plain: ConfirmBy, skipping: ConfirmBy | None = None) -> Rules:
    """Rules that name who confirms."""
    return team(confirm_by=plain, confirm_skip_validate_by=skipping or plain)


CONFIRM: list[tuple[Rules, Actor, bool, Refusal | None]] = [  # ANN asked
    (team(), ANN, False, None),
    (team(), BOB, False, OnlyRequester(Person("UANN"))),
    (team(), BOB, True, OnlyRequester(Person("UANN"))),
    (by(REQUESTER), ANN, True, None),
    (by(ANYONE), ANN, False, None),
    (by(ANYONE), BOB, False, None),
    (by(ANYONE), BOB, True, None),
    (by(ANYONE), STRANGER, False, OtherTeam()),
    (by(ANYONE), GUEST, False, GuestNotAllowed()),
    (by(OTHER), ANN, False, OnlyAnother()),
    (by(OTHER), ANN, True, OnlyAnother()),
    (by(OTHER), BOB, False, None),
    (by(OTHER), BOB, True, None),
    (by(OTHER), STRANGER, False, OtherTeam()),
    # stricter with --skip-validate, and looser
    (by(REQUESTER, OTHER), ANN, False, None),
    (by(REQUESTER, OTHER), ANN, True, OnlyAnother()),
    (by(REQUESTER, OTHER), BOB, False, OnlyRequester(Person("UANN"))),
    (by(REQUESTER, OTHER), BOB, True, None),
    (by(ANYONE, REQUESTER), BOB, False, None),
    (by(ANYONE, REQUESTER), BOB, True, OnlyRequester(Person("UANN"))),
    (by(OTHER, ANYONE), ANN, False, OnlyAnother()),
    (by(OTHER, ANYONE), ANN, True, None),
    (by(OTHER, REQUESTER), ANN, True, None),
    # the other pair of eyes needs the right as well
    (
        team(confirm_skip_validate_by=OTHER, skip_validate_users=ids("UANN")),
        BOB,
        True,
        SkipValidateNotAllowed(),
    ),
    (team(confirm_by=ANYONE, instances=NOBODY), BOB, False, InstanceNotAllowed(Code(ID))),
]
