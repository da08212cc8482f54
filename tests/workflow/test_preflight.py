"""People see what they decide about: facts on the request, doubts before it, whatever the cloud does meanwhile."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.audit import AuditEntry
from bot.core.errors import Rejected, SlackUnavailable
from bot.core.instances import Instance, InstanceList
from bot.core.notifications import Notification
from bot.core.ports import NO_METRICS
from bot.core.upgrade import State, Upgrade
from bot.sandbox.slack import Ephemeral
from bot.sandbox.taurusdb import Action
from bot.storage.sqlite import SqliteStorage
from bot.workflow.notifier import Notifier
from bot.workflow.preflight import Preflight
from bot.workflow.transitions import Transitions
from tests.core.examples import ID, T0, all_delivered, confirmed, in_every_state, new_upgrade, posted
from tests.driver import CHANNEL, BotDriver, buttons, text_of

ENGLISH, CHINESE = "sre", "dba"
READS = ("taurusdb", "htap", "instance")


async def warm(driver: BotDriver) -> None:
    """Wait until the bot has read every instance."""

    def read() -> bool:
        seen = {call.path.rpartition("/")[2] for call in driver.cloud.calls if call.status == 200}
        return {one.id for one in driver.cloud.instances.values()} <= seen

    await driver.cloud.until(read)


async def answered(driver: BotDriver, person: str, text: str, word: str) -> Ephemeral:
    await driver.slack.command(person, CHANNEL, text)
    return await driver.wait_for_ephemeral(person, word)


# the facts


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (ENGLISH, ("sr-orders", "Version: 3.1.15 → latest", "Status: normal · 3 nodes")),
        (CHINESE, ("sr-orders", "内核版本：3.1.15 → 最新版本", "实例状态：正常 · 3 个节点")),
    ],
)
async def test_what_is_known_stands_in_the_first_post(driver: BotDriver, person: str, words: tuple[str, ...]) -> None:
    await warm(driver)
    message = await driver.request(f"{driver.instance()} --delay", person=person)
    for word in (*words, "^{time}|02:00 UTC>", "^{time}|06:00 UTC>"):
        assert word in message.text
    await driver.slack.command(person, CHANNEL, "help")
    await driver.wait_for_ephemeral(person)
    assert not driver.card(message).history


async def test_what_is_not_known_is_added_by_one_edit(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", seconds=1.0)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    assert "sr-orders" not in message.text
    card = await idle_driver.wait_for_card(message, "→ latest")
    assert list(buttons(card)) == ["confirm_upgrade", "cancel_upgrade", "translate_card"]
    assert len(card.history) == 1


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "details are missing"), (CHINESE, "没有查询权限")])
async def test_without_the_permission_the_card_says_so_and_the_upgrade_works(
    idle_driver: BotDriver, operation: str, person: str, word: str
) -> None:
    idle_driver.cloud.inject_fault("403 APIGW.0302", operation, times=1000)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance(), person=person)
    await idle_driver.wait_for_card(message, word)
    await idle_driver.confirm(message, person=person)
    call = (await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades))[0]
    await idle_driver.wait_for_reply(message, str(call.job_id))


@pytest.mark.parametrize("operation", READS)
async def test_a_slow_cloud_delays_no_request_and_no_answer(idle_driver: BotDriver, operation: str) -> None:
    idle_driver.cloud.inject_fault("slow", operation, times=1000, seconds=30.0)
    await idle_driver.start()
    began = time.monotonic()
    message = await idle_driver.request(idle_driver.instance())
    assert time.monotonic() - began < 0.8
    await answered(idle_driver, CHINESE, "please", "please")
    assert time.monotonic() - began < 2.0
    await idle_driver.confirm(message)
    call = (await idle_driver.cloud.until(lambda: idle_driver.cloud.upgrades))[0]
    await idle_driver.wait_for_reply(message, str(call.job_id))


async def test_a_slow_cloud_is_named_on_the_card_after_two_seconds(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", times=1000, seconds=30.0)
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "details are missing", 3.5)
    assert "confirm_upgrade" in buttons(idle_driver.card(message))


async def test_the_facts_are_those_of_now_not_of_minutes_ago(driver: BotDriver) -> None:
    await warm(driver)
    driver.cloud.change_instance("sr-orders", version="3.1.16")
    message = await driver.request(driver.instance())
    assert "3.1.16" in message.text


async def test_a_request_that_slack_took_late_has_the_facts_all_the_same(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "taurusdb", seconds=0.5)
    await idle_driver.start()
    idle_driver.slack.fail("chat.postMessage", 500)
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.wait_for_card(message, "→ latest")


# what speaks against it


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("sr-reports", "is already on the latest version (3.1.18)", "已是最新版本（3.1.18）"),
        ("sr-billing", "is busy: restarting", "正在进行其他操作（重启）"),
        ("sr-archive", 'has the status "abnormal"', "的状态为“异常”"),
    ],
)
@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
async def test_a_doubt_is_told_privately_and_can_be_overruled(
    driver: BotDriver, name: str, english: str, chinese: str, person: str
) -> None:
    await warm(driver)
    doubt = await answered(driver, person, f"{name} --delay", english if person == ENGLISH else chinese)
    assert not driver.slack.messages(CHANNEL)
    await driver.slack.click(person, doubt, "request_anyway")
    message = (await driver.slack.until(lambda: driver.slack.messages(CHANNEL)))[0]
    assert driver.instance(name) in message.text
    assert ("in the maintenance window" in message.text) == (person == ENGLISH)


async def test_an_unknown_id_is_answered_with_the_nearest_and_can_be_asked_all_the_same(driver: BotDriver) -> None:
    await warm(driver)
    typed = driver.instance()[:3] + ("0" if driver.instance()[3] != "0" else "1") + driver.instance()[4:]
    doubt = await answered(driver, ENGLISH, typed, "no StarRocks instance")
    assert driver.instance() in text_of(doubt)
    assert "sr-orders" in text_of(doubt)
    await driver.slack.click(ENGLISH, doubt, "request_anyway")
    assert typed in (await driver.slack.until(lambda: driver.slack.messages(CHANNEL)))[0].text


async def test_a_doubt_that_has_become_untrue_is_not_told(driver: BotDriver) -> None:
    await warm(driver)
    driver.cloud.change_instance("sr-billing", actions=())
    assert driver.instance("sr-billing") in (await driver.request("sr-billing")).text


@pytest.mark.parametrize(("person", "words"), [(ENGLISH, "In progress: BACKUP"), (CHINESE, "正在执行的操作：BACKUP")])
async def test_a_refusal_says_what_runs_on_the_instance(driver: BotDriver, person: str, words: str) -> None:
    message = await driver.request(driver.instance(), person=person)
    running = Action("a", "BACKUP", driver.instance(), "j", "Running", time.time())
    driver.cloud.change_instance("sr-orders", actions=(running,))
    await driver.confirm(message, person=person)
    assert "DBS.2000" in text_of(await driver.wait_for_reply(message, words))


async def test_after_an_upgrade_the_instance_is_known_to_be_the_latest(driver: BotDriver) -> None:
    await warm(driver)
    message = await driver.request("sr-orders")
    await driver.confirm(message)
    await driver.wait_for_reply(message, "completed", 30)
    await answered(driver, ENGLISH, "sr-orders", "is already on the latest version")


# what is known of the instance, and when it changes the row

NOW = T0 + 20
LISTED = Instance(ID, "sr-orders", status="normal", version="3.1.15", is_detailed=False)
READ = replace(LISTED, is_detailed=True, upgrade_available=True)
BUSY = replace(READ, running_actions=("RESTART",))


@dataclass
class KnownInstances:
    """An inventory that knows what it is given: the cached list, the list read again, and the instance read now."""

    listed: InstanceList = field(default_factory=InstanceList)
    listed_again: InstanceList = field(default_factory=InstanceList)
    read: Instance | None = None
    reads: int = 0

    def cached(self) -> InstanceList:
        return self.listed

    async def refreshed(self, _: float) -> InstanceList:
        self.reads += 1
        return self.listed_again

    async def instance(self, *_: object) -> Instance | None:
        self.reads += 1
        return self.read


class AcceptingPublisher:
    """A Slack that takes everything, and keeps what it was given."""

    def __init__(self) -> None:
        self.taken: list[Notification] = []

    async def publish(self, _: Upgrade, notification: Notification) -> str | None:
        self.taken.append(notification)
        return None


def preflight(storage: SqliteStorage, inventory: KnownInstances, taking: AcceptingPublisher | None = None) -> Preflight:
    known: Any = inventory
    publisher: Any = taking or AcceptingPublisher()
    transitions = Transitions(storage, NO_METRICS, lambda: NOW)
    notifier = Notifier(transitions, publisher, lambda: NOW)
    return Preflight(known, transitions, notifier, lambda: NOW)


def listing(*instances: Instance, is_complete: bool = True) -> InstanceList:
    return InstanceList(instances, is_complete=is_complete)


OTHER = replace(READ, id="f" * 32 + "in17", name="other")


@pytest.mark.parametrize(
    ("inventory", "key"),
    [
        (KnownInstances(listing(LISTED), read=BUSY), "instance_busy"),
        (KnownInstances(listing(replace(LISTED, running_actions=("BACKUP",))), read=READ), None),
        (KnownInstances(listing(replace(LISTED, running_actions=("BACKUP",)))), "instance_busy"),
        (KnownInstances(listing(OTHER), listing(OTHER)), "not_in_project"),
        (KnownInstances(listing(OTHER), listing(BUSY)), "instance_busy"),
        (KnownInstances(listing(OTHER), listing(READ)), None),
        (KnownInstances(listing(OTHER), listing(OTHER, is_complete=False)), None),
        (KnownInstances(listing(OTHER), listing(BUSY, is_complete=False)), "instance_busy"),
        (KnownInstances(listing(OTHER, is_complete=False), listing(OTHER)), None),
        (KnownInstances(listing(), listing(OTHER)), None),
    ],
    ids=[
        "busy now",
        "busy in the cached list alone",
        "busy in the cached list, and not to be read",
        "in no list",
        "new and busy",
        "new",
        "not in the list, which could not be read whole again",
        "new and busy in a list that was not read whole",
        "not in a list that was not read whole",
        "no list",
    ],
)
async def test_only_what_is_known_for_certain_speaks_against_a_request(
    storage: SqliteStorage, inventory: KnownInstances, key: str | None
) -> None:
    warning = await preflight(storage, inventory).warning(ID)
    assert (warning and warning.key) == key


async def test_a_new_card_has_what_the_list_knows_and_does_not_call_details_missing(storage: SqliteStorage) -> None:
    known = preflight(storage, KnownInstances(listing(LISTED)))
    assert Instance.from_json(known.cached_snapshot(ID)) == replace(LISTED, is_detailed=True)
    assert known.cached_snapshot(OTHER.id) == ""


async def described(
    storage: SqliteStorage, row: Upgrade, inventory: KnownInstances, meanwhile: Upgrade | None = None
) -> tuple[Upgrade, list[Notification]]:
    """The row after its instance was read, and what was edited; `meanwhile` is what it has become during the read."""
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    if meanwhile is not None:
        assert await storage.save(row, meanwhile) is not None
    publisher = AcceptingPublisher()
    await preflight(storage, inventory, publisher).describe_instance(row)
    after = await storage.get(row.id)
    assert after is not None
    return after, publisher.taken


EDIT = [Notification.CARD_UPDATE]
OLD = LISTED.to_json()


async def test_what_was_read_is_put_on_an_open_card_by_one_edit(storage: SqliteStorage) -> None:
    after, edits = await described(storage, posted(), KnownInstances(read=READ))
    assert (Instance.from_json(after.instance_snapshot), edits) == (READ, EDIT)
    assert after.pending_notifications == ()


async def test_a_card_whose_row_this_process_has_changed_before_is_edited_once(storage: SqliteStorage) -> None:
    assert await storage.add(posted(), AuditEntry.of(posted(), T0, "requested"))
    publisher = AcceptingPublisher()
    one = preflight(storage, KnownInstances(read=READ), publisher)
    row = await one.transitions.update(posted(), lambda row: replace(row, notify_attempts=1))
    await one.describe_instance(row)
    after = await storage.get(row.id)
    assert after is not None
    assert (publisher.taken, after.pending_notifications) == (EDIT, ())


class BusySlack(AcceptingPublisher):
    """A Slack that takes nothing now."""

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str | None:
        await super().publish(upgrade, notification)
        raise SlackUnavailable("away")


async def test_an_edit_that_slack_does_not_take_now_is_made_later(storage: SqliteStorage) -> None:
    assert await storage.add(posted(), AuditEntry.of(posted(), T0, "requested"))
    publisher = BusySlack()
    await preflight(storage, KnownInstances(read=READ), publisher).describe_instance(posted())
    after = await storage.get(posted().id)
    assert after is not None
    assert Instance.from_json(after.instance_snapshot) == READ
    assert (after.pending_notifications, after.notify_attempts) == ((Notification.CARD_UPDATE,), 1)
    assert after.notify_at is not None
    assert after.notify_at > NOW


async def test_what_the_card_shows_already_is_not_edited(storage: SqliteStorage) -> None:
    row = posted(instance_snapshot=READ.to_json())
    assert await described(storage, row, KnownInstances(read=READ)) == (row, [])


async def test_a_card_that_is_still_to_be_posted_is_posted_with_it(storage: SqliteStorage) -> None:
    row = new_upgrade()
    after, edits = await described(storage, row, KnownInstances(read=READ))
    assert Instance.from_json(after.instance_snapshot) == READ
    assert (after.pending_notifications, edits) == ((Notification.REQUEST_CARD,), [])


@pytest.mark.parametrize(
    ("row", "inventory", "snapshot"),
    [
        (posted(), KnownInstances(), "-"),
        (posted(), KnownInstances(listing(LISTED)), OLD),
        (posted(instance_snapshot=OLD), KnownInstances(), "-"),
    ],
    ids=["nothing is known", "the list alone knows it", "it was known once"],
)
async def test_an_instance_that_is_not_described_is_shown_with_what_is_known(
    storage: SqliteStorage, row: Upgrade, inventory: KnownInstances, snapshot: str
) -> None:
    after, edits = await described(storage, row, inventory)
    assert (after.instance_snapshot, edits) == (snapshot, EDIT)


async def test_details_that_the_card_has_are_not_taken_back(storage: SqliteStorage) -> None:
    row = posted(instance_snapshot=READ.to_json())
    assert await described(storage, row, KnownInstances(listing(BUSY))) == (row, [])


async def test_details_that_are_read_now_replace_those_of_the_card(storage: SqliteStorage) -> None:
    row = posted(instance_snapshot=READ.to_json())
    after, edits = await described(storage, row, KnownInstances(listing(READ), read=BUSY))
    assert (Instance.from_json(after.instance_snapshot), edits) == (BUSY, EDIT)


async def test_a_card_without_details_gets_those_of_the_list(storage: SqliteStorage) -> None:
    after, edits = await described(storage, posted(), KnownInstances(listing(READ)))
    assert (Instance.from_json(after.instance_snapshot), edits) == (READ, EDIT)


@pytest.mark.parametrize("state", [state for state in State if state is not State.REQUESTED])
async def test_the_instance_of_a_decided_request_is_not_read(storage: SqliteStorage, state: State) -> None:
    inventory = KnownInstances(read=READ)
    row = in_every_state()[state]
    assert (await described(storage, row, inventory), inventory.reads) == ((row, []), 0)


@pytest.mark.parametrize(
    ("row", "is_stored", "edits"),
    [
        (confirmed(), True, EDIT),
        (confirmed(delay=True, instance_snapshot=OLD), True, EDIT),
        (confirmed(instance_snapshot=OLD), True, []),
        (confirmed(instance_snapshot=replace(READ, version="3.1.14").to_json()), False, []),
        (in_every_state()[State.WITHDRAWN], True, EDIT),
        (replace(in_every_state()[State.WITHDRAWN], instance_snapshot=OLD), False, []),
    ],
    ids=[
        "without a name",
        "delayed",
        "live, its version not known yet",
        "live, its version known",
        "withdrawn without a name",
        "withdrawn with a name",
    ],
)
async def test_a_request_that_was_decided_meanwhile_gets_only_what_its_messages_lack(
    storage: SqliteStorage, row: Upgrade, is_stored: bool, edits: list[Notification]
) -> None:
    after, made = await described(storage, posted(), KnownInstances(read=READ), all_delivered(row, T0 + 12))
    assert (after.instance_snapshot == READ.to_json(), made) == (is_stored, edits)


async def test_nothing_was_read_of_a_request_that_was_decided_meanwhile(storage: SqliteStorage) -> None:
    row = all_delivered(confirmed(), T0 + 12)
    after, edits = await described(storage, posted(), KnownInstances(), row)
    assert (after, edits) == (replace(row, revision=1), [])


async def test_without_the_database_the_card_stays_as_it_is(storage: SqliteStorage) -> None:
    await storage.close()
    publisher = AcceptingPublisher()
    await preflight(storage, KnownInstances(read=READ), publisher).describe_instance(posted())
    assert publisher.taken == []


@pytest.mark.parametrize(
    ("error", "read", "is_stored"),
    [
        (Rejected(409, "DBS.200019"), BUSY, True),
        (Rejected(400, "DBS.201014"), BUSY, True),
        (Rejected(409, "DBS.200019"), None, False),
        (Rejected(400, "DBS.280001"), BUSY, False),
    ],
    ids=["409", "a code of a conflict", "not to be read", "another refusal"],
)
async def test_after_a_conflict_the_row_has_what_runs_on_the_instance(
    storage: SqliteStorage, error: Rejected, read: Instance | None, is_stored: bool
) -> None:
    row = confirmed().submission_failed(error, T0 + 12)
    assert await storage.add(row, AuditEntry.of(row, T0, "requested"))
    after = await preflight(storage, KnownInstances(read=read)).describe_conflict(row)
    assert after == await storage.get(row.id)
    assert after.instance_snapshot == (BUSY.to_json() if is_stored else "")
