"""The Web API through the official client: tokens and scopes, lookups, chat methods, and what is refused."""

import re
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import Channel, Person, StandInSlack, buttons, text_of
from tests.sandbox.slack.helpers import BLOCKS


async def refusal(call: Any) -> str:
    """Return the error code with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_auth_test_returns_the_identity_of_the_bot_and_its_scopes(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.scopes = "commands,chat:write"
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.team_id, slack.bot_user_id)
    assert answer.headers["x-oauth-scopes"] == "commands,chat:write"


async def test_a_call_without_its_scope_is_refused(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.scopes = "commands,chat:write"
    with pytest.raises(SlackApiError) as caught:
        await client.users_info(user=slack.people["sre"].id)
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "users:read"


async def test_wrong_revoked_and_missing_tokens_are_refused(slack: StandInSlack, client: AsyncWebClient) -> None:
    assert await refusal(client.auth_test(token="xoxb-another")) == "invalid_auth"
    assert await refusal(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
    assert await refusal(client.auth_test(token=slack.app_token)) == "not_allowed_token_type"
    assert await refusal(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    slack.revoke_token()
    assert await refusal(client.auth_test()) == "token_revoked"
    slack.revoke_app_token()
    assert await refusal(client.apps_connections_open(app_token=slack.app_token)) == "token_revoked"


async def test_a_method_that_is_not_implemented_is_unknown_method(client: AsyncWebClient) -> None:
    assert await refusal(client.reactions_add(channel="C0DBOPS001", name="x", timestamp="1.0")) == "unknown_method"


async def test_calls_are_logged_without_their_token(slack: StandInSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="x", unfurl_links=False)
    await client.api_call("auth.test", data={"token": slack.bot_token})
    post, test = slack.calls
    assert (post.method, post.status, post.took_effect) == ("chat.postMessage", 200, True)
    assert post.arguments["unfurl_links"] is False
    assert post.answer["ts"] == slack.messages("db-ops")[0].ts
    assert slack.bot_token not in f"{post}{test}"


async def test_a_body_that_is_not_json_is_refused(slack: StandInSlack) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with aiohttp.ClientSession() as session, session.post(url, data="{", headers=headers) as response:
        assert await response.json() == {"ok": False, "error": "invalid_json"}


async def test_the_locale_is_returned_only_when_requested_and_known(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    dba = slack.people["dba"].id
    assert "locale" not in (await client.users_info(user=dba))["user"]
    user = (await client.users_info(user=dba, include_locale=True))["user"]
    assert (user["locale"], user["tz"], user["team_id"]) == ("zh-CN", "Asia/Shanghai", slack.team_id)
    slack.change_person("dba", locale=None)
    assert "locale" not in (await client.users_info(user=dba, include_locale=True))["user"]


async def test_users_info_reads_forms_only(slack: StandInSlack, client: AsyncWebClient) -> None:
    sre = slack.people["sre"].id
    assert await refusal(client.api_call("users.info", json={"user": sre})) == "user_not_found"
    assert (await client.api_call("users.info", data={"user": sre}))["user"]["id"] == sre


async def test_guests_and_people_of_another_organisation_are_marked(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    guest = (await client.users_info(user=slack.people["guest"].id))["user"]
    other = (await client.users_info(user=slack.people["other"].id))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, False)
    assert other["team_id"] != slack.team_id
    slack.add_person(Person("U0NEW00001", "New", "fr-FR", slack.team_id, enterprise_id="E0GRID"), key="new")
    new = (await client.users_info(user="U0NEW00001", include_locale=True))["user"]
    assert (new["locale"], new["enterprise_user"]["enterprise_id"]) == ("fr-FR", "E0GRID")
    assert await refusal(client.users_info(user="U0NOBODY01")) == "user_not_found"


async def test_conversations_info_returns_whether_the_bot_is_a_member(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    async def membership(key: str) -> tuple[bool, bool]:
        channel = (await client.conversations_info(channel=slack.channels[key].id))["channel"]
        return channel["is_member"], channel["is_archived"]

    assert await membership("db-ops") == (True, False)
    assert await membership("inc-2051") == (False, False)
    assert await membership("archived") == (True, True)
    hidden = slack.add_channel(Channel("C0PRIVATE1", "private", bot_is_member=False, is_private=True))
    assert await refusal(client.conversations_info(channel=hidden.id)) == "channel_not_found"
    visible = slack.change_channel(hidden, bot_is_member=True)
    slack.scopes = "channels:read"
    assert await refusal(client.conversations_info(channel=visible.id)) == "missing_scope"


async def test_a_group_lists_its_members(slack: StandInSlack, client: AsyncWebClient) -> None:
    members = (await client.usergroups_users_list(usergroup="S0DBOPS"))["users"]
    assert members == [slack.people["sre"].id, slack.people["dba"].id]
    slack.set_group("S0DBOPS", ["third"])
    assert (await client.usergroups_users_list(usergroup="S0DBOPS"))["users"] == [slack.people["third"].id]
    assert await refusal(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


async def test_a_posted_message_has_its_text_and_buttons(slack: StandInSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="Upgrade?", blocks=BLOCKS)
    [message] = slack.messages("db-ops")
    assert re.fullmatch(r"\d{10}\.\d{6}", message.ts)
    assert answer["ts"] == message.ts
    assert message.user_id == slack.bot_user_id
    assert buttons(message) == {"confirm_upgrade": "req-1", "cancel_upgrade": "req-1"}
    assert "Upgrade *sr-orders*?" in text_of(message)
    assert slack.messages("incident-42") == []


async def test_every_message_has_a_unique_ts() -> None:
    async with StandInSlack(clock=lambda: 1_700_000_000.0) as frozen:
        frozen_client = AsyncWebClient(token=frozen.bot_token, base_url=frozen.api_url)
        for _ in range(3):
            await frozen_client.chat_postMessage(channel=frozen.channels["db-ops"].id, text="x")
    assert [m.ts for m in frozen.messages("db-ops")] == [f"1700000000.00000{n}" for n in range(3)]


async def test_replies_are_in_the_thread_and_broadcast_replies_in_the_channel_too(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="first"))["ts"]
    reply = await client.chat_postMessage(channel=channel, text="reply", thread_ts=ts)
    await client.chat_postMessage(channel=channel, text="done", thread_ts=ts, reply_broadcast=True)
    assert [m.text for m in slack.thread("db-ops", ts)] == ["reply", "done"]
    assert [m.text for m in slack.messages("db-ops")] == ["first", "done"]
    to_unknown = client.chat_postMessage(channel=channel, text="x", thread_ts="1.000000")
    assert await refusal(to_unknown) == "thread_not_found"
    to_reply = client.chat_postMessage(channel=channel, text="x", thread_ts=reply["ts"])
    assert await refusal(to_reply) == "cannot_reply_to_message"


async def test_a_bot_joins_public_channels_that_are_open(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.add_channel(Channel("C0OLD00001", "old", bot_is_member=False, is_archived=True))
    slack.add_channel(Channel("G0PRIVATE1", "private", is_private=True))
    expected = {
        slack.channels["no-bot"].id: "channel_not_found",
        "C0OLD00001": "is_archived",
        "G0PRIVATE1": "method_not_supported_for_channel_type",
    }
    assert {c: await refusal(client.conversations_join(channel=c)) for c in expected} == expected
    incident = slack.channels["inc-2051"].id
    assert (await client.conversations_join(channel=incident))["channel"]["is_member"]
    assert (await client.conversations_join(channel=incident))["warning"] == "already_in_channel"
    assert (await client.chat_postMessage(channel=incident, text="x"))["ok"]
    slack.scopes = slack.scopes.replace("channels:join,", "")
    assert await refusal(client.conversations_join(channel=incident)) == "missing_scope"


async def test_channels_are_listed_by_pages_with_their_present_names(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    slack.change_channel("inc-2051", name="inc-renamed")
    slack.direct_channel(slack.people["sre"])
    names: list[str] = []
    cursor = ""
    while cursor or not names:
        page = await client.conversations_list(limit=2, cursor=cursor, exclude_archived=True)
        names += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert names == ["db-ops", "incident-42", "inc-renamed"]
    slack.change_channel("no-bot", bot_is_member=True)
    both = await client.conversations_list(types="public_channel,private_channel")
    assert {channel["name"] for channel in both["channels"]} == {*names, "no-bot", "archived"}
    slack.scopes = "channels:read"
    assert await refusal(client.conversations_list(types="private_channel")) == "missing_scope"


async def test_a_message_is_refused_where_the_bot_may_not_post(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.add_channel(Channel("C0PRIVATE1", "private", bot_is_member=False, is_private=True))
    slack.change_channel("incident-42", may_post=False)
    expected = {
        "C0NOWHERE1": "channel_not_found",
        "C0PRIVATE1": "channel_not_found",
        slack.channels["inc-2051"].id: "not_in_channel",
        slack.channels["archived"].id: "is_archived",
        slack.channels["incident-42"].id: "restricted_action",
    }
    assert {c: await refusal(client.chat_postMessage(channel=c, text="x")) for c in expected} == expected
    assert not any(call.took_effect for call in slack.calls)


async def test_a_message_needs_text_within_the_limits(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    assert await refusal(client.api_call("chat.postMessage", json={"channel": channel, "text": ""})) == "no_text"
    assert await refusal(client.chat_postMessage(channel=channel, text="x" * 40_001)) == "msg_too_long"
    ts = (await client.chat_postMessage(channel=channel, text="x" * 4001))["ts"]
    assert await refusal(client.chat_update(channel=channel, ts=ts, text="x" * 4001)) == "msg_too_long"


async def test_an_edit_keeps_the_history_and_the_fields_that_it_does_not_set(
    slack: StandInSlack, client: AsyncWebClient
) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="one", blocks=BLOCKS))["ts"]
    [first] = slack.messages("db-ops")
    await client.chat_update(channel=channel, ts=ts, text="two")
    [second] = slack.messages("db-ops")
    assert (second.text, buttons(second)) == ("two", buttons(first))
    assert second.edited_at is not None
    await client.chat_update(channel=channel, ts=ts, text="three", blocks=[])
    [third] = slack.messages("db-ops")
    assert buttons(third) == {}
    assert third.history == (("one", first.blocks), ("two", first.blocks))


async def test_only_existing_messages_of_the_bot_can_be_edited(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"]
    assert await refusal(client.chat_update(channel=channel.id, ts="1.0", text="x")) == "message_not_found"
    foreign = slack.write("sre", channel, "hello")
    assert await refusal(client.chat_update(channel=channel.id, ts=foreign.ts, text="x")) == "cant_update_message"
    own = await client.chat_postMessage(channel=channel.id, text="mine")
    slack.change_channel(channel, is_archived=True)
    assert await refusal(client.chat_update(channel=channel.id, ts=own["ts"], text="x")) == "is_inactive"


async def test_an_ephemeral_message_is_shown_to_one_person(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel, sre = slack.channels["db-ops"].id, slack.people["sre"].id
    await client.chat_postEphemeral(channel=channel, user=sre, text="for you", thread_ts="1.0")
    [ephemeral] = slack.ephemerals("sre")
    assert (ephemeral.text, ephemeral.thread_ts, ephemeral.by_slack) == ("for you", "1.0", False)
    assert slack.ephemerals("dba") == []
    slack.change_channel("db-ops", members=frozenset({slack.people["dba"].id}))
    assert await refusal(client.chat_postEphemeral(channel=channel, user=sre, text="x")) == "user_not_in_channel"


async def test_a_permalink_contains_channel_message_and_thread(slack: StandInSlack, client: AsyncWebClient) -> None:
    channel = slack.channels["db-ops"].id
    ts = (await client.chat_postMessage(channel=channel, text="x"))["ts"]
    reply = (await client.chat_postMessage(channel=channel, text="y", thread_ts=ts))["ts"]
    permalink = (await client.chat_getPermalink(channel=channel, message_ts=ts))["permalink"]
    assert permalink.endswith(f"/archives/{channel}/p{ts.replace('.', '')}")
    reply_permalink = (await client.chat_getPermalink(channel=channel, message_ts=reply))["permalink"]
    assert reply_permalink.endswith(f"?thread_ts={ts}&cid={channel}")
    assert await refusal(client.chat_getPermalink(channel=channel, message_ts="1.0")) == "message_not_found"


async def test_a_direct_conversation_is_opened_and_posted_to(slack: StandInSlack, client: AsyncWebClient) -> None:
    sre = slack.people["sre"].id
    channel = (await client.conversations_open(users=sre))["channel"]["id"]
    await client.chat_postMessage(channel=channel, text="psst")
    await client.chat_postMessage(channel=sre, text="again")
    assert [m.text for m in slack.messages(channel)] == ["psst", "again"]
