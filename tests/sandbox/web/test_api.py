"""What is done on the page reaches the stand-ins; what cannot be done is refused with a reason in words."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack import StandInSlack, buttons, text_of
from bot.sandbox.taurusdb import StandInCloud

COMMAND = {"person": "sre", "channel": "db-ops", "command": "/starrocks-upgrade", "text": "sr-1"}


async def call_api(http: aiohttp.ClientSession, name: str, body: object) -> tuple[int, dict[str, Any]]:
    async with http.post(f"/api/{name}", json=body) as response:
        return response.status, await response.json()


async def test_a_command_is_sent_as_the_chosen_person(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    status, result = await call_api(http, "command", {**COMMAND, "person": "dba"})
    assert (status, result["ok"], result["acked"]) == (200, True, True)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    assert "升级" in text_of(message)


async def test_a_click_presses_the_button_that_is_named(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await call_api(http, "command", COMMAND)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    target = {"person": "sre", "channel": message.channel_id, "ts": message.ts}
    status, result = await call_api(http, "click", {**target, "action_id": "confirm_upgrade", "value": "q1"})
    assert (status, result["acked"]) == (200, True)
    replies = await slack.until(lambda: slack.thread("db-ops", message.ts))
    assert "Accepted" in text_of(replies[0])
    assert not buttons(slack.messages("db-ops")[0])


async def test_a_click_on_what_is_not_there_is_refused_in_words(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    target = {"person": "sre", "channel": slack.channels["db-ops"].id}
    status, result = await call_api(http, "click", {**target, "ts": "1.2", "action_id": "confirm_upgrade"})
    assert (status, result) == (400, {"ok": False, "error": "That message is gone."})
    await call_api(http, "command", COMMAND)
    message = (await slack.until(lambda: slack.messages("db-ops")))[0]
    status, result = await call_api(http, "click", {**target, "ts": message.ts, "action_id": "nonsense"})
    assert (status, result) == (400, {"ok": False, "error": "That message has no such button."})


async def test_a_private_answer_cannot_be_clicked_by_others(
    http: aiohttp.ClientSession, slack: StandInSlack, connected_bot: AsyncApp
) -> None:
    await call_api(http, "command", {**COMMAND, "text": "bad"})
    ephemeral = (await slack.until(lambda: slack.ephemerals("sre")))[0]
    target = {"channel": ephemeral.channel_id, "ts": ephemeral.ts, "ephemeral": True, "action_id": "x"}
    assert (await call_api(http, "click", {**target, "person": "dba"}))[1]["error"] == "That message is gone."
    assert (await call_api(http, "click", {**target, "person": "sre"}))[1][
        "error"
    ] == "That message has no such button."


async def test_a_fault_is_chosen_and_taken_back(http: aiohttp.ClientSession, cloud: StandInCloud) -> None:
    assert (await call_api(http, "fault", {"name": "html"}))[0] == 200
    assert cloud.snapshot()["fault"]["name"] == "html"
    assert (await call_api(http, "fault", {"name": "answers"}))[0] == 200
    assert cloud.snapshot()["fault"] is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("command", {}),
        ("command", {**COMMAND, "person": "nobody"}),
        ("command", {**COMMAND, "text": "x" * 4001}),
        ("command", {**COMMAND, "text": 7}),
        ("command", []),
        ("fault", {"name": "no such fault"}),
        ("speed", {"name": "warp"}),
        ("window", {"instance": "sr-orders"}),
        ("window", {"instance": "no such instance"}),
        ("work", {"instance": "no such instance", "kind": "backup"}),
        ("rename", {"channel": "db-ops", "name": "incident-42"}),
        ("rename", {"channel": "db-ops", "name": "Upper Case"}),
        ("rename", {"channel": "db-ops", "name": "#"}),
    ],
)
async def test_an_action_that_cannot_be_done_is_refused_in_words(
    http: aiohttp.ClientSession, name: str, body: object
) -> None:
    status, result = await call_api(http, name, body)
    assert status == 400
    assert result["ok"] is False
    assert result["error"]


async def test_what_is_no_json_or_no_action_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/speed", data=b"\xff{", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 400
    async with http.post("/api/format-disk", json={}) as response:
        assert response.status == 404
    async with http.post("/api/speed", data=b" " * 70_000, headers={"Content-Type": "application/json"}) as response:
        assert response.status == 413
