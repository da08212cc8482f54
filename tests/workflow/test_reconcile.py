"""A lost answer: told as unknown, looked for, and never sent again."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core import polling
from bot.core.actions import Origin
from bot.core.audit import AuditEntry
from bot.core.errors import LiveUpgradeExists, OutcomeUnknown, Rejected, UpgradeInProgress
from bot.core.messages import Link
from bot.core.messages import Message as Reply
from bot.core.polling import AcceptedUpgrade, Job, PollSchedule, UpgradeSearch
from bot.core.ports import NO_METRICS
from bot.core.upgrade import NOTIFY_SECONDS, Operation, SearchMiss, SearchResult, State, Upgrade
from bot.storage.sqlite import SqliteStorage
from bot.workflow import reconcile
from bot.workflow.notifier import Notifier
from bot.workflow.reconcile import Reconciler
from bot.workflow.transitions import Transitions
from tests.core.examples import ID, T0, all_delivered, confirmed, in_every_state, in_progress, posted, unknown
from tests.driver import BotDriver, Message, buttons, text_of


async def lost(driver: BotDriver, fault: str, flags: str = "") -> Message:
    """An upgrade whose answer was lost, told as unknown."""
    driver.cloud.set_speed("minute")
    driver.cloud.inject_fault(fault)
    message = await driver.request(f"{driver.instance()} {flags}")
    await driver.confirm(message)
    told = await driver.wait_for_reply(message, "unknown")
    assert told.broadcast
    return message


@pytest.mark.parametrize("flags", ["", "--delay"])
async def test_a_job_that_the_cloud_lists_is_found_and_followed(driver: BotDriver, flags: str) -> None:
    message = await lost(driver, "accepted, answer lost", flags)
    job = driver.cloud.upgrades[0].job_id or "?"
    await driver.wait_for_reply(message, job, 60)
    await driver.wait_for_card(message, job)
    assert len(driver.cloud.upgrades) == 1


async def test_it_is_found_though_another_request_for_the_instance_was_open(driver: BotDriver) -> None:
    driver.cloud.set_speed("minute")
    await driver.request(driver.instance())
    message = await driver.request_anyway(driver.instance(), "waiting for confirmation")
    driver.cloud.inject_fault("accepted, answer lost")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "unknown")
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?", 60)


async def test_what_is_not_found_is_probably_not_started_and_can_be_looked_for_again(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0, 1.5))
    message = await lost(driver, "lost before")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    assert "search_again" in buttons(end)
    assert "probably" in text_of(end).lower()
    await driver.slack.click("dba", end, "search_again")
    await driver.wait_for_ephemeral("dba")
    assert len(driver.cloud.upgrades) == 1
    again = await driver.request_anyway(driver.instance(), "may have started")
    warning = text_of(await driver.wait_for_ephemeral("sre", "may have started"))
    assert "<@U0SRE00001>" in warning
    assert "|thread>" in warning
    assert "outcome unknown" in text_of(again)
    await driver.confirm(again)
    await driver.wait_for_card(again, "job")


async def test_looking_again_never_adopts_the_job_of_a_later_request(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    message = await lost(driver, "lost before")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    again = await driver.request_anyway(driver.instance(), "may have started")
    await driver.confirm(again)
    job_id = (await driver.cloud.until(lambda: driver.cloud.jobs))[0].id
    await driver.wait_for_card(again, job_id)
    driver.cloud.finish(job_id)
    await driver.wait_for_reply(again, "completed")
    await driver.slack.click("dba", end, "search_again")
    await driver.wait_for_ephemeral("dba", "升级结果仍然未知")
    assert job_id not in "".join(map(text_of, [driver.card(message), *driver.thread(message)]))


async def test_looking_again_finds_what_the_cloud_listed_late(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    for operation in ("immediate", "htap", "taurusdb", "instance"):
        driver.cloud.inject_fault("403 APIGW.0302", operation=operation, times=4)
    message = await lost(driver, "accepted, answer lost")
    end = await driver.until(lambda: next((one for one in driver.thread(message) if buttons(one)), None), 30)
    driver.cloud.clear_faults()
    await driver.slack.click("sre", end, "search_again")
    await driver.wait_for_reply(message, driver.cloud.upgrades[0].job_id or "?")
    assert len(driver.cloud.upgrades) == 1


async def test_an_instance_that_the_rules_do_not_allow_any_more_is_not_looked_for(
    idle_driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SEARCH_SECONDS", (1.0,))
    replica = await idle_driver.start()
    message = await lost(idle_driver, "lost before")
    end = await idle_driver.until(lambda: next((one for one in idle_driver.thread(message) if buttons(one)), None), 30)
    await replica.stop()
    await idle_driver.start(ALLOWED_INSTANCES=idle_driver.instance("sr-metrics"))
    await idle_driver.slack.click("sre", end, "search_again")
    await idle_driver.wait_for_ephemeral("sre", "cannot upgrade")


# what a search finds, and what becomes of it

NOW = T0 + 500
PERSON = Origin("UDBA", "T1", "C1")
NOTHING = SearchMiss(SearchResult.IDLE)
BACKUP = Operation("BACKUP", T0 + 9)  # since before the confirmation


@dataclass
class ListingCloud:
    """A cloud that lists what it is told to: the answers to searches in order, the last one again and again."""

    found: list[str | SearchMiss | Exception] = field(default_factory=lambda: [NOTHING])
    job_by_id: Job | Exception | None = None
    searches: list[UpgradeSearch] = field(default_factory=list)

    def of(self, _: Upgrade) -> "ListingCloud":
        return self

    async def find_upgrade(self, search: UpgradeSearch, _: object) -> str | SearchMiss:
        self.searches.append(search)
        answer = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(answer, TimeoutError):
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def job(self, *_: object) -> Job | None:
        if isinstance(self.job_by_id, Exception):
            raise self.job_by_id
        return self.job_by_id


class LinkingPublisher:
    """A Slack that takes everything."""

    async def publish(self, *_: object) -> str:
        return "9.0"

    async def permalink(self, upgrade: Upgrade) -> str:
        return f"https://slack/{upgrade.id}"


async def added(storage: SqliteStorage, row: Upgrade) -> Upgrade:
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    return row


async def audited(storage: SqliteStorage) -> list[tuple[str, str, str, str]]:
    """The event, user, team and reason of each entry after the request's."""
    entries = [row.entry async for row in storage.audit()]
    return [(one.event, one.user_id, one.team_id, one.reason) for one in entries if one.event != "requested"]


