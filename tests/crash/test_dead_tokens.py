"""A token that Slack does not take ends the process: exit code 3 within 30 s, and one line that names the setting."""

from tests.crash.parallel import in_parallel
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver

DEAD = 3
DEAD_SECONDS = 30.0
FORMATS = {"text": ("text",), "json": ("json",)}


async def ends_naming(process: BotProcess, setting: str) -> None:
    assert await process.ended(DEAD_SECONDS) == DEAD
    assert sum(setting in line for line in process.lines) == 1, process.lines
    assert not any("Traceback" in line for line in process.lines), process.lines


@in_parallel("socket", "http", cases=FORMATS)
async def test_a_bot_token_that_is_dead_at_the_start(either_way: ProcessDriver, log_format: str) -> None:
    either_way.slack.revoke_token()
    await ends_naming(await either_way.spawn(LOG_FORMAT=log_format), "SLACK_BOT_TOKEN")


@in_parallel("socket", cases=FORMATS)
async def test_an_app_token_that_is_dead_at_the_start(driver: ProcessDriver, log_format: str) -> None:
    driver.slack.revoke_app_token()
    await ends_naming(await driver.spawn(LOG_FORMAT=log_format), "SLACK_APP_TOKEN")


async def test_a_token_of_the_wrong_kind(driver: ProcessDriver) -> None:
    await ends_naming(await driver.spawn(SLACK_APP_TOKEN="xapp-of-another-app"), "SLACK_APP_TOKEN")


@in_parallel("socket", "http")
async def test_a_bot_token_that_is_revoked_later(either_way: ProcessDriver) -> None:
    process = await either_way.launch()
    either_way.slack.revoke_token()
    await ends_naming(process, "SLACK_BOT_TOKEN")


async def test_an_app_token_that_is_revoked_later(driver: ProcessDriver) -> None:
    process = await driver.launch()
    driver.slack.revoke_app_token()
    await driver.slack.drop_connections()
    await ends_naming(process, "SLACK_APP_TOKEN")


async def test_an_app_token_whose_connection_falls_silent(driver: ProcessDriver) -> None:
    process = await driver.launch()
    driver.slack.revoke_app_token()
    driver.slack.stall_connections()
    await ends_naming(process, "SLACK_APP_TOKEN")


async def test_a_wrong_cloud_password_does_not_end_it(driver: ProcessDriver) -> None:
    process = await driver.launch(HW_USER_PASSWORD="wrong")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.until(lambda: driver.replies())
    assert process.is_alive
    assert not driver.sent()
