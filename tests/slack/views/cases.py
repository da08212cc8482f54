"""Every view there is, by name: one upgrade in each state and each piece of news; snapshots and limits use them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.core.news import Help
from bot.core.policy import ConfirmBy
from bot.core.reasons import AlreadyConfirmed, InstanceBusy
from bot.core.sentence import Code, Language, Link, Person
from bot.core.upgrade import News, Sight, State, Upgrade
from bot.locales.catalog import Words
from bot.slack.views.card import card
from bot.slack.views.pages import page, without_buttons
from bot.slack.views.private import private
from bot.slack.views.thread import news
from bot.slack.views.view import View
from tests.slack.views.about import DESCRIBED, pages, told

ASKED = Upgrade(
    id="7f1c0e1a5b6d4f0c9a3e2d1b0c9f8e7d",
    instance_id="590031445ef845bb912d7fc8243db80cin17",
    delay=False,
    skip_validate=False,
    team_id="T0BOT",
    channel_id="C0INCIDENT",
    trigger_id="1.2.3",
    asked_by="U0SRE",
    language=Language.EN,
    asked_at=1_795_500_000.0,
    expires_at=1_795_500_600.0,
)
DECIDED = replace(ASKED, decided_by="U0DBA", decided_at=1_795_500_060.0)
JOB = replace(DECIDED, state=State.FOLLOWING, job_id="9a7d3c1b-2f4e-4d8a-b1c0-5e6f7a8b9c0d")
ENDED = replace(JOB, ended_at=1_795_500_312.0)
FAULTY = replace(
    DECIDED,
    http_status=409,
    error_code="DBS.200019",
    error_msg="Another operation is running on the instance, or it is faulty.",
    request_id="0f3c2d1e4b5a69788796a5b4c3d2e1f0",
)
SILENT = replace(DECIDED, state=State.UNKNOWN)
GIVEN_UP = replace(SILENT, state=State.UNRESOLVED)
FAILED = replace(ENDED, state=State.FAILED, fail_reason="FE node 2 did not start: timeout.", job_status="Failed")

CARDS: dict[str, tuple[Upgrade, ConfirmBy]] = {
    "asked": (ASKED, ConfirmBy.REQUESTER),
    "asked-delay": (replace(ASKED, delay=True), ConfirmBy.ANYONE),
    "asked-skip": (replace(ASKED, skip_validate=True), ConfirmBy.ANOTHER),
    "asked-delay-skip": (replace(ASKED, delay=True, skip_validate=True), ConfirmBy.ANOTHER),
    **{f"about-{name}": (replace(ASKED, about=one.written()), ConfirmBy.ANYONE) for name, one in DESCRIBED.items()},
    "about-delay": (replace(ASKED, delay=True, about=DESCRIBED["orders"].written()), ConfirmBy.ANYONE),
    "about-open": (
        replace(ASKED, delay=True, asked_at=1_795_489_200.0, about=DESCRIBED["orders"].written()),
        ConfirmBy.ANYONE,
    ),
    "about-nothing": (replace(ASKED, about="-"), ConfirmBy.ANYONE),
    "sending-about": (replace(DECIDED, state=State.SENDING, about=DESCRIBED["orders"].written()), ConfirmBy.ANYONE),
    "sending": (replace(DECIDED, state=State.SENDING, skip_validate=True), ConfirmBy.REQUESTER),
    "following": (JOB, ConfirmBy.REQUESTER),
    "completed": (replace(ENDED, state=State.COMPLETED), ConfirmBy.REQUESTER),
    "failed": (FAILED, ConfirmBy.REQUESTER),
    "canceled": (replace(ENDED, state=State.CANCELED), ConfirmBy.REQUESTER),
    "withdrawn": (replace(DECIDED, state=State.WITHDRAWN), ConfirmBy.REQUESTER),
    "closed": (replace(ASKED, state=State.WITHDRAWN), ConfirmBy.REQUESTER),
    "expired": (replace(ASKED, state=State.EXPIRED), ConfirmBy.REQUESTER),
    "refused": (replace(FAULTY, state=State.REFUSED), ConfirmBy.REQUESTER),
    "not-sent": (replace(DECIDED, state=State.NOT_SENT), ConfirmBy.REQUESTER),
    "unknown": (SILENT, ConfirmBy.REQUESTER),
    "unresolved": (GIVEN_UP, ConfirmBy.REQUESTER),
}

NEWS: dict[str, tuple[Upgrade, News]] = {
    "started": (JOB, News.STARTED),
    "started-delay": (replace(JOB, delay=True), News.STARTED),
    "found": (JOB, News.FOUND),
    "progress-running": (replace(JOB, job_status="Running", percent=60), News.PROGRESS),
    "progress-pending": (replace(JOB, job_status="Pending"), News.PROGRESS),
    "progress-window": (replace(JOB, job_status="Pending", delay=True), News.PROGRESS),
    "progress-window-open": (replace(JOB, job_status="Running", percent=0, delay=True), News.PROGRESS),
    "progress-unauthorized": (replace(JOB, job_status="Unauthorized"), News.PROGRESS),
    "progress-undocumented": (replace(JOB, job_status="Paused"), News.PROGRESS),
    "progress-completed": (replace(ENDED, job_status="Completed", state=State.COMPLETED), News.PROGRESS),
    "progress-failed": (FAILED, News.PROGRESS),
    "refused": (replace(FAULTY, state=State.REFUSED), News.REFUSED),
    "refused-busy": (replace(FAULTY, state=State.REFUSED, about=DESCRIBED["busy"].written()), News.REFUSED),
    "not-sent": (replace(DECIDED, state=State.NOT_SENT), News.NOT_SENT),
    "unsure-silent": (SILENT, News.UNSURE),
    "unsure-500": (
        replace(FAULTY, state=State.UNKNOWN, http_status=500, error_code="DBS.05000000", error_msg="server error."),
        News.UNSURE,
    ),
    "trouble": (JOB, News.TROUBLE),
    "unresolved-idle": (replace(GIVEN_UP, sight=Sight.IDLE.value), News.UNRESOLVED),
    "unresolved-busy": (replace(GIVEN_UP, sight=Sight.BUSY.value), News.UNRESOLVED),
    "unresolved-blind": (replace(GIVEN_UP, sight=Sight.BLIND.value), News.UNRESOLVED),
    "unresolved-forgotten": (replace(JOB, state=State.UNRESOLVED), News.UNRESOLVED),
    "completed": (replace(ENDED, state=State.COMPLETED), News.COMPLETED),
    "completed-alone": (replace(ENDED, state=State.COMPLETED, decided_by="U0SRE"), News.COMPLETED),
    "failed": (FAILED, News.FAILED),
    "failed-without-reason": (replace(FAILED, fail_reason=""), News.FAILED),
    "canceled": (replace(ENDED, state=State.CANCELED), News.CANCELED),
}

PRIVATE = {
    "help": Help(Code("/starrocks-upgrade")),
    "already-confirmed": AlreadyConfirmed(Person("U0DBA")),
    **told(DECIDED),
    "busy": InstanceBusy(Code(ASKED.instance_id), Link("https://example.slack.com/archives/C0INCIDENT/p1")),
}


def every_view() -> dict[str, Callable[[Words], View]]:
    """The views by name, each waiting for its words."""
    views: dict[str, Callable[[Words], View]] = {}
    for name, (upgrade, who) in CARDS.items():
        views[f"card-{name}"] = partial(card, upgrade, who=who)
    for name, (upgrade, what) in NEWS.items():
        views[f"thread-{name}"] = partial(news, upgrade, what)
    for name, said in pages().items():
        views[f"page-{name}"] = partial(page, said)
    views["page-translated"] = lambda words: without_buttons(card(ASKED, words, ConfirmBy.ANYONE))
    for name, sentence in PRIVATE.items():
        views[f"private-{name}"] = partial(private, sentence)
    return views
