"""Upgrades in every state, instances and private replies, and every view of them by name."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.core.errors import PermissionDenied, TooLate, UpgradeInProgress
from bot.core.instances import Instance, InstanceList, PreflightWarning, not_in_project, preflight_warning
from bot.core.messages import Code, Console, Language, Link, Message, Person, help_message
from bot.core.notifications import NOTIFICATIONS, Notification
from bot.core.permissions import ConfirmBy, Rules
from bot.core.replies import PreflightReply, instance_list_reply, request_open, upgrade_lines
from bot.core.upgrade import EndCheck, SearchResult, State, Upgrade
from bot.doctor.report import Check, CheckStatus, to_message
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import MessageView
from bot.slack.blocks.private_replies import instance_list, preflight_reply, text_reply
from bot.slack.blocks.request_card import request_card
from bot.slack.publisher import RENDERERS
from tests.core import examples

# instances

ID, ORDERS = examples.ID, replace(examples.ORDERS, sync_tasks=())
USAGE = "/starrocks-upgrade <instance_id> [--delay] [--skip-validate]"
BUSY = replace(ORDERS, id="b" * 32 + "in17", name="订单分析", running_actions=("RESTARTING", "RESIZE_FLAVOR"))
LATEST = replace(ORDERS, id="c" * 32 + "in17", name="sr-reports", version="3.1.18", upgrade_available=False)
ABNORMAL = replace(ORDERS, id="d" * 32 + "in17", name="sr-archive", status="abnormal")
UNNAMED = Instance("e" * 32 + "in17")
INSTANCES: dict[str, Instance] = {
    "orders": ORDERS,
    "busy": BUSY,
    "latest": LATEST,
    "abnormal": ABNORMAL,
    "creating": replace(ORDERS, status="creating", node_count=None),
    "createfail": replace(ORDERS, status="createfail"),
    "frozen": replace(ORDERS, status="Frozen", running_actions=None, version="", upgrade_available=None),
    "listed": replace(ORDERS, upgrade_available=None, is_detailed=False, sync_tasks=None),
}

# upgrades

REQUESTED = Upgrade(
    id="7f1c0e1a5b6d4f0c9a3e2d1b0c9f8e7d",
    instance_id=ID,
    delay=False,
    skip_validate=False,
    team_id="T0BOT",
    channel_id="C0INCIDENT",
    trigger_id="1.2.3",
    requested_by="U0SRE",
    language=Language.EN,
    requested_at=1_795_500_000.0,
    expires_at=1_795_500_600.0,
)
DECIDED = replace(REQUESTED, decided_by="U0DBA", decided_at=1_795_500_060.0)
IN_PROGRESS = replace(DECIDED, state=State.IN_PROGRESS, job_id="9a7d3c1b-2f4e-4d8a-b1c0-5e6f7a8b9c0d")
RUNNING = replace(
    IN_PROGRESS,
    instance_snapshot=ORDERS.to_json(),
    job_status="Running",
    progress_percent=60,
    started_at=1_795_500_070.0,
    progress_at=1_795_500_790.0,
)
ENDED = replace(IN_PROGRESS, ended_at=1_795_500_312.0)
WITH_ERROR = replace(
    DECIDED,
    http_status=409,
    error_code="DBS.200019",
    error_msg="Another operation is running on the instance, or it is faulty.",
    api_request_id="0f3c2d1e4b5a69788796a5b4c3d2e1f0",
)
UNKNOWN = replace(DECIDED, state=State.UNKNOWN)
UNRESOLVED = replace(UNKNOWN, state=State.UNRESOLVED)
FAILED = replace(ENDED, state=State.FAILED, fail_reason="FE node 2 did not start: timeout.", job_status="Failed")
BACK = replace(ORDERS, version="3.1.18", upgrade_available=False, normal_node_count=3)
BACK_AT_OLD = replace(ORDERS, normal_node_count=3)
STILL_ABNORMAL = replace(BACK, status="abnormal", normal_node_count=2, running_actions=("RESTARTING",))
PROVEN = replace(
    ENDED,
    state=State.COMPLETED,
    instance_snapshot=ORDERS.to_json(),
    end_snapshot=BACK.to_json(),
    job_status="Completed",
)
PROVEN_LATE = 1_795_500_407.0
END_SNAPSHOTS = {
    EndCheck.CHECKING: STILL_ABNORMAL.to_json(),
    EndCheck.NORMAL: BACK.to_json(),
    EndCheck.VERSION_UNCHANGED: BACK_AT_OLD.to_json(),
    EndCheck.NOT_NORMAL: STILL_ABNORMAL.to_json(),
    EndCheck.NOT_READ: "-",
}
NOT_BACK = replace(PROVEN, end_snapshot=STILL_ABNORMAL.to_json())

# views

CARDS: dict[str, tuple[Upgrade, ConfirmBy]] = {
    "requested": (REQUESTED, ConfirmBy.REQUESTER),
    "requested-delay": (replace(REQUESTED, delay=True), ConfirmBy.ANYONE),
    "requested-skip": (replace(REQUESTED, skip_validate=True), ConfirmBy.ANOTHER),
    "requested-delay-skip": (replace(REQUESTED, delay=True, skip_validate=True), ConfirmBy.ANOTHER),
    **{
        f"instance-{name}": (replace(REQUESTED, instance_snapshot=instance.to_json()), ConfirmBy.ANYONE)
        for name, instance in INSTANCES.items()
    },
    "window-next": (replace(REQUESTED, delay=True, instance_snapshot=ORDERS.to_json()), ConfirmBy.ANYONE),
    "window-open": (
        replace(REQUESTED, delay=True, requested_at=1_795_489_200.0, instance_snapshot=ORDERS.to_json()),
        ConfirmBy.ANYONE,
    ),
    "instance-upgrading": (
        replace(IN_PROGRESS, instance_snapshot=ORDERS.to_json(), job_status="Running", started_at=DECIDED.decided_at),
        ConfirmBy.ANYONE,
    ),
    "progress": (RUNNING, ConfirmBy.ANYONE),
    "scheduled": (replace(IN_PROGRESS, delay=True, instance_snapshot=ORDERS.to_json()), ConfirmBy.ANYONE),
    "scheduled-window-unknown": (replace(IN_PROGRESS, delay=True), ConfirmBy.ANYONE),
    "awaits-authorization": (
        replace(IN_PROGRESS, instance_snapshot=ORDERS.to_json(), job_status="Unauthorized"),
        ConfirmBy.ANYONE,
    ),
    "withdrawn-by-the-requester": (
        replace(DECIDED, state=State.WITHDRAWN, decided_by="U0SRE"),
        ConfirmBy.REQUESTER,
    ),
    "superseded": (
        replace(DECIDED, state=State.SUPERSEDED, superseded_link="https://example.com/p1"),
        ConfirmBy.REQUESTER,
    ),
    "canceled-by": (replace(ENDED, state=State.CANCELED, canceled_by="U0LI"), ConfirmBy.REQUESTER),
    "instance-not-described": (replace(REQUESTED, instance_snapshot="-"), ConfirmBy.ANYONE),
    "submitting-instance": (
        replace(DECIDED, state=State.SUBMITTING, instance_snapshot=ORDERS.to_json()),
        ConfirmBy.ANYONE,
    ),
    "submitting": (replace(DECIDED, state=State.SUBMITTING, skip_validate=True), ConfirmBy.REQUESTER),
    "in-progress": (IN_PROGRESS, ConfirmBy.REQUESTER),
    "completed": (replace(ENDED, state=State.COMPLETED), ConfirmBy.REQUESTER),
    **{
        f"completed-{check.value}": (replace(PROVEN, end_check=check, end_snapshot=snapshot), ConfirmBy.REQUESTER)
        for check, snapshot in END_SNAPSHOTS.items()
    },
    "failed": (FAILED, ConfirmBy.REQUESTER),
    "canceled": (replace(ENDED, state=State.CANCELED), ConfirmBy.REQUESTER),
    "withdrawn": (replace(DECIDED, state=State.WITHDRAWN), ConfirmBy.REQUESTER),
    "closed": (replace(REQUESTED, state=State.WITHDRAWN), ConfirmBy.REQUESTER),
    "expired": (replace(REQUESTED, state=State.EXPIRED), ConfirmBy.REQUESTER),
    "rejected": (replace(WITH_ERROR, state=State.REJECTED), ConfirmBy.REQUESTER),
    "not-sent": (replace(DECIDED, state=State.NOT_SENT), ConfirmBy.REQUESTER),
    "unknown": (UNKNOWN, ConfirmBy.REQUESTER),
    "unresolved": (UNRESOLVED, ConfirmBy.REQUESTER),
}

THREAD: dict[str, tuple[Upgrade, Notification]] = {
    "job-accepted": (IN_PROGRESS, Notification.JOB_ACCEPTED),
    "job-accepted-delay": (replace(IN_PROGRESS, delay=True), Notification.JOB_ACCEPTED),
    "job-found": (IN_PROGRESS, Notification.JOB_FOUND),
    "progress-running": (replace(IN_PROGRESS, job_status="Running", progress_percent=60), Notification.JOB_PROGRESS),
    "progress-pending": (replace(IN_PROGRESS, job_status="Pending"), Notification.JOB_PROGRESS),
    "progress-window": (replace(IN_PROGRESS, job_status="Pending", delay=True), Notification.JOB_PROGRESS),
    "progress-window-open": (
        replace(IN_PROGRESS, job_status="Running", progress_percent=0, delay=True),
        Notification.JOB_PROGRESS,
    ),
    "progress-running-for-minutes": (RUNNING, Notification.JOB_PROGRESS),
    "progress-scheduled": (
        replace(IN_PROGRESS, delay=True, instance_snapshot=ORDERS.to_json(), job_status="Pending"),
        Notification.JOB_PROGRESS,
    ),
    "authorization-needed": (
        replace(IN_PROGRESS, instance_snapshot=ORDERS.to_json(), job_status="Unauthorized"),
        Notification.AUTHORIZATION_NEEDED,
    ),
    **{
        f"settled-{state}": (
            replace(FAILED, state=State(state), instance_snapshot=ORDERS.to_json()),
            Notification.OUTCOME_UNKNOWN_UPDATE,
        )
        for state in ("in_progress", "completed", "failed", "canceled", "rejected", "not_sent", "unresolved")
    },
    "looked-again": (
        replace(UNRESOLVED, instance_snapshot=ORDERS.to_json(), checked_at=1_795_500_900.0),
        Notification.UNRESOLVED_UPDATE,
    ),
    "rejected-sign-in": (
        replace(DECIDED, state=State.REJECTED, http_status=401, error_code="Unauthorized", is_sign_in_failure=True),
        Notification.REJECTED,
    ),
    "outcome-unknown-502": (
        replace(UNKNOWN, http_status=502, instance_snapshot=ORDERS.to_json()),
        Notification.OUTCOME_UNKNOWN,
    ),
    "canceled-by": (replace(ENDED, state=State.CANCELED, canceled_by="U0LI"), Notification.CANCELED),
    "progress-unauthorized": (replace(IN_PROGRESS, job_status="Unauthorized"), Notification.JOB_PROGRESS),
    "progress-undocumented": (replace(IN_PROGRESS, job_status="Paused"), Notification.JOB_PROGRESS),
    "progress-completed": (replace(ENDED, job_status="Completed", state=State.COMPLETED), Notification.JOB_PROGRESS),
    "progress-failed": (FAILED, Notification.JOB_PROGRESS),
    "rejected": (replace(WITH_ERROR, state=State.REJECTED), Notification.REJECTED),
    "rejected-busy": (
        replace(WITH_ERROR, state=State.REJECTED, instance_snapshot=BUSY.to_json()),
        Notification.REJECTED,
    ),
    "not-sent": (replace(DECIDED, state=State.NOT_SENT), Notification.NOT_SENT),
    "outcome-unknown-no-answer": (UNKNOWN, Notification.OUTCOME_UNKNOWN),
    "outcome-unknown-500": (
        replace(WITH_ERROR, state=State.UNKNOWN, http_status=500, error_code="DBS.05000000", error_msg="server error."),
        Notification.OUTCOME_UNKNOWN,
    ),
    "polls-failing": (IN_PROGRESS, Notification.POLLS_FAILING),
    "unresolved-idle": (replace(UNRESOLVED, search_result=SearchResult.IDLE.value), Notification.UNRESOLVED),
    "unresolved-busy": (replace(UNRESOLVED, search_result=SearchResult.BUSY.value), Notification.UNRESOLVED),
    "unresolved-inconclusive": (
        replace(UNRESOLVED, search_result=SearchResult.INCONCLUSIVE.value),
        Notification.UNRESOLVED,
    ),
    "unresolved-job-gone": (replace(IN_PROGRESS, state=State.UNRESOLVED), Notification.UNRESOLVED),
    "completed": (replace(ENDED, state=State.COMPLETED), Notification.COMPLETED),
    "completed-alone": (replace(ENDED, state=State.COMPLETED, decided_by="U0SRE"), Notification.COMPLETED),
    "completed-proven": (replace(PROVEN, end_check=EndCheck.NORMAL, normal_at=ENDED.ended_at), Notification.COMPLETED),
    "completed-late": (replace(PROVEN, end_check=EndCheck.NORMAL, normal_at=PROVEN_LATE), Notification.END_UPDATE),
    "completed-checking": (replace(NOT_BACK, end_check=EndCheck.CHECKING), Notification.COMPLETED),
    "completed-not-normal": (replace(NOT_BACK, end_check=EndCheck.NOT_NORMAL), Notification.END_UPDATE),
    "completed-not-read": (replace(PROVEN, end_check=EndCheck.NOT_READ, end_snapshot="-"), Notification.END_UPDATE),
    "alarm-not-normal": (replace(NOT_BACK, end_check=EndCheck.NOT_NORMAL), Notification.END_ALARM),
    "alarm-version": (
        replace(PROVEN, end_check=EndCheck.VERSION_UNCHANGED, end_snapshot=BACK_AT_OLD.to_json()),
        Notification.END_ALARM,
    ),
    "report-confirmed": (replace(DECIDED, state=State.SUBMITTING, skip_validate=True), Notification.REPORT),
    "report-completed": (
        replace(PROVEN, end_check=EndCheck.NORMAL, normal_at=ENDED.ended_at),
        Notification.REPORT_UPDATE,
    ),
    "failed-normal": (replace(FAILED, end_snapshot=BACK_AT_OLD.to_json()), Notification.FAILED),
    "failed-abnormal": (replace(FAILED, end_snapshot=STILL_ABNORMAL.to_json()), Notification.FAILED),
    "failed": (FAILED, Notification.FAILED),
    "failed-without-reason": (replace(FAILED, fail_reason=""), Notification.FAILED),
    "canceled": (replace(ENDED, state=State.CANCELED), Notification.CANCELED),
}

_IN_EVERY_STATE = [
    replace(DECIDED, state=state, instance_snapshot=ORDERS.to_json() if state is State.REQUESTED else "")
    for state in State
]
_PERMALINKS = [f"https://example.slack.com/archives/C0INCIDENT/p{number}" for number in range(len(_IN_EVERY_STATE))]

TEXT_REPLIES: dict[str, Message] = {
    "help": help_message("/starrocks-upgrade"),
    "already-confirmed": TooLate("already_confirmed", by=Person("U0DBA")),
    "history": Message("history", lines=upgrade_lines(_IN_EVERY_STATE, _PERMALINKS)),
    "doctor": to_message(
        [
            Check("settings", CheckStatus.PASS, "all of them can be read"),
            Check(
                "cloud.sign_in", CheckStatus.FAIL, "IAM refused the sign-in: 401 Unauthorized", "check HW_USER_PASSWORD"
            ),
            Check(
                "slack.channel.C0OPS",
                CheckStatus.WARN,
                "the bot is not in #ops",
                "in #ops, type /invite and the bot's name",
            ),
        ]
    ),
    "no-history": Message("no_history"),
    "status": Message("status", lines=upgrade_lines(_IN_EVERY_STATE[:1], _PERMALINKS[:1])),
    "no-open-upgrades": Message("no_open_upgrades"),
    "no-instances": Message("no_instances"),
    "instances-not-listed": Message("instances_not_listed", usage=Code("/starrocks-upgrade <instance_id>")),
    "cancel-done": Message("cancel_scheduled_done", name="sr-orders"),
    "cancel-already": Message("cancel_scheduled_already", name="sr-orders"),
    "cancel-too-late": Message("cancel_scheduled_too_late", name="sr-orders"),
    "cancel-failed": Message(
        "cancel_scheduled_failed", name="sr-orders", error=Code("403 APIGW.0302"), console=Console("")
    ),
    "cancel-unknown": Message("cancel_scheduled_unknown", name="sr-orders"),
    "cancel-not-sent": Message("cancel_scheduled_not_sent", name="sr-orders", console=Console("")),
    "cancel-only-requester": PermissionDenied("only_requester_cancels", requester=Person("U0SRE")),
    "upgrade-in-progress": UpgradeInProgress(
        "upgrade_in_progress",
        instance=Code(REQUESTED.instance_id),
        link=Link("https://example.slack.com/archives/C0INCIDENT/p1"),
    ),
}


def thread_message(upgrade: Upgrade, notification: Notification, translator: Translator) -> MessageView:
    """The notification as the publisher renders it."""
    return RENDERERS[NOTIFICATIONS[notification].renderer](upgrade, notification, translator, Rules())


def button_replies() -> dict[str, Callable[[Translator], MessageView]]:
    """The private replies that have buttons."""
    warnings: dict[str, PreflightWarning | None] = {
        **{name: preflight_warning(instance) for name, instance in INSTANCES.items()},
        "missing": not_in_project("f" * 32 + "in17", []),
        "near": not_in_project(f"{ORDERS.id[:-5]}0in17", [ORDERS, UNNAMED]),
        "open": request_open(
            replace(REQUESTED, instance_snapshot=ORDERS.to_json()), "https://example.slack.com/archives/C0INCIDENT/p1"
        ),
    }
    views: dict[str, Callable[[Translator], MessageView]] = {
        f"preflight-{name}": partial(preflight_reply, PreflightReply(warning, f"{ORDERS.id} --delay"))
        for name, warning in warnings.items()
        if warning
    }
    listed = (ORDERS, BUSY, LATEST, ABNORMAL, UNNAMED)
    whole, incomplete = InstanceList(listed, True, True), InstanceList(listed * 3)
    views["list"] = partial(instance_list, instance_list_reply(whole, 0, USAGE, {}))
    views["list-incomplete"] = partial(instance_list, instance_list_reply(incomplete, 1, USAGE, {}))
    refreshing = InstanceList(listed, True, False)
    views["list-refreshing"] = partial(instance_list, instance_list_reply(refreshing, 0, USAGE, {}))
    views["list-one"] = partial(instance_list, instance_list_reply(InstanceList((UNNAMED,), True, True), 0, USAGE, {}))
    return views


def every_view() -> dict[str, Callable[[Translator], MessageView]]:
    """The views by name, each a function of the translator."""
    views: dict[str, Callable[[Translator], MessageView]] = {}
    for name, (upgrade, confirmers) in CARDS.items():
        views[f"request_card-{name}"] = partial(request_card, upgrade, confirmers=confirmers)
    for name, (upgrade, notification) in THREAD.items():
        views[f"thread-{name}"] = partial(thread_message, upgrade, notification)
    for name, view in button_replies().items():
        views[f"button_reply-{name}"] = view
    for name, message in TEXT_REPLIES.items():
        views[f"text_reply-{name}"] = partial(text_reply, message)
    return views
