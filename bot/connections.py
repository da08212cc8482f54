"""Connections to the outside world, opened in one way by the bot and by the doctor: Slack's Web API and the cloud."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.core.ports import NO_METRICS, Metrics
from bot.settings import CloudSettings, IamUserCredentials, KeyCredentials, Settings, TokenCredentials
from bot.slack.client import SlackClient
from bot.taurusdb.auth import IamUser, ReadyToken
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import Credentials
from bot.taurusdb.signing import AkSk


def open_cloud(settings: Settings, metrics: Metrics = NO_METRICS, clock: Callable[[], float] = time.time) -> TaurusDb:
    """The client of the cloud, signing in the one way that is set; `clock` is the one that upgrades go by."""
    cloud, network = settings.cloud, settings.network
    credentials = cloud_credentials(cloud)
    return TaurusDb(cloud.endpoint, cloud.project_id, credentials, network=network, metrics=metrics, clock=clock)


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
async def open_slack(settings: Settings, metrics: Metrics = NO_METRICS) -> AsyncIterator[SlackClient]:
    """The Web API over one session: a new one for each call costs a TLS handshake."""
    async with settings.network.open_session() as session:
        token = settings.slack.bot_token.reveal()
        yield SlackClient(token, settings.slack.api_url, session, metrics)
