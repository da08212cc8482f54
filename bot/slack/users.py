"""Slack users: their language, whether they are guests, which user groups they are in; read once for many, cached."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.core.actions import Origin
from bot.core.errors import SlackError, SlackRejected, SlackUnavailable
from bot.core.messages import Language
from bot.core.permissions import Rules, User
from bot.slack.client import BotIdentity, SlackClient
from bot.slack.payloads import id_field, text_field

log = logging.getLogger("bot.slack.users")
LANGUAGE_TTL_SECONDS = 3600.0
PROFILE_TTL_SECONDS = 300.0  # whether somebody is a guest has to be current at the click
GROUP_TTL_SECONDS = 300.0
STALE_SECONDS = 86_400.0  # how long a value counts that Slack does not tell anew
PROFILE_PATIENCE_SECONDS = 0.3  # of what may go on without
EFFECT_PATIENCE_SECONDS = 2.0  # of what may not
GROUP_PATIENCE_SECONDS = 2.0
MAX_CACHED = 10_000
GONE_ERRORS = {"no_such_subteam", "plan_upgrade_required", "user_not_found", "users_not_found", "user_not_visible"}
GUEST_FLAGS = ("is_restricted", "is_ultra_restricted")
Value = TypeVar("Value")


class AsyncCache(Generic[Value]):
    """Values by key, each read once for all who wait; one that cannot be read is read again next time.

    What Slack said within the last day (or `stale_seconds`) counts until it says something else; when it says there
    is no such thing, `gone` takes its place.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Value]],
        ttl: float,
        clock: Callable[[], float],
        gone: Value | None = None,
        stale_seconds: float | None = None,
    ) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._clock = clock
        self._gone = gone
        self._stale_seconds = stale_seconds
        self._cached: dict[str, tuple[Value, float]] = {}
        self._reads: dict[str, asyncio.Task[None]] = {}
        self._errors: dict[str, SlackError] = {}

    async def get(self, key: str, patience: float, ttl: float | None = None) -> Value | None:
        """The value, at most `ttl` seconds old, or an older one when Slack fails or takes longer than `patience`.

        None when there is none. The read goes on after that, so that the next caller has the value.
        """
        known = self._known(key, self._ttl if ttl is None else ttl)
        if known is not None:
            return known
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(self._read(key), name=f"read {key} from Slack")
        await asyncio.wait({task}, timeout=patience)
        return self._known(key, STALE_SECONDS if self._stale_seconds is None else self._stale_seconds)

    def error(self, key: str) -> SlackError | None:
        """Why the last read failed; None when it did not, or is not over."""
        return self._errors.get(key)

    def _known(self, key: str, ttl: float) -> Value | None:
        value, read_at = self._cached.get(key, (None, 0.0))
        return value if self._clock() < read_at + ttl else None

    async def close(self) -> None:
        """Cancel what is being read."""
        tasks = list(self._reads.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, key: str) -> None:
        value: Value | None = None
        self._errors.pop(key, None)
        try:
            value = await self._fetch(key)
        except SlackError as error:
            self._errors[key] = error
            if len(self._errors) > MAX_CACHED:
                self._errors.pop(next(iter(self._errors)))
            log.warning("slack.read_failed", extra={"id": key, "reason": repr(error)})
            if not (isinstance(error, SlackRejected) and error.error in GONE_ERRORS):
                return
            value = self._gone
        finally:
            self._reads.pop(key, None)
        self._cached.pop(key, None)
        if value is not None:
            self._cached[key] = (value, self._clock())
        if len(self._cached) > MAX_CACHED:
            self._cached.pop(next(iter(self._cached)))


@dataclass(frozen=True, slots=True)
class Profile:
    """What `users.info` says of a user; `language` is None and ids are empty where Slack does not say.

    `teams` are the workspaces of the organisation that the user is in.
    """

    language: Language | None = None
    team_id: str = ""
    is_guest: bool = False
    enterprise_id: str = ""
    teams: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()


def is_of_team(bot: BotIdentity, origin: Origin, profile: Profile | None) -> bool | None:
    """Whether a person is of the bot's team, by the payload and by `users.info`; None when neither says.

    In an Enterprise Grid the payload may name another workspace of the organisation, or the organisation itself, as
    the person's team: there the list of the person's workspaces decides, or else the payload's other team.
    """
    profile = profile or Profile()
    if profile.enterprise_id:
        if bot.enterprise_id and profile.enterprise_id != bot.enterprise_id:
            return False
        if profile.teams or not bot.enterprise_id:
            return bot.team_id in profile.teams
        return True if bot.team_id in (origin.team_id, origin.app_team_id, profile.team_id) else None
    organisation = bot.enterprise_id or ""
    if origin.enterprise_id not in ("", organisation) or profile.team_id not in ("", bot.team_id, organisation):
        return False
    if origin.team_id == bot.team_id:
        return True
    is_same_organisation = organisation in {origin.enterprise_id, origin.team_id, profile.team_id} - {""}
    if origin.team_id and not is_same_organisation:
        return False
    return True if profile.team_id == bot.team_id else None


