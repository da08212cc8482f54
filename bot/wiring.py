"""The only place where the parts meet: built once, passed in, everything in one task group."""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from bot.core.looks import Pace
from bot.core.policy import Door
from bot.core.ports import Cloud, Store
from bot.core.reasons import SlackAway, StoreAway
from bot.flow.answering import Answering
from bot.flow.asking import Asking
from bot.flow.following import Following
from bot.flow.hands import Hands
from bot.flow.sending import Sending
from bot.flow.telling import Teller
from bot.flow.work import Work
from bot.locales.catalog import Catalog
from bot.settings import CloudSettings, KeySignIn, Settings, TokenSignIn, UserSignIn
from bot.slack.api import DeadToken, SlackApi
from bot.slack.app import bolt_app
from bot.slack.identity import Identity, identify
from bot.slack.listeners import Listeners
from bot.slack.people import SlackPeople
from bot.slack.pulse import Pulse
from bot.slack.socket import Socket, open_connection
from bot.slack.thread import SlackThread
from bot.slack.web import serve, web_app
from bot.slack.whisper import SlackWhisper
from bot.store import open_store
from bot.taurusdb.auth import ReadyToken, SignIn
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.iam import IamUser
from bot.taurusdb.signing import AkSk

log = logging.getLogger("bot")
DRAIN_SECONDS = 12.0
PAUSE_SECONDS = 2.0
Answer = TypeVar("Answer")
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


def put_together(settings: Settings, api: SlackApi, identity: Identity, store: Store, cloud: Cloud) -> Parts:
    """Build every part once and pass it in where it is needed."""
    catalog, rules = Catalog.load(), settings.rules
    pace, hands, work = Pace(settings.job_poll_seconds), Hands(), Work()
    thread = SlackThread(api, catalog, rules)
    people = SlackPeople(api, rules, identity.team_id, settings.default_language, time.monotonic)
    whisper = SlackWhisper(api, catalog, settings.slack.api_url)
    teller = Teller(store, thread, time.time)
    door = Door(rules, identity.team_id)
    sending = Sending(store, cloud, teller, hands, pace, time.time, time.monotonic)
    asking = Asking(
        store=store,
        thread=thread,
        teller=teller,
        people=people,
        whisper=whisper,
        door=door,
        hands=hands,
        clock=time.time,
        new_id=lambda: secrets.token_urlsafe(12),
        ttl_seconds=settings.confirm_ttl_seconds,
        command_name=settings.slack.command,
    )
    answering = Answering(store, thread, teller, people, whisper, door, sending, hands, time.time)
    following = Following(store, cloud, teller, hands, pace, time.time)
    listeners = Listeners(asking, answering, work, identity)
    return Parts(store, work, following, sending, listeners, people)


async def run(settings: Settings, stop: asyncio.Event | None = None, ready: Ready | None = None) -> None:
    """Run the bot until `stop` is set, or SIGTERM or SIGINT come; `ready` is called once it serves. Raises `DeadToken`."""
    stop = stop or stop_by_signal()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(slack_session())
        api = SlackApi(settings.slack.bot_token.reveal(), settings.slack.api_url, session)
        identity = await until_answered(lambda: identify(api), stop)
        if identity is None:
            return
        await check_app_token(settings, api)
        store = await until_answered(lambda: open_store(settings.database_url), stop)
        if store is None:
            return
        stack.push_async_callback(store.close)
        cloud = await stack.enter_async_context(open_cloud(settings.cloud))
        parts = put_together(settings, api, identity, store, cloud)
        await serve_until(stop, settings, api, identity, parts, ready or no_one)


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


def no_one(_: str) -> None:
    """Nobody waits for the bot to be ready."""


async def check_app_token(settings: Settings, api: SlackApi) -> None:
    """A bad app token would be retried for ever by the SDK: ask once, here. Raises `DeadToken`."""
    if settings.slack.app_token is not None:
        with suppress(SlackAway):
            await open_connection(api.client, settings.slack.app_token.reveal())


async def until_answered(ask: Callable[[], Awaitable[Answer]], stop: asyncio.Event) -> Answer | None:
    """Ask until Slack or the store answers; None when the process is stopped before."""
    while not stop.is_set():
        try:
            return await ask()
        except (SlackAway, StoreAway) as away:
            log.warning("start.waits", extra={"why": str(away) or repr(away)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
    return None


def open_cloud(settings: CloudSettings) -> TaurusDb:
    """The client of the cloud, signing in the one way that is set."""
    match settings.sign_in:
        case TokenSignIn(token):
            sign_in: SignIn = ReadyToken(token.reveal())
        case KeySignIn(access_key, secret_key, security_token):
            temporary = security_token.reveal() if security_token else ""
            sign_in = AkSk(access_key, secret_key.reveal(), temporary, settings.project_id)
        case UserSignIn(domain, user, password):
            sign_in = IamUser(domain, user, password.reveal(), settings.project_id, settings.auth_url)
    return TaurusDb(settings.endpoint, settings.project_id, sign_in)


@asynccontextmanager
async def slack_session() -> AsyncIterator[aiohttp.ClientSession]:
    """One session for every call to Slack: a new one for each costs a TLS handshake."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100), trust_env=True) as session:
        yield session


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
