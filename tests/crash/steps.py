"""The moments at which a process is killed, each recognised from outside: by a call that arrives or is answered."""

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import Call
from tests.crash.bench import Bench

Seen = Callable[[Bench], bool]
Arrange = Callable[[Bench], None]
POST, EDIT = "chat.postMessage", "chat.update"
SHORT_TTL = {"CONFIRM_TTL_SECONDS": "2"}


@dataclass(frozen=True, slots=True)
class Step:
    """One moment: how it is brought about, how it is seen, how long after it the end comes.

    Nobody presses Confirm when `confirms` is not set: the question expires.
    """

    name: str
    seen: Seen
    arrange: Arrange = lambda _: None
    settings: tuple[tuple[str, str], ...] = ()
    confirms: bool = True
    delay: float = 0.0


def slack_call(method: str, *words: str, effect: bool = True) -> Seen:
    """A call of the Web API with these words in it has arrived; with its effect (unanswered yet), or without."""
    return lambda bench: any(_is(call, method, words) and call.took_effect is effect for call in bench.slack.calls)


def held_up(method: str, *words: str) -> Arrange:
    """Let such a call arrive and have no effect until the process is dead."""
    return lambda bench: bench.slack.fail(method, "hang", when=lambda given: _has(given, words))


def cloud_call(operation: str) -> Seen:
    """A request has arrived at the cloud."""
    return lambda bench: any(call.operation == operation for call in bench.cloud.calls)


def answered(operation: str) -> Seen:
    """The cloud is writing its answer."""
    return lambda bench: any(call.operation == operation and call.status for call in bench.cloud.calls)


def mishap(name: str, operation: str) -> Arrange:
    """Let something go wrong in the cloud."""

    def arrange(bench: Bench) -> None:
        bench.cloud.choose_mishap(name, operation=operation)

    return arrange


def acked(what: str) -> Seen:
    """Slack has the ack of a command or a click."""
    return lambda bench: what in bench.acked


def at_random(rng: random.Random) -> Step:
    """Any moment from the command to after the end; half of them within the first tenth of a second."""
    delay = math.exp(rng.uniform(math.log(0.002), math.log(8.0)))
    return Step(f"{delay * 1000:.1f} ms after the command", lambda _: True, delay=delay)


def token_for_sending(name: str, seconds: float | None = None) -> Arrange:
    """The token ends when the question is decided; getting another one for the POST goes wrong like this."""

    def arrange(bench: Bench) -> None:
        def choose() -> None:
            if decided(bench) and not bench.cloud.chosen_mishaps:
                stop()
                bench.cloud.revoke_tokens()
                bench.cloud.choose_mishap(name, operation="token", seconds=seconds)

        stop = bench.slack.on_change(choose)

    return arrange


def asked_token_to_send(bench: Bench) -> bool:
    """Whether a token was asked for after the question was decided."""
    edits = [call.at for call in bench.slack.calls if _is(call, EDIT, DECIDED)]
    return bool(edits) and any(call.operation == "token" and call.at >= edits[0] for call in bench.cloud.calls)


def _is(call: Call, method: str, words: Iterable[str]) -> bool:
    return call.method == method and _has(call.arguments, words)


def _has(arguments: Mapping[str, Any], words: Iterable[str]) -> bool:
    """A word that begins with `!` must not be there."""
    text = str(dict(arguments)).lower()
    return all((word[1:] not in text) if word.startswith("!") else (word in text) for word in words)


QUESTION = ("confirm_upgrade",)
ACCEPTED, RUNNING, ENDED = ("accepted the upgrade",), ("· running",), ("completed", "after it was confirmed")
DECIDED, SENT = ("sending it to the cloud",), ("accepted by the cloud",)
EXPIRED = ("expired",)
decided = slack_call(EDIT, *DECIDED)

STEPS = (
    Step("the command is acknowledged", acked("command")),
    Step("the question is about to be posted", slack_call(POST, *QUESTION, effect=False), held_up(POST, *QUESTION)),
    Step("the question is posted, its ts not written", slack_call(POST, *QUESTION)),
    Step("the click is acknowledged", acked("click")),
    Step("the card is about to be edited", slack_call(EDIT, *DECIDED, effect=False), held_up(EDIT, *DECIDED)),
    Step("the card is edited, nothing is sent", decided),
    Step("a token is asked for, nothing is sent", asked_token_to_send, token_for_sending("hang")),
    Step("a token is being given, nothing is sent", asked_token_to_send, token_for_sending("slow", 0.0)),
    Step("the upgrade has arrived and does not happen", cloud_call("upgrade"), mishap("hang", "upgrade")),
    Step("the upgrade has happened, its answer is lost", cloud_call("upgrade"), mishap("accepted, hang", "upgrade")),
    Step("the upgrade is being answered", answered("upgrade")),
    Step("the job is about to be told", slack_call(POST, *ACCEPTED, effect=False), held_up(POST, *ACCEPTED)),
    Step("the job is told", slack_call(POST, *ACCEPTED)),
    Step("the card is to say that it runs", slack_call(EDIT, *SENT, effect=False), held_up(EDIT, *SENT)),
    Step("the job is looked at", cloud_call("job"), mishap("hang", "job")),
    Step("the job's progress is being answered", answered("job")),
    Step("the progress is about to be edited", slack_call(EDIT, *RUNNING, effect=False), held_up(EDIT, *RUNNING)),
    Step("the progress is edited", slack_call(EDIT, *RUNNING)),
    Step("the end is about to be told", slack_call(POST, *ENDED, effect=False), held_up(POST, *ENDED)),
    Step("the end is told", slack_call(POST, *ENDED)),
    Step(
        "an expired question is about to be closed",
        slack_call(EDIT, *EXPIRED, effect=False),
        held_up(EDIT, *EXPIRED),
        tuple(SHORT_TTL.items()),
        confirms=False,
    ),
    Step(
        "an expired question is closed", slack_call(EDIT, *EXPIRED), settings=tuple(SHORT_TTL.items()), confirms=False
    ),
)
