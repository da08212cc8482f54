"""What is done on the page reaches the stand-ins; what cannot be done is said in words."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.cloud import StandInCloud
from bot.sandbox.slack import StandInSlack, buttons, said

COMMAND = {"person": "sre", "channel": "db-ops", "command": "/starrocks-upgrade", "text": "sr-1"}


async def act(http: aiohttp.ClientSession, name: str, body: object) -> tuple[int, dict[str, Any]]:
    async with http.post(f"/act/{name}", json=body) as answer:
        return answer.status, await answer.json()


async def test_a_command_is_sent_as_the_chosen_person(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    status, told = await act(http, "command", {**COMMAND, "person": "dba"})
    assert (status, told["ok"], told["acked"]) == (200, True, True)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    assert "升级" in said(message)


async def test_a_click_presses_the_button_that_is_named(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await act(http, "command", COMMAND)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    where = {"person": "sre", "channel": message.channel_id, "ts": message.ts}
    status, told = await act(http, "click", {**where, "action_id": "confirm_upgrade", "value": "q1"})
    assert (status, told["acked"]) == (200, True)
    replies = await slack.until(lambda: slack.thread("db-ops", message.ts))
    assert "Accepted" in said(replies[0])
    assert not buttons(slack.messages("db-ops")[0])


async def test_a_click_on_what_is_not_there_is_refused_in_words(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    where = {"person": "sre", "channel": slack.channels["db-ops"].id}
    status, told = await act(http, "click", {**where, "ts": "1.2", "action_id": "confirm_upgrade"})
    assert (status, told) == (400, {"ok": False, "error": "That message is gone."})
    await act(http, "command", COMMAND)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    status, told = await act(http, "click", {**where, "ts": message.ts, "action_id": "nonsense"})
    assert (status, told) == (400, {"ok": False, "error": "That message has no such button."})


async def test_a_private_answer_cannot_be_clicked_by_others(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await act(http, "command", {**COMMAND, "text": "bad"})
    private = (await slack.until(lambda: slack.ephemerals("sre")))[0]
    where = {"channel": private.channel_id, "ts": private.ts, "ephemeral": True, "action_id": "x"}
    assert (await act(http, "click", {**where, "person": "dba"}))[1]["error"] == "That message is gone."
    assert (await act(http, "click", {**where, "person": "sre"}))[1]["error"] == "That message has no such button."


async def test_a_mishap_is_chosen_and_taken_back(http: aiohttp.ClientSession, cloud: StandInCloud) -> None:
    assert (await act(http, "mishap", {"name": "html"}))[0] == 200
    assert cloud.snapshot()["mishap"]["name"] == "html"
    assert (await act(http, "mishap", {"name": "answers"}))[0] == 200
    assert cloud.snapshot()["mishap"] is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("command", {}),
        ("command", {**COMMAND, "person": "nobody"}),
        ("command", {**COMMAND, "text": "x" * 4001}),
        ("command", {**COMMAND, "text": 7}),
        ("command", []),
        ("mishap", {"name": "no such mishap"}),
        ("speed", {"name": "warp"}),
        ("window", {"instance": "sr-orders"}),
        ("window", {"instance": "no such instance"}),
    ],
)
async def test_an_action_that_cannot_be_done_is_refused_in_words(
    http: aiohttp.ClientSession, name: str, body: object
) -> None:
    status, told = await act(http, name, body)
    assert status == 400
    assert told["ok"] is False
    assert told["error"]


async def test_what_is_no_json_or_no_action_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/act/speed", data=b"\xff{", headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
    async with http.post("/act/format-disk", json={}) as answer:
        assert answer.status == 404
    async with http.post("/act/speed", data=b" " * 70_000, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 413
