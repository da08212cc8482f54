"""One click on a row of a real storage, between a Slack and a cloud that answer what they are told to."""

import time
from collections.abc import Awaitable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.actions import Action, Click, Origin
from bot.core.audit import AuditEntry
from bot.core.errors import CloudError, NotSent
from bot.core.messages import Language, Message
from bot.core.notifications import Notification
from bot.core.permissions import AccessPolicy, Channel, ConfirmBy, IdSet, Rules, User
from bot.core.polling import AcceptedUpgrade, Job, PollSchedule
from bot.core.ports import NO_METRICS
from bot.core.replies import Reply
from bot.core.upgrade import SearchMiss, SearchResult, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow.background_tasks import UpgradesInProcess
from bot.workflow.handle_action import ActionHandler
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import Reconciler
from bot.workflow.submit import Submitter
from bot.workflow.transitions import Transitions
from tests.core.examples import posted

ANN, BOB, EVE = "UANN", "UBOB", "UEVE"  # the requester, another who is allowed, and one who is not
RULES = Rules(channels=IdSet(frozenset({"C1"})), users=IdSet(frozenset({ANN, BOB})), confirm_by=ConfirmBy.REQUESTER)


@dataclass
class ClickDriver:
    """A Slack and a cloud that answer what they are told to, and keep what they were asked."""

    storage: SqliteStorage
    now: float
    rules: Rules = RULES
    is_project_set: bool = True
    deletion: bool | CloudError = True
    job_answer: Job | CloudError | None = None
    link_error: Exception | None = None
    replace_error: Exception | None = None
    links_asked: int = 0
    sent: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    published: list[tuple[str, Notification]] = field(default_factory=list)
    replaced: list[tuple[str, str, str, Language]] = field(default_factory=list)
    identified: list[bool] = field(default_factory=list)
    channels_asked: list[set[str]] = field(default_factory=list)
    replies: list[Reply | None] = field(default_factory=list)

    # the cloud

    def of(self, _: Upgrade) -> "ClickDriver":
        if not self.is_project_set:
            raise NotSent(note="the project is not set")
        return self

    async def upgrade(self, instance_id: str, **_: object) -> AcceptedUpgrade:
        self.sent.append(instance_id)
        return AcceptedUpgrade("job-1", "r-1")

    async def cancel_scheduled(self, job_id: str, _: object) -> bool:
        self.deleted.append(job_id)
        if isinstance(self.deletion, CloudError):
            raise self.deletion
        return self.deletion

    async def job(self, job_id: str, _: object) -> Job | None:
        if isinstance(self.job_answer, CloudError):
            raise self.job_answer
        return self.job_answer if self.job_answer and self.job_answer.id == job_id else None

    async def find_upgrade(self, *_: object) -> SearchMiss:
        return SearchMiss(SearchResult.IDLE)

    # Slack

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str:
        self.published.append((upgrade.id, notification))
        return "9.0"

    async def permalink(self, upgrade: Upgrade) -> str:
        self.links_asked += 1
        if self.link_error is not None:
            raise self.link_error
        return f"https://slack/{upgrade.id}"

    async def replace_card(self, channel_id: str, message_ts: str, message: Message, language: Language) -> None:
        if self.replace_error is not None:
            raise self.replace_error
        self.replaced.append((channel_id, message_ts, message.key, language))

    async def user(self, origin: Origin, *, has_effect: bool = False) -> User:
        self.identified.append(has_effect)
        return User(origin.user_id, "T1")

    async def language(self, _: str) -> Language:
        return Language.ZH

    async def channels(self, channel_ids: set[str], _: float) -> dict[str, Channel]:
        self.channels_asked.append(channel_ids)
        return {}

    async def reply(self, _: Origin, work: Awaitable[Reply | None]) -> None:
        self.replies.append(await work)

    # the rest

    def interaction(self, _: str) -> Any:
        return nullcontext()

    async def describe_conflict(self, upgrade: Upgrade) -> Upgrade:
        return upgrade

    async def click(self, action: Action, upgrade: Upgrade | None, by: str = ANN, **changes: Any) -> Reply | None:
        """Press a button under the message of this upgrade; what the person is told."""
        fakes: Any = self
        transitions = Transitions(self.storage, NO_METRICS, lambda: self.now)
        notifier = Notifier(transitions, fakes, lambda: self.now)
        schedule = PollSchedule(10.0)
        reconciler = Reconciler(transitions, fakes, fakes, notifier, schedule, lambda: self.now)
        submitter = Submitter(
            transitions, fakes, notifier, fakes, reconciler, schedule, lambda: self.now, time.monotonic
        )
        handler = ActionHandler(
            transitions=transitions,
            cloud=fakes,
            publisher=fakes,
            notifier=notifier,
            users=fakes,
            channels=fakes,
            replier=fakes,
            policy=AccessPolicy(self.rules, "T1"),
            submitter=submitter,
            reconciler=reconciler,
            in_process=UpgradesInProcess(),
            schedule=schedule,
            metrics=fakes,
            clock=lambda: self.now,
        )
        origin = Origin(by, "T1", changes.pop("channel_id", "C1"))
        values = {"value": upgrade.id if upgrade else "forged", "message_ts": (upgrade and upgrade.message_ts) or "0.9"}
        await handler.handle_click(Click(origin, action, **(values | changes)))
        return self.replies[-1]

    async def add(self, row: Upgrade) -> Upgrade:
        assert await self.storage.add(row, AuditEntry.of(row, self.now, "requested"))
        return row

    async def row(self, upgrade_id: str = "u-1") -> Upgrade:
        stored = await self.storage.get(upgrade_id)
        assert stored is not None
        return stored

    async def audited(self) -> list[tuple[str, str, str]]:
        """The event, user and reason of each entry but those of requests."""
        entries = [row.entry async for row in self.storage.audit()]
        return [(entry.event, entry.user_id, entry.reason) for entry in entries if entry.event != "requested"]


def open_request(clicks: ClickDriver, **changes: Any) -> Upgrade:
    """A request whose card is in the channel and can be decided now."""
    row = posted(requested_at=clicks.now - 5, expires_at=clicks.now + 600, **changes)
    return replace(row, next_poll_at=row.expires_at).rescheduled()


def key(reply: Reply | None) -> str | None:
    """The key of a reply that is a message."""
    return reply.key if isinstance(reply, Message) else None
