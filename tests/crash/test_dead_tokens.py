"""A token that Slack does not take ends the process with code 3 and one line that names the setting.

At the start within 30 s; later only when Slack has refused it for a minute, within 120 s.
"""

from tests.crash.parallel import in_parallel
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver, Stopwatch

DEAD = 3
DEAD_SECONDS = 30.0
DEAD_LATER_SECONDS = 120.0
DOUBT_SECONDS = 60.0
FORMATS = {"text": ("text",), "json": ("json",)}


async def ends_naming(process: BotProcess, setting: str, seconds: float = DEAD_SECONDS) -> None:
    assert await process.ended(seconds) == DEAD
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


@in_parallel("socket", "http", cases={"the bot token": ("bot",), "the app token": ("app",), "silent": ("silent",)})
async def test_a_token_that_is_revoked_later(either_way: ProcessDriver, which: str) -> None:
    process = await either_way.launch()
    watch = Stopwatch()
    if which == "bot" or either_way.mode == "http":
        either_way.slack.revoke_token()
        await ends_naming(process, "SLACK_BOT_TOKEN", DEAD_LATER_SECONDS)
    else:
        either_way.slack.revoke_app_token()
        if which == "silent":
            either_way.slack.stall_connections()
        else:
            await either_way.slack.drop_connections()
        await ends_naming(process, "SLACK_APP_TOKEN", DEAD_LATER_SECONDS)
    assert watch.seconds > DOUBT_SECONDS


async def test_a_wrong_cloud_password_does_not_end_it(driver: ProcessDriver) -> None:
    process = await driver.launch(HW_USER_PASSWORD="wrong")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.until(lambda: driver.replies())
    assert process.is_alive
    assert not driver.sent()
