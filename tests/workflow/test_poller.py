"""From the job id to the end: progress in one message, the end as a new one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from bot.core import polling
from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import OutcomeUnknown, SlackUnavailable, StorageUnavailable
from bot.core.instances import Instance
from bot.core.messages import Message as Reply
from bot.core.notifications import Notification
from bot.core.polling import Job, PollSchedule
from bot.core.ports import NO_METRICS
from bot.core.upgrade import EndCheck, SearchMiss, SearchResult, State, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow import poller as module
from bot.workflow.background_tasks import UpgradesInProcess
from bot.workflow.notifier import Notifier
from bot.workflow.poller import Poller
from bot.workflow.reconcile import Reconciler
from bot.workflow.transitions import Transitions
from tests.core.examples import (
    BACK,
    T0,
    TTL,
    all_delivered,
    confirmed,
    in_every_state,
    in_progress,
    new_upgrade,
    posted,
    unknown,
)
from tests.driver import BotDriver, Message, text_of

ENDS = {"Completed": ("completed", "完成"), "Failed": ("failed", "失败"), "Canceled": ("canceled", "取消")}


async def started(driver: BotDriver, person: str = "sre", flags: str = "") -> tuple[str, Message]:
    """An upgrade whose job id has been told: the job id and the request."""
    driver.cloud.set_speed("paused")
    message = await driver.request(f"{driver.instance()} {flags}", person=person)
    await driver.confirm(message, person=person)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    await driver.wait_for_reply(message, call.job_id or "?")
    return call.job_id or "", message


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_each_end_is_a_new_message_in_words(driver: BotDriver, status: str, person: str) -> None:
    job, message = await started(driver, person)
    driver.cloud.finish(job, status, fail_reason="disk <full>" if status == "Failed" else "")
    end = await driver.wait_for_reply(message, ENDS[status][person == "dba"], 20)
    assert "<@U0" in text_of(end)
    assert end.broadcast == (status != "Completed")
    if status == "Failed":
        assert "disk &lt;full&gt;" in text_of(end)
    await driver.wait_for_card(message, ENDS[status][person == "dba"])


@pytest.mark.parametrize("status", ENDS)
async def test_an_end_in_other_words_is_an_end(driver: BotDriver, status: str) -> None:
    driver.cloud.inject_fault("job in other words")
    job, message = await started(driver)
    driver.cloud.finish(job, status, fail_reason="disk full" if status == "Failed" else "")
    await driver.wait_for_reply(message, ENDS[status][0], 20)
    await driver.wait_for_card(message, ENDS[status][0])


async def test_a_status_nobody_knows_is_shown_as_it_is_and_logged_once(
    idle_driver: BotDriver, caplog: pytest.LogCaptureFixture
) -> None:
    await idle_driver.start(JOB_POLL_SECONDS="0.2")
    idle_driver.cloud.inject_fault("job paused")
    job, message = await started(idle_driver)
    idle_driver.cloud.set_progress(job, 80)
    await idle_driver.wait_for_reply(message, "Paused")
    polls = [call.operation for call in idle_driver.cloud.calls].count("job")
    await idle_driver.cloud.until(lambda: idle_driver.card(message))
    logged = [record for record in caplog.records if record.getMessage() == "job.unknown_status"]
    assert [vars(record)["status"] for record in logged] == ["Paused"]
    assert [call.operation for call in idle_driver.cloud.calls].count("job") == polls  # the next one is in a minute


async def test_progress_edits_one_message_no_faster_than_every_three_seconds(driver: BotDriver) -> None:
    job, message = await started(driver)
    for percent in (10, 40, 70):
        driver.cloud.set_progress(job, percent)
        await driver.wait_for_reply(message, f"{percent}%", 12)
    driver.cloud.finish(job, "Completed")
    await driver.wait_for_reply(message, "completed")
    await driver.wait_for_reply(message, "100%")
    (progress, end) = driver.thread(message)
    edits = [
        call.at for call in driver.slack.calls if call.method == "chat.update" and call.arguments["ts"] == progress.ts
    ]
    assert len(edits) == 4
    assert all(later - earlier >= 2.9 for earlier, later in pairwise(edits))
    assert "completed" in text_of(end)


async def test_a_job_that_is_not_visible_yet_is_no_error(driver: BotDriver) -> None:
    driver.cloud.inject_fault("late job")
    driver.cloud.set_speed("seconds")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_reply(message, "completed", 40)
    assert len(driver.thread(message)) == 2


async def test_three_failed_looks_are_told_once_and_looking_goes_on(idle_driver: BotDriver) -> None:
    await idle_driver.start(JOB_POLL_SECONDS="0.2")
    job, message = await started(idle_driver)
    idle_driver.cloud.inject_fault("500 DBS.05000000", operation="job", times=5)
    await idle_driver.until(lambda: len(idle_driver.thread(message)) == 2 or None, 20)
    idle_driver.cloud.clear_faults()
    idle_driver.cloud.finish(job, "Completed")
    await idle_driver.wait_for_reply(message, "completed", 30)
    assert len(idle_driver.thread(message)) == 3


async def test_a_delayed_upgrade_waits_for_its_window(driver: BotDriver) -> None:
    job, message = await started(driver, flags="--delay")
    await driver.wait_for_reply(message, "Pending: ")
    assert job


# one row that is due

NOW = T0 + 1000
NOTHING = SearchMiss(SearchResult.IDLE)


@dataclass
class FakeServices:
    """A cloud, an inventory and a Slack that answer what they are told to, and keep what they were asked."""

    job_answer: Job | Exception | None = None
    found: str | SearchMiss = NOTHING
    read: Instance | None = None
    publish_error: Exception | None = None
    polls: int = 0
    reads: list[float] = field(default_factory=list)
    published: list[Notification] = field(default_factory=list)
    replies: list[tuple[Origin, str]] = field(default_factory=list)
    in_process: UpgradesInProcess = field(default_factory=UpgradesInProcess)

    def of(self, _: Upgrade) -> "FakeServices":
        return self

    async def job(self, *_: object) -> Job | None:
        self.polls += 1
        if isinstance(self.job_answer, TimeoutError):
            await asyncio.Event().wait()
        if isinstance(self.job_answer, Exception):
            raise self.job_answer
        return self.job_answer

    async def find_upgrade(self, *_: object) -> str | SearchMiss:
        return self.found

    async def instance(self, _: str, patience: float) -> Instance | None:
        self.reads.append(patience)
        return self.read

    async def publish(self, _: Upgrade, notification: Notification) -> str:
        self.published.append(notification)
        if self.publish_error is not None:
            raise self.publish_error
        return "9.0"

    async def send(self, origin: Origin, reply: Reply, _: object) -> None:
        self.replies.append((origin, reply.key))


def poller(storage: SqliteStorage, services: FakeServices, poll_seconds: float = 10.0) -> Poller:
    fakes: Any = services
    transitions = Transitions(storage, NO_METRICS, lambda: NOW)
    notifier = Notifier(transitions, fakes, lambda: NOW)
    schedule = PollSchedule(poll_seconds)
    return Poller(
        transitions=transitions,
        cloud=fakes,
        inventory=fakes,
        notifier=notifier,
        reconciler=Reconciler(transitions, fakes, fakes, notifier, schedule, lambda: NOW),
        ephemeral=fakes,
        in_process=services.in_process,
        schedule=schedule,
        clock=lambda: NOW,
    )


async def handled(
    storage: SqliteStorage, row: Upgrade, services: FakeServices, meanwhile: Upgrade | None = None
) -> Upgrade:
    """The row after it was handled; `meanwhile` is what it has become since it was claimed."""
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    if meanwhile is not None:
        assert await storage.save(row, meanwhile) is not None
    await poller(storage, services).handle(row)
    after = await storage.get(row.id)
    assert after is not None
    return after


async def audited(storage: SqliteStorage) -> list[tuple[str, str]]:
    """The event and reason of each entry after the request's."""
    return [(row.entry.event, row.entry.reason) async for row in storage.audit()][1:]