def reconciler(storage: SqliteStorage, cloud: ListingCloud) -> Reconciler:
    listing: Any = cloud
    publisher: Any = LinkingPublisher()
    transitions = Transitions(storage, NO_METRICS, lambda: NOW)
    notifier = Notifier(transitions, publisher, lambda: NOW)
    return Reconciler(transitions, listing, publisher, notifier, PollSchedule(10.0), lambda: NOW)


def unresolved(**changes: Any) -> Upgrade:
    """One that was searched for in vain, all told."""
    return all_delivered(replace(polling.unresolved(unknown(), T0 + 200), **changes), T0 + 200)


async def test_a_search_looks_from_the_confirmation_to_the_next_one_and_past_the_jobs_of_others(
    storage: SqliteStorage,
) -> None:
    row = await added(storage, unknown())
    before = replace(in_every_state()[State.COMPLETED], id="u-0", trigger_id="t-0", decided_at=T0 + 9, job_id="job-0")
    later = replace(before, id="u-2", trigger_id="t-2", decided_at=T0 + 30, job_id="job-2")
    last = replace(before, id="u-3", trigger_id="t-3", decided_at=T0 + 60, job_id=None, state=State.REJECTED)
    other = replace(before, id="u-4", trigger_id="t-4", decided_at=T0 + 20, job_id="job-4", instance_id="elsewhere")
    for one in (before, last, later, other):
        await added(storage, one)
    cloud = ListingCloud()
    await reconciler(storage, cloud).search(row, 5)
    assert cloud.searches == [UpgradeSearch(ID, False, T0 + 10, T0 + 30, {"job-2"})]


async def test_without_a_later_confirmation_a_search_has_no_end(storage: SqliteStorage) -> None:
    cloud = ListingCloud()
    await reconciler(storage, cloud).search(await added(storage, unknown(delay=True)), 5)
    assert cloud.searches == [UpgradeSearch(ID, True, T0 + 10)]


@pytest.mark.parametrize("failure", [OutcomeUnknown(), TimeoutError()])
async def test_a_search_without_an_answer_proves_nothing(storage: SqliteStorage, failure: Exception) -> None:
    row = await added(storage, unknown())
    step = await reconciler(storage, ListingCloud([failure])).search(row, 0.05)
    after = step(row)
    assert after is not None
    assert (after.state, after.search_result) == (State.UNKNOWN, SearchResult.INCONCLUSIVE)


async def test_what_a_search_finds_is_polled_after_the_interval(storage: SqliteStorage) -> None:
    row = await added(storage, unknown())
    after = (await reconciler(storage, ListingCloud(["job-7"])).search(row, 5))(row)
    assert after is not None
    assert (after.state, after.job_id, after.next_poll_at) == (State.IN_PROGRESS, "job-7", NOW + 10)


# after a refusal because of another operation

BUSY = Rejected(409, "DBS.200019", api_request_id="r-9")


