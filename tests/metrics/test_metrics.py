"""What is counted, scraped from a running bot and read by the library's own parser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import house
from tests.operators import Operator


@pytest.fixture(params=["socket", "http"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Operator]:
    async with house(tmp_path, request.param, PORT="0") as home:
        yield Operator(home, await home.start())


async def test_an_upgrade_is_counted_from_the_command_to_its_end(operator: Operator) -> None:
    home = operator.home
    message = await home.ask(home.instance())
    await home.confirm(message)
    home.cloud.finish((await home.until(lambda: home.cloud.jobs))[0].id)
    await home.told(message, "completed")
    way = home.mode
    await operator.until_counted(1, "commands_total", kind="command", result="asked")
    await operator.until_counted(1, "commands_total", kind="click", result="done")
    assert await operator.count("ack_seconds_count", way=way, outcome="ok") == 2
    assert await operator.count("first_answer_seconds_count", kind="command") == 1
    assert await operator.count("first_answer_seconds_count", kind="click") == 1
    for state in ("asked", "sending", "following", "completed"):
        assert await operator.count("steps_total", state=state) == 1
    assert await operator.count("cloud_seconds_count", operation="upgrade", outcome="ok") == 1
    assert await operator.count("cloud_seconds_count", operation="job", outcome="ok") >= 1
    assert await operator.count("slack_calls_total", method="chat.postMessage", outcome="ok") == 3
    assert await operator.count("loop_lag_seconds_count") > 0
    assert await operator.count("due_rows") == 0


async def test_what_the_rules_refuse_is_counted_by_the_rule(operator: Operator) -> None:
    home = operator.home
    await home.slack.command("guest", "db-ops", home.instance())
    await home.whispered("guest")
    await home.slack.command("sre", "db-ops", "--nonsense")
    await home.whispered("sre")
    samples = await operator.samples()
    denials = {labels: value for (name, labels), value in samples.items() if name == "starrocks_upgrade_denials_total"}
    assert list(denials.values()) == [1.0]
    await operator.until_counted(1, "commands_total", kind="command", result="denied")
    await operator.until_counted(1, "commands_total", kind="command", result="mistake")


async def test_an_unknown_outcome_is_counted_and_its_row_is_open(operator: Operator) -> None:
    home = operator.home
    home.cloud.choose_mishap("lost before")
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.told(message, "unknown")
    assert await operator.count("unknown_outcomes_total") == 1
    assert await operator.count("cloud_seconds_count", operation="upgrade", outcome="unsure") == 1
    assert await operator.count("open", state="unknown") == 1


async def test_a_429_of_slack_is_counted(operator: Operator) -> None:
    home = operator.home
    home.slack.fail("chat.postMessage", 429)
    await home.ask(home.instance())
    assert await operator.count("slack_limited_total", method="chat.postMessage") == 1


async def test_labels_do_not_grow_with_people_or_instances(operator: Operator) -> None:
    home = operator.home
    for name in ("sr-orders", "sr-metrics"):
        await home.ask(home.instance(name))
    await operator.until_counted(2, "commands_total", kind="command", result="asked")
    one = {key for key in await operator.samples() if key[0].startswith("starrocks_upgrade")}
    await home.ask(home.instance("订单分析"), person="dba")
    await operator.until_counted(3, "commands_total", kind="command", result="asked")
    assert {key for key in await operator.samples() if key[0].startswith("starrocks_upgrade")} == one


async def test_without_its_database_the_counters_are_still_told(operator: Operator) -> None:
    file = operator.home.folder / "sandbox.db"
    file.rename(operator.home.folder / "away.db")
    due = await operator.count("due_rows")
    assert due != due  # NaN: not known
    (operator.home.folder / "away.db").rename(file)
    assert await operator.count("due_rows") == 0