def due(row: Upgrade, at: float = NOW) -> Upgrade:
    return replace(row, next_poll_at=at).rescheduled()


@pytest.mark.parametrize(("at", "state"), [(NOW, State.EXPIRED), (NOW + 1, State.REQUESTED)])
async def test_a_request_expires_when_its_timer_is_due(storage: SqliteStorage, at: float, state: State) -> None:
    row = due(posted(expires_at=at), at)
    assert (await handled(storage, row, FakeServices())).state is state
    assert await audited(storage) == ([("expired", "")] if state is State.EXPIRED else [])


async def test_the_databases_clock_may_be_a_little_behind_the_one_that_called_a_row_due(storage: SqliteStorage) -> None:
    """The database has called it due, so it is: nothing is left lying for the seconds of its claim."""
    row = due(posted(expires_at=NOW + 0.4), NOW + 0.4)
    assert (await handled(storage, row, FakeServices())).state is State.EXPIRED


async def test_a_submission_that_nobody_renews_is_unknown_and_told(storage: SqliteStorage) -> None:
    after = await handled(storage, due(confirmed()), FakeServices())
    assert (after.state, after.unknown_message_ts) == (State.UNKNOWN, "9.0")
    assert await audited(storage) == [("unknown", "lease_expired")]


async def test_a_submission_that_was_renewed_since_it_was_claimed_is_not_lost(storage: SqliteStorage) -> None:
    row = due(all_delivered(confirmed(), T0))
    assert (await handled(storage, row, FakeServices(), due(row, NOW + 10))).state is State.SUBMITTING
    assert await audited(storage) == []


