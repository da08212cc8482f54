"""How Slack reaches the bot: a socket that says hello, or a signing secret and a port."""

import asyncio
import errno
import re
import socket

import aiohttp

from bot.checkup.check import Note, failed, passed, skipped, warned
from bot.checkup.slack import dead_token_remedy
from bot.core.reasons import SlackRefused, Undelivered
from bot.settings import Settings
from bot.slack.api import DeadToken, SlackApi
from bot.slack.probing import hear_hello

MOST_CONNECTIONS = 10  # of one app, says Slack
HEALTH_SECONDS = 5.0
DEFAULT_PORT = 3000


async def check_door(note: Note, settings: Settings, api: SlackApi, *, socket_hears: bool) -> None:
    """The way that is set; `socket_hears`: the bot itself asks, and its own socket is up."""
    if settings.slack.app_token is None:
        _check_signing_secret(note, settings)
        note(skipped("slack.requests", "whether Slack reaches POST /slack/events cannot be tried from here"))
    else:
        note(skipped("slack.signing_secret", "not needed in Socket Mode"))
        if socket_hears:
            note(passed("slack.socket", "the bot's own connection is up"))
        else:
            await _check_socket(note, settings.slack.app_token.reveal(), api)
    if settings.slack.app_token is None or settings.port is not None:
        await _check_port(note, settings.host, DEFAULT_PORT if settings.port is None else settings.port, api.session)


async def _check_socket(note: Note, app_token: str, api: SlackApi) -> None:
    """A connection of our own, for a moment."""
    try:
        connections = await hear_hello(api, app_token)
    except DeadToken as dead:
        note(failed("slack.app_token", f"Slack answers {dead.error}", dead_token_remedy(dead.error)))
    except SlackRefused as refused:
        note(failed("slack.app_token", f"Slack answers {refused.error}", dead_token_remedy(refused.error)))
    except Undelivered as away:
        remedy = "let outgoing wss:// connections to Slack through (firewall, HTTPS_PROXY)"
        note(failed("slack.socket", str(away), remedy))
    else:
        note(passed("slack.app_token", "Slack gives a connection for it"))
        seen = f"hello; the app has {connections} connection(s), this one included"
        if connections >= MOST_CONNECTIONS:
            note(warned("slack.socket", seen, "an app has 10 at most: end replicas that are not needed"))
        else:
            note(passed("slack.socket", seen))


def _check_signing_secret(note: Note, settings: Settings) -> None:
    """Only its form can be seen: Slack alone knows whether it is the right one."""
    secret = settings.slack.signing_secret
    value = secret.reveal() if secret else ""
    if re.fullmatch(r"[0-9a-f]{32}", value):
        note(passed("slack.signing_secret", "it is set; only a request of Slack's shows that it is the right one"))
    else:
        remedy = "SLACK_SIGNING_SECRET: copy the Signing Secret from Basic Information, not another secret"
        note(warned("slack.signing_secret", "it does not look like one: 32 hex digits", remedy))


async def _check_port(note: Note, host: str, port: int, session: aiohttp.ClientSession) -> None:
    """Whether the web server can listen there, or a bot does already."""
    place = f"{host}:{port}"
    error = await asyncio.to_thread(_bind, host, port)
    if error is None:
        note(passed("web.port", f"{place} is free"))
    elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        note(failed("web.port", f"{place} is no address of this machine", "HOST: 127.0.0.1, 0.0.0.0 or one of its own"))
    elif error.errno == errno.EACCES:
        note(failed("web.port", f"{place} may not be listened on", "PORT: choose one above 1023"))
    elif error.errno == errno.EADDRINUSE and await _is_a_bot(host, port, session):
        note(passed("web.port", f"a bot listens on {place}"))
    else:
        remedy = "PORT: choose another one, or end the program that has it"
        note(failed("web.port", f"{place}: {error.strerror or error}", remedy))


def _bind(host: str, port: int) -> OSError | None:
    """Take the port for a moment; why it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
    except OSError as error:
        return error
    return None


async def _is_a_bot(host: str, port: int, session: aiohttp.ClientSession) -> bool:
    """Whether whoever listens there answers as this bot's web server does."""
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        async with (
            asyncio.timeout(HEALTH_SECONDS),
            session.get(f"http://{here}:{port}/healthz", allow_redirects=False) as answer,
        ):
            return bool(await answer.json() == {"status": "alive"})
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
