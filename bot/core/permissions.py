"""Who may request, confirm and cancel: pure rules, checked at the command and again at the click."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from unicodedata import normalize

from bot.core.errors import PermissionDenied
from bot.core.messages import Code, Person
from bot.core.upgrade import Upgrade


class ConfirmBy(StrEnum):
    """Who of the people who may use the bot may confirm a request."""

    REQUESTER = "requester"
    ANYONE = "anyone"
    ANOTHER = "another"  # four-eyes principle: anyone but the requester


@dataclass(frozen=True, slots=True)
class IdSet:
    """A set of ids, or every id (`*`)."""

    ids: frozenset[str] = frozenset()
    is_everything: bool = False

    def __contains__(self, id: str) -> bool:
        return self.is_everything or id in self.ids

    def __bool__(self) -> bool:
        return self.is_everything or bool(self.ids)


NOTHING = IdSet()
EVERYTHING = IdSet(is_everything=True)


@dataclass(frozen=True, slots=True)
class User:
    """A Slack user: ids as Slack gives them, and those of the rules' user groups that the user is in.

    `team_id` is the bot's for everybody who is of its team, as far as Slack says; empty for others.
    `other_ids` are the same person's (`U…` in a workspace, `W…` in its organisation). `is_identified`: Slack said what
    makes somebody a guest or a stranger. `unread_groups`: those whose members Slack did not tell.
    """

    id: str
    team_id: str
    groups: frozenset[str] = frozenset()
    is_guest: bool = False
    other_ids: frozenset[str] = frozenset()
    is_identified: bool = True
    unread_groups: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """Every id of this person."""
        return self.other_ids | {self.id}


def channel_name(name: str) -> str:
    """A channel's name, or a pattern of names, as they are compared: in lower case, composed (NFC)."""
    return normalize("NFC", name).lower()


@dataclass(frozen=True, slots=True)
class Channel:
    """What Slack says of a channel now: its name, empty for conversations that have none, None when it did not say.

    `is_hidden`: a private channel of which the bot is no member, or none at all.
    """

    name: str | None = None
    is_archived: bool = False
    is_hidden: bool = False


