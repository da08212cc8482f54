"""The token of the bot: one refusal proves nothing, a minute of them does; one good answer ends the doubt."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.core.errors import SlackUnavailable
from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import ManualClock
from bot.slack import client as client_module
from bot.slack.client import INVALID_TOKEN_ERRORS, Heartbeat, InvalidToken, SlackClient


@pytest.fixture
async def slack() -> AsyncIterator[StandInSlack]:
    async with StandInSlack() as slack:
        yield slack


@pytest.fixture
async def client(slack: StandInSlack) -> AsyncIterator[SlackClient]:
    async with aiohttp.ClientSession() as session:
        yield SlackClient(slack.bot_token, slack.api_url, session)


async def beats_until_dead(heartbeat: Heartbeat, clock: ManualClock, seconds: float) -> float:
    """Beat every ten seconds; when the token is believed dead."""
    began = clock.now
    while clock.now <= began + seconds:
        try:
            await heartbeat.beat()
        except InvalidToken:
            return clock.now - began
        clock.advance(10)
    raise AssertionError("it is believed alive")


@pytest.mark.parametrize("error", sorted(INVALID_TOKEN_ERRORS))
async def test_a_token_is_dead_after_a_minute_of_refusals(slack: StandInSlack, client: SlackClient, error: str) -> None:
    slack.fail("auth.test", error, times=None)
    clock = ManualClock(0.0)
    heartbeat = Heartbeat(client, clock)
    assert await beats_until_dead(heartbeat, clock, 100) == 60
    assert error in heartbeat.problem


async def test_one_good_answer_ends_the_doubt(slack: StandInSlack, client: SlackClient) -> None:
    clock = ManualClock(0.0)
    heartbeat = Heartbeat(client, clock)
    for _ in range(3):
        slack.fail("auth.test", "invalid_auth", times=5)
        for _ in range(6):
            await heartbeat.beat()
            clock.advance(10)
        assert heartbeat.problem == ""


async def test_a_slack_that_is_away_proves_nothing(slack: StandInSlack, client: SlackClient) -> None:
    clock = ManualClock(0.0)
    heartbeat = Heartbeat(client, clock)
    slack.fail("auth.test", "invalid_auth")
    slack.fail("auth.test", 503, times=20)
    for _ in range(21):
        await heartbeat.beat()
        clock.advance(10)
    slack.fail("auth.test", "invalid_auth")
    await heartbeat.beat()


async def test_a_refused_token_of_another_call_is_confirmed_at_once_and_is_no_end(
    slack: StandInSlack, client: SlackClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "HEARTBEAT_SECONDS", 3600.0)
    slack.fail("chat.postMessage", "invalid_auth")
    running = asyncio.create_task(Heartbeat(client).run())
    with pytest.raises(SlackUnavailable, match="invalid_auth"):
        await client.call("chat.postMessage", channel=slack.channels["db-ops"].id, text="x")
    await slack.until(lambda: [call.method for call in slack.calls] == ["chat.postMessage", "auth.test"])
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})


async def test_a_dead_token_ends_the_heartbeat(
    slack: StandInSlack, client: SlackClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("HEARTBEAT_SECONDS", 0.05), ("TOKEN_DOUBT_INTERVAL", 0.05), ("TOKEN_DOUBT_SECONDS", 0.3)):
        monkeypatch.setattr(client_module, name, seconds)
    slack.revoke_token()
    with pytest.raises(InvalidToken, match="SLACK_BOT_TOKEN: Slack answers token_revoked"):
        await asyncio.wait_for(Heartbeat(client).run(), 5)
    assert len(slack.calls) >= client_module.TOKEN_DOUBT_REFUSALS


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_error_of_a_slack_that_is_ill_is_not_final(
    slack: StandInSlack, client: SlackClient, status: int
) -> None:
    slack.fail("chat.postMessage", status)
    with pytest.raises(SlackUnavailable):
        await client.call("chat.postMessage", channel=slack.channels["db-ops"].id, text="x")
    assert await client.call("chat.postMessage", channel=slack.channels["db-ops"].id, text="x")
