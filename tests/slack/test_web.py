"""What operators ask of the web server: is it alive, is it ready, and if not why."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import house
from tests.operators import Operator


@pytest.fixture(params=["socket", "http"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Operator]:
    async with house(tmp_path, request.param, PORT="0") as home:
        yield Operator(home, await home.start())


async def test_it_is_alive(operator: Operator) -> None:
    status, body = await operator.get("/healthz")
    assert (status, json.loads(body)) == (200, {"status": "alive"})


async def test_it_is_ready_and_names_each_part(operator: Operator) -> None:
    status, body = await operator.readiness()
    parts = {"slack", "store", "cloud"} | ({"socket"} if operator.home.mode == "socket" else set())
    assert (status, body["ready"], body["reasons"]) == (200, True, {})
    assert body["parts"] == {part: {"ready": True, "trouble": ""} for part in parts}


async def test_without_slack_it_is_not_ready_until_slack_is_back(operator: Operator) -> None:
    await operator.home.slack.refuse_connections()
    await operator.home.slack.drop_connections()
    body = await operator.until_ready(False)
    assert set(body["reasons"]) <= {"slack", "socket"}
    await operator.home.slack.accept_connections()
    await operator.until_ready(True)


async def test_without_its_database_it_is_not_ready(operator: Operator) -> None:
    file = operator.home.folder / "sandbox.db"
    away = operator.home.folder / "away.db"
    file.rename(away)
    body = await operator.until_ready(False)
    assert set(body["reasons"]) == {"store"}
    away.rename(file)
    await operator.until_ready(True)


async def test_a_refused_sign_in_makes_it_not_ready_until_one_succeeds(operator: Operator) -> None:
    home = operator.home
    home.cloud.choose_mishap("401 APIGW.0301", times=9)
    message = await home.ask(home.instance())
    await home.confirm(message)
    body = await operator.until_ready(False)
    assert "APIGW.0301" in body["reasons"]["cloud"]
    home.cloud.heal()
    await home.confirm(await home.ask(home.instance("sr-metrics")))
    await operator.until_ready(True)


async def test_a_socket_that_fell_silent_is_noticed(tmp_path: Path) -> None:
    async with house(tmp_path, "socket", PORT="0") as home:
        operator = Operator(home, await home.start())
        await home.slack.refuse_connections()
        home.slack.go_silent()
        body = await operator.until_ready(False, timeout=35)
        assert "socket" in body["reasons"] or "slack" in body["reasons"]
        await home.slack.accept_connections()
        await operator.until_ready(True)
