"""`StandInSlack`: the stand-in as one object to start, to drive as people would, and to inspect."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Self

from aiohttp import web

from bot.sandbox.slack.faults import Arguments, Failure, Fault, FaultInjection
from bot.sandbox.slack.http_mode import HttpMode
from bot.sandbox.slack.interactions import Delivery, Envelope, click_envelope, command_envelope, show_result
from bot.sandbox.slack.rate_limits import RateLimiter
from bot.sandbox.slack.response_url import ResponseUrls
from bot.sandbox.slack.socket_mode import Connection, SocketMode
from bot.sandbox.slack.state import APP_ID, Channel, Ephemeral, Message, Person, Workspace, find_button
from bot.sandbox.slack.web_api import WebApi

HOST: Final = "127.0.0.1"
ACK_SECONDS: Final = 3.0  # how long Slack waits for an acknowledgement
SHUTDOWN_SECONDS: Final = 1.0


class StandInSlack(Workspace):
    """A workspace with one app, served on loopback between `async with` and its end.

    `port=0` takes a free port, which stays the same when connections are refused and accepted again.
    """

    def __init__(self, port: int = 0, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.ack_seconds = ACK_SECONDS
        self.deliveries: list[Delivery] = []  # of commands, clicks and retries, in the order of their end
        self._port = port
        self._faults = FaultInjection(self)
        self._response_urls = ResponseUrls(self, self._faults)
        self._socket_mode = SocketMode(self)
        self._http_mode = HttpMode(self)
        app = web.Application()
        app.router.add_route("*", "/api/{method}", WebApi(self, self._faults, self._connection_url).handle)
        app.router.add_post("/hooks/{secret}", self._response_urls.handle)
        app.router.add_get("/link/", self._socket_mode.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._site: web.TCPSite | None = None

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await self.accept_connections()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._faults.clear()
        await self.refuse_connections()  # before the others, or the app would reconnect in between
        await self._socket_mode.drop()
        await self._http_mode.close()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """The base URL of the Web API, the value for SLACK_API_URL."""
        return f"http://{HOST}:{self._port}/api/"

    # What people do

    async def command(
        self,
        person: Person | str,
        channel: Channel | str,
        text: str,
        command: str = "/starrocks-upgrade",
        *,
        trigger_id: str | None = None,
        team_id: str | None = None,
        through: int | str | None = None,
    ) -> Delivery:
        """Type a slash command; `through`: see `deliver`."""
        person, channel = self.person(person), self.channel(channel)
        response_url = self._response_url(channel, person)
        envelope = command_envelope(
            person, channel, command, text, response_url, team_id=team_id, trigger_id=trigger_id
        )
        return await self._deliver_and_show(envelope, through)

    async def click(
        self,
        person: Person | str,
        message: Message | Ephemeral,
        action_id: str,
        value: str | None = None,
        channel: Channel | str | None = None,
        *,
        through: int | str | None = None,
    ) -> Delivery:
        """Click a button of a message as the person sees it, which may be a version before an edit.

        `value` replaces the button's own; `through`: see `deliver`. AssertionError when there never was such a button.
        """
        person, channel = self.person(person), self.channel(channel or message.channel_id)
        current = self.find_message(channel.id, message.ts) or self.find_ephemeral(message.ts) or message
        button = find_button(message, action_id) or find_button(current, action_id)
        if button is None:
            raise AssertionError(f"there is and was no button {action_id!r} in: {message}")
        if value is not None:
            button = {**button, "value": value}
        response_url = self._response_url(channel, person, message.ts)
        reply_count = len(self.thread(channel, message.ts))
        is_of_organisation = person.enterprise_id is not None and person.enterprise_id == self.enterprise_id
        app_team_id = self.team_id if is_of_organisation else person.team_id
        envelope = click_envelope(
            person, channel, current, button, response_url, app_team_id=app_team_id, reply_count=reply_count
        )
        return await self._deliver_and_show(envelope, through)

    async def redeliver(self, delivery: Delivery, *, through: int | str | None = None) -> Delivery:
        """Deliver the same command or click again, marked as a retry."""
        return await self._deliver_and_show(delivery.envelope.retry(), through)

    def write(
        self, person: Person | str, channel: Channel | str, text: str, *, thread_ts: str | None = None
    ) -> Message:
        """Post a plain message as a person; the app gets no event."""
        return self.post_message(self.channel(channel).id, text, user_id=self.person(person).id, thread_ts=thread_ts)

    # Delivery to the app

    def deliver_to(self, *urls: str | None) -> None:
        """Deliver commands and clicks to these request URLs in turn; none (or None) means Socket Mode."""
        self._http_mode.urls = tuple(url for url in urls if url is not None)

    async def deliver(self, envelope: Envelope, through: int | str | None = None) -> Delivery:
        """Deliver an envelope and wait for the acknowledgement; the person sees nothing of the result.

        `through` is the number of a Socket Mode connection or a request URL; by default they take turns.
        """
        if isinstance(through, str) or (through is None and self._http_mode.urls):
            return await self._http_mode.deliver(envelope, through, self.ack_seconds)
        return await self._socket_mode.deliver(envelope, through, self.ack_seconds)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The Socket Mode connections that are up, the oldest first."""
        return self._socket_mode.live

    async def connected(self, n: int = 1, timeout: float = 10) -> None:
        """Wait until n Socket Mode connections are up."""
        await self.until(lambda: len(self.connections) >= n, timeout)

    # Failures

    def fail(
        self,
        method: str,
        failure: Failure,
        times: int | None = 1,
        when: Callable[[Arguments], bool] | None = None,
        retry_after: float = 1,
    ) -> None:
        """Let the next calls of a method ("*": any, "response_url": those) fail; see `Fault` for the kinds."""
        self._faults.add(Fault(method, failure, times, when, retry_after))

    def limit_rates(self, speed: float = 1.0) -> None:
        """Enforce Slack's rate limits from now on, `speed` times faster than Slack's."""
        self._faults.rate_limiter = RateLimiter(self.clock, speed)

    def clear_faults(self) -> None:
        """Remove all faults; hanging calls lose their connection. Rate limits stay."""
        self._faults.clear()
        self._socket_mode.cut_reason = None

    def cut_new_connections(self, reason: str = "") -> None:
        """Close every new Socket Mode connection right after its hello; a reason is told in a `disconnect` message."""
        self._socket_mode.cut_reason = reason

    def stall_connections(self) -> None:
        """Let the present Socket Mode connections stay open but carry nothing; later ones work."""
        self._socket_mode.stall()

    async def drop_connections(self, reason: str | None = None) -> None:
        """Close all Socket Mode connections; with a reason, a `disconnect` message comes first."""
        await self._socket_mode.drop(reason)

    async def accept_connections(self) -> None:
        """Listen, on the same port as before."""
        if self._site is None:
            self._site = web.TCPSite(self._runner, HOST, self._port)
            await self._site.start()
            self._port = self._runner.addresses[0][1]

    async def refuse_connections(self) -> None:
        """Stop listening and close all connections but those of Socket Mode, so that every new call is refused."""
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        socket_mode = self._socket_mode.transports
        server = self._runner.server
        for handler in server.connections if server is not None else ():
            if handler.transport not in socket_mode:
                handler.force_close()

    async def _deliver_and_show(self, envelope: Envelope, through: int | str | None) -> Delivery:
        started = time.monotonic()
        delivery = await self.deliver(envelope, through)
        delivery = replace(delivery, seconds=time.monotonic() - started)
        show_result(self, delivery)
        self.deliveries.append(delivery)
        return delivery

    def _response_url(self, channel: Channel, person: Person, source_ts: str | None = None) -> str:
        secret = self._response_urls.issue(channel.id, person.id, source_ts)
        return f"http://{HOST}:{self._port}/hooks/{secret}"

    def _connection_url(self) -> str:
        return f"ws://{HOST}:{self._port}/link/?ticket={self._socket_mode.issue_ticket()}&app_id={APP_ID}"
