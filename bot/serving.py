"""Serving: everything that runs for the life of the process, in one task group, until it is told to stop."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.ports import Store
from bot.core.reasons import StoreAway
from bot.flow.following import Following
from bot.flow.sending import Sending
from bot.flow.work import Work
from bot.settings import Settings
from bot.slack.api import DeadToken, SlackApi
from bot.slack.app import bolt_app
from bot.slack.identity import Identity
from bot.slack.listeners import Listeners
from bot.slack.people import SlackPeople
from bot.slack.pulse import Pulse
from bot.slack.socket import Socket
from bot.slack.web import serve, web_app

log = logging.getLogger("bot")
DRAIN_SECONDS = 12.0
Ready = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs, and what has to be let go at the end."""

    store: Store
    work: Work
    following: Following
    sending: Sending
    listeners: Listeners
    people: SlackPeople


def no_one(_: str) -> None:
    """Nobody waits for the bot to be ready."""


async def serve_until(
    stop: asyncio.Event, settings: Settings, api: SlackApi, identity: Identity, parts: Parts, ready: Ready
) -> None:
    """Everything that runs for the life of the process, in one task group."""
    app_token, secret = settings.slack.app_token, settings.slack.signing_secret
    signing_secret = None if app_token else secret.reveal() if secret else ""
    app = bolt_app(api, identity, parts.listeners, settings.slack.command, signing_secret)
    socket = Socket(app, app_token.reveal(), api.client) if app_token else None
    pulse = Pulse(api)

    async def readiness() -> dict[str, str]:
        troubles = {"slack": pulse.trouble} if pulse.trouble else {}
        if socket is not None and not socket.is_connected:
            troubles["slack"] = "the socket is not connected"
        try:
            await parts.store.ping()
        except StoreAway as away:
            troubles["store"] = str(away) or "cannot be reached"
        return troubles

    runner, address = None, ""
    if socket is None or settings.port is not None:
        port = 3000 if settings.port is None else settings.port
        runner, address = await serve(web_app(None if socket else app, readiness), settings.host, port)
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(parts.following.run(), name="following"),
                group.create_task(parts.sending.keep_leases(), name="leases"),
                group.create_task(pulse.run(), name="pulse"),
                group.create_task(api.watch.raise_when_dead(), name="token"),
            ]
            door = [group.create_task(socket.run(), name="socket")] if socket else []
            ready(address)
            log.info("bot.ready", extra={"mode": "socket" if socket else "http", "team": identity.team_id})
            await stop.wait()
            log.info("bot.stopping", extra={"tasks": len(parts.work)})
            for task in door:
                task.cancel()
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
