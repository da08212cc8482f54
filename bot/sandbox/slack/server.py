"""The stand-in Slack as one object: start it, point a bot at it, act as people do, and look at what was said."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self, TypeVar

from aiohttp import web

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.chat import Chat
from bot.sandbox.slack.credentials import Credentials
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.faults import Fault, Faults, How, When
from bot.sandbox.slack.gate import Gate
from bot.sandbox.slack.hooks import Hooks
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.lookups import Lookups
from bot.sandbox.slack.messages import Ephemeral, Message, Record
from bot.sandbox.slack.port import Port
from bot.sandbox.slack.sockets import Link, Sockets
from bot.sandbox.slack.transcript import transcript
from bot.sandbox.slack.ways import Ways
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import BOT_USER, HOME_TEAM, Channel, Person, Workspace

T = TypeVar("T")


class StandInSlack:
    """A workspace with one app on loopback; `async with StandInSlack() as slack:` starts and ends it."""

    team_id = HOME_TEAM
    bot_user_id = BOT_USER

    def __init__(self, port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._changes = changes = Changes()
        self.credentials = Credentials()
        self.workspace = workspace = Workspace(changes.note)
        self._record = record = Record(changes.note)
        self._faults = Faults()
        self._gate = gate = Gate(self._faults, changes, clock)
        chat = Chat(workspace, record, clock)
        hooks = Hooks(gate, chat, record, clock, lambda: self._port.host)
        self._sockets = Sockets(changes, lambda: self._port.host)
        self._events = Events(self.credentials.signing_secret)
        self.ways = Ways(self._sockets, self._events)
        lookups = Lookups(workspace, self.credentials)
        api = WebApi(self.credentials, gate, chat, lookups, self._sockets.open_url)
        app = web.Application()
        app.router.add_route("*", "/api/{method}", api.handle)
        app.router.add_post("/hooks/{secret}", hooks.handle)
        app.router.add_get("/link/", self._sockets.handle)
        self._port = Port(app, port, keep=lambda: self._sockets.transports)

        # What people do, and who and what is there: offered here just as they are there.
        people_do = Interactions(workspace, record, chat, hooks, self.ways)
        self.command, self.click, self.redeliver = people_do.command, people_do.click, people_do.redeliver
        self.write = people_do.write
        self.people, self.channels, self.groups = workspace.people, workspace.channels, workspace.groups
        self.add_person, self.change_person = workspace.add_person, workspace.change_person
        self.add_channel, self.change_channel = workspace.add_channel, workspace.change_channel
        self.set_group = workspace.set_group
        self.calls = gate.calls
        self.on_change = changes.listen
        self.bot_token, self.app_token = self.credentials.bot_token, self.credentials.app_token
        self.signing_secret = self.credentials.signing_secret
        self.heal = self._faults.heal
        self.go_silent, self.drop_connections = self._sockets.go_silent, self._sockets.drop
        self.refuse_connections, self.accept_connections = self._port.refuse, self._port.open

    async def __aenter__(self) -> Self:
        await self._port.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._faults.heal()
        await self._port.refuse()  # first, or an app would connect anew in between
        await self._sockets.drop()
        await self._events.close()
        await self._port.close()

    @property
    def api_url(self) -> str:
        """The base address of the Web API, as SLACK_API_URL takes it."""
        return f"http://{self._port.host}/api/"

    @property
    def changed(self) -> int:
        """A number that grows with every change."""
        return self._changes.count

    @property
    def scopes(self) -> str:
        """The scopes of the bot token, comma-separated; a call that needs another one is refused."""
        return self.credentials.scopes

    @scopes.setter
    def scopes(self, scopes: str) -> None:
        self.credentials.scopes = scopes

    @property
    def connections(self) -> tuple[Link, ...]:
        """The Socket Mode connections that are up, the oldest first."""
        return tuple(self._sockets.live)

    def deliver_to(self, *urls: str | None) -> None:
        """Send commands and clicks to these addresses in turn; none (or None) means Socket Mode."""
        self._events.urls = tuple(url for url in urls if url is not None)

    def messages(self, channel: Channel | str) -> list[Message]:
        """Return what a channel shows, replies only where they were sent to the channel too."""
        return self._record.top_level(self.workspace.channel(channel).id)

    def thread(self, channel: Channel | str, ts: str) -> list[Message]:
        """Return the replies to a message."""
        return self._record.replies(self.workspace.channel(channel).id, ts)

    def ephemerals(self, person: Person | str) -> list[Ephemeral]:
        """Return what this person alone has been shown."""
        return self._record.ephemerals(self.workspace.person(person).id)

    async def until(self, condition: Callable[[], T], timeout: float = 10) -> T:
        """Wait until the condition is true and return its value; late, an AssertionError tells what happened."""
        return await self._changes.until(condition, timeout, self.transcript)

    async def connected(self, n: int = 1, timeout: float = 10) -> None:
        """Wait until n Socket Mode connections are up."""
        await self.until(lambda: len(self._sockets.live) >= n, timeout)

    def transcript(self) -> str:
        """Tell what was said and called, for people to read."""
        return transcript(self.workspace, self._record, self.calls)

    def fail(
        self, method: str, how: How, times: int | None = 1, when: When | None = None, retry_after: int = 1
    ) -> None:
        """Let calls of a method ("*": any; "response_url": those) fail; `how`: see Fault; times=None: until healed."""
        self._faults.add(Fault(method, how, times, when, retry_after))

    def revoke_token(self) -> None:
        """Revoke the bot token."""
        self.credentials.revoked.add(self.bot_token)

    def revoke_app_token(self) -> None:
        """Revoke the token for Socket Mode; connections that are up stay up."""
        self.credentials.revoked.add(self.app_token)
