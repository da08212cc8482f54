"""An upgrade and its row say the same, whatever is in it."""

from dataclasses import fields
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.audit import AuditEntry
from bot.core.sentence import Language
from bot.core.upgrade import News, State, Upgrade
from bot.store import open_store
from bot.store.opening import AnyStore
from bot.store.rows import cleaned
from tests.store.examples import question, run_in

NUMBERS = st.integers(0, 2**53)
TIMES = st.floats(0, 1e11)
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=20),
    str | None: st.none() | st.text(st.characters(), max_size=20),
    int: NUMBERS,
    int | None: st.none() | NUMBERS,
    float: TIMES,
    float | None: st.none() | TIMES,
    bool: st.booleans(),
    Language: st.sampled_from(Language),
    State: st.sampled_from(State),
    tuple[News, ...]: st.lists(st.sampled_from(News), max_size=6).map(tuple),
}
UPGRADES = st.fixed_dictionaries({field.name: KINDS[field.type] for field in fields(Upgrade)})
ENTRIES = st.builds(AuditEntry, at=TIMES, **{field.name: KINDS[str] for field in fields(AuditEntry)[1:]})
SHARED_STORE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@SHARED_STORE
@given(values=UPGRADES, entry=ENTRIES)
async def test_what_is_written_is_what_is_read(store: AnyStore, values: Any, entry: AuditEntry) -> None:
    unique = uuid4()
    upgrade = Upgrade(**values | {"id": str(unique), "trigger_id": str(unique), "instance_id": str(unique)})

    assert await store.add(upgrade, entry)

    assert await store.get(upgrade.id) == cleaned(upgrade)


@SHARED_STORE
@given(values=UPGRADES, entry=ENTRIES)
async def test_a_saved_step_is_returned_as_it_is_read(store: AnyStore, values: Any, entry: AuditEntry) -> None:
    unique = uuid4()
    before = question(0, id=str(unique), trigger_id=str(unique), instance_id=str(unique))
    await store.add(before, entry)
    after = Upgrade(**values | {"id": before.id, "trigger_id": before.trigger_id, "instance_id": before.instance_id})

    saved = await store.save(before, after, entry)

    assert saved == await store.get(before.id)
    assert saved is not None
    assert saved.revision == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff\0"])
async def test_text_that_no_database_takes_is_written_with_a_replacement(store: AnyStore, text: str) -> None:
    upgrade = question(1, error_msg=text, trigger_id=text)

    assert await store.add(upgrade, AuditEntry(1.0, text, why=text))

    read = await store.get(upgrade.id)
    assert read is not None
    assert read.error_msg == text.replace("\0", "\ufffd").replace("\ud800", "?").replace("\udfff", "?")
    assert await store.get(text) is None
    assert await store.live_for(text) is None
    assert await store.find_by_message(text, text) is None


async def test_every_field_of_an_upgrade_has_its_column(store_url: str) -> None:
    await (await open_store(store_url)).close()

    query = "SELECT name FROM pragma_table_info('upgrades')"
    if store_url.startswith("postgresql"):
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'upgrades'"
    assert {name for (name,) in await run_in(store_url, query)} >= {field.name for field in fields(Upgrade)}
