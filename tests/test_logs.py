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

from bot.core.tracing import UPGRADE
from bot.flow.hands import Hands
from bot.hiding import Hiding
from bot.logs import JsonLines, TextLines
from bot.sandbox.running import sandbox_settings
from tests.house import House, house

ROOT = Path(__file__).parents[1]


def record(message: str, /, **fields: Any) -> logging.LogRecord:
    """An event as a logger makes it."""
    return logging.makeLogRecord({"name": "bot", "levelname": "INFO", "msg": message, **fields})


@pytest.fixture
def in_hand() -> Iterator[None]:
    with Hands().on("upgrade-1"):
        yield


def test_a_json_line_has_time_level_event_and_the_events_fields() -> None:
    line = json.loads(JsonLines(Hiding()).format(record("upgrade.asked", upgrade="u1", tries=2, about="订单")))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO", "logger": "bot", "event": "upgrade.asked", "upgrade": "u1", "tries": 2, "about": "订单",
    }  # fmt: skip


def test_a_field_cannot_take_the_place_of_the_event_or_of_its_level() -> None:
    line = json.loads(JsonLines(Hiding()).format(record("true", event="false", level="false", logger="false")))
    assert (line["event"], line["level"], line["logger"]) == ("true", "INFO", "bot")


def test_a_text_line_quotes_what_could_pass_for_a_field_or_a_line() -> None:
    line = TextLines(Hiding()).format(record("x", plain="a", blank="a b", forged="a\n12:00 INFO level=x", empty=""))
    assert line.endswith(r'x plain=a blank="a b" forged="a\n12:00 INFO level=x" empty=""')
    assert "\n" not in TextLines(Hiding()).format(record("two\nlines"))


@pytest.mark.parametrize("form", [JsonLines, TextLines])
def test_secrets_are_kept_out_of_every_part_of_a_line(form: type[JsonLines | TextLines]) -> None:
    try:
        raise ValueError("a-known-secret in an error")
    except ValueError:
        failed = record("a-known-secret", field={"deep": ["a-known-secret"]}, exc_info=sys.exc_info())
    line = form(Hiding(["a-known-secret"])).format(failed)
    assert "a-known-secret" not in line
    assert line.count("…") >= 3


def test_what_is_done_for_an_upgrade_carries_its_id_without_naming_it(in_hand: None) -> None:
    assert json.loads(JsonLines(Hiding()).format(record("slack.unread")))["upgrade"] == "upgrade-1"
    named = json.loads(JsonLines(Hiding()).format(record("slack.unread", upgrade="other")))
    assert named["upgrade"] == "other"


def test_the_id_ends_with_the_work() -> None:
    with Hands().on("upgrade-1"):
        pass
    assert UPGRADE.get() == ""


async def test_every_line_is_json_whoever_writes_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.trouble", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert out == b""
    lines = [json.loads(line) for line in err.decode().splitlines()]
    events = [line["event"] for line in lines]
    assert process.returncode == 1
    assert "a library speaks of …" in events
    assert "a library whispers" not in events
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
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines(Hiding()))
    logging.getLogger("bot").addHandler(handler)
    try:
        async with house(tmp_path) as home:
            await _an_upgrade_with_trouble(home)
    finally:
        logging.getLogger("bot").removeHandler(handler)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    asked = next(line for line in lines if line["event"] == "upgrade.asked")
    life = [line["event"] for line in lines if line.get("upgrade") == asked["upgrade"]]
    for event in ("upgrade.asked", "upgrade.confirmed", "upgrade.not_sent", "upgrade.answered"):
        assert event in life
    assert {"slack.away", "slack.not_shown"} & set(life)
    answered = next(line for line in lines if line["event"] == "upgrade.answered")
    assert answered["instance"] == asked["instance"]
    assert answered["job"]


async def _an_upgrade_with_trouble(home: House) -> None:
    """From the command to its end, with a cloud that throttles and a Slack that is away for a moment."""
    home.cloud.choose_mishap("429 APIGW.0308", seconds=0.1)
    await home.start()
    message = await home.ask(home.instance())
    home.slack.fail("chat.update", 500)
    await home.confirm(message)
    home.cloud.finish((await home.until(lambda: home.cloud.jobs))[0].id)
    await home.told(message, "completed")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_a_bot_in_json_writes_nothing_else_and_no_secret(tmp_path: Path, level: str) -> None:
    async with house(tmp_path) as home:
        environ = dict(sandbox_settings(home.slack, home.cloud, tmp_path))
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
        await home.slack.connected(timeout=20)
        await _a_short_life(home)
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
        secrets = [home.slack.bot_token, home.slack.app_token, home.cloud.password, home.slack.signing_secret]
    assert process.returncode == 0, err.decode()
    assert out == b""
    lines = [json.loads(line) for line in err.decode().splitlines()]
    assert {"bot.ready", "upgrade.asked", "upgrade.confirmed", "socket.lost"} <= {line["event"] for line in lines}
    assert not [secret for secret in secrets if secret in err.decode()]
    assert not re.findall(r"ticket=[\w-]+|hooks/[\w-]+|MII[\w-]{40,}", err.decode())


async def _a_short_life(home: House) -> None:
    """Commands good and bad, a click, a lost socket."""
    message = await home.ask(home.instance())
    await home.slack.command("guest", "db-ops", home.instance())
    await home.whispered("guest")
    home.slack.fail("response_url", "drop_before")
    await home.slack.command("sre", "db-ops", "nonsense")
    await home.whispered("sre")
    await home.confirm(message)
    await home.until(lambda: home.cloud.jobs)
    await home.slack.drop_connections()
    await home.slack.connected(timeout=20)
