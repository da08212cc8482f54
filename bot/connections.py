"""Connections to the outside world, opened in one way by the bot and by the doctor: Slack's Web API and the cloud."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.core.ports import NO_METRICS, Metrics
from bot.settings import CloudSettings, IamUserCredentials, KeyCredentials, Settings, TokenCredentials
from bot.slack.client import SlackClient
from bot.taurusdb.auth import IamUser, ReadyToken
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.http import Credentials, ReadSlots, Refusals
from bot.taurusdb.projects import Projects
from bot.taurusdb.signing import AkSk


def open_cloud(settings: Settings, metrics: Metrics = NO_METRICS, clock: Callable[[], float] = time.time) -> Projects:
    """The clients of the cloud, signing in the one way that is set; `clock` is the one that upgrades go by."""
    slots, key_refusals = ReadSlots(), Refusals(one_at_a_time=True)

    def client(cloud: CloudSettings) -> TaurusDb:
        return TaurusDb(
            cloud.endpoint,
            cloud.project_id,
            cloud_credentials(cloud, key_refusals),
            network=settings.network,
            metrics=metrics,
            clock=clock,
            slots=slots,
            project=cloud.project if settings.has_several_projects else "",
        )

    return Projects({cloud.project: client(cloud) for cloud in settings.clouds})


def cloud_credentials(settings: CloudSettings, key_refusals: Refusals | None = None) -> Credentials:
    """The one way of signing in that is set; `key_refusals` is what all projects remember of the one access key."""
    match settings.credentials:
        case TokenCredentials(token):
            return ReadyToken(token.reveal())
        case KeyCredentials(access_key, secret_key, security_token):
            temporary = security_token.reveal() if security_token else ""
            refusals = key_refusals or Refusals(one_at_a_time=True)
            return AkSk(access_key, secret_key.reveal(), temporary, settings.project_id, refusals=refusals)
        case IamUserCredentials(domain, user, password):
            return IamUser(domain, user, password.reveal(), settings.project_id, settings.auth_url)


@asynccontextmanager
async def open_slack(settings: Settings, metrics: Metrics = NO_METRICS) -> AsyncIterator[SlackClient]:
    """The Web API over one session: a new one for each call costs a TLS handshake."""
    async with settings.network.open_session() as session:
        token = settings.slack.bot_token.reveal()
        yield SlackClient(token, settings.slack.api_url, session, metrics)
