"""The verdict: by the cloud's log and by what people see in Slack."""

import re
from collections import Counter

from bot.core.audit import verify_audit
from bot.storage.opening import open_storage
from tests.crash.process_driver import ProcessDriver
from tests.driver import Message, text_of

NOTIFICATIONS = {
    "found": r"^Found:",
    "accepted": r"accepted the upgrade|Upgrade of \S+\. Job ID",
    "unknown": r"outcome of the upgrade of \S+ is unknown",
    "completed": r"completed .* after confirmation",
    "unresolved": r"is still unknown",
    "refused": r"refused the upgrade",
    "not sent": r"could not be sent",
}


async def assert_outcome(driver: ProcessDriver) -> None:
    """Whatever happened: sent once at most, told once or twice, nothing left that can still be pressed."""
    told = Counter(notification_of(reply) for reply in driver.replies())
    account = driver.account()
    assert len(driver.sent()) <= 1, f"sent {len(driver.sent())} times\n{account}"
    assert len(driver.cards()) <= 2, f"asked more than twice\n{account}"
    assert max(told.values(), default=0) <= 2, f"told too often: {told}\n{account}"
    assert told["refused"] + told["not sent"] == 0, f"told what is not so: {told}\n{account}"
    if any(call.took_effect for call in driver.sent()):
        assert told["completed"], f"the end was not told\n{account}"
        await _the_card_follows(driver)
    await _nothing_can_be_pressed(driver)
    await _the_trail_is_whole(driver)


def notification_of(reply: Message) -> str:
    """Which news a message of a thread is, as it was posted: an alarm is edited once more is known."""
    text = reply.history[0][0] if reply.history else text_of(reply)
    return next((kind for kind, pattern in NOTIFICATIONS.items() if re.search(pattern, text)), text)


async def _the_card_follows(driver: ProcessDriver) -> None:
    """Edits come after new messages: the card shows the end soon after the thread does."""
    try:
        await driver.slack.until(lambda: driver.shows("completed"), 5)
    except AssertionError:
        raise AssertionError(f"the card is behind\n{driver.account()}") from None


async def _nothing_can_be_pressed(driver: ProcessDriver) -> None:
    """No decided card has buttons; one that was posted twice loses them when it is pressed, and nothing is sent."""
    sent = len(driver.sent())
    try:  # edits come after new messages
        await driver.slack.until(lambda: len(driver.open_cards()) <= len(driver.cards()) - 1, 5)
    except AssertionError:
        raise AssertionError(f"buttons are left\n{driver.account()}") from None
    open_still = driver.open_cards()
    for card in open_still:
        await driver.slack.click("sre", card, "confirm_upgrade")
    try:
        await driver.slack.until(lambda: not driver.open_cards(), 5)
    except AssertionError:
        raise AssertionError(f"a lost card keeps its buttons\n{driver.account()}") from None
    assert len(driver.sent()) == sent, f"a lost card sent\n{driver.account()}"


async def _the_trail_is_whole(driver: ProcessDriver) -> None:
    storage = await open_storage(driver.database_url)
    try:
        assert (await verify_audit(storage)).is_whole, driver.account()
    finally:
        await storage.close()
