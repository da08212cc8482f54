"""The only place where the parts meet: built once, passed in, everything in one task group."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, TypeVar

from bot.checkup.report import BriefDoctor
from bot.connections import open_cloud, slack_session
from bot.core.looks import Pace
from bot.core.policy import Door
from bot.core.reasons import SlackAway, StoreAway
from bot.flow.answering import Answering
from bot.flow.asking import Asking
from bot.flow.cancelling import Cancelling
from bot.flow.checking import Checking
from bot.flow.commanding import Commanding
from bot.flow.describing import Describing
from bot.flow.following import Following
from bot.flow.hands import Hands
from bot.flow.recounting import Recounting
from bot.flow.sending import Sending
from bot.flow.telling import Teller
from bot.flow.work import Work
from bot.locales.catalog import Catalog
from bot.metrics.wrapping import metered_cloud, metered_store, metered_thread, metered_whisper, metered_work
from bot.serving import Parts, Ready, no_one, serve_until, serves_web, stop_by_signal
from bot.settings import Settings
from bot.slack.api import DeadToken, SlackApi
from bot.slack.identity import Identity, identify
from bot.slack.listeners import Listeners
from bot.slack.people import SlackPeople
from bot.slack.socket import open_connection
from bot.slack.thread import SlackThread
from bot.slack.whisper import SlackWhisper
from bot.store import open_store
from bot.store.opening import AnyStore
from bot.taurusdb.client import TaurusDb

if TYPE_CHECKING:
    from bot.metrics.metrics import Metrics

log = logging.getLogger("bot")
PAUSE_SECONDS = 2.0
Answer = TypeVar("Answer")


def put_together(
    settings: Settings,
    api: SlackApi,
    identity: Identity,
    opened: AnyStore,
    taurusdb: TaurusDb,
    metrics: "Metrics | None",
) -> Parts:
    """Build every part once and pass it in where it is needed."""
    catalog, rules, name = Catalog.load(), settings.rules, settings.slack.command
    pace, hands, meter = Pace(settings.job_poll_seconds), Hands(), metrics.instruments if metrics else None
    store, cloud, work = metered_store(opened, meter), metered_cloud(taurusdb, meter), metered_work(Work(), meter)
    thread = metered_thread(SlackThread(api, catalog, rules), meter)
    people = SlackPeople(api, rules, identity.team_id, settings.default_language, time.monotonic)
    whisper = metered_whisper(SlackWhisper(api, catalog, rules, settings.slack.api_url), meter)
    teller = Teller(store, thread, time.time)
    door = Door(rules, identity.team_id)
    describing = Describing(taurusdb.directory, store, teller, time.time)
    sending = Sending(store, cloud, teller, describing, hands, pace, time.time, time.monotonic)
    doctor = BriefDoctor(settings).tell
    asking = Asking(
        store=store,
        thread=thread,
        teller=teller,
        describing=describing,
        hands=hands,
        clock=time.time,
        new_id=lambda: secrets.token_urlsafe(12),
        ttl_seconds=settings.confirm_ttl_seconds,
    )
    directory = taurusdb.directory
    recounting = Recounting(store, thread, directory, name)
    commanding = Commanding(asking, recounting, directory, store, people, whisper, door, time.time, name, doctor)
    checking = Checking(store, cloud, thread, teller, pace, time.time)
    cancelling = Cancelling(store, cloud, teller, pace, time.time)
    answering = Answering(store, thread, teller, people, whisper, door, sending, checking, cancelling, hands, time.time)
    following = Following(store, cloud, taurusdb.directory, teller, whisper, hands, pace, time.time)
    listeners = Listeners(commanding, answering, work, identity)
    return Parts(store, opened, taurusdb, metrics, work, following, sending, listeners, people)


async def run(settings: Settings, stop: asyncio.Event | None = None, ready: Ready = no_one) -> None:
    """Run the bot until `stop` is set, or SIGTERM or SIGINT come; `ready` is called once it serves.

    Raises `DeadToken`.
    """
    stop = stop or stop_by_signal()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(slack_session())
        metrics = new_metrics() if serves_web(settings) else None  # nobody could read them otherwise
        api = SlackApi(settings.slack.bot_token.reveal(), settings.slack.api_url, session, metrics)
        identity = await until_answered(lambda: identify(api), stop)
        if identity is None:
            return
        await check_app_token(settings, api)
        store = await until_answered(lambda: open_store(settings.database_url), stop)
        if store is None:
            return
        stack.push_async_callback(store.close)
        cloud = await stack.enter_async_context(open_cloud(settings.cloud))
        parts = put_together(settings, api, identity, store, cloud, metrics)
        await serve_until(stop, settings, api, identity, parts, ready)


def new_metrics() -> "Metrics":
    """What is counted; its library is imported only where somebody can read it."""
    from bot.metrics.metrics import Metrics

    return Metrics()


async def check_app_token(settings: Settings, api: SlackApi) -> None:
    """A bad app token would be retried for ever by the SDK: ask once, here. Raises `DeadToken`."""
    if settings.slack.app_token is not None:
        try:
            await open_connection(api.client, settings.slack.app_token.reveal())
        except DeadToken:
            raise
        except Exception as error:  # Slack is away: the socket asks again for as long as it takes
            log.warning("start.no_socket_yet", extra={"why": type(error).__name__})


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
