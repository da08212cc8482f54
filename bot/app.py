"""The running bot: every part is built once, passed in where it is needed, and run in one task group."""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from bot.connections import open_cloud, open_slack
from bot.core.errors import SlackError, StorageUnavailable
from bot.core.messages import Message
from bot.core.permissions import AccessPolicy
from bot.core.polling import PollSchedule
from bot.core.ports import NO_METRICS, Metrics, Storage
from bot.environment import SettingsError
from bot.http_server import EventsEndpoint, Readiness, start_server, web_app
from bot.i18n.catalog import Catalog, Regions
from bot.settings import Settings
from bot.slack.bolt_app import Listeners, bolt_app
from bot.slack.channels import SlackChannels
from bot.slack.client import BotIdentity, Heartbeat, InvalidToken, SlackClient, read_identity
from bot.slack.publisher import SlackEphemeralMessages, SlackPublisher
from bot.slack.users import SlackUsers
from bot.storage.opening import open_storage
from bot.storage.urls import database_address
from bot.taurusdb.projects import Projects
from bot.workflow.background_tasks import BackgroundTasks, RareLog, UpgradesInProcess, supervise
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
START_REFUSALS = 3  # in a row, after which a token is believed dead at the start
START_REFUSAL_SECONDS = 2.0
TASKS_DRAIN_SECONDS = 12.0
POLLER_STOP_SECONDS = 3.0
CLOSE_SECONDS = 2.0
OnReady = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False, repr=False)
class Components:
    """The parts that run, or that have to be closed at the end."""

    storage: Storage
    cloud: Projects
    tasks: BackgroundTasks
    poller: Poller
    submitter: Submitter
    reconciler: Reconciler
    transitions: Transitions
    listeners: Listeners
    users: SlackUsers
    channels: SlackChannels

    async def close(self) -> None:
        """Stop what is still at work, and write what was only counted."""
        await self.tasks.drain(0)
        await self.poller.stop(POLLER_STOP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.transitions.record_counted_refusals()
        await self.users.close()
        await self.channels.close()


def build(
    settings: Settings,
    client: SlackClient,
    identity: BotIdentity,
    storage: Storage,
    cloud: Projects,
    metrics: Metrics,
) -> Components:
    """Build every part once."""
    clock, rules, inventory = storage.clock, settings.rules, cloud.inventory
    catalog, schedule = Catalog(_regions(settings)), PollSchedule(settings.job_poll_seconds)
    catalog.translator(settings.default_language)  # read now; the other one when somebody reads it
    tasks, in_process = BackgroundTasks(), UpgradesInProcess()
    policy = AccessPolicy(rules, identity.team_id)
    channels = SlackChannels(client, rules, time.monotonic)
    publisher = SlackPublisher(client, channels, catalog, rules, settings.report_channel, settings.default_language)
    ephemeral = SlackEphemeralMessages(client, catalog, rules, settings.slack.api_url)
    users = SlackUsers(client, rules, identity, settings.default_language, time.monotonic)
    transitions = Transitions(storage, metrics, clock, has_report_channel=bool(settings.report_channel))
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
        channels=channels,
        replier=replier,
        policy=policy,
        in_process=in_process,
        metrics=metrics,
        clock=clock,
        new_id=partial(secrets.token_urlsafe, 12),
        run_doctor=_doctor(settings),
        command_name=settings.slack.command,
        confirm_ttl_seconds=settings.confirm_ttl_seconds,
        projects=cloud.projects,
    )
    action_handler = ActionHandler(
        transitions=transitions,
        cloud=cloud,
        publisher=publisher,
        notifier=notifier,
        users=users,
        channels=channels,
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
    return Components(storage, cloud, tasks, poller, submitter, reconciler, transitions, listeners, users, channels)


def _regions(settings: Settings) -> Regions:
    """What messages say of the projects' places."""
    counts = Counter(cloud.region for cloud in settings.clouds)
    consoles = {cloud.region: cloud.console_url for cloud in settings.clouds}
    shared = frozenset(region for region, count in counts.items() if count > 1)
    return Regions({"": settings.cloud.console_url, **consoles}, shared)


async def run(settings: Settings, stop: asyncio.Event | None = None, on_ready: OnReady = lambda _: None) -> None:
    """Run the bot until `stop` is set, or SIGTERM or SIGINT come; `on_ready` gets the web server's URL ("" if none).

    The web server is opened first, so that a bot that waits for Slack or the database can say so.
    Raises `InvalidToken`, `CannotListen`, and `SettingsError` for a database that can never be used.
    """
    stop = stop or stop_on_signal()
    async with AsyncExitStack() as stack:
        prometheus = (
            _prometheus_metrics(by_region=settings.has_several_projects) if settings.serves_http else None
        )  # nobody could read them otherwise
        metrics: Metrics = prometheus or NO_METRICS
        front = Front(Readiness(), None if settings.slack.app_token else EventsEndpoint())
        if settings.serves_http:
            await front.open(settings, prometheus)
            stack.push_async_callback(front.close)
        client = await stack.enter_async_context(open_slack(settings, metrics))
        identity, storage = await _reach_slack_and_storage(settings, client, front.readiness, stop, stack)
        if identity is None or storage is None:
            return
        if identity.is_org_wide:
            log.error("start.org_wide_token", extra={"setting": "SLACK_BOT_TOKEN", "team": identity.team_id})
        cloud = await stack.enter_async_context(aclosing(open_cloud(settings, metrics, storage.clock)))
        components = build(settings, client, identity, storage, cloud, metrics)
        await _serve(stop, settings, client, identity, components, front, prometheus, on_ready)


@dataclass(slots=True, eq=False, repr=False)
class Front:
    """The web server, and what it is told while the bot starts and stops."""

    readiness: Readiness
    events: EventsEndpoint | None
    url: str = ""
    _runner: web.AppRunner | None = None

    async def open(self, settings: Settings, prometheus: "PrometheusMetrics | None") -> None:
        """Listen."""

        async def metrics_text() -> bytes:
            assert prometheus is not None
            return await prometheus.exposition(self.readiness.storage)

        app = web_app(self.events, self.readiness, metrics_text if prometheus else None)
        self._runner, self.url = await start_server(app, settings.host, settings.listening_port)

    async def close(self) -> None:
        """Close the listener; requests that have come in are handled."""
        if self._runner is not None:
            await self._runner.cleanup()


async def _reach_slack_and_storage(
    settings: Settings, client: SlackClient, readiness: Readiness, stop: asyncio.Event, stack: AsyncExitStack
) -> tuple[BotIdentity | None, Storage | None]:
    """Wait for both at the same time; None when the process is stopped before. Raises as `run` does."""

    async def reach_slack() -> BotIdentity | None:
        identity = await _retry_until_stopped(
            lambda: _confirmed(lambda: read_identity(client)),
            stop,
            readiness.starting,
            ("slack", urlsplit(settings.slack.api_url).netloc.rpartition("@")[2]),
        )
        if identity is not None:
            await _check_app_token(settings, client)
            readiness.starting["slack"] = ""
        return identity

    async def reach_storage() -> Storage | None:
        storage = await _retry_until_stopped(
            lambda: _open_database(settings),
            stop,
            readiness.starting,
            ("storage", database_address(settings.database_url)),
        )
        if storage is not None:
            stack.push_async_callback(storage.close)
            readiness.storage = storage
        return storage

    try:
        async with asyncio.TaskGroup() as group:
            slack, storage = group.create_task(reach_slack()), group.create_task(reach_storage())
    except* (InvalidToken, SettingsError) as errors:
        raise errors.exceptions[0] from None
    return slack.result(), storage.result()


async def _serve(
    stop: asyncio.Event,
    settings: Settings,
    client: SlackClient,
    identity: BotIdentity,
    components: Components,
    front: Front,
    prometheus: "PrometheusMetrics | None",
    on_ready: OnReady,
) -> None:
    """Everything that runs for the life of the process, in one task group. Raises `InvalidToken` once it is drained."""
    app_token, secret = settings.slack.app_token, settings.slack.signing_secret
    signing_secret = None if app_token else secret.reveal() if secret else ""
    metrics: Metrics = prometheus or NO_METRICS
    app = bolt_app(client, identity, components.listeners, settings.slack.command, signing_secret, metrics)
    socket = None
    if app_token is not None:
        from bot.slack.socket_mode import SocketModeConnection  # not in HTTP mode: it takes time and memory

        open_session = settings.network.open_session
        socket = SocketModeConnection(app, app_token.reveal(), client.web_client, open_session)
    heartbeat = Heartbeat(client)
    front.readiness.heartbeat, front.readiness.socket = heartbeat, socket
    if front.events is not None:
        front.events.open(app)
    invalid_tokens: list[InvalidToken] = []

    async def stop_on_invalid_token(name: str, loop: Callable[[], Awaitable[None]]) -> None:
        try:
            await supervise(name, loop, InvalidToken)
        except InvalidToken as error:
            invalid_tokens.append(error)
            stop.set()

    try:
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(supervise("poller", components.poller.run), name="poller"),
                group.create_task(supervise("leases", components.submitter.renew_leases), name="leases"),
                group.create_task(
                    supervise("superseded", components.reconciler.supersede_left_open), name="superseded"
                ),
                group.create_task(stop_on_invalid_token("heartbeat", heartbeat.run), name="heartbeat"),
                group.create_task(supervise("inventory", components.cloud.inventory.keep_fresh), name="inventory"),
            ]
            if prometheus is not None:
                running.append(group.create_task(supervise("loop lag", prometheus.measure_loop_lag), name="loop lag"))
            socket_task = None
            if socket is not None:
                socket_task = group.create_task(stop_on_invalid_token("socket", socket.run), name="socket")
            on_ready(front.url)
            log.info("bot.ready", extra={"mode": "socket" if socket else "http", "team": identity.team_id})
            await stop.wait()
            log.info("bot.stopping", extra={"tasks": len(components.tasks)})
            front.readiness.is_stopping = True
            if not invalid_tokens:
                await asyncio.sleep(settings.drain_seconds)
            # No request may come in once the tasks are closed: it would be acknowledged and then dropped.
            await _stop_receiving(front, socket_task)
            await components.tasks.drain(TASKS_DRAIN_SECONDS)
            for task in running:
                task.cancel()
    finally:
        await front.close()
        await components.close()
    if invalid_tokens:
        raise invalid_tokens[0]


