"""What Slack knows of people: their language, whether they are guests, which user groups they are in; cached."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.policy import Actor, Rules
from bot.core.ports import Presence
from bot.core.sentence import Language
from bot.slack.api import SlackApi
from bot.slack.cache import Cache

LANGUAGE_SECONDS = 3600.0
STANDING_SECONDS = 300.0  # whether somebody is a guest has to hold at the click
GROUP_SECONDS = 300.0
LANGUAGE_PATIENCE = 0.3
GROUP_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What `users.info` says of a person; `language` is None when Slack does not say."""

    language: Language | None
    team_id: str
    is_guest: bool


class SlackPeople:
    """People as Slack describes them; a question asked by many at once is asked of Slack once."""

    def __init__(
        self, api: SlackApi, rules: Rules, team_id: str, default: Language, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._rules = rules
        self._team_id = team_id
        self._default = default
        self._profiles: Cache[Profile] = Cache(self._fetch_profile, STANDING_SECONDS, clock)
        self._groups: Cache[frozenset[str]] = Cache(self._fetch_members, GROUP_SECONDS, clock)

    async def language(self, person_id: str) -> Language:
        """The person's language; the default when Slack does not say within 300 ms."""
        profile = await self._profiles.get(person_id, LANGUAGE_PATIENCE, LANGUAGE_SECONDS)
        return profile.language if profile and profile.language else self._default

    async def actor(self, presence: Presence) -> Actor:
        """The person with the user groups that matter; membership that Slack does not tell is none.

        Whoever Slack does not describe in time is taken for no guest: an outage of users.info must not stop an upgrade
        in an incident. The question goes on meanwhile, and the click asks again.
        """
        wanted = sorted(self._rules.groups_that_matter())
        profile, *members = await asyncio.gather(
            self._profiles.get(presence.person_id, LANGUAGE_PATIENCE),
            *(self._groups.get(group, GROUP_PATIENCE) for group in wanted),
        )
        inside = {
            group
            for group, ids in zip(wanted, members, strict=True)
            if isinstance(ids, frozenset) and presence.person_id in ids
        }
        team_id = presence.team_id or self._team_id
        if isinstance(profile, Profile) and profile.team_id and team_id == self._team_id:
            team_id = profile.team_id
        is_guest = isinstance(profile, Profile) and profile.is_guest
        return Actor(presence.person_id, team_id, frozenset(inside), is_guest=is_guest)

    async def close(self) -> None:
        """Stop asking Slack."""
        await self._profiles.close()
        await self._groups.close()

    async def _fetch_profile(self, person_id: str) -> Profile:
        answer = await self._api.read("users.info", user=person_id, include_locale="true")
        user = answer.get("user")
        if not isinstance(user, dict):
            return Profile(None, "", False)
        locale, team_id = user.get("locale"), user.get("team_id")
        return Profile(
            language=Language.of(locale if isinstance(locale, str) else None),
            team_id=team_id if isinstance(team_id, str) else "",
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("is_stranger")),
        )

    async def _fetch_members(self, group_id: str) -> frozenset[str]:
        answer = await self._api.read("usergroups.users.list", usergroup=group_id)
        users = answer.get("users")
        return frozenset(user for user in users if isinstance(user, str)) if isinstance(users, list) else frozenset()
