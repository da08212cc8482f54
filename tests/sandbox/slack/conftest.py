"""What the tests of the stand-in Slack share: a stand-in, the official client, and a real Bolt app."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from tests.sandbox.slack.bolt_bot import BoltBot, connected, make_bot


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
def bolt(slack: StandInSlack, client: AsyncWebClient) -> BoltBot:
    return make_bot(slack, client)


@pytest.fixture
async def socket_bot(slack: StandInSlack, bolt: BoltBot) -> AsyncIterator[BoltBot]:
    async with connected(slack, bolt):
        yield bolt


@pytest.fixture
async def http_bot(slack: StandInSlack, bolt: BoltBot) -> AsyncIterator[BoltBot]:
    """The same bot behind POST /slack/events; the stand-in delivers there."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.app.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.router.add_post("/slack/events", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield bolt
    bolt.stays.set()
    await runner.cleanup()
