"""Upgrades at each stand, made by the steps themselves, and what holds for every one of them."""

from typing import Any

from bot.core import looks, telling
from bot.core.looks import Job, Pace
from bot.core.reasons import NotSent, Refused
from bot.core.sentence import Language
from bot.core.upgrade import News, Sight, State, Upgrade

T0 = 1_764_000_000.0
TTL = 600.0
ID = "590031445ef845bb912d7fc8243db80cin17"
PACE = Pace(10.0)

A = State
ARROWS: dict[State, set[State]] = {
    A.ASKED: {A.SENDING, A.WITHDRAWN, A.EXPIRED},
    A.SENDING: {A.FOLLOWING, A.REFUSED, A.NOT_SENT, A.UNKNOWN},
    A.FOLLOWING: {A.COMPLETED, A.FAILED, A.CANCELED, A.UNRESOLVED},
    A.UNKNOWN: {A.FOLLOWING, A.REFUSED, A.NOT_SENT, A.UNRESOLVED},
    A.UNRESOLVED: {A.FOLLOWING},
}
FINAL = frozenset(State) - {A.ASKED, A.SENDING, A.FOLLOWING, A.UNKNOWN}
ENDING = {
    A.REFUSED: News.REFUSED,
    A.NOT_SENT: News.NOT_SENT,
    A.UNRESOLVED: News.UNRESOLVED,
    A.COMPLETED: News.COMPLETED,
    A.FAILED: News.FAILED,
    A.CANCELED: News.CANCELED,
}


def question(**changes: Any) -> Upgrade:
    """A question as the flow makes it, not posted yet."""
    values: dict[str, Any] = {
        "id": "u-1",
        "instance_id": ID,
        "delay": False,
        "skip_validate": False,
        "team_id": "T1",
        "channel_id": "C1",
        "trigger_id": "t-1",
        "asked_by": "UANN",
        "language": Language.EN,
        "asked_at": T0,
        "expires_at": T0 + TTL,
        "look_at": T0 + TTL,
    }
    return Upgrade(**(values | changes)).with_news(T0, News.QUESTION)


def posted(**changes: Any) -> Upgrade:
    """A question that stands in the channel."""
    asked = question(**changes)
    return telling.told(asked, News.QUESTION, T0 + 1, "1.0", asked)


def confirmed(at: float = T0 + 10, **changes: Any) -> Upgrade:
    """A confirmed question, about to be sent."""
    step = posted(**changes).confirm("UBOB", at)
    assert isinstance(step, Upgrade)
    return step


def all_told(upgrade: Upgrade, at: float) -> Upgrade:
    """The same when Slack has taken everything."""
    while upgrade.untold:
        news = upgrade.untold[0]
        upgrade = telling.told(upgrade, news, at, f"{at}", upgrade)
    return upgrade


def following(at: float = T0 + 12, **changes: Any) -> Upgrade:
    """An upgrade whose job runs, everything told."""
    return all_told(confirmed(**changes).accepted("job-1", at, at + 10), at)


def unknown(at: float = T0 + 70, **changes: Any) -> Upgrade:
    """An upgrade whose answer was lost, everything told."""
    return all_told(confirmed(**changes).lost(at), at)


def stands() -> dict[State, Upgrade]:
    """An upgrade at every stand."""
    withdrawn = posted().withdraw("UBOB", T0 + 5)
    assert isinstance(withdrawn, Upgrade)
    ends = {A.COMPLETED: "Completed", A.FAILED: "Failed", A.CANCELED: "Canceled"}
    return {
        A.ASKED: posted(),
        A.SENDING: confirmed(),
        A.FOLLOWING: following(),
        A.UNKNOWN: unknown(),
        A.WITHDRAWN: withdrawn,
        A.EXPIRED: posted().expire(T0 + TTL),
        A.REFUSED: confirmed().faulted(Refused(409, "DBS.200019", "busy", "r-1"), T0 + 12),
        A.NOT_SENT: confirmed().faulted(NotSent(), T0 + 12),
        A.UNRESOLVED: looks.unresolved(unknown(), T0 + 200),
        **{state: looks.seen(following(), Job("job-1", end), T0 + 99, PACE) for state, end in ends.items()},
    }


def searched(upgrade: Upgrade, sight: Sight) -> Upgrade:
    """The same after one search in vain, made when it was due."""
    assert upgrade.look_at is not None
    return looks.not_found(upgrade, sight, upgrade.look_at)


def check(upgrade: Upgrade) -> None:
    """What holds for every upgrade that was scheduled: its timers, and that nothing is forgotten."""
    timers = [at for at in (upgrade.look_at, upgrade.tell_at) if at is not None]
    assert upgrade.due_at == min(timers, default=None)
    assert bool(upgrade.untold) == (upgrade.tell_at is not None), "what is untold has its time, and nothing else has"
    if upgrade.due_at is None:
        assert upgrade.state in FINAL
        assert not upgrade.untold
    if upgrade.state in FINAL:
        assert upgrade.look_at is None
    else:
        assert upgrade.look_at is not None
    assert upgrade.is_live == (upgrade.state in {A.SENDING, A.FOLLOWING, A.UNKNOWN})
    if upgrade.state is A.FOLLOWING:
        assert upgrade.job_id
    edits = [news for news in upgrade.untold if news in {News.CARD, News.PROGRESS}]
    assert len(edits) == len(set(edits)), "an edit is made once"
