"""Rightly signed, and still not this bot's: other apps, made-up people, forged buttons, answers meant for elsewhere."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.house import CHANNEL, House, buttons, said
from tests.slack.knocking import command, nothing_happened, reasons
from tests.slack.posting import Poster, form, interactive

EVIL = "T0EVIL00001"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"api_app_id": "A0ANOTHER1"}, "another app"),
        ({"user_id": "<!channel>"}, "unreadable"),
        ({"channel_id": "../../etc"}, "unreadable"),
        ({"team_id": ""}, "unreadable"),
        ({"user_id": "U0SRE\u00e9"}, "unreadable"),
    ],
)
async def test_a_signed_command_that_is_not_this_bots_is_acknowledged_and_dropped(
    home: House, poster: Poster, caplog: pytest.LogCaptureFixture, changes: dict[str, str], why: str
) -> None:
    reply = await poster.signed(form(await command(home, **changes)))
    assert (reply.status, reply.text) == (200, "")
    await home.until(lambda: reasons(caplog) == {why} or None)
    await nothing_happened(home, poster)


@pytest.mark.parametrize(
    "changes",
    [
        {"api_app_id": "A0ANOTHER1"},
        {"user": {"id": "U0SRE00001", "team_id": EVIL}, "team": {"id": EVIL}},
        {"user": {"id": "U0SRE00001"}, "team": None, "enterprise": {"id": "E0EVIL0001"}},
        {"user": {"id": "U0SRE00001", "enterprise_id": "E0EVIL0001"}},
        {"message": {"ts": "{ts}", "app_id": "A0ANOTHER1"}},
        {"channel": {"id": "C0INC00042"}},
        {"container": {"message_ts": "1.000000"}, "message": {"ts": "1.000000"}},
        {"actions": []},
        {"actions": "confirm_upgrade"},
        {"user": None},
        {"user": ["U0SRE00001"]},
    ],
)
async def test_a_forged_click_confirms_nothing(
    empty_home: House, session: ClientSession, changes: dict[str, Any]
) -> None:
    home = empty_home
    poster = Poster(session, (await home.start(ALLOWED_USERS="*")).address, home.slack.signing_secret)
    message = await home.ask(home.instance())
    delivery = await home.slack.click("guest", message, "confirm_upgrade")
    real = {**delivery.payload, "user": {"id": "U0SRE00001", "team_id": "T0HOME0001"}, "team": {"id": "T0HOME0001"}}
    assert (await poster.signed(interactive({**real, **changes}))).status in (200, 400)
    await home.slack.command("dba", CHANNEL, "help")
    await home.whispered("dba")
    assert await poster.is_well()
    assert buttons(home.card(message))
    assert not home.cloud.upgrades
    real["actions"] = [{**real["actions"][0], "action_ts": "1.5"}]
    assert (await poster.signed(interactive(real))).status == 200
    await home.seen(message, "job")


async def test_a_button_carried_to_another_channel_is_unknown_there(home: House) -> None:
    message = await home.ask(home.instance())
    await home.slack.click("sre", message, "confirm_upgrade", channel="incident-42")
    assert said(await home.whispered("sre"))
    assert buttons(home.card(message))
    assert not home.cloud.upgrades


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/steal",
        "http://127.0.0.1:{port}@hooks.slack.com/",
        "https://hooks.slack.com@127.0.0.1:{port}/",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "//127.0.0.1:{port}/",
        "\thttp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "not an address",
        "http://[",
    ],
)
async def test_an_answer_goes_to_no_address_but_slacks(home: House, poster: Poster, address: str) -> None:
    taken: list[bytes] = []

    async def steal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(await reader.read(100))
        writer.close()

    thief = await asyncio.start_server(steal, "127.0.0.1", 0)
    async with thief:
        port = thief.sockets[0].getsockname()[1]
        await poster.signed(form(await command(home, "help", response_url=address.format(port=port))))
        await home.whispered("sre")
    assert not taken