class SlackUsers:
    """Users as Slack describes them (`UserDirectory`)."""

    def __init__(
        self,
        client: SlackClient,
        rules: Rules,
        identity: BotIdentity,
        default_language: Language,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._rules = rules
        self._identity = identity
        self._default_language = default_language
        self._profiles: AsyncCache[Profile] = AsyncCache(self._fetch_profile, PROFILE_TTL_SECONDS, clock)
        self._members: AsyncCache[frozenset[str]] = AsyncCache(
            self._fetch_members, GROUP_TTL_SECONDS, clock, gone=frozenset()
        )

    async def language(self, user_id: str) -> Language:
        """The user's language; the default when Slack does not say within 300 ms."""
        profile = await self._profiles.get(user_id, PROFILE_PATIENCE_SECONDS, LANGUAGE_TTL_SECONDS)
        return profile.language if profile and profile.language else self._default_language

    async def user(self, origin: Origin, *, has_effect: bool = False) -> User:
        """The user with the user groups that the rules name.

        Asking does not wait for a Slack that is away, and whoever it does not describe counts as no guest; what has an
        effect waits two seconds, and `AccessPolicy` refuses whom Slack has not described within the last day. Slack is
        not asked what the rules do not ask: people named by id are allowed whoever they are.
        """
        rules = self._rules
        is_named = origin.user_id in rules.users.ids
        group_ids = set() if is_named else set(rules.usergroups.ids)
        if not (rules.skip_validate_users.is_everything or origin.user_id in rules.skip_validate_users.ids):
            group_ids |= rules.skip_validate_usergroups.ids
        patience = EFFECT_PATIENCE_SECONDS if has_effect else PROFILE_PATIENCE_SECONDS
        profile, members = await asyncio.gather(
            self._profile(None if is_named else origin.user_id, patience), self._members_of(sorted(group_ids))
        )
        ids = {origin.user_id} | (profile.ids if profile else frozenset())
        is_ours = is_of_team(self._identity, origin, profile)
        return User(
            id=origin.user_id,
            team_id="" if is_ours is False else self._identity.team_id,
            groups=frozenset(id for id, user_ids in members.items() if user_ids is not None and user_ids & ids),
            is_guest=profile is not None and profile.is_guest,
            other_ids=frozenset(ids),
            is_identified=profile is not None and is_ours is not None,
            unread_groups=frozenset(id for id, user_ids in members.items() if user_ids is None),
        )

    async def _profile(self, user_id: str | None, patience: float) -> Profile | None:
        return None if user_id is None else await self._profiles.get(user_id, patience)

    async def _members_of(self, group_ids: list[str]) -> dict[str, frozenset[str] | None]:
        members = await asyncio.gather(*(self._members.get(id, GROUP_PATIENCE_SECONDS) for id in group_ids))
        return dict(zip(group_ids, members, strict=True))

    async def close(self) -> None:
        """Cancel what is being read."""
        await self._profiles.close()
        await self._members.close()

    async def _fetch_profile(self, user_id: str) -> Profile:
        data = await self._client.read("users.info", user=user_id, include_locale="true")
        user = data.get("user")
        if not isinstance(user, dict) or not user:
            raise SlackUnavailable("users.info: no user")
        organisation = user.get("enterprise_user")
        ids = frozenset(filter(None, (id_field(user, "id"), id_field(organisation, "id"))))
        if ids and user_id not in ids and not organisation:  # an organisation has ids of its own
            raise SlackUnavailable("users.info: another user")
        if any(user.get(flag, False) is None for flag in GUEST_FLAGS):
            raise SlackUnavailable("users.info: guest or not")
        enterprise_id = id_field(organisation, "enterprise_id") or id_field(user, "enterprise_id")
        is_of_organisation = enterprise_id and enterprise_id == self._identity.enterprise_id
        is_stranger = user.get("is_stranger") and not is_of_organisation  # whose workspaces decide, see `is_of_team`
        return Profile(
            language=Language.from_locale(text_field(user, "locale")),
            team_id=id_field(user, "team_id"),
            is_guest=any(user.get(flag) for flag in GUEST_FLAGS) or bool(is_stranger),
            enterprise_id=enterprise_id,
            teams=_texts(organisation, "teams") or frozenset(),
            ids=ids,
        )

    async def _fetch_members(self, group_id: str) -> frozenset[str]:
        data = await self._client.read("usergroups.users.list", usergroup=group_id)
        user_ids = _texts(data, "users")
        if user_ids is None:
            raise SlackUnavailable("usergroups.users.list: no users")
        return user_ids


def _texts(data: object, name: str) -> frozenset[str] | None:
    """A list of texts; None when the field is anything else."""
    values = data.get(name) if isinstance(data, dict) else None
    return frozenset(value for value in values if isinstance(value, str)) if isinstance(values, list) else None