@pytest.mark.parametrize(
    ("found", "outcome", "miss", "searches"),
    [
        (["job-7"], AcceptedUpgrade("job-7", "r-9"), reconcile.INCONCLUSIVE, 1),
        ([NOTHING, "job-7"], AcceptedUpgrade("job-7", "r-9"), reconcile.INCONCLUSIVE, 2),
        ([SearchMiss(SearchResult.BUSY, (BACKUP,))], BUSY, SearchMiss(SearchResult.BUSY, (BACKUP,)), 1),
        ([NOTHING], BUSY, NOTHING, 3),
        ([OutcomeUnknown()], BUSY, reconcile.INCONCLUSIVE, 3),
        ([TimeoutError()], BUSY, reconcile.INCONCLUSIVE, 3),
    ],
    ids=["our own job", "our own job, listed late", "an older operation", "nothing", "no answer", "no answer in time"],
)
async def test_a_conflict_is_looked_into_until_something_explains_it(
    storage: SqliteStorage,
    monkeypatch: pytest.MonkeyPatch,
    found: list[str | SearchMiss | Exception],
    outcome: object,
    miss: SearchMiss,
    searches: int,
) -> None:
    monkeypatch.setattr(reconcile, "CONFLICT_SEARCH_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(reconcile, "CONFLICT_SEARCH_SECONDS", 0.05)
    row, cloud = await added(storage, confirmed()), ListingCloud(list(found))
    assert await reconciler(storage, cloud).explain_conflict(row, BUSY) == (outcome, miss)
    assert len(cloud.searches) == searches


@pytest.mark.parametrize("started_at", [T0 + 10, T0 + 11, None])
async def test_an_operation_that_may_be_the_upgrade_itself_explains_nothing(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch, started_at: float | None
) -> None:
    monkeypatch.setattr(reconcile, "CONFLICT_SEARCH_PAUSES", (0.0, 0.0, 0.0))
    miss = SearchMiss(SearchResult.BUSY, (Operation("UPGRADE", started_at),))
    cloud = ListingCloud([miss])
    await reconciler(storage, cloud).explain_conflict(await added(storage, confirmed()), BUSY)
    assert len(cloud.searches) == 3


# a person asks for it


async def looked_again(storage: SqliteStorage, row: Upgrade, cloud: ListingCloud) -> tuple[Reply | None, Upgrade]:
    """What the person is told, and the row afterwards."""
    reply = await reconciler(storage, cloud).search_again(row, PERSON)
    after = await storage.get(row.id)
    assert after is not None
    return reply, after


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNRESOLVED])
async def test_only_what_is_unresolved_is_looked_for_again(storage: SqliteStorage, state: State) -> None:
    row, cloud = await added(storage, in_every_state()[state]), ListingCloud(["job-7"])
    reply, after = await looked_again(storage, row, cloud)
    assert reply is not None
    assert (reply.key, after, cloud.searches) == ("nothing_to_search", row, [])


async def test_a_job_that_is_found_is_followed_and_told_in_the_thread(storage: SqliteStorage) -> None:
    row = await added(storage, unresolved())
    reply, after = await looked_again(storage, row, ListingCloud(["job-7"]))
    assert reply is None
    assert (after.state, after.job_id, after.next_poll_at) == (State.IN_PROGRESS, "job-7", NOW + 10)
    assert (after.job_message_ts, after.pending_notifications) == ("9.0", ())
    assert await audited(storage) == [("searched", "UDBA", "T1", "job-7")]


@pytest.mark.parametrize(
    ("status", "state"), [("Running", State.IN_PROGRESS), ("Completed", State.COMPLETED), ("Failed", State.FAILED)]
)
async def test_a_job_that_was_lost_from_sight_is_read_by_its_id(
    storage: SqliteStorage, status: str, state: State
) -> None:
    row = await added(storage, unresolved(job_id="job-1"))
    cloud = ListingCloud(job_by_id=Job("job-1", status))
    reply, after = await looked_again(storage, row, cloud)
    assert (reply, after.state, after.job_status, cloud.searches) == (None, state, status, [])
    assert await audited(storage) == [("searched", "UDBA", "T1", "job-1")]


