"""What a bad day brings: Slack fails in every way, the cloud refuses and forgets who the bot is."""

from tests.crash.bench import Bench
from tests.house import CHANNEL, Message

SHORT = 40  # seconds that anything here may take
FAULTS: tuple[str | int, ...] = (500, "html", "drop_before", "drop_after", "internal_error", 429)


async def upgraded(home: Bench) -> Message:
    """A whole upgrade."""
    message = await home.ask(home.instance())
    await home.confirm(message)
    await home.told(message, "completed", SHORT)
    return message


async def with_slack_in_trouble(home: Bench) -> None:
    """Calls fail in every way, the private answers too; the socket is cut."""
    for number, how in enumerate(FAULTS, 1):
        home.slack.fail("response_url", how)
        home.slack.fail("users.info", how)
        await home.slack.command("dba", CHANNEL, "help")
        await home.until(lambda number=number: answers(home) >= number or None, SHORT)  # type: ignore[misc]  # bound now
    if home.mode == "socket":
        for link in home.slack.connections:
            await link.socket.send_str("no JSON")
        await home.slack.drop_connections()
        await home.slack.connected(timeout=SHORT)
    home.slack.heal()
    await home.slack.command("guest", CHANNEL, home.instance())
    await home.whispered("guest")


def answers(home: Bench) -> int:
    """How many private answers were tried."""
    return sum(call.method == "response_url" for call in home.slack.calls)


async def with_the_cloud_in_trouble(home: Bench, instances: list[str]) -> None:
    """It refuses, answers nonsense, ends every token."""
    await asked_in_vain(home, instances[0], "409 DBS.200019")
    await asked_in_vain(home, instances[1], "html")
    home.cloud.revoke_tokens()
    await asked_in_vain(home, instances[2], "403 APIGW.0302")


async def asked_in_vain(home: Bench, instance: str, mishap: str) -> None:
    """An upgrade that does not come to its end; what became of it is told."""
    if mishap:
        home.cloud.choose_mishap(mishap)
    message = await home.ask(instance)
    await home.confirm(message)
    await home.until(lambda: home.thread(message) or None, SHORT)
    home.cloud.heal()
