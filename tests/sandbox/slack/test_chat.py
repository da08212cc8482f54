"""The chat methods through the official client: what is recorded, and what is refused."""

import re
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import Channel, StandInSlack, buttons, said
from tests.sandbox.slack.bolt_bot import BUTTONS


async def refusal(call: Any) -> str:
    """Return the error code with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_posted_message_is_seen_with_its_text_and_buttons(slack: StandInSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BUTTONS)
    [message] = slack.messages("db-ops")
    assert re.fullmatch(r"\d{10}\.\d{6}", message.ts)
    assert answer["ts"] == message.ts
    assert message.user_id == slack.bot_user_id
    assert buttons(message) == {"confirm_upgrade": "req-1", "cancel_upgrade": "req-1"}
    assert "Upgrade *sr-orders*?" in said(message)
    assert slack.messages("incident-42") == []


async def test_every_message_has_its_own_ts() -> None:
    async with StandInSlack(clock=lambda: 1_700_000_000.0) as frozen:
        there = AsyncWebClient(token=frozen.bot_token, base_url=frozen.api_url)
        for _ in range(3):
            await there.chat_postMessage(channel=frozen.channels["db-ops"].id, text="x")
    assert [m.ts for m in frozen.messages("db-ops")] == [f"1700000000.00000{n}" for n in range(3)]


async def test_replies_stand_in_the_thread_and_broadcasts_in_the_channel_too(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="first"))["ts"]
    reply = await client.chat_postMessage(channel=channel, text="reply", thread_ts=ts)
    await client.chat_postMessage(channel=channel, text="done", thread_ts=ts, reply_broadcast=True)
    assert [m.text for m in slack.thread("db-ops", ts)] == ["reply", "done"]
    assert [m.text for m in slack.messages("db-ops")] == ["first", "done"]
    unknown = client.chat_postMessage(channel=channel, text="x", thread_ts="1.000000")
    assert await refusal(unknown) == "thread_not_found"
    below = client.chat_postMessage(channel=channel, text="x", thread_ts=reply["ts"])
    assert await refusal(below) == "cannot_reply_to_message"


async def test_where_the_bot_may_not_write_it_is_refused(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.add_channel(Channel("C0PRIVATE1", "private", bot_is_member=False, is_private=True))
    slack.change_channel("incident-42", may_post=False)
    expected = {
        "C0NOWHERE1": "channel_not_found",
        "C0PRIVATE1": "channel_not_found",
        slack.channels["no-bot"].id: "not_in_channel",
        slack.channels["archived"].id: "is_archived",
        slack.channels["incident-42"].id: "restricted_action",
    }
    assert {c: await refusal(client.chat_postMessage(channel=c, text="x")) for c in expected} == expected
    assert not any(call.took_effect for call in slack.calls)


async def test_a_message_needs_words_but_not_too_many(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    assert await refusal(client.api_call("chat.postMessage", json={"channel": channel, "text": ""})) == "no_text"
    assert await refusal(client.chat_postMessage(channel=channel, text="x" * 40_001)) == "msg_too_long"
    ts = (await client.chat_postMessage(channel=channel, text="x" * 4001))["ts"]
    assert await refusal(client.chat_update(channel=channel, ts=ts, text="x" * 4001)) == "msg_too_long"


async def test_an_edit_keeps_what_was_there_and_what_it_does_not_name(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="one", blocks=BUTTONS))["ts"]
    [first] = slack.messages("db-ops")
    await client.chat_update(channel=channel, ts=ts, text="two")
    [second] = slack.messages("db-ops")
    assert (second.text, buttons(second)) == ("two", buttons(first))
    assert second.edited_at is not None
    await client.chat_update(channel=channel, ts=ts, text="three", blocks=[])
    [third] = slack.messages("db-ops")
    assert buttons(third) == {}
    assert third.history == (("one", first.blocks), ("two", first.blocks))


async def test_only_own_messages_that_are_there_can_be_edited(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"]
    assert await refusal(client.chat_update(channel=channel.id, ts="1.0", text="x")) == "message_not_found"
    foreign = slack.write("sre", channel, "hello")
    assert await refusal(client.chat_update(channel=channel.id, ts=foreign.ts, text="x")) == "cant_update_message"
    own = await client.chat_postMessage(channel=channel.id, text="mine")
    slack.change_channel(channel, is_archived=True)
    assert await refusal(client.chat_update(channel=channel.id, ts=own["ts"], text="x")) == "is_inactive"


async def test_an_ephemeral_is_seen_by_one_person(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel, sre = slack.channels["db-ops"].id, slack.people["sre"].id
    await client.chat_postEphemeral(channel=channel, user=sre, text="for you", thread_ts="1.0")
    [whispered] = slack.ephemerals("sre")
    assert (whispered.text, whispered.thread_ts, whispered.by_slack) == ("for you", "1.0", False)
    assert slack.ephemerals("dba") == []
    slack.change_channel("db-ops", members=frozenset({slack.people["dba"].id}))
    assert await refusal(client.chat_postEphemeral(channel=channel, user=sre, text="x")) == "user_not_in_channel"


async def test_a_permalink_names_channel_message_and_thread(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="x"))["ts"]
    reply = (await client.chat_postMessage(channel=channel, text="y", thread_ts=ts))["ts"]
    link = (await client.chat_getPermalink(channel=channel, message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/{channel}/p{ts.replace('.', '')}")
    below = (await client.chat_getPermalink(channel=channel, message_ts=reply))["permalink"]
    assert below.endswith(f"?thread_ts={ts}&cid={channel}")
    assert await refusal(client.chat_getPermalink(channel=channel, message_ts="1.0")) == "message_not_found"


async def test_a_direct_message_is_opened_and_written_to(slack: StandInSlack, client: AsyncWebClient) -> None:
    sre = slack.people["sre"].id
    opened = (await client.conversations_open(users=sre))["channel"]["id"]
    await client.chat_postMessage(channel=opened, text="psst")
    await client.chat_postMessage(channel=sre, text="again")
    assert [m.text for m in slack.messages(opened)] == ["psst", "again"]


async def test_a_body_that_is_no_json_is_refused(slack: StandInSlack) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with aiohttp.ClientSession() as session, session.post(url, data="{", headers=headers) as answer:
        assert await answer.json() == {"ok": False, "error": "invalid_json"}
