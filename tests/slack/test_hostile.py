"""Ten thousand hostile payloads, all rightly signed: nothing is upgraded, nothing said in public, the bot is well."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from bot.sandbox.slack import Person
from bot.sandbox.slack.delivery import Envelope
from tests.house import CHANNEL, House, buttons, house
from tests.slack.hostile import bodies, payloads
from tests.slack.knocking import only_tracebacks
from tests.slack.posting import Poster

BOSS = Person("U0BOSS0001", "Bo", "en-US", "T0HOME0001")
AT_ONCE = 40
HTTP_BODIES = 10_000
ENVELOPES = 500


async def real_ones(home: House) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A real command and real clicks of somebody who may do nothing, and the question they are about."""
    question = await home.ask(home.instance(), person="boss")
    command = await home.slack.command("sre", CHANNEL, home.instance())
    clicks = [await home.slack.click("sre", question, button) for button in buttons(question)]
    await home.until(lambda: len(home.slack.ephemerals("sre")) == 1 + len(clicks) or None)
    return command.payload, [click.payload for click in clicks]


async def is_unharmed(home: House, channels: list[str]) -> None:
    """Only the boss's question stands, unanswered; then it is answered and everything works."""
    assert not home.cloud.upgrades
    questions = [message for channel in channels for message in home.slack.messages(channel)]
    assert len(questions) == 1
    assert "confirm_upgrade" in buttons(home.card(questions[0]))
    await home.confirm(questions[0], person="boss")
    await home.told(questions[0], "completed", 40)
    assert len(home.cloud.upgrades) == 1


async def test_ten_thousand_hostile_requests_do_nothing_and_leave_the_bot_well(
    empty_home: House, session: ClientSession
) -> None:
    home = empty_home
    home.slack.add_person(BOSS, "boss")
    replica = await home.start(ALLOWED_USERS=BOSS.id)
    poster = Poster(session, replica.address, home.slack.signing_secret)
    command, clicks = await real_ones(home)
    statuses: dict[int, int] = {}
    waiting = asyncio.Semaphore(AT_ONCE)

    async def send(body: bytes) -> None:
        async with waiting:
            reply = await poster.signed(body)
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
        assert "Traceback" not in reply.text
        assert home.slack.bot_token not in reply.text

    with only_tracebacks() as tracebacks:
        async with asyncio.TaskGroup() as group:
            for body in bodies(HTTP_BODIES, command, clicks):
                group.create_task(send(body))
        assert await poster.is_well()
    assert sum(statuses.values()) == HTTP_BODIES
    assert set(statuses) <= {200, 400, 404}, statuses
    assert tracebacks == []
    await is_unharmed(home, list(home.slack.channels))


async def test_hostile_envelopes_do_nothing_and_the_socket_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.slack.add_person(BOSS, "boss")
        await home.start(ALLOWED_USERS=BOSS.id)
        command, clicks = await real_ones(home)
        home.slack.ways.ack_seconds = 0.5
        link = home.slack.connections[0]
        hostile = enumerate(payloads(ENVELOPES, command, clicks))
        envelopes = [Envelope(f"hostile-{n}", kind, payload, "", "") for n, (kind, payload) in hostile]  # type: ignore[arg-type]  # no payload is what it should be
        with only_tracebacks() as tracebacks:
            for start in range(0, ENVELOPES, AT_ONCE):
                some = envelopes[start : start + AT_ONCE]
                await asyncio.gather(*(home.slack.ways.deliver(one, None) for one in some))
            await link.socket.send_str("no JSON at all")
            await link.socket.send_str("[" * 5000)
            await link.socket.send_json(["a", "list"])
            await link.socket.send_json({"envelope_id": None, "type": "slash_commands", "payload": None})
            await link.socket.send_bytes(b"\xff\x00")
        home.slack.ways.ack_seconds = 3.0
        # What is no envelope at all the SDK logs and drops by itself.
        assert [one for one in tracebacks if "from_dict" not in one and "json" not in one] == []
        await home.slack.connected()
        await is_unharmed(home, list(home.slack.channels))
