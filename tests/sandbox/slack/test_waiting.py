"""Waiting for what happens, and being told when it did not."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import StandInSlack, changes
from tests.sandbox.slack.bolt_bot import BUTTONS


async def test_until_returns_what_the_condition_found(slack: StandInSlack) -> None:
    slack.write("sre", "db-ops", "hello")
    [message] = await slack.until(lambda: slack.messages("db-ops"))
    assert message.user_id == slack.people["sre"].id


async def test_until_is_woken_by_a_change(slack: StandInSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SECOND_LOOK_SECONDS", 60)
    asyncio.get_running_loop().call_later(0.02, slack.write, "sre", "db-ops", "hello")
    async with asyncio.timeout(2):  # it would look again by itself after 5 s
        await slack.until(lambda: slack.messages("db-ops"), timeout=5)


async def test_until_sees_conditions_on_other_things(slack: StandInSlack) -> None:
    looks = iter([False, False, True])
    assert await slack.until(lambda: next(looks))


async def test_waiting_in_vain_tells_what_happened(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="Upgrade?", blocks=BUTTONS))["ts"]
    await client.chat_postMessage(channel=channel, text="a reply", thread_ts=ts)
    await client.chat_postEphemeral(channel=channel, user=slack.people["dba"].id, text="请看")
    with pytest.raises(AssertionError) as caught:
        await slack.until(lambda: False, timeout=0.05)
    story = str(caught.value)
    for part in ("not within 0.05 s", "#db-ops", "confirm_upgrade", "a reply", "李伟", "请看", "chat.postEphemeral"):
        assert part in story


async def test_every_change_is_announced_until_nobody_listens(slack: StandInSlack) -> None:
    heard: list[int] = []
    stop = slack.on_change(lambda: heard.append(slack.changed))
    slack.write("sre", "db-ops", "one")
    slack.change_channel("db-ops", is_archived=True)
    stop()
    slack.write("sre", "incident-42", "two")
    assert len(heard) == 2
    assert heard == sorted(set(heard))


def test_who_and_what_is_unknown_is_named() -> None:
    with pytest.raises(KeyError, match="nobody"):
        StandInSlack().ephemerals("nobody")
