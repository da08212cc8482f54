"""Waiting for a condition, its transcript on timeout, change listeners, and lookups of people."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, state
from tests.sandbox.slack.helpers import BLOCKS


async def test_until_returns_the_value_of_the_condition(slack: StandInSlack) -> None:
    slack.write("sre", "db-ops", "hello")
    [message] = await slack.until(lambda: slack.messages("db-ops"))
    assert message.user_id == slack.people["sre"].id


async def test_until_is_woken_by_a_change(slack: StandInSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "RECHECK_SECONDS", 60)
    asyncio.get_running_loop().call_later(0.02, slack.write, "sre", "db-ops", "hello")
    async with asyncio.timeout(2):  # without the change it would check again only at its timeout of 5 s
        await slack.until(lambda: slack.messages("db-ops"), timeout=5)


async def test_until_rechecks_conditions_on_other_objects(slack: StandInSlack) -> None:
    values = iter([False, False, True])
    assert await slack.until(lambda: next(values))


async def test_a_timeout_comes_with_a_transcript(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="Upgrade?", blocks=BLOCKS))["ts"]
    await client.chat_postMessage(channel=channel, text="a reply", thread_ts=ts)
    await client.chat_postEphemeral(channel=channel, user=slack.people["dba"].id, text="请看")
    with pytest.raises(AssertionError) as caught:
        await slack.until(lambda: False, timeout=0.05)
    transcript = str(caught.value)
    for part in ("not within 0.05 s", "#db-ops", "confirm_upgrade", "a reply", "李伟", "请看", "chat.postEphemeral"):
        assert part in transcript


async def test_a_listener_is_called_at_every_change_until_it_unsubscribes(slack: StandInSlack) -> None:
    counts: list[int] = []
    unsubscribe = slack.on_change(lambda: counts.append(slack.change_count))
    slack.write("sre", "db-ops", "one")
    slack.change_channel("db-ops", is_archived=True)
    unsubscribe()
    slack.write("sre", "incident-42", "two")
    assert len(counts) == 2
    assert counts == sorted(set(counts))


def test_an_unknown_person_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="nobody"):
        StandInSlack().ephemerals("nobody")
