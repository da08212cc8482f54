"""One edit of a request's message at a time, the newest last, and none that asks again what was decided."""

import asyncio
from dataclasses import dataclass, field

from bot.core.audit import AuditEntry
from bot.core.errors import SlackUnavailable
from bot.core.messages import Language, Message
from bot.core.notifications import Notification
from bot.core.ports import NO_METRICS
from bot.core.upgrade import State, Upgrade
from bot.storage.opening import AnyStorage
from bot.workflow.notifier import Notifier
from bot.workflow.transitions import Transitions
from tests.core.examples import T0, posted

AT = T0 + 10


@dataclass
class SlowPublisher:
    """A Slack that records the state of each edit in the order in which the edits ended; the first one can be held."""

    states: list[State] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    is_unavailable: bool = False

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str | None:
        self.started.set()
        if upgrade.state is State.REQUESTED:
            await self.release.wait()
        self.states.append(upgrade.state)
        if upgrade.state is State.REQUESTED and self.is_unavailable:
            raise SlackUnavailable("no answer")
        return None

    async def open_dm(self, user_id: str) -> str:
        return user_id

    async def permalink(self, upgrade: Upgrade) -> str:
        return upgrade.id

    async def replace_card(self, channel_id: str, message_ts: str, message: Message, language: Language) -> None:
        """Not called here."""


async def described(storage: AnyStorage) -> Upgrade:
    """an open request whose details are still to be shown."""
    row = posted().with_notifications(AT, Notification.CARD_UPDATE)
    assert await storage.add(row, AuditEntry.of(row, AT, "requested"))
    stored = await storage.get(row.id)
    assert stored is not None
    return stored


def notifier(storage: AnyStorage, publisher: SlowPublisher) -> Notifier:
    return Notifier(Transitions(storage, NO_METRICS, lambda: AT), publisher, lambda: AT)


async def withdrawn(storage: AnyStorage, upgrade: Upgrade) -> Upgrade:
    step = upgrade.withdraw("UBOB", AT)
    assert isinstance(step, Upgrade)
    stored = await storage.save(upgrade, step)
    assert stored is not None
    return stored


async def test_a_request_that_was_decided_is_not_shown_as_open(storage: AnyStorage) -> None:
    publisher, row = SlowPublisher(), await described(storage)
    delivery = notifier(storage, publisher)
    decided = await withdrawn(storage, row)
    await delivery.deliver(row)
    assert publisher.states == []
    assert (await delivery.deliver(decided)).pending_notifications == ()
    assert publisher.states == [State.WITHDRAWN]


async def test_the_edit_of_a_click_waits_for_the_edit_before_it(storage: AnyStorage) -> None:
    publisher, row = SlowPublisher(), await described(storage)
    delivery = notifier(storage, publisher)
    adding = asyncio.create_task(delivery.deliver(row))
    await publisher.started.wait()
    decided = await withdrawn(storage, row)
    deciding = asyncio.create_task(delivery.deliver(decided))
    for _ in range(20):
        await asyncio.sleep(0)
    assert publisher.states == []
    publisher.release.set()
    await asyncio.gather(adding, deciding)
    assert publisher.states[0] is State.REQUESTED
    assert set(publisher.states[1:]) == {State.WITHDRAWN}
    stored = await storage.get(row.id)
    assert stored is not None
    assert stored.pending_notifications == ()


async def test_an_edit_that_came_too_late_is_made_good_at_once(storage: AnyStorage) -> None:
    publisher, row = SlowPublisher(), await described(storage)
    adding = asyncio.create_task(notifier(storage, publisher).deliver(row))
    await publisher.started.wait()
    await notifier(storage, publisher).deliver(await withdrawn(storage, row))
    publisher.release.set()
    assert (await adding).pending_notifications == ()
    assert publisher.states == [State.WITHDRAWN, State.REQUESTED, State.WITHDRAWN]


async def test_who_makes_good_an_edit_tells_nothing_that_another_is_telling(storage: AnyStorage) -> None:
    publisher, row = SlowPublisher(), await described(storage)
    adding = asyncio.create_task(notifier(storage, publisher).deliver(row))
    await publisher.started.wait()
    confirmed = row.confirm("UBOB", AT, "sender-1")
    assert isinstance(confirmed, Upgrade)
    sending = await storage.save(row, confirmed)
    assert sending is not None
    assert await storage.save(sending, sending.accepted("job-1", AT, AT + 10)) is not None
    publisher.release.set()
    row = await adding
    assert publisher.states == [State.REQUESTED, State.IN_PROGRESS]
    assert row.pending_notifications == (Notification.JOB_ACCEPTED,)


async def test_an_edit_without_an_answer_is_made_good_later(storage: AnyStorage) -> None:
    publisher, row = SlowPublisher(is_unavailable=True), await described(storage)
    adding = asyncio.create_task(notifier(storage, publisher).deliver(row))
    await publisher.started.wait()
    await notifier(storage, publisher).deliver(await withdrawn(storage, row))
    publisher.release.set()
    row = await adding
    assert (row.state, row.pending_notifications) == (State.WITHDRAWN, (Notification.CARD_UPDATE,))
    assert row.due_at is not None
