"""What the process writes: bad settings one by one, with LOG_FORMAT=json nothing but JSON, and never a secret."""

import json

from tests.crash.parallel import in_parallel
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver

BAD_SETTINGS = 2
LEVELS = {"INFO": ("INFO",), "DEBUG": ("DEBUG",)}


def secrets(driver: ProcessDriver) -> list[str]:
    slack, cloud = driver.slack, driver.cloud
    return [slack.bot_token, slack.app_token, slack.signing_secret, cloud.password, cloud.secret_key, cloud.ready_token]


def all_json(process: BotProcess) -> None:
    assert process.lines
    for line in process.lines:
        assert isinstance(json.loads(line), dict), line


@in_parallel("socket", cases={"by default": ("",), "text": ("text",), "json": ("json",)})
async def test_every_bad_setting_has_its_own_line(driver: ProcessDriver, log_format: str) -> None:
    bad = {"HW_REGION_NAME": "Mars", "HW_PROJECT_ID": "short", "JOB_POLL_SECONDS": "soon", "SLACK_BOT_TOKEN": ""}
    process = await driver.spawn(LOG_FORMAT=log_format, **bad)
    assert await process.ended() == BAD_SETTINGS
    assert not process.out
    assert len(process.err) == len(bad)
    for name in bad:
        assert sum(name in line for line in process.err) == 1
    if log_format == "json":
        all_json(process)


async def test_no_setting_at_all_is_no_traceback(driver: ProcessDriver) -> None:
    process = await BotProcess.start({}, driver.folder)
    driver.processes.append(process)
    assert await process.ended() == BAD_SETTINGS
    assert not any("Traceback" in line for line in process.lines)
    for name in ("SLACK_BOT_TOKEN", "HW_REGION_NAME", "HW_PROJECT_ID", "ALLOWED_CHANNELS", "ALLOWED_USERS"):
        assert sum(line.startswith(f"{name}:") for line in process.err) == 1, process.err


@in_parallel("socket", "http", cases=LEVELS)
async def test_a_bad_day_is_logged_as_json_and_without_secrets(either_way: ProcessDriver, level: str) -> None:
    """Refused calls, lost connections, a lost answer, a failed login: the lines of the libraries too."""
    driver = either_way
    process = await driver.launch(LOG_LEVEL=level)
    driver.slack.fail("chat.postMessage", "html")
    driver.slack.fail("chat.update", 500)
    driver.slack.fail("users.info", "drop_before")
    message = await driver.request(driver.instance())
    if driver.mode == "socket":
        await driver.slack.drop_connections()
        await driver.until(lambda: len(driver.slack.connections) == 1, 30)
    driver.cloud.revoke_tokens()
    driver.cloud.inject_fault("accepted, reset")
    await driver.confirm(message)
    await driver.until(lambda: driver.has_reply("after confirmation"), 60)
    process.terminate()
    assert await process.ended() == 0
    all_json(process)
    told = "\n".join(process.lines)
    assert not [secret for secret in secrets(driver) if secret in told]
    assert "ticket=" not in told
    assert "/hooks/" not in told, "a response_url is a secret"


@in_parallel("socket", cases=LEVELS)
async def test_a_start_that_fails_is_logged_as_json(driver: ProcessDriver, level: str) -> None:
    process = await driver.spawn(LOG_LEVEL=level, HOST="192.0.2.1", PORT="1")
    assert await process.ended() not in (0, None)
    all_json(process)
    assert not [secret for secret in secrets(driver) if secret in "\n".join(process.lines)]
