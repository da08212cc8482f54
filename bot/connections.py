"""Opening what the outside world is reached through: Slack's session, and the cloud in the one way that is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.request import getproxies

import aiohttp

from bot.settings import CloudSettings
from bot.sign_in import KeySignIn, TokenSignIn, UserSignIn
from bot.taurusdb.auth import ReadyToken, SignIn
from bot.taurusdb.client import TaurusDb
from bot.taurusdb.iam import IamUser
from bot.taurusdb.signing import AkSk


def open_cloud(settings: CloudSettings) -> TaurusDb:
    """The client of the cloud, signing in the one way that is set."""
    return TaurusDb(settings.endpoint, settings.project_id, sign_in_of(settings))


def sign_in_of(settings: CloudSettings) -> SignIn:
    """The one way of signing in that is set."""
    match settings.sign_in:
        case TokenSignIn(token):
            return ReadyToken(token.reveal())
        case KeySignIn(access_key, secret_key, security_token):
            temporary = security_token.reveal() if security_token else ""
            return AkSk(access_key, secret_key.reveal(), temporary, settings.project_id)
        case UserSignIn(domain, user, password):
            return IamUser(domain, user, password.reveal(), settings.project_id, settings.auth_url)


@asynccontextmanager
async def slack_session() -> AsyncIterator[aiohttp.ClientSession]:
    """One session for every call to Slack: a new one for each costs a TLS handshake."""
    # With trust_env aiohttp asks a thread for the environment's proxies at each call, a tenth of what a flow costs.
    proxied = bool(getproxies())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100), trust_env=proxied) as session:
        yield session
