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

FREE_REFUSED_SIGN_INS = 1  # of several projects, before all of them pause: five wrong passwords lock an IAM user


def open_cloud(settings: Settings, metrics: Metrics = NO_METRICS, clock: Callable[[], float] = time.time) -> Projects:
    """The clients of the cloud, signing in the one way that is set; `clock` is the one that upgrades go by."""
    all_slots = ReadSlots()
    is_by_key = isinstance(settings.cloud.credentials, KeyCredentials)
    # A wrong key is wrong in every project; what IAM refuses may be the password, or one project.
    refusals = Refusals(one_at_a_time=True, free=0 if is_by_key else FREE_REFUSED_SIGN_INS)

    def client(cloud: CloudSettings) -> TaurusDb:
        return TaurusDb(
            cloud.endpoint,
            cloud.project_id,
            cloud_credentials(cloud, refusals if settings.has_several_projects else None),
            network=settings.network,
            metrics=metrics,
            clock=clock,
            slots=all_slots.of_one_project() if settings.has_several_projects else all_slots,
            project=cloud.project if settings.has_several_projects else "",
        )

    return Projects({cloud.project: client(cloud) for cloud in settings.clouds})


def cloud_credentials(settings: CloudSettings, shared_refusals: Refusals | None = None) -> Credentials:
    """The one way of signing in that is set; several projects share what they remember of its refusals."""
    match settings.credentials:
        case TokenCredentials(token):
            return ReadyToken(token.reveal())
        case KeyCredentials(access_key, secret_key, security_token):
            temporary = security_token.reveal() if security_token else ""
            refusals = shared_refusals or Refusals(one_at_a_time=True)
            return AkSk(access_key, secret_key.reveal(), temporary, settings.project_id, refusals=refusals)
        case IamUserCredentials(domain, user, password):
            return IamUser(
                domain,
                user,
                password.reveal(),
                settings.project_id,
                settings.auth_url,
                account_refusals=shared_refusals,
            )


@asynccontextmanager
async def open_slack(settings: Settings, metrics: Metrics = NO_METRICS) -> AsyncIterator[SlackClient]:
    """The Web API over one session: a new one for each call costs a TLS handshake."""
    async with settings.network.open_session() as session:
        token = settings.slack.bot_token.reveal()
        yield SlackClient(token, settings.slack.api_url, session, metrics)
