"""Fixtures: a stand-in Slack, the official client, and a Bolt app in Socket Mode or HTTP mode."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from tests.sandbox.slack.helpers import BoltApp, connected, make_app


@pytest.fixture
async def slack() -> AsyncIterator[StandInSlack]:
    async with StandInSlack() as slack:
        yield slack


@pytest.fixture
async def client(slack: StandInSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(
            token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[], timeout=2
        )


@pytest.fixture
def bolt(slack: StandInSlack, client: AsyncWebClient) -> BoltApp:
    return make_app(slack, client)


@pytest.fixture
async def socket_app(slack: StandInSlack, bolt: BoltApp) -> AsyncIterator[BoltApp]:
    async with connected(slack, bolt):
        yield bolt


@pytest.fixture
async def http_app(slack: StandInSlack, bolt: BoltApp) -> AsyncIterator[BoltApp]:
    """The same app behind POST /slack/events; the stand-in delivers there."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.app.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield bolt
    bolt.released.set()
    await runner.cleanup()
