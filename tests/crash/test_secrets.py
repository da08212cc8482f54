"""Secrets never leave: a bad day of the real process at its most talkative, searched for every one of them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.connections import cloud_credentials, open_cloud, open_slack
from bot.core.actions import Origin
from bot.settings import Settings
from bot.slack.client import TOKEN_DOUBT_SECONDS, BotIdentity
from bot.taurusdb.auth import ReadyToken
from bot.taurusdb.http import Credentials, HttpClient
from bot.taurusdb.signing import AkSk
from tests.crash.canaries import Canaries
from tests.crash.disturbances import SHORT, asked_in_vain, upgraded, with_slack_in_trouble, with_the_cloud_in_trouble
from tests.crash.process_driver import run_processes
from tests.driver import CHANNEL

CANARY = "canary-3f9c2e71"
SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "HW_USER_PASSWORD",
    "HW_SECRET_KEY",
    "HW_SECURITY_TOKEN",
    "HW_AUTH_TOKEN",
)


@pytest.fixture(params=[("socket", "json"), ("socket", "text"), ("http", "json"), ("http", "text")])
async def watched(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Canaries]:
    mode, style = request.param
    async with run_processes(tmp_path, mode=mode, LOG_LEVEL="DEBUG", LOG_FORMAT=style, PYTHONASYNCIODEBUG="1") as one:
        canaries = Canaries(one)
        canaries.listen()
        yield canaries


async def test_a_bad_day_writes_no_secret_anywhere(watched: Canaries) -> None:
    driver = watched.driver
    instances = [instance.id for instance in driver.cloud.add_instances(5)]
    process = await watched.launch()
    await upgraded(driver)
    await with_slack_in_trouble(driver)
    await with_the_cloud_in_trouble(driver, instances)
    driver.cloud.inject_fault("hang")
    hanging = await driver.request(instances[4])
    before = len(driver.cloud.upgrades)
    await driver.confirm(hanging)
    await driver.cloud.until(lambda: len(driver.cloud.upgrades) > before, SHORT)
    await driver.killed(process)
    driver.cloud.clear_faults()
    process = await watched.launch()
    await driver.wait_for_reply(hanging, "unknown", SHORT)
    password = driver.cloud.password
    driver.cloud.change_password("another-one-of-today")
    await asked_in_vain(driver, instances[3], "")
    driver.cloud.change_password(password)
    driver.slack.revoke_token()
    assert await process.ended(TOKEN_DOUBT_SECONDS + SHORT) == 3
    assert watched.found() == []
    assert len(watched.handed_out) > 20, "the canaries were listened to"
    assert len(driver.processes[0].lines) > 20


async def test_a_secret_would_be_found_wherever_it_was_left(tmp_path: Path) -> None:
    async with run_processes(tmp_path) as driver:
        canaries = Canaries(driver)
        canaries.listen()
        await driver.launch()
        await driver.slack.command("sre", CHANNEL, "help")
        assert canaries.found() == []
        name, left = next(one for one in canaries.handed_out.items() if one[0].startswith("response_url"))
        (tmp_path / "notes.txt").write_text(left, encoding="utf-8")
        driver.slack.write("sre", CHANNEL, driver.slack.bot_token)
        driver.processes[0].err.append(driver.cloud.password)
        assert canaries.found() == [
            "SLACK_BOT_TOKEN in #db-ops", "HW_USER_PASSWORD in process 1", f"{name} in notes.txt",
        ]  # fmt: skip


@pytest.mark.parametrize("way", ["AK/SK", "wrong AK/SK", "ready token", "dead ready token"])
async def test_other_ways_of_signing_in_are_as_silent(tmp_path: Path, way: str) -> None:
    none = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": ""}
    async with run_processes(tmp_path, LOG_LEVEL="DEBUG", LOG_FORMAT="json", **none) as driver:
        canaries = Canaries(driver)
        canaries.listen()
        key = {"HW_ACCESS_KEY": driver.cloud.access_key, "HW_SECURITY_TOKEN": driver.cloud.security_token}
        driver.overrides |= {
            "AK/SK": {**key, "HW_SECRET_KEY": driver.cloud.secret_key},
            "wrong AK/SK": {**key, "HW_SECRET_KEY": CANARY},
            "ready token": {"HW_AUTH_TOKEN": driver.cloud.ready_token},
            "dead ready token": {"HW_AUTH_TOKEN": driver.cloud.ready_token},
        }[way]
        if way == "dead ready token":
            driver.cloud.revoke_tokens()
        await canaries.launch()
        message = await driver.request(driver.instance())
        await driver.confirm(message)
        await driver.until(lambda: driver.thread(message) or None, SHORT)
        assert canaries.found() == []
        assert CANARY not in repr(canaries.left_behind())


async def test_settings_that_cannot_be_read_are_not_repeated(tmp_path: Path) -> None:
    wrong = {name: f"{CANARY}\u00e9{number}" for number, name in enumerate(SECRETS)}
    wrong |= {"DATABASE_URL": f"postgres:/bot:{CANARY}@host/bot", "HW_AUTH_URL": f"ftp://bot:{CANARY}@host"}
    wrong |= {"SLACK_API_URL": f"https//bot:{CANARY}@host", "TAURUSDB_ENDPOINT": f"https://bot:{CANARY}@[host"}
    async with run_processes(tmp_path) as driver:
        process = await driver.spawn(**wrong)
        assert await process.ended() == 2
        assert len(process.lines) >= len(SECRETS)
        assert CANARY not in "".join(process.lines)
        assert "Traceback" not in "".join(process.lines)


@pytest.mark.parametrize("password", [CANARY, f"{CANARY}%2F"])
async def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path, password: str) -> None:
    async with run_processes(tmp_path, f"postgresql://bot:{password}@127.0.0.1:1/bot", LOG_LEVEL="DEBUG") as driver:
        process = await driver.spawn()
        await driver.until(lambda: any("start.waiting" in line for line in process.err) or None, SHORT)
        assert CANARY not in "".join(process.lines)


@pytest.mark.parametrize("way", ["user", "key", "token"])
async def test_nothing_that_holds_a_secret_shows_it_when_it_is_printed(way: str) -> None:
    ways = {
        "user": {"HW_DOMAIN_NAME": "d", "HW_USER_NAME": "u", "HW_USER_PASSWORD": CANARY},
        "key": {"HW_ACCESS_KEY": "ak", "HW_SECRET_KEY": CANARY, "HW_SECURITY_TOKEN": CANARY},
        "token": {"HW_AUTH_TOKEN": CANARY},
    }
    settings = Settings.read(
        {
            "SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
            "SLACK_APP_TOKEN": f"xapp-{CANARY}",
            "SLACK_SIGNING_SECRET": CANARY,
            "HW_REGION_NAME": "cn-north-4",
            "HW_PROJECT_ID": "0" * 32,
            "ALLOWED_CHANNELS": "*",
            "ALLOWED_USERS": "*",
            "DATABASE_URL": f"postgresql://bot:{CANARY}@host/bot",
            **ways[way],
        }
    )
    async with open_slack(settings) as client, aclosing(open_cloud(settings)) as cloud:
        identity = BotIdentity("T1", "U1", token=settings.slack.bot_token.reveal())
        origin = Origin("U1", "T1", "C1", response_url=f"https://hooks.slack.com/{CANARY}")
        credentials = cloud_credentials(settings.cloud)
        for held in (settings, settings.slack, settings.cloud, client, identity, origin, cloud, credentials):
            assert CANARY not in f"{held!r} {held!s}", type(held)
        assert CANARY not in repr(await authorisation(credentials))
        await credentials.aclose()


async def authorisation(credentials: Credentials) -> object:
    """What authorises a request, where nothing has to be fetched for it."""
    if isinstance(credentials, ReadyToken | AkSk):
        async with HttpClient() as client:
            return await credentials.auth(client)
    return None
