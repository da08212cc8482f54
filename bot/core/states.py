"""Where an upgrade can stand, what is told of it, and what a search for it can see.

    ASKED ──confirm──> SENDING ──job id──> FOLLOWING ──> COMPLETED | FAILED | CANCELED (by the cloud)
      ├──cancel──> WITHDRAWN     ├──refused──> REFUSED            ▲  └──job gone──┐
      └──expires──> EXPIRED      ├──not sent──> NOT_SENT          │ found         ▼
                                 └──lost, or due while SENDING──> UNKNOWN ──nothing found──> UNRESOLVED

An answer that comes late moves UNKNOWN as it would have moved SENDING; a job that a person's look finds moves
UNRESOLVED to FOLLOWING. A question that Slack does not take is WITHDRAWN by nobody. Nothing comes back to ASKED or
SENDING: there is one POST at most.
"""

from enum import StrEnum


class State(StrEnum):
    """Where an upgrade stands."""

    ASKED = "asked"
    SENDING = "sending"
    FOLLOWING = "following"
    UNKNOWN = "unknown"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNRESOLVED = "unresolved"


LIVE = frozenset({State.SENDING, State.FOLLOWING, State.UNKNOWN})


class News(StrEnum):
    """What is still to be told in Slack: a new message, or (CARD, PROGRESS) an edit that shows how things stand."""

    QUESTION = "question"
    CARD = "card"
    STARTED = "started"
    FOUND = "found"
    PROGRESS = "progress"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNSURE = "unsure"
    TROUBLE = "trouble"
    UNRESOLVED = "unresolved"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


EDITS = frozenset({News.CARD, News.PROGRESS})


class Sight(StrEnum):
    """What a look for a lost upgrade saw when it did not find it."""

    IDLE = "idle"
    BUSY = "busy"
    BLIND = "blind"
