"""Looking at Slack without leaving a trace: whose token it is and what it may, and a socket that says hello."""

import asyncio
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.core.reasons import SlackAway, SlackRefused
from bot.slack.api import SlackApi
from bot.slack.socket import open_connection

HELLO_SECONDS = 9.0


@dataclass(frozen=True, slots=True)
class Token:
    """Whose a bot token is; `scopes` is None, `date` too, when Slack does not say."""

    team: str
    team_id: str
    user: str
    is_for_organisation: bool
    scopes: frozenset[str] | None
    date: float | None


async def examine_token(api: SlackApi) -> Token:
    """Ask `auth.test`; the scopes stand in a header of its answer. Raises `SlackAway` or `SlackRefused`."""
    answer, headers = await api.exchange("auth.test")
    said = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    scopes = None if said is None else frozenset(word.strip() for word in said.split(",") if word.strip())
    return Token(
        team=str(answer.get("team") or ""),
        team_id=str(answer.get("team_id") or ""),
        user=str(answer.get("user") or ""),
        is_for_organisation=bool(answer.get("is_enterprise_install")),
        scopes=scopes,
        date=_date(next((value for name, value in headers.items() if name.lower() == "date"), "")),
    )


async def hear_hello(api: SlackApi, app_token: str) -> int:
    """Open a socket, wait for its hello, close it; how many connections the app has now, this one included.

    Slack may choose any connection for what people do, this one too, for the milliseconds that it lives. Raises
    `DeadToken`, `SlackRefused`, or `SlackAway` when there is no hello.
    """
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            url = await open_connection(api.client, app_token)
            async with api.session.ws_connect(url) as socket:
                hello = await socket.receive_json()
    except SlackApiError as raised:
        raise SlackRefused(str(raised.response.get("error") or "no answer")) from raised
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError) as error:
        raise SlackAway(f"{type(error).__name__}: no hello") from error
    if not isinstance(hello, dict) or hello.get("type") != "hello":
        raise SlackRefused("the first message was no hello")
    connections = hello.get("num_connections")
    return connections if isinstance(connections, int) else 1


def _date(said: str) -> float | None:
    """Read an HTTP date."""
    try:
        return parsedate_to_datetime(said).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
