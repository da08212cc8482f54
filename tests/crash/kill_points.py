"""The moments at which a process is killed, each recognised from outside: by a call that arrives or is answered."""

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import Call
from tests.crash.process_driver import ProcessDriver

Seen = Callable[[ProcessDriver], bool]
Arrange = Callable[[ProcessDriver], None]
POST, EDIT = "chat.postMessage", "chat.update"
SHORT_TTL = {"CONFIRM_TTL_SECONDS": "2"}


@dataclass(frozen=True, slots=True)
class KillPoint:
    """One moment: how it is brought about, how it is seen, how long after it the end comes.

    Nobody presses Confirm when `confirms` is not set: the card expires.
    """

    name: str
    seen: Seen
    arrange: Arrange = lambda _: None
    settings: tuple[tuple[str, str], ...] = ()
    confirms: bool = True
    delay: float = 0.0


def slack_call(method: str, *words: str, effect: bool = True) -> Seen:
    """A call of the Web API with these words in it has arrived; with its effect (unanswered yet), or without."""
    return lambda driver: any(_is(call, method, words) and call.took_effect is effect for call in driver.slack.calls)


def held_up(method: str, *words: str) -> Arrange:
    """Let such a call arrive and have no effect until the process is dead."""
    return lambda driver: driver.slack.fail(method, "hang", when=lambda given: _has(given, words))


def cloud_call(operation: str) -> Seen:
    """A request has arrived at the cloud."""
    return lambda driver: any(call.operation == operation for call in driver.cloud.calls)


def answered(operation: str) -> Seen:
    """The cloud is writing its answer."""
    return lambda driver: any(call.operation == operation and call.status for call in driver.cloud.calls)


def fault(name: str, operation: str) -> Arrange:
    """Let something go wrong in the cloud."""

    def arrange(driver: ProcessDriver) -> None:
        driver.cloud.inject_fault(name, operation=operation)

    return arrange


def acked(what: str) -> Seen:
    """Slack has the ack of a command or a click."""
    return lambda driver: what in driver.acked


def at_random(rng: random.Random) -> KillPoint:
    """Any moment from the command to after the end; half of them within the first tenth of a second."""
    delay = math.exp(rng.uniform(math.log(0.002), math.log(8.0)))
    return KillPoint(f"{delay * 1000:.1f} ms after the command", lambda _: True, delay=delay)


def token_for_sending(name: str, seconds: float | None = None) -> Arrange:
    """The token ends when the card is decided; getting another one for the POST goes wrong like this."""

    def arrange(driver: ProcessDriver) -> None:
        def choose() -> None:
            if decided(driver) and not driver.cloud.pending_faults:
                stop()
                driver.cloud.revoke_tokens()
                driver.cloud.inject_fault(name, operation="token", seconds=seconds)

        stop = driver.slack.on_change(choose)

    return arrange


def asked_token_to_send(driver: ProcessDriver) -> bool:
    """Whether a token was asked for after the card was decided."""
    edits = [call.at for call in driver.slack.calls if _is(call, EDIT, DECIDED)]
    return bool(edits) and any(call.operation == "token" and call.at >= edits[0] for call in driver.cloud.calls)


def _is(call: Call, method: str, words: Iterable[str]) -> bool:
    return call.method == method and _has(call.arguments, words)


def _has(arguments: Mapping[str, Any], words: Iterable[str]) -> bool:
    """A word that begins with `!` must not be there."""
    text = str(dict(arguments)).lower()
    return all((word[1:] not in text) if word.startswith("!") else (word in text) for word in words)


CARD = ("confirm_upgrade",)
ACCEPTED, RUNNING, ENDED = ("accepted the upgrade",), ("· running",), ("completed", "after confirmation")
DECIDED, SENT = ("sending the request to huawei cloud",), ("accepted by huawei cloud",)
EXPIRED = ("expired",)
decided = slack_call(EDIT, *DECIDED)

KILL_POINTS = (
    KillPoint("the command is acknowledged", acked("command")),
    KillPoint("the card is about to be posted", slack_call(POST, *CARD, effect=False), held_up(POST, *CARD)),
    KillPoint("the card is posted, its ts not written", slack_call(POST, *CARD)),
    KillPoint("the click is acknowledged", acked("click")),
    KillPoint("the card is about to be edited", slack_call(EDIT, *DECIDED, effect=False), held_up(EDIT, *DECIDED)),
    KillPoint("the card is edited, nothing is sent", decided),
    KillPoint("a token is asked for, nothing is sent", asked_token_to_send, token_for_sending("hang")),
    KillPoint("a token is being given, nothing is sent", asked_token_to_send, token_for_sending("slow", 0.0)),
    KillPoint("the upgrade has arrived and does not happen", cloud_call("upgrade"), fault("hang", "upgrade")),
    KillPoint(
        "the upgrade has happened, its answer is lost", cloud_call("upgrade"), fault("accepted, hang", "upgrade")
    ),
    KillPoint("the upgrade is being answered", answered("upgrade")),
    KillPoint("the job is about to be told", slack_call(POST, *ACCEPTED, effect=False), held_up(POST, *ACCEPTED)),
    KillPoint("the job is told", slack_call(POST, *ACCEPTED)),
    KillPoint("the card is to say that it runs", slack_call(EDIT, *SENT, effect=False), held_up(EDIT, *SENT)),
    KillPoint("the job is looked at", cloud_call("job"), fault("hang", "job")),
    KillPoint("the job's progress is being answered", answered("job")),
    KillPoint("the progress is about to be edited", slack_call(EDIT, *RUNNING, effect=False), held_up(EDIT, *RUNNING)),
    KillPoint("the progress is edited", slack_call(EDIT, *RUNNING)),
    KillPoint("the end is about to be told", slack_call(POST, *ENDED, effect=False), held_up(POST, *ENDED)),
    KillPoint("the end is told", slack_call(POST, *ENDED)),
    KillPoint(
        "an expired card is about to be closed",
        slack_call(EDIT, *EXPIRED, effect=False),
        held_up(EDIT, *EXPIRED),
        tuple(SHORT_TTL.items()),
        confirms=False,
    ),
    KillPoint(
        "an expired card is closed", slack_call(EDIT, *EXPIRED), settings=tuple(SHORT_TTL.items()), confirms=False
    ),
)
