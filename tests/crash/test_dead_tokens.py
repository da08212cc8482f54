"""A token that Slack does not take ends the process: exit code 3 within 30 s, and one line that names the setting."""

from tests.crash.bench import Bench
from tests.crash.process import BotProcess
from tests.crash.together import together

DEAD = 3
DEAD_SECONDS = 30.0
FORMATS = {"text": ("text",), "json": ("json",)}


async def ends_naming(process: BotProcess, setting: str) -> None:
    assert await process.ended(DEAD_SECONDS) == DEAD
    assert sum(setting in line for line in process.lines) == 1, process.lines
    assert not any("Traceback" in line for line in process.lines), process.lines


@together("socket", "http", cases=FORMATS)
async def test_a_bot_token_that_is_dead_at_the_start(either_way: Bench, log_format: str) -> None:
    either_way.slack.revoke_token()
    await ends_naming(await either_way.spawn(LOG_FORMAT=log_format), "SLACK_BOT_TOKEN")


@together("socket", cases=FORMATS)
async def test_an_app_token_that_is_dead_at_the_start(alone: Bench, log_format: str) -> None:
    alone.slack.revoke_app_token()
    await ends_naming(await alone.spawn(LOG_FORMAT=log_format), "SLACK_APP_TOKEN")


async def test_a_token_of_the_wrong_kind(alone: Bench) -> None:
    await ends_naming(await alone.spawn(SLACK_APP_TOKEN="xapp-of-another-app"), "SLACK_APP_TOKEN")


@together("socket", "http")
async def test_a_bot_token_that_is_revoked_later(either_way: Bench) -> None:
    process = await either_way.launch()
    either_way.slack.revoke_token()
    await ends_naming(process, "SLACK_BOT_TOKEN")


async def test_an_app_token_that_is_revoked_later(alone: Bench) -> None:
    process = await alone.launch()
    alone.slack.revoke_app_token()
    await alone.slack.drop_connections()
    await ends_naming(process, "SLACK_APP_TOKEN")


async def test_an_app_token_whose_connection_falls_silent(alone: Bench) -> None:
    process = await alone.launch()
    alone.slack.revoke_app_token()
    alone.slack.go_silent()
    await ends_naming(process, "SLACK_APP_TOKEN")


async def test_a_wrong_cloud_password_does_not_end_it(alone: Bench) -> None:
    process = await alone.launch(HW_USER_PASSWORD="wrong")
    message = await alone.ask(alone.instance())
    await alone.confirm(message)
    await alone.until(lambda: alone.replies())
    assert process.is_alive
    assert not alone.sent()
