"""The running bot: every part is built once, passed in where it is needed, and run in one task group."""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.connections import open_cloud, open_slack
from bot.core.errors import SlackUnavailable, StorageUnavailable
from bot.core.permissions import AccessPolicy
from bot.core.polling import PollSchedule
from bot.core.ports import NO_METRICS, Metrics, Storage
from bot.doctor.runner import SelfCheck
from bot.environment import SettingsError
from bot.http_server import Readiness, start_server, web_app
from bot.i18n.catalog import Catalog
from bot.network import try_to_listen
from bot.settings import Settings
from bot.slack.bolt_app import Listeners, bolt_app
from bot.slack.client import BotIdentity, Heartbeat, InvalidToken, SlackClient, read_identity
from bot.slack.publisher import SlackEphemeralMessages, SlackPublisher
from bot.slack.socket_mode import SocketModeConnection, open_connection
from bot.slack.users import SlackUsers
from bot.storage.opening import open_storage, sqlite_path
from bot.taurusdb.client import TaurusDb
from bot.workflow.background_tasks import BackgroundTasks, UpgradesInProcess, supervise
from bot.workflow.handle_action import ActionHandler
from bot.workflow.handle_command import CommandHandler
from bot.workflow.interaction import Replier
from bot.workflow.notifier import Notifier
from bot.workflow.poller import Poller
from bot.workflow.preflight import Preflight
from bot.workflow.reconcile import Reconciler
from bot.workflow.submit import Submitter
from bot.workflow.transitions import Transitions

if TYPE_CHECKING:
    from bot.metrics import PrometheusMetrics

log = logging.getLogger("bot")
START_RETRY_SECONDS = 2.0
DRAIN_SECONDS = 12.0
POLLER_STOP_SECONDS = 3.0
CLOSE_SECONDS = 2.0
OnReady = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Components:
    """The parts that run, or that have to be closed at the end."""

    storage: Storage
    cloud: TaurusDb
    tasks: BackgroundTasks
    poller: Poller
    submitter: Submitter
    listeners: Listeners
    users: SlackUsers


def build(
    settings: Settings,
    client: SlackClient,
    identity: BotIdentity,
    storage: Storage,
    cloud: TaurusDb,
    metrics: Metrics,
) -> Components:
    """Build every part once."""
    clock, rules, inventory = storage.clock, settings.rules, cloud.inventory
    catalog, schedule = Catalog.load(), PollSchedule(settings.job_poll_seconds)
    tasks, in_process = BackgroundTasks(), UpgradesInProcess()
    policy = AccessPolicy(rules, identity.team_id)
    publisher = SlackPublisher(client, catalog, rules)
    ephemeral = SlackEphemeralMessages(client, catalog, rules, settings.slack.api_url)
    users = SlackUsers(client, rules, identity, settings.default_language, time.monotonic)
    transitions = Transitions(storage, metrics, clock)
    replier = Replier(users, ephemeral, metrics)
    notifier = Notifier(transitions, publisher, clock)
    preflight = Preflight(inventory, transitions, notifier, clock)
    reconciler = Reconciler(transitions, cloud, publisher, notifier, schedule, clock)
    submitter = Submitter(transitions, cloud, notifier, preflight, reconciler, schedule, clock, time.monotonic)
    command_handler = CommandHandler(
        transitions=transitions,
        notifier=notifier,
        preflight=preflight,
        inventory=inventory,
        publisher=publisher,
        users=users,
        replier=replier,
        policy=policy,
        in_process=in_process,
        metrics=metrics,
        clock=clock,
        new_id=partial(secrets.token_urlsafe, 12),
        run_doctor=SelfCheck(settings).report,
        command_name=settings.slack.command,
        confirm_ttl_seconds=settings.confirm_ttl_seconds,
    )
    action_handler = ActionHandler(
        transitions=transitions,
        cloud=cloud,
        publisher=publisher,
        notifier=notifier,
        users=users,
        replier=replier,
        policy=policy,
        submitter=submitter,
        reconciler=reconciler,
        in_process=in_process,
        schedule=schedule,
        metrics=metrics,
        clock=clock,
    )
    poller = Poller(
        transitions=transitions,
        cloud=cloud,
        inventory=inventory,
        notifier=notifier,
        reconciler=reconciler,
        ephemeral=ephemeral,
        in_process=in_process,
        schedule=schedule,
        clock=clock,
    )
    listeners = Listeners(command_handler, action_handler, tasks, identity)
    return Components(storage, cloud, tasks, poller, submitter, listeners, users)


async def run(settings: Settings, stop: asyncio.Event | None = None, on_ready: OnReady = lambda _: None) -> None:
    """Run the bot until `stop` is set, or SIGTERM or SIGINT come; `on_ready` gets the web server's URL ("" if none).

    Raises `InvalidToken`, `CannotListen`, and `SettingsError` when the database's folder is missing.
    """
    stop = stop or stop_on_signal()
    if settings.serves_http:
        await asyncio.to_thread(try_to_listen, settings.host, settings.listening_port)
    await asyncio.to_thread(_check_folder, settings.database_url)
    async with AsyncExitStack() as stack:
        prometheus = _prometheus_metrics() if settings.serves_http else None  # nobody could read them otherwise
        metrics: Metrics = prometheus or NO_METRICS
        client = await stack.enter_async_context(open_slack(settings, metrics))
        identity = await _retry_until_stopped(lambda: read_identity(client), stop)
        if identity is None:
            return
        if identity.is_org_wide:
            log.error("start.org_wide_token", extra={"setting": "SLACK_BOT_TOKEN", "team": identity.team_id})
        await _check_app_token(settings, client)
        storage = await _retry_until_stopped(lambda: open_storage(settings.database_url), stop)
        if storage is None:
            return
        stack.push_async_callback(storage.close)
        cloud = await stack.enter_async_context(open_cloud(settings, metrics, storage.clock))
        components = build(settings, client, identity, storage, cloud, metrics)
        await _serve(stop, settings, client, identity, components, prometheus, on_ready)