async def test_what_was_decided_since_it_was_claimed_stays_decided(storage: SqliteStorage) -> None:
    row = due(in_progress())
    ended = polling.job_polled(row, Job("job-1", "Failed", fail_reason="disk"), NOW - 1, PollSchedule())
    after = await handled(storage, row, FakeServices(Job("job-1", "Completed")), all_delivered(ended, NOW))
    assert (after.state, after.fail_reason) == (State.FAILED, "disk")
    assert await audited(storage) == []


@pytest.mark.parametrize("answer", [OutcomeUnknown(), TimeoutError()])
async def test_a_poll_without_an_answer_is_counted(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    monkeypatch.setattr(module, "POLL_TIMEOUT_SECONDS", 0.05)
    after = await handled(storage, due(in_progress()), FakeServices(answer))
    assert (after.state, after.failed_polls, after.poll_count) == (State.IN_PROGRESS, 1, 1)


async def test_a_job_that_the_cloud_does_not_know_is_noted_as_missing(storage: SqliteStorage) -> None:
    after = await handled(storage, due(in_progress()), FakeServices(None))
    assert (after.state, after.job_missing_since) == (State.IN_PROGRESS, NOW)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled"])
async def test_at_the_end_the_instance_is_read_once_for_the_message_and_once_for_the_list(
    storage: SqliteStorage, status: str
) -> None:
    services = FakeServices(Job("job-1", status, fail_reason="disk full"), read=BACK)
    after = await handled(storage, due(in_progress()), services)
    assert after.state is State(status.lower())
    assert after.instance_after == BACK
    assert services.reads == [module.END_READ_SECONDS, 0]
    assert await audited(storage) == [(status.lower(), "job-1 disk full")]


async def test_while_a_job_runs_its_instance_is_not_read(storage: SqliteStorage) -> None:
    services = FakeServices(Job("job-1", "Running", 40))
    after = await handled(storage, due(in_progress()), services)
    assert (after.progress_percent, services.reads) == (40, [])
    assert await audited(storage) == []


@pytest.mark.parametrize("delivery", ["pending", "none"])
async def test_a_poll_that_shows_nothing_new_is_written_only_with_what_is_pending(
    storage: SqliteStorage, delivery: str
) -> None:
    row = replace(in_progress(), job_status="Running", progress_percent=40, due_at=NOW + 10, next_poll_at=NOW)
    if delivery == "pending":
        row = replace(row, pending_notifications=(Notification.CARD_UPDATE,), notify_at=NOW + 60)
    after = await handled(storage, row, FakeServices(Job("job-1", "Running", 40)))
    assert after.poll_count - row.poll_count == (delivery == "pending")


# a lost submission


async def test_every_search_in_vain_is_written_down(storage: SqliteStorage) -> None:
    after = await handled(storage, due(unknown()), FakeServices(found=SearchMiss(SearchResult.BUSY)))
    assert (after.state, after.search_result) == (State.UNKNOWN, SearchResult.BUSY)
    assert await audited(storage) == [("searched", "busy")]


async def test_a_job_that_a_search_finds_is_written_down_and_told(storage: SqliteStorage) -> None:
    services = FakeServices(found="job-7")
    after = await handled(storage, due(unknown()), services)
    assert (after.state, after.job_id, after.job_message_ts) == (State.IN_PROGRESS, "job-7", "9.0")
    assert await audited(storage) == [("searched", "job-7"), ("in_progress", "job-7")]
    assert services.reads == []


async def test_the_last_search_in_vain_leaves_it_unresolved(storage: SqliteStorage) -> None:
    row = due(replace(unknown(), poll_count=len(polling.SEARCH_SECONDS) - 1))
    assert (await handled(storage, row, FakeServices())).state is State.UNRESOLVED
    assert await audited(storage) == [("searched", "idle"), ("unresolved", "idle")]


async def test_the_job_of_another_request_is_not_found_and_proves_nothing(storage: SqliteStorage) -> None:
    other = in_progress(id="u-2", trigger_id="t-2", instance_id="elsewhere")
    await storage.copy_rows([other], ())
    after = await handled(storage, due(unknown()), FakeServices(found="job-1"))
    assert (after.state, after.job_id, after.search_result) == (State.UNKNOWN, None, SearchResult.INCONCLUSIVE)
    assert await storage.get("u-2") == other


# the instance after its upgrade


def checking() -> Upgrade:
    """A completed upgrade whose instance was not normal yet."""
    busy = replace(BACK, running_actions=("RESTART",))
    row = polling.job_polled(in_progress(), Job("job-1", "Completed"), NOW - 20, PollSchedule(), busy)
    return due(all_delivered(row, NOW - 20))


async def test_an_instance_that_is_back_ends_the_check(storage: SqliteStorage) -> None:
    services = FakeServices(read=BACK)
    after = await handled(storage, checking(), services)
    assert (after.end_check, after.next_poll_at) == (EndCheck.NORMAL, None)
    assert await audited(storage) == [("instance_checked", "normal")]
    assert (services.polls, services.reads) == (0, [module.POLL_TIMEOUT_SECONDS])


async def test_an_instance_that_is_not_back_is_looked_at_again(storage: SqliteStorage) -> None:
    after = await handled(storage, checking(), FakeServices())
    assert (after.end_check, after.next_poll_at) == (EndCheck.CHECKING, NOW + polling.END_CHECK_SECONDS)
    assert await audited(storage) == []


async def test_a_check_that_another_has_ended_stays_ended(storage: SqliteStorage) -> None:
    row = checking()
    ended = all_delivered(polling.end_checked(row, BACK, NOW - 1), NOW - 1)
    after = await handled(storage, row, FakeServices(), ended)
    assert (after.end_check, after.revision) == (EndCheck.NORMAL, 1)
    assert await audited(storage) == []


@pytest.mark.parametrize("is_alarm", [True, False])
async def test_an_end_that_is_not_proven_is_a_warning_in_the_log(
    storage: SqliteStorage, caplog: pytest.LogCaptureFixture, is_alarm: bool
) -> None:
    row = replace(checking(), ended_at=NOW - polling.END_CHECK_LIMIT_SECONDS)
    await handled(storage, row, FakeServices(read=replace(BACK, status="abnormal") if is_alarm else BACK))
    logged = [vars(record)["reason"] for record in caplog.records if record.getMessage() == "upgrade.not_proven"]
    assert logged == (["not_normal"] if is_alarm else [])


# who delivers what is pending


PROGRESS = Job("job-1", "Unauthorized")  # tells a new message


@pytest.mark.parametrize(
    ("pending", "notify_in", "attempts", "delivered"),
    [
        ((), None, 0, True),
        ((Notification.CARD_UPDATE,), 60, 0, True),
        ((Notification.CARD_UPDATE,), 0, 0, True),
        ((Notification.JOB_ACCEPTED,), 60, 0, False),
        ((Notification.JOB_ACCEPTED,), 60, 1, True),
        ((Notification.JOB_ACCEPTED,), 0, 0, True),
        ((Notification.JOB_ACCEPTED,), 0.4, 0, True),
    ],
    ids=[
        "nothing was pending",
        "an edit that waits",
        "an edit whose time has come",
        "a message that another is delivering",
        "a message that Slack did not take",
        "a message that nobody has delivered in its time",
        "a message whose time comes within the error of the clocks",
    ],
)
async def test_a_new_message_is_delivered_unless_another_delivers_what_is_before_it(
    storage: SqliteStorage, pending: tuple[Notification, ...], notify_in: float | None, attempts: int, delivered: bool
) -> None:
    row = replace(in_progress(), pending_notifications=pending, notify_attempts=attempts)
    row = due(replace(row, notify_at=None if notify_in is None else NOW + notify_in))
    services = FakeServices(PROGRESS)
    await handled(storage, row, services)
    assert (Notification.AUTHORIZATION_NEEDED in services.published) == delivered


@pytest.mark.parametrize(("notify_in", "attempts", "delivered"), [(60, 0, False), (60, 3, False), (0, 3, True)])
async def test_what_is_held_waits_when_there_is_nothing_new(
    storage: SqliteStorage, notify_in: float, attempts: int, delivered: bool
) -> None:
    row = replace(in_progress(), pending_notifications=(Notification.JOB_ACCEPTED,), notify_attempts=attempts)
    row = replace(row, notify_at=NOW + notify_in, next_poll_at=NOW + 5)
    services = FakeServices()
    after = await handled(storage, row.rescheduled(), services)
    assert services.published == ([Notification.JOB_ACCEPTED] if delivered else [])
    assert (after.pending_notifications == ()) == delivered
    assert services.polls == 0


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (due(new_upgrade(expires_at=NOW)), "slack_unavailable"),
        (replace(in_every_state()[State.WITHDRAWN], message_ts=None, decided_by=None), "posting_not_allowed"),
        (in_every_state()[State.WITHDRAWN], None),
        (due(posted(expires_at=NOW)), None),
        (due(new_upgrade(expires_at=NOW + TTL), NOW + TTL), None),
    ],
    ids=["expired", "rejected by Slack", "withdrawn by a person", "expired in its channel", "still to be posted"],
)
async def test_a_card_that_never_came_into_its_channel_is_told_to_the_requester(
    storage: SqliteStorage, row: Upgrade, key: str | None
) -> None:
    services = FakeServices()
    await handled(storage, replace(row, pending_notifications=(), notify_at=None), services)
    assert services.replies == ([(Origin("UANN", "T1", "C1"), key)] if key else [])


