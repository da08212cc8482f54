"""What the process writes: bad settings one by one, with LOG_FORMAT=json nothing but JSON, and never a secret."""

import json

from tests.crash.bench import Bench
from tests.crash.process import BotProcess
from tests.crash.together import together

BAD_SETTINGS = 2
LEVELS = {"INFO": ("INFO",), "DEBUG": ("DEBUG",)}


def secrets(bench: Bench) -> list[str]:
    slack, cloud = bench.slack, bench.cloud
    return [slack.bot_token, slack.app_token, slack.signing_secret, cloud.password, cloud.secret_key, cloud.ready_token]


def all_json(process: BotProcess) -> None:
    assert process.lines
    for line in process.lines:
        assert isinstance(json.loads(line), dict), line


@together("socket", cases={"by default": ("",), "text": ("text",), "json": ("json",)})
async def test_every_bad_setting_has_its_own_line(alone: Bench, log_format: str) -> None:
    bad = {"HW_REGION_NAME": "Mars", "HW_PROJECT_ID": "short", "JOB_POLL_SECONDS": "soon", "SLACK_BOT_TOKEN": ""}
    process = await alone.spawn(LOG_FORMAT=log_format, **bad)
    assert await process.ended() == BAD_SETTINGS
    assert not process.out
    assert len(process.err) == len(bad)
    for name in bad:
        assert sum(name in line for line in process.err) == 1
    if log_format == "json":
        all_json(process)


async def test_no_setting_at_all_is_no_traceback(alone: Bench) -> None:
    process = await BotProcess.start({}, alone.folder)
    alone.processes.append(process)
    assert await process.ended() == BAD_SETTINGS
    assert not any("Traceback" in line for line in process.lines)
    for name in ("SLACK_BOT_TOKEN", "HW_REGION_NAME", "HW_PROJECT_ID", "ALLOWED_CHANNELS", "ALLOWED_USERS"):
        assert sum(line.startswith(f"{name}:") for line in process.err) == 1, process.err


@together("socket", "http", cases=LEVELS)
async def test_a_bad_day_is_logged_as_json_and_without_secrets(either_way: Bench, level: str) -> None:
    """Refused calls, lost connections, a lost answer, a failed login: the lines of the libraries too."""
    bench = either_way
    process = await bench.launch(LOG_LEVEL=level)
    bench.slack.fail("chat.postMessage", "html")
    bench.slack.fail("chat.update", 500)
    bench.slack.fail("users.info", "drop_before")
    message = await bench.ask(bench.instance())
    if bench.mode == "socket":
        await bench.slack.drop_connections()
        await bench.until(lambda: len(bench.slack.connections) == 1, 30)
    bench.cloud.revoke_tokens()
    bench.cloud.choose_mishap("accepted, reset")
    await bench.confirm(message)
    await bench.until(lambda: bench.has_told("after it was confirmed"), 60)
    process.terminate()
    assert await process.ended() == 0
    all_json(process)
    told = "\n".join(process.lines)
    assert not [secret for secret in secrets(bench) if secret in told]
    assert "ticket=" not in told
    assert "/hooks/" not in told, "a response_url is a secret"


@together("socket", cases=LEVELS)
async def test_a_start_that_fails_is_logged_as_json(alone: Bench, level: str) -> None:
    process = await alone.spawn(LOG_LEVEL=level, HOST="192.0.2.1", PORT="1")
    assert await process.ended() not in (0, None)
    all_json(process)
    assert not [secret for secret in secrets(alone) if secret in "\n".join(process.lines)]
