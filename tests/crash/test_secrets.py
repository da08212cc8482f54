"""Secrets never leave: a bad day of the real process at its most talkative, searched for every one of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.connections import open_cloud, sign_in_of, slack_session
from bot.core.ports import Presence
from bot.settings import Settings
from bot.slack.api import SlackApi
from bot.slack.identity import Identity
from bot.taurusdb.auth import ReadyToken, SignIn
from bot.taurusdb.signing import AkSk
from tests.crash.bad_day import SHORT, asked_in_vain, upgraded, with_slack_in_trouble, with_the_cloud_in_trouble
from tests.crash.bench import bench
from tests.crash.canaries import Canaries
from tests.house import CHANNEL

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
    async with bench(tmp_path, mode=mode, LOG_LEVEL="DEBUG", LOG_FORMAT=style, PYTHONASYNCIODEBUG="1") as one:
        canaries = Canaries(one)
        canaries.listen()
        yield canaries


async def test_a_bad_day_writes_no_secret_anywhere(watched: Canaries) -> None:
    home = watched.bench
    instances = [instance.id for instance in home.cloud.add_instances(5)]
    process = await watched.launch()
    await upgraded(home)
    await with_slack_in_trouble(home)
    await with_the_cloud_in_trouble(home, instances)
    home.cloud.choose_mishap("hang")
    hanging = await home.ask(instances[4])
    before = len(home.cloud.upgrades)
    await home.confirm(hanging)
    await home.cloud.until(lambda: len(home.cloud.upgrades) > before, SHORT)
    await home.killed(process)
    home.cloud.heal()
    process = await watched.launch()
    await home.told(hanging, "unknown", SHORT)
    password = home.cloud.password
    home.cloud.change_password("another-one-of-today")
    await asked_in_vain(home, instances[3], "")
    home.cloud.change_password(password)
    home.slack.revoke_token()
    assert await process.ended(SHORT) == 3
    assert watched.found() == []
    assert len(watched.handed_out) > 20, "the canaries were listened to"
    assert len(home.processes[0].lines) > 20


async def test_a_secret_would_be_found_wherever_it_was_left(tmp_path: Path) -> None:
    async with bench(tmp_path) as home:
        canaries = Canaries(home)
        canaries.listen()
        await home.launch()
        await home.slack.command("sre", CHANNEL, "help")
        assert canaries.found() == []
        name, left = next(one for one in canaries.handed_out.items() if one[0].startswith("response_url"))
        (tmp_path / "notes.txt").write_text(left, encoding="utf-8")
        home.slack.write("sre", CHANNEL, home.slack.bot_token)
        home.processes[0].err.append(home.cloud.password)
        assert canaries.found() == [
            "SLACK_BOT_TOKEN in #db-ops", "HW_USER_PASSWORD in process 1", f"{name} in notes.txt",
        ]  # fmt: skip


@pytest.mark.parametrize("way", ["AK/SK", "wrong AK/SK", "ready token", "dead ready token"])
async def test_other_ways_of_signing_in_are_as_silent(tmp_path: Path, way: str) -> None:
    none = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": ""}
    async with bench(tmp_path, LOG_LEVEL="DEBUG", LOG_FORMAT="json", **none) as home:
        canaries = Canaries(home)
        canaries.listen()
        key = {"HW_ACCESS_KEY": home.cloud.access_key, "HW_SECURITY_TOKEN": home.cloud.security_token}
        home.overrides |= {
            "AK/SK": {**key, "HW_SECRET_KEY": home.cloud.secret_key},
            "wrong AK/SK": {**key, "HW_SECRET_KEY": CANARY},
            "ready token": {"HW_AUTH_TOKEN": home.cloud.ready_token},
            "dead ready token": {"HW_AUTH_TOKEN": home.cloud.ready_token},
        }[way]
        if way == "dead ready token":
            home.cloud.revoke_tokens()
        await canaries.launch()
        message = await home.ask(home.instance())
        await home.confirm(message)
        await home.until(lambda: home.thread(message) or None, SHORT)
        assert canaries.found() == []
        assert CANARY not in repr(canaries.left_behind())


async def test_settings_that_cannot_be_read_are_not_repeated(tmp_path: Path) -> None:
    wrong = {name: f"{CANARY}\u00e9{number}" for number, name in enumerate(SECRETS)}
    wrong |= {"DATABASE_URL": f"postgres:/bot:{CANARY}@host/bot", "HW_AUTH_URL": f"ftp://bot:{CANARY}@host"}
    wrong |= {"SLACK_API_URL": f"https//bot:{CANARY}@host", "TAURUSDB_ENDPOINT": f"https://bot:{CANARY}@[host"}
    async with bench(tmp_path) as home:
        process = await home.spawn(**wrong)
        assert await process.ended() == 2
        assert len(process.lines) >= len(SECRETS)
        assert CANARY not in "".join(process.lines)
        assert "Traceback" not in "".join(process.lines)


@pytest.mark.parametrize("password", [CANARY, f"{CANARY}%2F"])
async def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path, password: str) -> None:
    async with bench(tmp_path, f"postgresql://bot:{password}@127.0.0.1:1/bot", LOG_LEVEL="DEBUG") as home:
        process = await home.spawn()
        await home.until(lambda: any("start.waits" in line for line in process.err) or None, SHORT)
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
    async with slack_session() as session, open_cloud(settings.cloud) as cloud:
        api = SlackApi(settings.slack.bot_token.reveal(), settings.slack.api_url, session)
        identity = Identity("T1", "U1", token=settings.slack.bot_token.reveal())
        presence = Presence("U1", "T1", "C1", reply_to=f"https://hooks.slack.com/{CANARY}")
        sign_in = sign_in_of(settings.cloud)
        for held in (settings, settings.slack, settings.cloud, api, identity, presence, cloud, sign_in):
            assert CANARY not in f"{held!r} {held!s}", type(held)
        assert CANARY not in repr(await sign_in_headers(sign_in))
        await sign_in.aclose()


async def sign_in_headers(sign_in: SignIn) -> object:
    """What authorises a request, where nothing has to be fetched for it."""
    if isinstance(sign_in, ReadyToken | AkSk):
        async with httpx.AsyncClient() as client:
            return await sign_in.ready(client)
    return None
