"""A process that stood still for longer than its lease does not send when it wakes: others may have given it up."""

from bot.core.upgrade import LEASE_SECONDS
from tests.crash.clocks import WrongClocks
from tests.crash.kill_points import EDIT, Arrange, Seen, asked_token_to_send, decided, token_for_sending
from tests.crash.parallel import in_parallel
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver, Stopwatch
from tests.driver import buttons

GONE = LEASE_SECONDS + 2


async def frozen_at(driver: ProcessDriver, process: BotProcess, arrange: Arrange, seen: Seen) -> None:
    """Ask, confirm, and freeze the process as soon as that call is there."""
    message = await driver.request(driver.instance())
    arrange(driver)
    stop_looking = [
        whose.on_change(lambda: process.freeze() if seen(driver) else None) for whose in (driver.slack, driver.cloud)
    ]
    await driver.confirm(message)
    await driver.until(lambda: seen(driver))
    for stop in stop_looking:
        stop()


async def frozen_for(driver: ProcessDriver, seconds: float) -> None:
    """Let so much time pass."""
    watch = Stopwatch()
    await driver.until(lambda: watch.seconds >= seconds, seconds + 10)


def hold_up_edit(driver: ProcessDriver) -> None:
    """Slack's answer to the edit before the POST comes while the process stands still."""
    driver.slack.fail(EDIT, ("delay_after", 1.0), when=lambda given: "sending the request" in str(given).lower())


BEFORE_THE_POST = {
    "while it asks for a token": (token_for_sending("slow", GONE + 2), asked_token_to_send),
    "while it edits the card": (hold_up_edit, decided),
}


@in_parallel("socket", cases=BEFORE_THE_POST)
async def test_a_process_that_wakes_too_late_does_not_send(driver: ProcessDriver, arrange: Arrange, seen: Seen) -> None:
    process = await driver.launch()
    await frozen_at(driver, process, arrange, seen)
    await frozen_for(driver, GONE)
    process.wake()
    await driver.until(lambda: driver.has_reply("could not be sent") or driver.has_reply("unknown"), 20)
    assert not driver.sent()
    assert not driver.open_cards()


@in_parallel("socket", "http", cases=BEFORE_THE_POST, postgresql=True)
async def test_what_another_has_taken_over_is_not_sent_by_the_one_that_wakes(
    replicas: ProcessDriver, arrange: Arrange, seen: Seen
) -> None:
    sleeper = await replicas.launch()
    await frozen_at(replicas, sleeper, arrange, seen)
    await replicas.launch()
    await replicas.until(lambda: replicas.has_reply("unknown"), 2 * LEASE_SECONDS)
    sleeper.wake()
    await replicas.until(lambda: replicas.has_reply("could not be sent"), 20)
    assert not replicas.sent()
    assert not replicas.open_cards()


@in_parallel("socket", cases=BEFORE_THE_POST, postgresql=True)
async def test_a_machine_whose_clocks_stood_still_with_it_does_not_send_either(
    replicas: ProcessDriver, arrange: Arrange, seen: Seen
) -> None:
    clocks = WrongClocks(replicas.folder / "clocks")
    sleeper = await replicas.launch(**clocks.settings())
    await frozen_at(replicas, sleeper, arrange, seen)
    watch = Stopwatch()
    await replicas.launch()
    await replicas.until(lambda: replicas.has_reply("unknown"), 2 * LEASE_SECONDS)
    clocks.stood_still(watch.seconds)
    sleeper.wake()
    await replicas.until(lambda: replicas.has_reply("could not be sent"), 20)
    assert not replicas.sent()
    assert not replicas.open_cards()


@in_parallel("socket", "http", postgresql=True)
async def test_a_process_that_stood_still_after_sending_repeats_nothing(replicas: ProcessDriver) -> None:
    sleeper = await replicas.launch()
    await frozen_at(replicas, sleeper, lambda _: None, lambda driver: bool(driver.sent()))
    await replicas.launch()
    job = replicas.sent()[0].job_id or "?"
    await replicas.until(lambda: replicas.has_reply("unknown"), 2 * LEASE_SECONDS)
    await replicas.until(lambda: replicas.has_reply("after confirmation", job), 40)
    told = len(replicas.replies())
    sleeper.wake()
    await replicas.until(lambda: sleeper.has_logged("upgrade.submitted"), 20)
    sleeper.terminate()
    assert await sleeper.ended() == 0
    assert len(replicas.replies()) == told
    assert len(replicas.sent()) == 1
    assert all("confirm_upgrade" not in buttons(one) for one in replicas.cards())
