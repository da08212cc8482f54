"""Checks of how Slack's requests reach the bot: a Socket Mode connection, or a signing secret and an HTTP port."""

import asyncio
import re

import aiohttp

from bot.core.errors import SlackRejected
from bot.doctor.causes import explain
from bot.doctor.report import Reporter, failed, passed, skipped, warned
from bot.network import DIRECT, CannotListen, Network, try_to_listen
from bot.settings import Settings
from bot.slack.client import INVALID_TOKEN_ERRORS, InvalidToken, SlackClient
from bot.slack.socket_mode import open_connection

MAX_CONNECTIONS = 10  # of one app: https://docs.slack.dev/apis/events-api/using-socket-mode
HELLO_SECONDS = 9.0
HEALTH_SECONDS = 5.0
OUTGOING_REMEDY = "let outgoing wss:// connections to Slack through (firewall, HTTPS_PROXY)"
SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
CONNECTABLE_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


async def check_connectivity(
    report: Reporter, settings: Settings, client: SlackClient, *, in_running_bot: bool
) -> None:
    """Check the mode that is set; `in_running_bot`: the command came through the bot's own connection."""
    app_token = settings.slack.app_token
    if app_token is None:
        _check_signing_secret(report, settings)
        report(skipped("slack.events_endpoint", "whether Slack reaches POST /slack/events cannot be tried from here"))
    else:
        report(skipped("slack.signing_secret", "not needed in Socket Mode"))
        if in_running_bot:
            report(passed("slack.socket_mode", "the bot's own connection is up"))
        else:
            await _check_socket_mode(report, app_token.reveal(), client, settings.network)
    if settings.serves_http:
        await _check_port(report, settings.host, settings.listening_port)


class NoHello(Exception):
    """There is no connection on which Slack says hello; with the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


async def _check_socket_mode(report: Reporter, app_token: str, client: SlackClient, network: Network) -> None:
    try:
        connections = await _count_connections(client, app_token, network)
    except (InvalidToken, SlackRejected) as error:
        report(failed("slack.app_token", f"Slack answers {error.error}", _app_token_remedy(error.error)))
    except NoHello as error:
        report(failed("slack.socket_mode", str(error), error.remedy))
    else:
        report(passed("slack.app_token", "Slack gives a connection for it"))
        detail = f"hello; the app has {connections} connection(s), this one included"
        if connections >= MAX_CONNECTIONS:
            remedy = f"an app has {MAX_CONNECTIONS} at most: end replicas that are not needed"
            report(warned("slack.socket_mode", detail, remedy))
        else:
            report(passed("slack.socket_mode", detail))


async def _count_connections(client: SlackClient, app_token: str, network: Network) -> int:
    """Open a connection, wait for Slack's hello, close it; the number of connections of the app, this one included.

    Slack sends a request to any connection of the app, so perhaps to this one in the milliseconds that it is open.
    Raises `InvalidToken`, `SlackRejected` or `NoHello`.
    """
    url = client.web_client.base_url
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            url = await open_connection(client.web_client, app_token)
            async with client.session.ws_connect(url) as websocket:
                hello = await websocket.receive_json()
    except InvalidToken:
        raise
    except Exception as error:  # whatever the SDK raises, e.g. AttributeError for an answer that is no JSON
        data = getattr(getattr(error, "response", None), "data", None)
        if isinstance(data, dict) and data.get("error"):
            raise SlackRejected(str(data["error"])) from error
        problem, remedy = f"{url.partition('?')[0]}: {type(error).__name__}: no hello", OUTGOING_REMEDY
        if isinstance(error, OSError | aiohttp.ClientError):  # OSError includes TimeoutError
            reason, remedy = await explain(error, url, network, "SLACK_API_URL")
            problem = f"{problem}: {reason}"
        raise NoHello(problem, remedy) from error
    if not isinstance(hello, dict) or hello.get("type") != "hello":
        raise SlackRejected("the first message was no hello")
    connections = hello.get("num_connections")
    return connections if isinstance(connections, int) else 1


def _app_token_remedy(error: str) -> str:
    if error in INVALID_TOKEN_ERRORS or error == "not_allowed_token_type":
        return "SLACK_APP_TOKEN: make an App-Level Token with connections:write (Basic Information), xapp-…"
    if error == "missing_scope":
        return "SLACK_APP_TOKEN: give it the scope connections:write"
    return "switch Socket Mode on in the app's settings, or check SLACK_APP_TOKEN"


def _check_signing_secret(report: Reporter, settings: Settings) -> None:
    """Its form only: whether it is the right one shows with the first request of Slack."""
    secret = settings.slack.signing_secret
    if secret is not None and SIGNING_SECRET.fullmatch(secret.reveal()):
        detail = "it is set; only a request of Slack's shows that it is the right one"
        report(passed("slack.signing_secret", detail))
    else:
        remedy = "SLACK_SIGNING_SECRET: copy the Signing Secret from Basic Information, not another secret"
        report(warned("slack.signing_secret", "it does not look like one: 32 hex digits", remedy))


async def _check_port(report: Reporter, host: str, port: int) -> None:
    """Whether the bot can listen there, or already does."""
    address = f"{host}:{port}"
    try:
        await asyncio.to_thread(try_to_listen, host, port)
    except CannotListen as error:
        if error.is_taken and await _is_bot(host, port):
            report(passed("http.port", f"a bot listens on {address}"))
        else:
            report(failed("http.port", error.reason, f"{error.setting}: choose another one"))
    else:
        report(passed("http.port", f"{address} is free"))


async def _is_bot(host: str, port: int) -> bool:
    """Whether /healthz there answers as this bot's does."""
    url = f"http://{CONNECTABLE_HOSTS.get(host, host)}:{port}/healthz"
    try:
        async with (
            asyncio.timeout(HEALTH_SECONDS),
            DIRECT.open_session() as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return bool(await response.json() == {"status": "alive"})
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
