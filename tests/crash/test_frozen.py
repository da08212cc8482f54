"""A process that stood still for longer than its lease does not send when it wakes: others may have given it up."""

from bot.core.upgrade import LEASE_SECONDS
from tests.crash.bench import Bench, Stopwatch
from tests.crash.process import BotProcess
from tests.crash.steps import EDIT, Arrange, Seen, asked_token_to_send, decided, token_for_sending
from tests.crash.together import together
from tests.house import buttons

GONE = LEASE_SECONDS + 2


async def frozen_at(bench: Bench, process: BotProcess, arrange: Arrange, seen: Seen) -> None:
    """Ask, confirm, and freeze the process as soon as that call is there."""
    message = await bench.ask(bench.instance())
    arrange(bench)
    stop_looking = [
        whose.on_change(lambda: process.freeze() if seen(bench) else None) for whose in (bench.slack, bench.cloud)
    ]
    await bench.confirm(message)
    await bench.until(lambda: seen(bench))
    for stop in stop_looking:
        stop()


async def frozen_for(bench: Bench, seconds: float) -> None:
    """Let so much time pass."""
    watch = Stopwatch()
    await bench.until(lambda: watch.seconds >= seconds, seconds + 10)


def hold_up_edit(bench: Bench) -> None:
    """Slack's answer to the edit before the POST comes while the process stands still."""
    bench.slack.fail(EDIT, ("slow", 1.0), when=lambda given: "sending it" in str(given).lower())


BEFORE_THE_POST = {
    "while it asks for a token": (token_for_sending("slow", GONE + 2), asked_token_to_send),
    "while it edits the card": (hold_up_edit, decided),
}


@together("socket", cases=BEFORE_THE_POST)
async def test_a_process_that_wakes_too_late_does_not_send(alone: Bench, arrange: Arrange, seen: Seen) -> None:
    process = await alone.launch()
    await frozen_at(alone, process, arrange, seen)
    await frozen_for(alone, GONE)
    process.wake()
    await alone.until(lambda: alone.has_told("could not be sent") or alone.has_told("unknown"), 20)
    assert not alone.sent()
    assert not alone.open_questions()


@together("socket", "http", cases=BEFORE_THE_POST, postgresql=True)
async def test_what_another_has_taken_over_is_not_sent_by_the_one_that_wakes(
    replicas: Bench, arrange: Arrange, seen: Seen
) -> None:
    sleeper = await replicas.launch()
    await frozen_at(replicas, sleeper, arrange, seen)
    await replicas.launch()
    await replicas.until(lambda: replicas.has_told("unknown"), 2 * LEASE_SECONDS)
    sleeper.wake()
    await replicas.until(lambda: replicas.has_told("could not be sent"), 20)
    assert not replicas.sent()
    assert not replicas.open_questions()


@together("socket", "http", postgresql=True)
async def test_a_process_that_stood_still_after_sending_repeats_nothing(replicas: Bench) -> None:
    sleeper = await replicas.launch()
    await frozen_at(replicas, sleeper, lambda _: None, lambda bench: bool(bench.sent()))
    await replicas.launch()
    job = replicas.sent()[0].job_id or "?"
    await replicas.until(lambda: replicas.has_told("unknown"), 2 * LEASE_SECONDS)
    await replicas.until(lambda: replicas.has_told("after it was confirmed", job), 40)
    told = len(replicas.replies())
    sleeper.wake()
    await replicas.until(lambda: sleeper.has_logged("upgrade.answered"), 20)
    sleeper.terminate()
    assert await sleeper.ended() == 0
    assert len(replicas.replies()) == told
    assert len(replicas.sent()) == 1
    assert all("confirm_upgrade" not in buttons(one) for one in replicas.questions())
