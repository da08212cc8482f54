"""What a person sets going: counted by what came of it, and how long until they see the first of it."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.doubts import Doubt
from bot.core.news import Help, SomethingWentWrong
from bot.core.reasons import CannotAsk, Denied, InstanceBusy, Mistake, SlackTrouble, StoreTrouble, TooLate
from bot.core.sentence import Sentence

if TYPE_CHECKING:
    from bot.metrics.instruments import Instruments

RESULTS: tuple[tuple[type[Sentence], str], ...] = (
    (Help, "help"),
    (Mistake, "mistake"),
    (Denied, "denied"),
    (Doubt, "doubt"),
    (TooLate, "late"),
    (InstanceBusy, "busy"),
    (SlackTrouble, "trouble"),
    (StoreTrouble, "trouble"),
    (SomethingWentWrong, "failed"),
    (CannotAsk, "cannot_ask"),
)
"""A private answer's class and what it is counted as; the first that fits."""


@dataclass(slots=True)
class Reaction:
    """What a person waits for, as far as it has come."""

    kind: str
    began: float
    result: str = "done"
    is_answered: bool = False


_REACTION: ContextVar[Reaction | None] = ContextVar("reaction", default=None)


async def reacting(instruments: Instruments, kind: str, work: Coroutine[object, object, None]) -> None:
    """Do the work, and count what came of it."""
    reaction = Reaction(kind, time.perf_counter())
    token = _REACTION.set(reaction)
    try:
        await work
    except BaseException:
        reaction.result = "cut_short"
        raise
    finally:
        _REACTION.reset(token)
        instruments.deeds.labels(kind, reaction.result).inc()


def came_to(result: str) -> None:
    """What the work of this task has come to."""
    reaction = _REACTION.get()
    if reaction is not None:
        reaction.result = result


def is_seen(instruments: Instruments) -> None:
    """The person sees something of it now; only the first time counts."""
    reaction = _REACTION.get()
    if reaction is not None and not reaction.is_answered:
        reaction.is_answered = True
        instruments.answers.labels(reaction.kind).observe(time.perf_counter() - reaction.began)


def result_of(sentence: object) -> str:
    """What a private answer is counted as."""
    return next((name for kind, name in RESULTS if isinstance(sentence, kind)), "answered")
