"""Connections to the outside world, opened in one way by the bot and by the doctor: Slack's session and the cloud."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.request import getproxies

import aiohttp

from bot.core.ports import NO_METRICS, Metrics
from bot.settings import CloudSettings, IamUserCredentials, KeyCredentials, TokenCredentials
from bot.taurusdb.auth import IamUser, ReadyToken
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import Credentials
from bot.taurusdb.signing import AkSk

MAX_SLACK_CONNECTIONS = 100


def open_cloud(
    settings: CloudSettings, metrics: Metrics = NO_METRICS, clock: Callable[[], float] = time.time
) -> TaurusDb:
    """The client of the cloud, signing in the one way that is set; `clock` is the one that upgrades go by."""
    credentials = cloud_credentials(settings)
    return TaurusDb(settings.endpoint, settings.project_id, credentials, metrics=metrics, clock=clock)


def cloud_credentials(settings: CloudSettings) -> Credentials:
    """The one way of signing in that is set."""
    match settings.credentials:
        case TokenCredentials(token):
            return ReadyToken(token.reveal())
        case KeyCredentials(access_key, secret_key, security_token):
            temporary = security_token.reveal() if security_token else ""
            return AkSk(access_key, secret_key.reveal(), temporary, settings.project_id)
        case IamUserCredentials(domain, user, password):
            return IamUser(domain, user, password.reveal(), settings.project_id, settings.auth_url)


@asynccontextmanager
async def slack_session() -> AsyncIterator[aiohttp.ClientSession]:
    """One session for every call to Slack: a new one for each costs a TLS handshake."""
    # With trust_env aiohttp asks a thread for the environment's proxies at each call, a tenth of what a flow costs.
    trust_env = bool(getproxies())
    connector = aiohttp.TCPConnector(limit=MAX_SLACK_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, trust_env=trust_env) as session:
        yield session