async def _stop_receiving(front: Front, socket_task: asyncio.Task[None] | None) -> None:
    """Close both ways from Slack; requests that have come in are handled."""
    if socket_task is not None:
        socket_task.cancel()
        await asyncio.wait({socket_task}, timeout=CLOSE_SECONDS)
    await front.close()


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


def _doctor(settings: Settings) -> Callable[[], Awaitable[Message]]:
    """The doctor of the command, imported when somebody first asks: its modules cost start-up time."""
    report: Callable[[], Awaitable[Message]] | None = None

    async def run_doctor() -> Message:
        nonlocal report
        if report is None:
            from bot.doctor.runner import SelfCheck

            report = SelfCheck(settings).report
        return await report()

    return run_doctor


def _prometheus_metrics(*, by_region: bool) -> "PrometheusMetrics":
    """Imported only where somebody can read them: the library costs start-up time."""
    from bot.metrics import PrometheusMetrics

    return PrometheusMetrics(by_region=by_region)


async def _open_database(settings: Settings) -> Storage:
    """The storage; raises `SettingsError` for a database that can never be used, `StorageUnavailable` for now."""
    try:
        return await open_storage(settings.database_url)
    except ValueError as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from None


async def _check_app_token(settings: Settings, client: SlackClient) -> None:
    """An invalid app token is noticed at the start. Raises `InvalidToken`."""
    app_token = settings.slack.app_token
    if app_token is None:
        return
    from bot.slack.socket_mode import open_connection

    try:
        await _confirmed(lambda: open_connection(client.web_client, app_token.reveal()))
    except InvalidToken:
        raise
    except Exception as error:  # Slack is unavailable: the connection is retried for as long as it takes
        log.warning("start.socket_unavailable", extra={"reason": type(error).__name__})


