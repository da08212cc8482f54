"""Who may call, and what is answered to questions about people, channels and groups."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import Channel, Person, StandInSlack


async def refusal(call: Any) -> str:
    """Return the error code with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_the_token_tells_who_the_bot_is_and_what_it_may_do(slack: StandInSlack, client: AsyncWebClient) -> None:
    slack.scopes = "commands,chat:write"
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.team_id, slack.bot_user_id)
    assert answer.headers["x-oauth-scopes"] == "commands,chat:write"


async def test_a_call_beyond_the_scopes_is_refused(slack: StandInSlack, client: AsyncWebClient) -> None:
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


async def test_the_language_is_told_only_when_asked_for_and_known(slack: StandInSlack, client: AsyncWebClient) -> None:
    dba = slack.people["dba"].id
    assert "locale" not in (await client.users_info(user=dba))["user"]
    asked = (await client.users_info(user=dba, include_locale=True))["user"]
    assert (asked["locale"], asked["tz"], asked["team_id"]) == ("zh-CN", "Asia/Shanghai", slack.team_id)
    slack.change_person("dba", locale=None)
    assert "locale" not in (await client.users_info(user=dba, include_locale=True))["user"]


async def test_users_info_reads_forms_only(slack: StandInSlack, client: AsyncWebClient) -> None:
    sre = slack.people["sre"].id
    assert await refusal(client.api_call("users.info", json={"user": sre})) == "user_not_found"
    assert (await client.api_call("users.info", data={"user": sre}))["user"]["id"] == sre


async def test_guests_and_people_from_elsewhere_can_be_told_apart(slack: StandInSlack, client: AsyncWebClient) -> None:
    guest = (await client.users_info(user=slack.people["guest"].id))["user"]
    other = (await client.users_info(user=slack.people["other"].id))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, False)
    assert other["team_id"] != slack.team_id
    slack.add_person(Person("U0NEW00001", "New", "fr-FR", slack.team_id, enterprise_id="E0GRID"), key="new")
    new = (await client.users_info(user="U0NEW00001", include_locale=True))["user"]
    assert (new["locale"], new["enterprise_user"]["enterprise_id"]) == ("fr-FR", "E0GRID")
    assert await refusal(client.users_info(user="U0NOBODY01")) == "user_not_found"


async def test_channels_tell_whether_the_bot_is_in_them(slack: StandInSlack, client: AsyncWebClient) -> None:
    async def about(key: str) -> tuple[bool, bool]:
        told = (await client.conversations_info(channel=slack.channels[key].id))["channel"]
        return told["is_member"], told["is_archived"]

    assert await about("db-ops") == (True, False)
    assert await about("no-bot") == (False, False)
    assert await about("archived") == (True, True)
    hidden = slack.add_channel(Channel("C0PRIVATE1", "private", bot_is_member=False, is_private=True))
    assert await refusal(client.conversations_info(channel=hidden.id)) == "channel_not_found"
    seen = slack.change_channel(hidden, bot_is_member=True)
    slack.scopes = "channels:read"
    assert await refusal(client.conversations_info(channel=seen.id)) == "missing_scope"


async def test_a_group_lists_its_members(slack: StandInSlack, client: AsyncWebClient) -> None:
    listed = (await client.usergroups_users_list(usergroup="S0DBOPS"))["users"]
    assert listed == [slack.people["sre"].id, slack.people["dba"].id]
    slack.set_group("S0DBOPS", ["third"])
    assert (await client.usergroups_users_list(usergroup="S0DBOPS"))["users"] == [slack.people["third"].id]
    assert await refusal(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


async def test_what_the_stand_in_does_not_know_is_an_unknown_method(client: AsyncWebClient) -> None:
    assert await refusal(client.reactions_add(channel="C0DBOPS001", name="x", timestamp="1.0")) == "unknown_method"


async def test_calls_are_remembered_without_their_token(slack: StandInSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=slack.channels["db-ops"].id, text="x", unfurl_links=False)
    await client.api_call("auth.test", data={"token": slack.bot_token})
    post, test = slack.calls
    assert (post.method, post.status, post.took_effect) == ("chat.postMessage", 200, True)
    assert post.arguments["unfurl_links"] is False
    assert post.answer["ts"] == slack.messages("db-ops")[0].ts
    assert slack.bot_token not in f"{post}{test}"
