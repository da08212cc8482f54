"""The port of the stand-in can be closed and opened again."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from tests.sandbox.slack.helpers import BoltApp, post, texts


async def test_a_closed_port_refuses_and_opens_again(slack: StandInSlack, client: AsyncWebClient) -> None:
    await post(slack, client, "before")
    url = slack.api_url
    await slack.refuse_connections()
    with pytest.raises((aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError)):
        await post(slack, client, "lost")
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(slack, client, "lost too")
    await slack.accept_connections()
    assert slack.api_url == url
    await post(slack, client, "after")
    assert texts(slack) == ["before", "after"]


async def test_socket_mode_connections_survive_a_closed_port(slack: StandInSlack, socket_app: BoltApp) -> None:
    await slack.command("sre", "db-ops", "first")  # Bolt calls auth.test here, once
    await slack.refuse_connections()
    assert (await slack.command("sre", "db-ops", "second")).acked
    assert [body["text"] for body in socket_app.bodies] == ["first", "second"]
