"""Who may ask, who may confirm, who may cancel: pure rules, checked at the command and again at the click."""

from dataclasses import dataclass, field
from enum import StrEnum

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
from bot.core.reasons import Refusal
from bot.core.sentence import Code, Person


class ConfirmBy(StrEnum):
    """Who may press Confirm, of those who may use the bot."""

    REQUESTER = "requester"
    ANYONE = "anyone"
    ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Ids:
    """A set of ids, or everything (`*`)."""

    named: frozenset[str] = frozenset()
    everything: bool = False

    def __contains__(self, one: str) -> bool:
        """Whether the id is meant, by name or by `*`."""
        return self.everything or one in self.named

    def __bool__(self) -> bool:
        """Whether anything at all is meant."""
        return self.everything or bool(self.named)


NOBODY = Ids()
EVERYTHING = Ids(everything=True)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: ids as Slack gives them, and the user groups of the rules that this person is in."""

    id: str
    team_id: str
    groups: frozenset[str] = frozenset()
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as set; nobody may do anything by default."""

    channels: Ids = NOBODY
    users: Ids = NOBODY
    usergroups: Ids = NOBODY
    confirm_by: ConfirmBy = ConfirmBy.REQUESTER
    confirm_skip_validate_by: ConfirmBy = ConfirmBy.REQUESTER
    skip_validate_users: Ids = field(default=EVERYTHING)
    skip_validate_usergroups: Ids = NOBODY
    instances: Ids = field(default=EVERYTHING)

    def groups_that_matter(self) -> frozenset[str]:
        """The user groups whose members have to be known."""
        return self.usergroups.named | self.skip_validate_usergroups.named

    def who_confirms(self, skip_validate: bool) -> ConfirmBy:
        """Who may confirm such a request."""
        return self.confirm_skip_validate_by if skip_validate else self.confirm_by


@dataclass(frozen=True, slots=True)
class Door:
    """The rules, and the team the bot belongs to."""

    rules: Rules
    team_id: str

    def use(self, actor: Actor, channel_id: str) -> Refusal | None:
        """Whether this person may use the bot in this channel; None is yes."""
        rules = self.rules
        if actor.id not in rules.users.named:
            if actor.team_id != self.team_id:
                return OtherTeam()
            if actor.is_guest:
                return GuestNotAllowed()
            if not (rules.users.everything or rules.usergroups.everything or actor.groups & rules.usergroups.named):
                return PersonNotAllowed()
        return None if channel_id in rules.channels else ChannelNotAllowed()

    def ask(self, actor: Actor, channel_id: str, instance_id: str, skip_validate: bool) -> Refusal | None:
        """Whether this person may ask for this upgrade here; None is yes."""
        refusal = self.use(actor, channel_id)
        if refusal:
            return refusal
        if instance_id not in self.rules.instances:
            return InstanceNotAllowed(Code(instance_id))
        return self._skip(actor) if skip_validate else None

    def confirm(
        self, actor: Actor, channel_id: str, instance_id: str, skip_validate: bool, asked_by: str
    ) -> Refusal | None:
        """Whether this person may confirm what `asked_by` asked for; None is yes."""
        refusal = self.ask(actor, channel_id, instance_id, skip_validate)
        if refusal:
            return refusal
        match self.rules.who_confirms(skip_validate):
            case ConfirmBy.REQUESTER if actor.id != asked_by:
                return OnlyRequester(Person(asked_by))
            case ConfirmBy.ANOTHER if actor.id == asked_by:
                return OnlyAnother()
        return None

    def _skip(self, actor: Actor) -> Refusal | None:
        """Whether this person may use `--skip-validate` at all."""
        rules = self.rules
        named = actor.id in rules.skip_validate_users or actor.groups & rules.skip_validate_usergroups.named
        return None if named or rules.skip_validate_usergroups.everything else SkipValidateNotAllowed()
