"""Who and what the stand-in workspace knows: people, channels, user groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

T = TypeVar("T")

HOME_TEAM: Final = "T0HOME0001"
OTHER_TEAM: Final = "T0OTHER001"
BOT_USER: Final = "U0BOT00001"
BOT_ID: Final = "B0BOT00001"
APP_ID: Final = "A0STANDIN1"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack: a member, a guest, or a person of another organisation."""

    id: str
    name: str
    locale: str | None
    team_id: str
    enterprise_id: str | None = None
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    tz: str = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to write in; `members=None` means that every person is in it (the bot has its own flag)."""

    id: str
    name: str
    bot_is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    may_post: bool = True
    members: frozenset[str] | None = None

    def has(self, person_id: str) -> bool:
        """Say whether that person is in the channel."""
        return self.members is None or person_id in self.members


PEOPLE: Final = {
    "sre": Person("U0SRE00001", "Sam (SRE)", "en-US", HOME_TEAM, tz="Europe/Berlin"),
    "dba": Person("U0DBA00001", "李伟 (DBA)", "zh-CN", HOME_TEAM, tz="Asia/Shanghai"),
    "guest": Person("U0GUEST001", "Gil (guest)", "en-US", HOME_TEAM, is_restricted=True, tz="America/New_York"),
    "other": Person("U0OTHER001", "Olga (other organisation)", "en-US", OTHER_TEAM, tz="Europe/Madrid"),
    "third": Person("U0THIRD001", "Theo", "en-GB", HOME_TEAM, tz="Europe/London"),
}
CHANNELS: Final = {
    "db-ops": Channel("C0DBOPS001", "db-ops"),
    "incident-42": Channel("C0INC00042", "incident-42"),
    "no-bot": Channel("C0NOBOT001", "no-bot", bot_is_member=False),
    "archived": Channel("C0ARCHIVE1", "archived", is_archived=True),
}
GROUPS: Final = {"S0DBOPS": (PEOPLE["sre"].id, PEOPLE["dba"].id)}


@dataclass(slots=True)
class Workspace:
    """The people, channels and user groups of one stand-in, found by key, id or object."""

    changed: Callable[[], None]
    people: dict[str, Person] = field(default_factory=lambda: dict(PEOPLE))
    channels: dict[str, Channel] = field(default_factory=lambda: dict(CHANNELS))
    groups: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(GROUPS))

    def find_person(self, who: str) -> Person | None:
        """Find a person by key or id."""
        return self.people.get(who) or next((p for p in self.people.values() if p.id == who), None)

    def find_channel(self, where: str) -> Channel | None:
        """Find a channel by key or id."""
        return self.channels.get(where) or next((c for c in self.channels.values() if c.id == where), None)

    def person(self, who: Person | str) -> Person:
        """Return the person as known now; KeyError when there is none."""
        return _known(self.find_person(who if isinstance(who, str) else who.id), who)

    def channel(self, where: Channel | str) -> Channel:
        """Return the channel as known now; KeyError when there is none."""
        return _known(self.find_channel(where if isinstance(where, str) else where.id), where)

    def direct_channel(self, person: Person) -> Channel:
        """Return the direct messages between the bot and a person, opened when there are none yet."""
        channel_id = "D" + person.id[1:]
        known = self.find_channel(channel_id)
        return known or self.add_channel(
            Channel(channel_id, f"direct messages with {person.name}", members=frozenset({person.id}), is_private=True),
            key=channel_id,
        )

    def add_person(self, person: Person, key: str | None = None) -> Person:
        """Add a person, under a key or their name."""
        self.people[key or person.name] = person
        self.changed()
        return person

    def add_channel(self, channel: Channel, key: str | None = None) -> Channel:
        """Add a channel, under a key or its name."""
        self.channels[key or channel.name] = channel
        self.changed()
        return channel

    def change_person(self, who: Person | str, **fields: Any) -> Person:
        """Replace fields of a person and return the new one."""
        old = self.person(who)
        return self.add_person(replace(old, **fields), key=_key_of(self.people, old))

    def change_channel(self, where: Channel | str, **fields: Any) -> Channel:
        """Replace fields of a channel and return the new one."""
        old = self.channel(where)
        return self.add_channel(replace(old, **fields), key=_key_of(self.channels, old))

    def set_group(self, group_id: str, members: Iterable[Person | str]) -> None:
        """Add a user group or replace its members."""
        self.groups[group_id] = tuple(self.person(member).id for member in members)
        self.changed()


def _known(found: T | None, asked: object) -> T:
    """Return what was found, or say what was asked for in vain."""
    if found is None:
        raise KeyError(f"the stand-in Slack does not know {asked!r}")
    return found


def _key_of(table: dict[str, T], value: T) -> str:
    """Return the key under which a value stands."""
    return next(key for key, known in table.items() if known is value)
