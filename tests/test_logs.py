"""The log: events with fields, one JSON object a line whoever writes it, one id from command to end, no secret."""

import asyncio
import io
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.upgrade import current_upgrade_id
from bot.logs import JsonFormatter, Redactor, TextFormatter
from bot.sandbox.run import sandbox_settings
from bot.workflow.background_tasks import UpgradesInProcess
from tests.driver import BotDriver, run_driver

ROOT = Path(__file__).parents[1]


def record(message: str, /, **fields: Any) -> logging.LogRecord:
    """An event as a logger makes it."""
    return logging.makeLogRecord({"name": "bot", "levelname": "INFO", "msg": message, **fields})


@pytest.fixture
def upgrade_in_process() -> Iterator[None]:
    """A task that works on `upgrade-1`."""
    with UpgradesInProcess().claim("upgrade-1"):
        yield


def test_a_json_line_has_time_level_event_and_the_events_fields() -> None:
    line = json.loads(
        JsonFormatter(Redactor()).format(record("upgrade.requested", upgrade="u1", attempts=2, note="订单"))
    )
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO", "logger": "bot", "event": "upgrade.requested", "upgrade": "u1", "attempts": 2, "note": "订单",
    }  # fmt: skip


def test_a_field_cannot_take_the_place_of_the_event_or_of_its_level() -> None:
    line = json.loads(JsonFormatter(Redactor()).format(record("true", event="false", level="false", logger="false")))
    assert (line["event"], line["level"], line["logger"]) == ("true", "INFO", "bot")


def test_a_text_line_begins_with_date_time_and_zone() -> None:
    line = TextFormatter(Redactor()).format(record("x", created=1_795_500_600.25))
    assert line.startswith("2026-11-24T06:10:00.250Z INFO")


def test_a_text_line_quotes_what_could_pass_for_a_field_or_a_line() -> None:
    line = TextFormatter(Redactor()).format(
        record("x", plain="a", blank="a b", forged="a\n12:00 INFO level=x", empty="")
    )
    assert line.endswith(r'x plain=a blank="a b" forged="a\n12:00 INFO level=x" empty=""')
    assert "\n" not in TextFormatter(Redactor()).format(record("two\nlines"))


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
def test_secrets_are_redacted_in_every_part_of_a_line(formatter: type[JsonFormatter | TextFormatter]) -> None:
    try:
        raise ValueError("a-known-secret in an error")
    except ValueError:
        failed = record("a-known-secret", field={"deep": ["a-known-secret"]}, exc_info=sys.exc_info())
    line = formatter(Redactor(["a-known-secret"])).format(failed)
    assert "a-known-secret" not in line
    assert line.count("…") >= 3


def test_a_line_written_for_an_upgrade_carries_its_id_without_naming_it(upgrade_in_process: None) -> None:
    assert json.loads(JsonFormatter(Redactor()).format(record("slack.read_failed")))["upgrade"] == "upgrade-1"
    named = json.loads(JsonFormatter(Redactor()).format(record("slack.read_failed", upgrade="other")))
    assert named["upgrade"] == "other"


def test_the_id_is_gone_when_the_work_ends() -> None:
    with UpgradesInProcess().claim("upgrade-1"):
        pass
    assert current_upgrade_id.get() == ""


async def test_every_line_is_json_whoever_writes_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.failing_process", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert out == b""
    lines = [json.loads(line) for line in err.decode().splitlines()]
    events = [line["event"] for line in lines]
    assert process.returncode == 1
    assert "a library logs …" in events
    assert "a debug line of a library" not in events
    assert "two\nlines of …" in events
    assert "log.lost" in events
    assert any("DeprecationWarning: careful" in event for event in events)
    assert any("was never awaited" in event for event in events)
    assert any(event.startswith("Task exception was never retrieved") for event in events)
    assert {"ignored.failed", "thread.failed", "process.failed"} <= set(events)
    assert "the end, …" in lines[-1]["traceback"]
    assert "a-known-secret" not in err.decode()


async def test_one_id_leads_from_the_command_to_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(JsonFormatter(Redactor()))
    logging.getLogger("bot").addHandler(handler)
    try:
        async with run_driver(tmp_path) as driver:
            await _run_upgrade_with_faults(driver)
    finally:
        logging.getLogger("bot").removeHandler(handler)
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    requested = next(line for line in lines if line["event"] == "upgrade.requested")
    events = [line["event"] for line in lines if line.get("upgrade") == requested["upgrade"]]
    for event in ("upgrade.requested", "upgrade.confirmed", "submit.retried", "upgrade.submitted"):
        assert event in events
    assert {"slack.unavailable", "slack.card_not_updated"} & set(events)
    submitted = next(line for line in lines if line["event"] == "upgrade.submitted")
    assert submitted["instance"] == requested["instance"]
    assert submitted["job"]


async def _run_upgrade_with_faults(driver: BotDriver) -> None:
    """From the command to its end, with a cloud that throttles and a Slack that is unavailable for a moment."""
    driver.cloud.inject_fault("429 APIGW.0308", seconds=0.1)
    await driver.start()
    message = await driver.request(driver.instance())
    driver.slack.fail("chat.update", 500)
    await driver.confirm(message)
    driver.cloud.finish((await driver.until(lambda: driver.cloud.jobs))[0].id)
    await driver.wait_for_reply(message, "completed")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_a_bot_in_json_writes_nothing_else_and_no_secret(tmp_path: Path, level: str) -> None:
    async with run_driver(tmp_path) as driver:
        environ = dict(sandbox_settings(driver.slack, driver.cloud, tmp_path))
        environ |= {
            "LOG_FORMAT": "json",
            "LOG_LEVEL": level,
            "PORT": "0",
            "PYTHONPATH": str(ROOT),
            "PYTHONDEVMODE": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", cwd=tmp_path, env={"PATH": os.environ.get("PATH", ""), **environ},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await driver.slack.connected(timeout=20)
        await _use_bot(driver)
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
        secrets = [driver.slack.bot_token, driver.slack.app_token, driver.cloud.password, driver.slack.signing_secret]
    assert process.returncode == 0, err.decode()
    assert out == b""
    lines = [json.loads(line) for line in err.decode().splitlines()]
    assert {"bot.ready", "upgrade.requested", "upgrade.confirmed", "socket.lost"} <= {line["event"] for line in lines}
    assert not [secret for secret in secrets if secret in err.decode()]
    assert not re.findall(r"ticket=[\w-]+|hooks/[\w-]+|MII[\w-]{40,}", err.decode())


async def _use_bot(driver: BotDriver) -> None:
    """Valid and invalid commands, a click, a lost socket."""
    message = await driver.request(driver.instance())
    await driver.slack.command("guest", "db-ops", driver.instance())
    await driver.wait_for_ephemeral("guest")
    driver.slack.fail("response_url", "drop_before")
    await driver.slack.command("sre", "db-ops", "nonsense")
    await driver.wait_for_ephemeral("sre")
    await driver.confirm(message)
    await driver.until(lambda: driver.cloud.jobs)
    await driver.slack.drop_connections()
    await driver.slack.connected(timeout=20)