# the loop


class ClaimedStorage:
    """A storage that says when due rows are claimed for the second time: those of the first time are in work then."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage
        self._claims = 0
        self.claimed_again = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        self._claims += 1
        if self._claims == 2:
            self.claimed_again.set()
        return await self._storage.claim_due(limit, lease_seconds)


async def until_handled(storage: SqliteStorage, services: FakeServices) -> None:
    """Run the loop until the rows that were due are handled."""
    claimed: Any = ClaimedStorage(storage)
    running = poller(claimed, services, poll_seconds=0.04)
    task = asyncio.create_task(running.run())
    await asyncio.wait_for(claimed.claimed_again.wait(), 10)
    await running.stop(10)
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.parametrize("is_in_process", [True, False])
async def test_what_this_process_works_on_is_left_alone(storage: SqliteStorage, is_in_process: bool) -> None:
    row = due(posted(expires_at=NOW))
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    services = FakeServices()
    if is_in_process:
        with services.in_process.claim(row.id):
            await until_handled(storage, services)
    else:
        await until_handled(storage, services)
    after = await storage.get(row.id)
    assert after is not None
    assert after.state is (State.REQUESTED if is_in_process else State.EXPIRED)


@pytest.mark.parametrize("failure", [StorageUnavailable("away"), RuntimeError("bug")])
async def test_a_row_that_cannot_be_handled_costs_nothing_but_a_line(
    storage: SqliteStorage, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    row = due(in_progress())
    await storage.copy_rows([row, replace(due(posted(expires_at=NOW)), id="u-2", trigger_id="t-2")], ())
    await until_handled(storage, FakeServices(failure))
    other = await storage.get("u-2")
    assert other is not None
    assert other.state is State.EXPIRED
    logged = [record.getMessage() for record in caplog.records]
    assert "poll.failed" in logged


@pytest.mark.parametrize(("seconds", "is_reported"), [(0, True), (0.4, True), (60, False), (None, False)])
@pytest.mark.parametrize("failure", [None, RuntimeError("bug"), StorageUnavailable("away"), SlackUnavailable("away")])
async def test_a_report_is_delivered_when_it_is_due_whatever_becomes_of_it(
    storage: SqliteStorage, seconds: float | None, is_reported: bool, failure: Exception | None
) -> None:
    row = replace(in_progress(), report_at=None if seconds is None else NOW + seconds, due_at=NOW)
    await storage.copy_rows([row], ())
    services = FakeServices(publish_error=failure)
    await until_handled(storage, services)
    assert services.published == ([Notification.REPORT] if is_reported else [])
    after = await storage.get(row.id)
    assert after is not None
    assert (after.report_ts == "9.0") == (is_reported and failure is None)


async def test_what_has_ended_makes_room_for_what_falls_due(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONCURRENT_ROWS", 1)
    loop = asyncio.create_task(poller(storage, FakeServices(), poll_seconds=0.04).run())
    async with asyncio.timeout(10):
        for number in range(3):
            own: dict[str, Any] = {
                "id": f"u-{number}",
                "trigger_id": f"t-{number}",
                "instance_id": f"instance-{number}",
            }
            row = replace(due(in_progress()), **own, job_id=f"job-{number}", report_at=NOW)
            await storage.copy_rows([row], ())
            after: Upgrade | None = row
            while after is None or after.job_missing_since is None or after.report_ts is None:
                after = await storage.get(row.id)
    loop.cancel()
    await asyncio.wait({loop})


async def test_stopping_waits_for_the_rows_in_work_and_then_leaves_them(storage: SqliteStorage) -> None:
    await storage.copy_rows([due(in_progress())], ())
    services = FakeServices(TimeoutError())
    running = poller(storage, services)
    loop = asyncio.create_task(running.run())
    async with asyncio.timeout(10):
        while not services.polls:
            await storage.ping()
        (task,) = running._running
        await running.stop(0.05)
        await asyncio.wait({task})
    assert task.cancelled()
    assert not loop.done()
    loop.cancel()
    await running.stop(0.05)
