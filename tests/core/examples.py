"""Upgrades in every state, made by the transitions themselves, and the invariants of every one of them."""

from typing import Any

from bot.core import outbox, polling
from bot.core.errors import NotSent, Rejected
from bot.core.instances import Instance
from bot.core.messages import Language
from bot.core.notifications import EDITS, Notification
from bot.core.polling import Job, PollSchedule
from bot.core.upgrade import EndCheck, SearchMiss, SearchResult, State, Upgrade

T0 = 1_764_000_000.0
TTL = 600.0
ID = "590031445ef845bb912d7fc8243db80cin17"
SCHEDULE = PollSchedule(10.0)
ORDERS = Instance(
    ID,
    "sr-orders",
    status="normal",
    version="3.1.15",
    upgrade_available=True,
    node_count=3,
    window_start="02:00",
    window_end="06:00",
    running_actions=(),
)
BACK = Instance(ID, status="normal", version="3.1.18", running_actions=(), node_count=3, normal_node_count=3)

TRANSITIONS: dict[State, set[State]] = {
    State.REQUESTED: {State.SUBMITTING, State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED},
    State.SUBMITTING: {State.IN_PROGRESS, State.REJECTED, State.NOT_SENT, State.UNKNOWN},
    State.IN_PROGRESS: {State.COMPLETED, State.FAILED, State.CANCELED, State.UNRESOLVED},
    State.UNKNOWN: {State.IN_PROGRESS, State.REJECTED, State.NOT_SENT, State.UNRESOLVED},
    State.UNRESOLVED: {State.IN_PROGRESS, State.REJECTED, State.NOT_SENT},
}
FINAL = frozenset(State) - {State.REQUESTED, State.SUBMITTING, State.IN_PROGRESS, State.UNKNOWN}
END_NOTIFICATIONS = {
    State.REJECTED: Notification.REJECTED,
    State.NOT_SENT: Notification.NOT_SENT,
    State.UNRESOLVED: Notification.UNRESOLVED,
    State.COMPLETED: Notification.COMPLETED,
    State.FAILED: Notification.FAILED,
    State.CANCELED: Notification.CANCELED,
}


def many(count: int, **fields: Any) -> tuple[Instance, ...]:
    """So many instances, each with an id and a name of its own."""
    return tuple(Instance(f"{n:032x}in17", f"sr-{n:05}", **fields) for n in range(count))


def new_upgrade(**changes: Any) -> Upgrade:
    """A new request whose card is not posted yet."""
    values: dict[str, Any] = {
        "id": "u-1",
        "instance_id": ID,
        "delay": False,
        "skip_validate": False,
        "team_id": "T1",
        "channel_id": "C1",
        "trigger_id": "t-1",
        "requested_by": "UANN",
        "language": Language.EN,
        "requested_at": T0,
        "expires_at": T0 + TTL,
        "next_poll_at": T0 + TTL,
    }
    return Upgrade(**(values | changes)).with_notifications(T0, Notification.REQUEST_CARD)


def posted(**changes: Any) -> Upgrade:
    """A request whose card is in the channel."""
    upgrade = new_upgrade(**changes)
    return outbox.delivered(upgrade, Notification.REQUEST_CARD, T0 + 1, "1.0", upgrade)


def confirmed(at: float = T0 + 10, **changes: Any) -> Upgrade:
    """A confirmed request, about to be submitted."""
    step = posted(**changes).confirm("UBOB", at, "sender-1")
    assert isinstance(step, Upgrade)
    return step


def all_delivered(upgrade: Upgrade, at: float) -> Upgrade:
    """The upgrade when Slack has taken everything."""
    while upgrade.pending_notifications:
        notification = upgrade.pending_notifications[0]
        upgrade = outbox.delivered(upgrade, notification, at, f"{at}", upgrade)
    return upgrade


def in_progress(at: float = T0 + 12, **changes: Any) -> Upgrade:
    """An upgrade whose job runs, everything delivered."""
    return all_delivered(confirmed(**changes).accepted("job-1", at, at + 10), at)


def unknown(at: float = T0 + 70, **changes: Any) -> Upgrade:
    """An upgrade whose answer was lost, everything delivered."""
    return all_delivered(confirmed(**changes).outcome_lost(at), at)


def in_every_state() -> dict[State, Upgrade]:
    """An upgrade in every state."""
    withdrawn = posted().withdraw("UBOB", T0 + 5)
    superseded = posted().supersede("UBOB", "https://example.com/p1", T0 + 5)
    assert isinstance(withdrawn, Upgrade)
    assert isinstance(superseded, Upgrade)
    ends = {State.COMPLETED: "Completed", State.FAILED: "Failed", State.CANCELED: "Canceled"}
    return {
        State.REQUESTED: posted(),
        State.SUBMITTING: confirmed(),
        State.IN_PROGRESS: in_progress(),
        State.UNKNOWN: unknown(),
        State.WITHDRAWN: withdrawn,
        State.SUPERSEDED: superseded,
        State.EXPIRED: posted().expire(T0 + TTL),
        State.REJECTED: confirmed().submission_failed(Rejected(409, "DBS.200019", "busy", "r-1"), T0 + 12),
        State.NOT_SENT: confirmed().submission_failed(NotSent(), T0 + 12),
        State.UNRESOLVED: polling.unresolved(unknown(), T0 + 200),
        **{
            state: polling.job_polled(in_progress(), Job("job-1", end), T0 + 99, SCHEDULE, BACK)
            for state, end in ends.items()
        },
    }


def searched(upgrade: Upgrade, result: SearchResult) -> Upgrade:
    """The same after one search in vain, made when it was due."""
    assert upgrade.next_poll_at is not None
    return polling.search_missed(upgrade, SearchMiss(result), upgrade.next_poll_at)


def check_invariants(upgrade: Upgrade) -> None:
    """The invariants of a row: its timers, and that nothing is forgotten."""
    timers = [at for at in (upgrade.next_poll_at, upgrade.notify_at, upgrade.report_at) if at is not None]
    assert upgrade.due_at == min(timers, default=None)
    assert bool(upgrade.pending_notifications) == (upgrade.notify_at is not None), (
        "what is pending has its timer, and nothing else has"
    )
    if upgrade.due_at is None:
        assert upgrade.state in FINAL
        assert not upgrade.pending_notifications
    if upgrade.state in FINAL:
        assert (upgrade.next_poll_at is not None) == (upgrade.end_check is EndCheck.CHECKING)
    else:
        assert upgrade.next_poll_at is not None
    assert upgrade.is_live == (upgrade.state in {State.SUBMITTING, State.IN_PROGRESS, State.UNKNOWN})
    if upgrade.state is State.IN_PROGRESS:
        assert upgrade.job_id
    edits = [notification for notification in upgrade.pending_notifications if notification in EDITS]
    assert len(edits) == len(set(edits)), "an edit is made once"