async def _confirmed(check: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer; raises `InvalidToken` only when Slack refuses the token several times in a row."""
    for _ in range(START_REFUSALS - 1):
        try:
            return await check()
        except InvalidToken as invalid:
            log.warning("start.token_refused", extra={"error": invalid.error})
            await asyncio.sleep(START_REFUSAL_SECONDS)
    return await check()


async def _retry_until_stopped(
    open_: Callable[[], Awaitable[Answer]],
    stop: asyncio.Event,
    starting: dict[str, str],
    part_and_address: tuple[str, str],
) -> Answer | None:
    """Try until Slack or the database answers; None when the process is stopped before."""
    part, address = part_and_address
    waiting = RareLog(first_pause=START_RETRY_SECONDS)
    while not stop.is_set():
        try:
            if (answer := await _unless_stopped(open_(), stop)) is not None:
                return answer
        except (SlackError, StorageUnavailable) as error:
            starting[part] = str(error) or repr(error)
            if waiting.is_due():
                log.warning("start.waiting", extra={"part": part, "address": address, "reason": starting[part]})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), START_RETRY_SECONDS)
    return None


async def _unless_stopped(opening: Awaitable[Answer], stop: asyncio.Event) -> Answer | None:
    """What was opened; None when the process is stopped first: a silent server may take its whole time to fail."""
    attempt, stopped = asyncio.ensure_future(opening), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({attempt, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return attempt.result() if attempt.done() else None
    finally:
        attempt.cancel()
        stopped.cancel()
        await asyncio.gather(attempt, stopped, return_exceptions=True)  # what is half open is closed
