"""One reconnect loop: pauses that grow for every kind of short-lived connection, the reason logged."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.network import DIRECT
from bot.sandbox.slack import StandInSlack
from bot.slack import client as client_module
from bot.slack import socket_mode
from bot.slack.client import InvalidToken, SlackClient
from bot.slack.socket_mode import MAX_PAUSE_SECONDS, SocketModeConnection

OPEN = "apps.connections.open"


@dataclass
class Pauses:
    """The pauses between connections, which take no time; after enough of them the loop is ended."""

    enough: int
    seconds: list[float] = field(default_factory=list)
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.now += seconds
        if len(self.seconds) >= self.enough:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandInSlack]:
    monkeypatch.setattr(socket_mode, "CHECK_SECONDS", 0.01)
    async with StandInSlack() as slack:
        yield slack


async def authorize() -> AuthorizeResult:
    """Not called: no requests come."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


async def run_until_cancelled(slack: StandInSlack, pauses: Pauses) -> None:
    """Run the loop until there were enough pauses."""
    async with aiohttp.ClientSession() as session:
        client = SlackClient(slack.bot_token, slack.api_url, session)
        app = AsyncApp(client=client.without_token(), signing_secret="", authorize=authorize)
        connection = SocketModeConnection(
            app,
            slack.app_token,
            client.web_client,
            DIRECT.open_session,
            clock=pauses.clock,
            sleep=pauses.sleep,
        )
        task = asyncio.create_task(connection.run())
        done, _ = await asyncio.wait({task}, timeout=60)
        assert done
        if not task.cancelled():
            task.result()


def lost_reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The reasons in the log."""
    return [str(vars(record)["reason"]) for record in caplog.records if record.getMessage() == "socket.lost"]


REASONS = ["", "warning", "refresh_requested", "too_many_websockets", "link_disabled", "something_new"]


@pytest.mark.parametrize("reason", REASONS)
async def test_connections_that_are_cut_after_hello_come_ever_more_rarely(
    slack: StandInSlack, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    slack.cut_new_connections(reason)
    pauses = Pauses(enough=12)
    await run_until_cancelled(slack, pauses)
    for number, pause in enumerate(pauses.seconds):
        longest = min(0.5 * 2**number, MAX_PAUSE_SECONDS)
        assert longest / 2 <= pause <= longest
    assert len(set(pauses.seconds[-4:])) == 4, "with jitter"
    assert [call.method for call in slack.calls].count(OPEN) == 12, "nobody else opens connections"
    assert set(lost_reasons(caplog)) == {reason or "closed or silent"}


async def test_tickets_that_are_refused_are_asked_for_ever_more_rarely(
    slack: StandInSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fail(OPEN, 503, times=None)
    pauses = Pauses(enough=10)
    await run_until_cancelled(slack, pauses)
    assert pauses.seconds[-1] >= MAX_PAUSE_SECONDS / 2
    assert len(slack.calls) == 10
    assert all("503" in reason for reason in lost_reasons(caplog))


async def test_an_app_token_is_dead_after_a_minute_of_refusals(slack: StandInSlack) -> None:
    slack.revoke_app_token()
    pauses = Pauses(enough=100)
    with pytest.raises(InvalidToken, match="SLACK_APP_TOKEN: Slack answers token_revoked"):
        await run_until_cancelled(slack, pauses)
    assert client_module.TOKEN_DOUBT_SECONDS <= pauses.now <= client_module.TOKEN_DOUBT_SECONDS + 15


async def test_one_refusal_of_the_app_token_is_no_end(slack: StandInSlack, caplog: pytest.LogCaptureFixture) -> None:
    slack.fail(OPEN, "invalid_auth", times=3)
    slack.cut_new_connections("warning")
    await run_until_cancelled(slack, Pauses(enough=30))
    assert lost_reasons(caplog)[:4] == [f"{OPEN}: invalid_auth"] * 3 + ["warning"]