@pytest.mark.parametrize(
    ("cloud", "job_id", "reason"),
    [
        (ListingCloud(), None, "idle"),
        (ListingCloud([OutcomeUnknown()]), None, "inconclusive"),
        (ListingCloud([TimeoutError()]), None, "inconclusive"),
        (ListingCloud(), "job-1", "inconclusive"),
        (ListingCloud(job_by_id=OutcomeUnknown()), "job-1", "inconclusive"),
    ],
    ids=["no job", "no answer", "no answer in time", "the job is gone", "no answer about the job"],
)
async def test_a_look_in_vain_is_told_and_noted(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch, cloud: ListingCloud, job_id: str | None, reason: str
) -> None:
    monkeypatch.setattr(reconcile, "SEARCH_AGAIN_SECONDS", 0.05)
    row = await added(storage, unresolved(job_id=job_id))
    reply, after = await looked_again(storage, row, cloud)
    is_clear = reason == "idle"
    assert reply == Reply("search_found_nothing" if is_clear else "search_inconclusive", name=row.instance_name)
    assert after.search_result == reason
    assert (after.state, after.checked_at, after.pending_notifications) == (State.UNRESOLVED, NOW, ())
    assert await audited(storage) == [("searched", "UDBA", "T1", reason)]


async def test_the_job_of_another_request_is_not_adopted(storage: SqliteStorage) -> None:
    await added(storage, in_progress(id="u-2", trigger_id="t-2", instance_id="elsewhere"))
    row = await added(storage, unresolved())
    reply, after = await looked_again(storage, row, ListingCloud(["job-1"]))
    assert (reply, after) == (Reply("search_found_nothing", name=row.instance_name), row)


async def test_a_live_upgrade_that_ends_during_the_look_is_not_named(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def save(*_: object) -> None:
        raise LiveUpgradeExists(ID)

    row = await added(storage, unresolved())
    monkeypatch.setattr(storage, "save", save)
    reply, after = await looked_again(storage, row, ListingCloud(["job-7"]))
    assert (reply, after) == (Reply("search_found_nothing", name=row.instance_name), row)


async def test_while_another_upgrade_of_the_instance_is_live_its_card_is_named(storage: SqliteStorage) -> None:
    await added(storage, confirmed(id="u-2", trigger_id="t-2"))
    row = await added(storage, unresolved())
    reply, after = await looked_again(storage, row, ListingCloud(["job-7"]))
    assert isinstance(reply, UpgradeInProgress)
    assert reply.values["link"] == Link("https://slack/u-2")
    assert after == row


@pytest.mark.parametrize("found", ["job-7", NOTHING])
async def test_what_was_settled_during_the_look_stays_settled(storage: SqliteStorage, found: str | SearchMiss) -> None:
    row = await added(storage, unresolved())
    settled = await storage.save(row, all_delivered(row.accepted("job-1", T0 + 300, T0 + 310), T0 + 300))
    _, after = await looked_again(storage, row, ListingCloud([found]))
    assert after == settled
    assert await audited(storage) == []


# what a process that ended right after a confirmation has left open


class PassIsOver(Exception):
    """The endless loop has come to its pause."""


async def close_left_open(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass of the loop."""

    async def pause(_: float) -> None:
        raise PassIsOver

    monkeypatch.setattr(asyncio, "sleep", pause)
    with pytest.raises(PassIsOver):
        await reconciler(storage, ListingCloud()).supersede_left_open()


@pytest.mark.parametrize(
    ("changes", "seconds_ago", "is_closed"),
    [
        ({}, NOTIFY_SECONDS + 1, True),
        ({}, NOTIFY_SECONDS, False),
        ({}, 0, False),
        ({"requested_at": NOW - 30}, 31, False),
        ({"instance_id": "elsewhere"}, NOTIFY_SECONDS + 1, False),
    ],
    ids=["left open", "may be being closed", "just confirmed", "requested after it", "of another instance"],
)
async def test_a_request_that_a_confirmation_has_left_open_is_closed_later(
    storage: SqliteStorage,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    seconds_ago: float,
    is_closed: bool,
) -> None:
    await added(storage, all_delivered(confirmed(NOW - seconds_ago), NOW))
    row = await added(storage, posted(id="u-2", trigger_id="t-2", **changes))
    await close_left_open(storage, monkeypatch)
    after = await storage.get(row.id)
    assert after is not None
    if not is_closed:
        assert after == row
        return
    assert (after.state, after.decided_by, after.superseded_link) == (State.SUPERSEDED, "UBOB", "https://slack/u-1")
    assert after.pending_notifications == ()
    assert await audited(storage) == [("superseded", "UBOB", "T1", "u-1")]


async def test_of_several_confirmations_the_first_one_has_closed_the_others(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(in_every_state()[State.COMPLETED], decided_at=NOW - 200)
    await added(storage, confirmed(NOW, id="u-3", trigger_id="t-3"))
    await added(storage, first)
    row = await added(storage, posted(id="u-2", trigger_id="t-2"))
    await close_left_open(storage, monkeypatch)
    after = await storage.get(row.id)
    assert after is not None
    assert after.superseded_link == "https://slack/u-1"


async def test_without_the_database_what_was_left_open_is_looked_at_later(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.close()
    await close_left_open(storage, monkeypatch)
