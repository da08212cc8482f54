"""Serving: everything that runs for the life of the process, in one task group, until it is told to stop."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.core.ports import Census, Store
from bot.flow.following import Following
from bot.flow.sending import Sending
from bot.flow.work import Work
from bot.readiness import Readiness
from bot.settings import Settings
from bot.slack.api import DeadToken, SlackApi
from bot.slack.app import bolt_app
from bot.slack.identity import Identity
from bot.slack.listeners import Listeners
from bot.slack.people import SlackPeople
from bot.slack.pulse import Pulse
from bot.slack.socket import Socket
from bot.slack.web import serve, web_app
from bot.taurusdb.client import TaurusDb

if TYPE_CHECKING:
    from bot.metrics.metrics import Metrics

log = logging.getLogger("bot")
DRAIN_SECONDS = 12.0
SHUT_SECONDS = 2.0
DEFAULT_PORT = 3000
Ready = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs, and what has to be let go at the end."""

    store: Store
    census: Census
    cloud: TaurusDb
    metrics: "Metrics | None"
    work: Work
    following: Following
    sending: Sending
    listeners: Listeners
    people: SlackPeople


def no_one(_: str) -> None:
    """Nobody waits for the bot to be ready."""


def serves_web(settings: Settings) -> bool:
    """Whether there is a web server: in HTTP mode always, in Socket Mode when PORT is set."""
    return settings.slack.app_token is None or settings.port is not None


async def serve_until(
    stop: asyncio.Event, settings: Settings, api: SlackApi, identity: Identity, parts: Parts, ready: Ready
) -> None:
    """Everything that runs for the life of the process, in one task group."""
    app_token, secret = settings.slack.app_token, settings.slack.signing_secret
    signing_secret = None if app_token else secret.reveal() if secret else ""
    app = bolt_app(api, identity, parts.listeners, settings.slack.command, signing_secret)
    socket = Socket(app, app_token.reveal(), api.client) if app_token else None
    pulse = Pulse(api)

    if parts.metrics is not None:
        app.on_answer = partial(parts.metrics.acked, "socket" if socket else "http")
    runner, address = None, ""
    if serves_web(settings):
        readiness = Readiness(pulse, socket, parts.store, parts.cloud)
        runner, address = await _serve_web(settings, parts, None if socket else app, readiness)
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(parts.following.run(), name="following"),
                group.create_task(parts.sending.keep_leases(), name="leases"),
                group.create_task(pulse.run(), name="pulse"),
                group.create_task(parts.cloud.directory.keep_fresh(), name="instances"),
                group.create_task(api.watch.raise_when_dead(), name="token"),
            ]
            if parts.metrics is not None:
                running.append(group.create_task(parts.metrics.watch_loop(), name="loop lag"))
            door = [group.create_task(socket.run(), name="socket")] if socket else []
            ready(address)
            log.info("bot.ready", extra={"mode": "socket" if socket else "http", "team": identity.team_id})
            await stop.wait()
            log.info("bot.stopping", extra={"tasks": len(parts.work)})
            # Nobody may come in any more before the work is closed: what Slack is told was taken would be dropped.
            await _shut(runner, door)
            await parts.work.drain(DRAIN_SECONDS)
            for task in running:
                task.cancel()
    except* DeadToken as dead:
        raise dead.exceptions[0] from None
    finally:
        if runner is not None:
            await runner.cleanup()
        await parts.work.drain(0)
        await parts.following.stop(3.0)
        await parts.people.close()


async def _serve_web(
    settings: Settings, parts: Parts, app: AsyncApp | None, readiness: Readiness
) -> tuple[web.AppRunner, str]:
    """Slack's door in HTTP mode, and what operators ask."""
    page = partial(parts.metrics.page, parts.census) if parts.metrics else None
    port = DEFAULT_PORT if settings.port is None else settings.port
    return await serve(web_app(app, readiness.parts, page), settings.host, port)


async def _shut(runner: web.AppRunner | None, door: list[asyncio.Task[None]]) -> None:
    """Close both ways from Slack; what has come in by them is let in."""
    for task in door:
        task.cancel()
    if door:
        await asyncio.wait(door, timeout=SHUT_SECONDS)
    if runner is not None:
        await runner.cleanup()


def stop_by_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; the second one ends the process at once."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stop