NOT_NAMED = Channel()
NO_CHANNELS: Mapping[str, Channel] = {}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as set; nobody may do anything by default.

    `channel_names` are names of channels and patterns of them (see `channel_name`); `*` stands for any characters.
    """

    channels: IdSet = NOTHING
    channel_names: frozenset[str] = frozenset()
    users: IdSet = NOTHING
    usergroups: IdSet = NOTHING
    confirm_by: ConfirmBy = ConfirmBy.REQUESTER
    confirm_skip_validate_by: ConfirmBy = ConfirmBy.REQUESTER
    skip_validate_users: IdSet = field(default=EVERYTHING)
    skip_validate_usergroups: IdSet = NOTHING
    instances: IdSet = field(default=EVERYTHING)

    def all_usergroups(self) -> frozenset[str]:
        """The user groups whose members have to be known."""
        return self.usergroups.ids | self.skip_validate_usergroups.ids

    def depends_on_name(self, channel_id: str) -> bool:
        """Whether only its name could allow the channel; direct messages have none."""
        return bool(self.channel_names) and channel_id not in self.channels and not channel_id.startswith("D")

    def check_channel(
        self, channel_id: str, channels: Mapping[str, Channel] = NO_CHANNELS, *, has_effect: bool = False
    ) -> PermissionDenied | None:
        """May the bot be used in this channel? `channels`: what Slack says of those whose names matter, by id.

        A channel that Slack does not name is not allowed by a name, an archived one has no effects.
        """
        if channel_id in self.channels:
            return None
        if not self.depends_on_name(channel_id):
            return PermissionDenied("channel_not_allowed")
        channel = channels.get(channel_id, NOT_NAMED)
        if channel.name is None:
            return PermissionDenied("channel_hidden") if channel.is_hidden else PermissionDenied("channel_not_named")
        if not channel.name or not any(fnmatchcase(channel.name, pattern) for pattern in self.channel_names):
            return PermissionDenied("channel_not_allowed")
        return PermissionDenied("channel_archived") if has_effect and channel.is_archived else None

    def confirmers(self, skip_validate: bool) -> ConfirmBy:
        """Who may confirm such a request."""
        return self.confirm_skip_validate_by if skip_validate else self.confirm_by


@dataclass(slots=True, eq=False, repr=False)
class AccessPolicy:
    """The rules applied in the bot's own team; every check returns None for yes.

    `channels` are what Slack says of the channels, by id (see `Rules.check_channel`).
    """

    rules: Rules
    team_id: str

    def check_use(
        self,
        user: User,
        channel_id: str,
        channels: Mapping[str, Channel] = NO_CHANNELS,
        *,
        has_effect: bool = False,
    ) -> PermissionDenied | None:
        """May this user use the bot in this channel?

        `has_effect`: only if Slack says who it is. Asking and reading go on while Slack does not.
        """
        refusal = self._check_person(user, has_effect)
        return refusal or self.rules.check_channel(channel_id, channels, has_effect=has_effect)

    def check_instance(
        self,
        user: User,
        channel_id: str,
        instance_id: str | None,
        channels: Mapping[str, Channel] = NO_CHANNELS,
    ) -> PermissionDenied | None:
        """May this user ask about this instance here? None: about all of them."""
        refusal = self.check_use(user, channel_id, channels)
        if refusal is None and instance_id is not None and instance_id not in self.rules.instances:
            return PermissionDenied("instance_not_allowed", instance=Code(instance_id))
        return refusal

    def check_request(
        self,
        user: User,
        channel_id: str,
        instance_id: str,
        skip_validate: bool,
        channels: Mapping[str, Channel] = NO_CHANNELS,
        *,
        has_effect: bool = False,
    ) -> PermissionDenied | None:
        """May this user request this upgrade here?"""
        refusal = self.check_use(user, channel_id, channels, has_effect=has_effect)
        refusal = refusal or self.check_instance(user, channel_id, instance_id, channels)
        if refusal:
            return refusal
        if skip_validate and not self._may_skip_validate(user):
            if user.unread_groups & self.rules.skip_validate_usergroups.ids:
                return PermissionDenied("user_not_identified")
            return PermissionDenied("skip_validate_not_allowed")
        return None

    def may_see_instance(self, instance_id: str) -> bool:
        """Whether lists and suggestions show the instance to whoever may use the bot."""
        return instance_id in self.rules.instances

    def may_see(self, user: User, upgrade: Upgrade, channels: Mapping[str, Channel] = NO_CHANNELS) -> bool:
        """Whether lists show this user the request."""
        return self.check_instance(user, upgrade.channel_id, upgrade.instance_id, channels) is None

    def check_confirm(
        self, user: User, upgrade: Upgrade, channels: Mapping[str, Channel] = NO_CHANNELS
    ) -> PermissionDenied | None:
        """May this user confirm the request?"""
        only_requester = PermissionDenied("only_requester", requester=Person(upgrade.requested_by))
        return self._check_decision(user, upgrade, channels, only_requester, PermissionDenied("only_another"))

    def check_cancel_scheduled(
        self, user: User, upgrade: Upgrade, channels: Mapping[str, Channel] = NO_CHANNELS
    ) -> PermissionDenied | None:
        """May this user cancel the delayed upgrade before its window? Whoever may confirm it may."""
        only_requester = PermissionDenied("only_requester_cancels", requester=Person(upgrade.requested_by))
        return self._check_decision(user, upgrade, channels, only_requester, PermissionDenied("only_another_cancels"))

    def _check_decision(
        self,
        user: User,
        upgrade: Upgrade,
        channels: Mapping[str, Channel],
        only_requester: PermissionDenied,
        only_another: PermissionDenied,
    ) -> PermissionDenied | None:
        """Whoever decides has to be allowed to request it, and to be the one whom CONFIRM_BY names."""
        refusal = self.check_request(
            user, upgrade.channel_id, upgrade.instance_id, upgrade.skip_validate, channels, has_effect=True
        )
        if refusal:
            return refusal
        is_requester = upgrade.requested_by in user.ids
        match self.rules.confirmers(upgrade.skip_validate):
            case ConfirmBy.REQUESTER:
                return None if is_requester else only_requester
            case ConfirmBy.ANOTHER:
                return only_another if is_requester else None
            case ConfirmBy.ANYONE:
                return None

    def _check_person(self, user: User, has_effect: bool) -> PermissionDenied | None:
        rules = self.rules
        if user.ids & rules.users.ids:
            return None
        if user.team_id != self.team_id:
            return PermissionDenied("other_team")
        if user.is_guest:
            return PermissionDenied("guest_not_allowed")
        is_in_group = rules.usergroups.is_everything or user.groups & rules.usergroups.ids
        if not (rules.users.is_everything or is_in_group):
            if user.unread_groups & rules.usergroups.ids:
                return PermissionDenied("user_not_identified")
            return PermissionDenied("user_not_allowed")
        return PermissionDenied("user_not_identified") if has_effect and not user.is_identified else None

    def _may_skip_validate(self, user: User) -> bool:
        rules = self.rules
        is_in_group = rules.skip_validate_usergroups.is_everything or user.groups & rules.skip_validate_usergroups.ids
        is_named = rules.skip_validate_users.is_everything or user.ids & rules.skip_validate_users.ids
        return bool(is_named or is_in_group)