async def _serve(
    stop: asyncio.Event,
    settings: Settings,
    client: SlackClient,
    identity: BotIdentity,
    components: Components,
    prometheus: "PrometheusMetrics | None",
    on_ready: OnReady,
) -> None:
    """Everything that runs for the life of the process, in one task group."""
    app_token, secret = settings.slack.app_token, settings.slack.signing_secret
    signing_secret = None if app_token else secret.reveal() if secret else ""
    metrics: Metrics = prometheus or NO_METRICS
    app = bolt_app(client, identity, components.listeners, settings.slack.command, signing_secret, metrics)
    socket = None
    if app_token is not None:
        open_session = settings.network.open_session
        socket = SocketModeConnection(app, app_token.reveal(), client.web_client, open_session)
    heartbeat = Heartbeat(client)
    runner, url = None, ""
    if settings.serves_http:
        readiness = Readiness(heartbeat, socket, components.storage)
        runner, url = await _start_http(settings, components, None if socket else app, readiness, prometheus)
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(supervise("poller", components.poller.run), name="poller"),
                group.create_task(supervise("leases", components.submitter.renew_leases), name="leases"),
                group.create_task(supervise("heartbeat", heartbeat.run), name="heartbeat"),
                group.create_task(supervise("inventory", components.cloud.inventory.keep_fresh), name="inventory"),
                group.create_task(client.wait_for_invalid_token(), name="token"),
            ]
            if prometheus is not None:
                running.append(group.create_task(supervise("loop lag", prometheus.measure_loop_lag), name="loop lag"))
            socket_task = None
            if socket is not None:
                socket_task = group.create_task(supervise("socket", socket.run, InvalidToken), name="socket")
            on_ready(url)
            log.info("bot.ready", extra={"mode": "socket" if socket else "http", "team": identity.team_id})
            await stop.wait()
            log.info("bot.stopping", extra={"tasks": len(components.tasks)})
            # No request may come in once the tasks are closed: it would be acknowledged and then dropped.
            await _stop_receiving(runner, socket_task)
            await components.tasks.drain(DRAIN_SECONDS)
            for task in running:
                task.cancel()
    except* InvalidToken as errors:
        raise errors.exceptions[0] from None
    finally:
        if runner is not None:
            await runner.cleanup()
        await components.tasks.drain(0)
        await components.poller.stop(POLLER_STOP_SECONDS)
        await components.users.close()


async def _start_http(
    settings: Settings,
    components: Components,
    app: AsyncApp | None,
    readiness: Readiness,
    prometheus: "PrometheusMetrics | None",
) -> tuple[web.AppRunner, str]:
    metrics_text = partial(prometheus.exposition, components.storage) if prometheus else None
    return await start_server(web_app(app, readiness, metrics_text), settings.host, settings.listening_port)


async def _stop_receiving(runner: web.AppRunner | None, socket_task: asyncio.Task[None] | None) -> None:
    """Close both ways from Slack; requests that have come in are handled."""
    if socket_task is not None:
        socket_task.cancel()
        await asyncio.wait({socket_task}, timeout=CLOSE_SECONDS)
    if runner is not None:
        await runner.cleanup()


def stop_on_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; the second signal ends the process at once."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stop


def _prometheus_metrics() -> "PrometheusMetrics":
    """Imported only where somebody can read them: the library costs start-up time."""
    from bot.metrics import PrometheusMetrics

    return PrometheusMetrics()


async def _check_app_token(settings: Settings, client: SlackClient) -> None:
    """An invalid app token would be retried for ever by the SDK: try it once. Raises `InvalidToken`."""
    if settings.slack.app_token is not None:
        try:
            await open_connection(client.web_client, settings.slack.app_token.reveal())
        except InvalidToken:
            raise
        except Exception as error:  # Slack is unavailable: the connection is retried for as long as it takes
            log.warning("start.socket_unavailable", extra={"reason": type(error).__name__})


def _check_folder(database_url: str) -> None:
    """A folder that is missing stays so, however long it is waited for. Raises `SettingsError`."""
    if database_url.startswith("sqlite"):
        folder = sqlite_path(database_url).absolute().parent
        if not folder.is_dir():
            raise SettingsError([f"DATABASE_URL: there is no folder {folder}"])


async def _retry_until_stopped(open_: Callable[[], Awaitable[Answer]], stop: asyncio.Event) -> Answer | None:
    """Try until Slack or the database answers; None when the process is stopped before."""
    while not stop.is_set():
        try:
            return await open_()
        except (SlackUnavailable, StorageUnavailable) as error:
            log.warning("start.waiting", extra={"reason": str(error) or repr(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), START_RETRY_SECONDS)
    return None
