"""One edit of a question's message at a time, the newest last, and none that asks again what was decided."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.core.audit import AuditEntry
from bot.core.reasons import SlackAway
from bot.core.sentence import Language, Sentence
from bot.core.upgrade import News, State, Upgrade
from bot.flow.telling import Teller
from bot.store import open_store
from bot.store.opening import AnyStore
from tests.core.upgrades import T0, posted

AT = T0 + 10


@dataclass
class Wall:
    """A thread that remembers what was put up, in the order in which it was finished."""

    shown: list[State] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    away: bool = False

    async def deliver(self, upgrade: Upgrade, news: News) -> str | None:
        self.begun.set()
        if upgrade.state is State.ASKED:
            await self.go_on.wait()
        self.shown.append(upgrade.state)
        if upgrade.state is State.ASKED and self.away:
            raise SlackAway("no answer")
        return None

    async def direct_channel(self, person_id: str) -> str:
        return person_id

    async def permalink(self, upgrade: Upgrade) -> str:
        return upgrade.id

    async def remove_buttons(self, channel_id: str, message_ts: str, sentence: Sentence, language: Language) -> None:
        """Nothing hangs here."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[AnyStore]:
    opened = await open_store(f"sqlite:///{tmp_path}/bot.db")
    yield opened
    await opened.close()


async def described(store: AnyStore) -> Upgrade:
    """An open question whose facts are still to be shown."""
    asked = posted().with_news(AT, News.CARD)
    assert await store.add(asked, AuditEntry.of(asked, AT, "asked"))
    stored = await store.get(asked.id)
    assert stored is not None
    return stored


async def withdrawn(store: AnyStore, upgrade: Upgrade) -> Upgrade:
    step = upgrade.withdraw("UBOB", AT)
    assert isinstance(step, Upgrade)
    stored = await store.save(upgrade, step)
    assert stored is not None
    return stored


async def test_a_question_that_was_decided_is_not_shown_as_open(store: AnyStore) -> None:
    wall, asked = Wall(), await described(store)
    teller = Teller(store, wall, lambda: AT)
    decided = await withdrawn(store, asked)
    await teller.tell(asked)
    assert wall.shown == []
    assert (await teller.tell(decided)).untold == ()
    assert wall.shown == [State.WITHDRAWN]


async def test_the_edit_of_a_click_waits_for_the_edit_before_it(store: AnyStore) -> None:
    wall, asked = Wall(), await described(store)
    teller = Teller(store, wall, lambda: AT)
    adding = asyncio.create_task(teller.tell(asked))
    await wall.begun.wait()
    decided = await withdrawn(store, asked)
    deciding = asyncio.create_task(teller.tell(decided))
    for _ in range(20):
        await asyncio.sleep(0)
    assert wall.shown == []
    wall.go_on.set()
    await asyncio.gather(adding, deciding)
    assert wall.shown[0] is State.ASKED
    assert set(wall.shown[1:]) == {State.WITHDRAWN}
    stored = await store.get(asked.id)
    assert stored is not None
    assert stored.untold == ()


async def test_an_edit_that_came_too_late_is_made_good_at_once(store: AnyStore) -> None:
    wall, asked = Wall(), await described(store)
    adding = asyncio.create_task(Teller(store, wall, lambda: AT).tell(asked))
    await wall.begun.wait()
    await Teller(store, wall, lambda: AT).tell(await withdrawn(store, asked))
    wall.go_on.set()
    assert (await adding).untold == ()
    assert wall.shown == [State.WITHDRAWN, State.ASKED, State.WITHDRAWN]


async def test_who_makes_good_an_edit_tells_nothing_that_another_is_telling(store: AnyStore) -> None:
    wall, asked = Wall(), await described(store)
    adding = asyncio.create_task(Teller(store, wall, lambda: AT).tell(asked))
    await wall.begun.wait()
    confirmed = asked.confirm("UBOB", AT)
    assert isinstance(confirmed, Upgrade)
    sending = await store.save(asked, confirmed)
    assert sending is not None
    assert await store.save(sending, sending.accepted("job-1", AT, AT + 10)) is not None
    wall.go_on.set()
    row = await adding
    assert wall.shown == [State.ASKED, State.FOLLOWING]
    assert row.untold == (News.STARTED,)


async def test_an_edit_without_an_answer_is_made_good_later(store: AnyStore) -> None:
    wall, asked = Wall(away=True), await described(store)
    adding = asyncio.create_task(Teller(store, wall, lambda: AT).tell(asked))
    await wall.begun.wait()
    await Teller(store, wall, lambda: AT).tell(await withdrawn(store, asked))
    wall.go_on.set()
    row = await adding
    assert (row.state, row.untold) == (State.WITHDRAWN, (News.CARD,))
    assert row.due_at is not None
