"""The metrics, scraped from a running bot and read by the library's own parser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.metrics import PREFIX
from tests.driver import run_driver
from tests.operators import Operator
from tests.storage.examples import run_sql


@pytest.fixture(params=["socket", "http"])
async def operator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Operator]:
    """An operator of a bot in either mode."""
    async with run_driver(tmp_path, request.param, PORT="0") as driver:
        yield Operator(driver, await driver.start())


async def test_an_upgrade_is_counted_from_the_command_to_its_end(operator: Operator) -> None:
    driver = operator.driver
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    driver.cloud.finish((await driver.until(lambda: driver.cloud.jobs))[0].id)
    await driver.wait_for_reply(message, "completed")
    await operator.until_counted(1, "interactions_total", kind="command", result="requested")
    await operator.until_counted(1, "interactions_total", kind="click", result="done")
    assert await operator.count("request_ack_seconds_count", transport=driver.mode, outcome="ok") == 2
    assert await operator.count("first_response_seconds_count", kind="command") == 1
    assert await operator.count("first_response_seconds_count", kind="click") == 1
    for state in ("requested", "submitting", "in_progress", "completed"):
        assert await operator.count("state_transitions_total", state=state) == 1
    assert await operator.count("cloud_call_seconds_count", operation="upgrade", outcome="ok") == 1
    assert await operator.count("cloud_call_seconds_count", operation="job", outcome="ok") >= 1
    assert await operator.count("slack_calls_total", method="chat.postMessage", outcome="ok") == 3
    assert await operator.count("event_loop_lag_seconds_count") > 0
    assert await operator.count("due_rows") == 0


async def test_what_the_rules_refuse_is_counted_by_reason(operator: Operator) -> None:
    driver = operator.driver
    await driver.slack.command("guest", "db-ops", driver.instance())
    await driver.wait_for_ephemeral("guest")
    await driver.slack.command("sre", "db-ops", "--nonsense")
    await driver.wait_for_ephemeral("sre")
    samples = await operator.samples()
    refusals = {labels: value for (name, labels), value in samples.items() if name == f"{PREFIX}_refusals_total"}
    assert list(refusals.values()) == [1.0]
    await operator.until_counted(1, "interactions_total", kind="command", result="denied")
    await operator.until_counted(1, "interactions_total", kind="command", result="mistake")


async def test_an_unknown_outcome_is_counted_and_its_row_is_open(operator: Operator) -> None:
    driver = operator.driver
    driver.cloud.inject_fault("lost before")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "unknown")
    assert await operator.count("state_transitions_total", state="unknown") == 1
    assert await operator.count("cloud_call_seconds_count", operation="upgrade", outcome="unknown") == 1
    assert await operator.count("open_upgrades", state="unknown") == 1


async def test_a_429_of_slack_is_counted(operator: Operator) -> None:
    driver = operator.driver
    driver.slack.fail("chat.postMessage", 429)
    await driver.request(driver.instance())
    assert await operator.count("slack_rate_limited_total", method="chat.postMessage") == 1


async def test_labels_do_not_grow_with_people_or_instances(operator: Operator) -> None:
    driver = operator.driver
    for name in ("sr-orders", "sr-metrics"):
        await driver.request(driver.instance(name))
    await operator.until_counted(2, "interactions_total", kind="command", result="requested")
    before = {key for key in await operator.samples() if key[0].startswith(PREFIX)}
    await driver.request(driver.instance("订单分析"), person="dba")
    await operator.until_counted(3, "interactions_total", kind="command", result="requested")
    assert {key for key in await operator.samples() if key[0].startswith(PREFIX)} == before


async def test_without_its_database_the_counters_are_still_served(operator: Operator) -> None:
    database, elsewhere = operator.driver.folder / "sandbox.db", operator.driver.folder / "elsewhere.db"
    database.rename(elsewhere)
    due = await operator.count("due_rows")
    assert due != due  # NaN: not known
    elsewhere.rename(database)
    assert await operator.count("due_rows") == 0


async def test_a_row_that_this_version_cannot_read_is_counted(operator: Operator) -> None:
    driver = operator.driver
    await driver.request(driver.instance())
    assert await operator.count("unreadable_rows") == 0
    await run_sql(
        f"sqlite:///{driver.folder}/sandbox.db", "UPDATE upgrades SET state = 'paused', revision = revision + 1"
    )
    assert await operator.count("unreadable_rows") == 1
