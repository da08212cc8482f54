"""What a bad day brings: Slack fails in every way, the cloud refuses and forgets who the bot is."""

from tests.crash.process_driver import ProcessDriver
from tests.driver import CHANNEL, Message

SHORT = 40  # seconds that anything here may take
FAULTS: tuple[str | int, ...] = (500, "html", "drop_before", "drop_after", "internal_error", 429)


async def upgraded(driver: ProcessDriver) -> Message:
    """A whole upgrade."""
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "completed", SHORT)
    return message


async def with_slack_in_trouble(driver: ProcessDriver) -> None:
    """Calls fail in every way, the private answers too; the socket is cut."""
    for number, how in enumerate(FAULTS, 1):
        driver.slack.fail("response_url", how)
        driver.slack.fail("users.info", how)
        await driver.slack.command("dba", CHANNEL, "help")
        await driver.until(lambda number=number: answers(driver) >= number or None, SHORT)  # type: ignore[misc]  # bound now
    if driver.mode == "socket":
        for link in driver.slack.connections:
            await link.socket.send_str("no JSON")
        await driver.slack.drop_connections()
        await driver.slack.connected(timeout=SHORT)
    driver.slack.clear_faults()
    await driver.slack.command("guest", CHANNEL, driver.instance())
    await driver.wait_for_ephemeral("guest")


def answers(driver: ProcessDriver) -> int:
    """How many private answers were tried."""
    return sum(call.method == "response_url" for call in driver.slack.calls)


async def with_the_cloud_in_trouble(driver: ProcessDriver, instances: list[str]) -> None:
    """It refuses, answers nonsense, ends every token."""
    await asked_in_vain(driver, instances[0], "409 DBS.200019")
    await asked_in_vain(driver, instances[1], "html")
    driver.cloud.revoke_tokens()
    await asked_in_vain(driver, instances[2], "403 APIGW.0302")


async def asked_in_vain(driver: ProcessDriver, instance: str, fault: str) -> None:
    """An upgrade that does not come to its end; what became of it is told."""
    if fault:
        driver.cloud.inject_fault(fault)
    message = await driver.request(instance)
    await driver.confirm(message)
    await driver.until(lambda: driver.thread(message) or None, SHORT)
    driver.cloud.clear_faults()
