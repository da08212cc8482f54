"""Slack users: their language, whether they are guests, which user groups they are in; read once for many, cached."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.core.actions import Origin
from bot.core.errors import SlackError
from bot.core.messages import Language
from bot.core.permissions import Rules, User
from bot.slack.client import SlackClient

log = logging.getLogger("bot.slack.users")
LANGUAGE_TTL_SECONDS = 3600.0
PROFILE_TTL_SECONDS = 300.0  # whether somebody is a guest has to be current at the click
GROUP_TTL_SECONDS = 300.0
PROFILE_PATIENCE_SECONDS = 0.3
GROUP_PATIENCE_SECONDS = 2.0
MAX_CACHED = 10_000
Value = TypeVar("Value")


class AsyncCache(Generic[Value]):
    """Values by key, each read once for all who wait; one that cannot be read is None and read again next time."""

    def __init__(self, fetch: Callable[[str], Awaitable[Value]], ttl: float, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._clock = clock
        self._cached: dict[str, tuple[Value, float]] = {}
        self._reads: dict[str, asyncio.Task[Value | None]] = {}

    async def get(self, key: str, patience: float, ttl: float | None = None) -> Value | None:
        """The value, at most `ttl` seconds old; None when Slack rejects the read or takes longer than `patience`.

        The read goes on after that, so that the next caller has the value.
        """
        if key in self._cached:
            value, read_at = self._cached[key]
            if self._clock() < read_at + (self._ttl if ttl is None else ttl):
                return value
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(self._read(key), name=f"read {key} from Slack")
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else None

    async def close(self) -> None:
        """Cancel what is being read."""
        tasks = list(self._reads.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, key: str) -> Value | None:
        try:
            value = await self._fetch(key)
        except SlackError as error:
            log.warning("slack.read_failed", extra={"id": key, "reason": repr(error)})
            return None
        finally:
            self._reads.pop(key, None)
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        self._cached[key] = (value, self._clock())
        return value


@dataclass(frozen=True, slots=True)
class Profile:
    """What `users.info` says of a user; `language` is None when Slack does not say."""

    language: Language | None
    team_id: str
    is_guest: bool


class SlackUsers:
    """Users as Slack describes them (`UserDirectory`)."""

    def __init__(
        self,
        client: SlackClient,
        rules: Rules,
        team_id: str,
        default_language: Language,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._rules = rules
        self._team_id = team_id
        self._default_language = default_language
        self._profiles: AsyncCache[Profile] = AsyncCache(self._fetch_profile, PROFILE_TTL_SECONDS, clock)
        self._members: AsyncCache[frozenset[str]] = AsyncCache(self._fetch_members, GROUP_TTL_SECONDS, clock)

    async def language(self, user_id: str) -> Language:
        """The user's language; the default when Slack does not say within 300 ms."""
        profile = await self._profiles.get(user_id, PROFILE_PATIENCE_SECONDS, LANGUAGE_TTL_SECONDS)
        return profile.language if profile and profile.language else self._default_language

    async def user(self, origin: Origin) -> User:
        """The user with the user groups that the rules name; membership that Slack does not tell is none.

        Whoever Slack does not describe in time counts as no guest: an outage of users.info must not stop an upgrade in
        an incident. The read goes on meanwhile, and the click checks again.
        """
        group_ids = sorted(self._rules.all_usergroups())
        profile, *members = await asyncio.gather(
            self._profiles.get(origin.user_id, PROFILE_PATIENCE_SECONDS),
            *(self._members.get(group_id, GROUP_PATIENCE_SECONDS) for group_id in group_ids),
        )
        groups = {
            group_id
            for group_id, user_ids in zip(group_ids, members, strict=True)
            if isinstance(user_ids, frozenset) and origin.user_id in user_ids
        }
        team_id = origin.team_id or self._team_id
        if isinstance(profile, Profile) and profile.team_id and team_id == self._team_id:
            team_id = profile.team_id
        is_guest = isinstance(profile, Profile) and profile.is_guest
        return User(origin.user_id, team_id, frozenset(groups), is_guest=is_guest)

    async def close(self) -> None:
        """Cancel what is being read."""
        await self._profiles.close()
        await self._members.close()

    async def _fetch_profile(self, user_id: str) -> Profile:
        data = await self._client.read("users.info", user=user_id, include_locale="true")
        user = data.get("user")
        if not isinstance(user, dict):
            return Profile(None, "", False)
        locale, team_id = user.get("locale"), user.get("team_id")
        return Profile(
            language=Language.from_locale(locale if isinstance(locale, str) else None),
            team_id=team_id if isinstance(team_id, str) else "",
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("is_stranger")),
        )

    async def _fetch_members(self, group_id: str) -> frozenset[str]:
        data = await self._client.read("usergroups.users.list", usergroup=group_id)
        users = data.get("users")
        return frozenset(user for user in users if isinstance(user, str)) if isinstance(users, list) else frozenset()
