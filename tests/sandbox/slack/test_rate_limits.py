"""Slack's rate limits: chat.postMessage by channel, the other methods by method; the answer is 429 with Retry-After."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack
from bot.sandbox.slack.rate_limits import LIMITS, POST_BURST, RateLimiter
from bot.sandbox.taurusdb import ManualClock
from tests.sandbox.slack.helpers import post, texts

POST = "chat.postMessage"


def test_a_channel_takes_a_short_burst_and_then_one_message_a_second() -> None:
    clock = ManualClock(0.0)
    limiter = RateLimiter(clock)
    assert [limiter.retry_after(POST, {"channel": "C1"}) for _ in range(POST_BURST + 1)] == [None] * POST_BURST + ["1"]
    assert limiter.retry_after(POST, {"channel": "C2"}) is None
    for _ in range(5):
        clock.advance(1)
        assert limiter.retry_after(POST, {"channel": "C1"}) is None
        assert limiter.retry_after(POST, {"channel": "C1"}) == "1"


@pytest.mark.parametrize("method", sorted(LIMITS))
def test_a_method_has_so_many_calls_a_minute_in_all_channels_together(method: str) -> None:
    clock = ManualClock(0.0)
    limiter = RateLimiter(clock)
    calls = [limiter.retry_after(method, {"channel": f"C{number}"}) for number in range(200)]
    assert calls.count(None) == LIMITS[method].calls
    clock.advance(60)
    calls = [limiter.retry_after(method, {"channel": "C1"}) for _ in range(200)]
    assert calls.count(None) == LIMITS[method].calls


def test_a_method_without_a_limit_is_free() -> None:
    limiter = RateLimiter(ManualClock(0.0))
    assert {limiter.retry_after("auth.test", {}) for _ in range(1000)} == {None}


def test_limits_can_be_faster_than_slacks() -> None:
    clock = ManualClock(0.0)
    limiter = RateLimiter(clock, speed=5.0)
    for _ in range(POST_BURST):
        assert limiter.retry_after(POST, {"channel": "C1"}) is None
    assert limiter.retry_after(POST, {"channel": "C1"}) == "0.2"
    clock.advance(0.2)
    assert limiter.retry_after(POST, {"channel": "C1"}) is None


async def test_a_limited_call_is_answered_with_429_and_takes_no_effect(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.limit_rates()
    for _ in range(POST_BURST):
        await post(slack, client)
    with pytest.raises(SlackApiError) as caught:
        await post(slack, client)
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
    assert len(texts(slack)) == POST_BURST
