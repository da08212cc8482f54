"""Upgrades and audit entries are read as they were written, whatever is in them; hot queries use an index."""

import re
from dataclasses import fields
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.audit import AuditEntry
from bot.core.messages import Language
from bot.core.notifications import Notification
from bot.core.upgrade import EarlierRequest, EndCheck, Operation, State, Upgrade
from bot.storage.opening import AnyStorage, open_storage
from bot.storage.sql import POSTGRES, SQLITE, SQLITE_DUE, Statements, as_stored
from tests.storage.examples import new_upgrade, run_sql

INTEGERS = st.integers(0, 2**53)
TIMES = st.floats(0, 1e11)
VALUES_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=20),
    str | None: st.none() | st.text(st.characters(), max_size=20),
    int: INTEGERS,
    int | None: st.none() | INTEGERS,
    float: TIMES,
    float | None: st.none() | TIMES,
    bool: st.booleans(),
    Language: st.sampled_from(Language),
    State: st.sampled_from(State),
    EndCheck: st.sampled_from(EndCheck),
    tuple[Operation, ...]: st.lists(st.builds(Operation, st.text(max_size=20), st.none() | TIMES), max_size=3).map(
        tuple
    ),
    EarlierRequest | None: st.none() | st.builds(EarlierRequest, st.text(max_size=20), TIMES, st.text(max_size=20)),
    tuple[Notification, ...]: st.lists(st.sampled_from(Notification), max_size=6).map(tuple),
}
UPGRADES = st.fixed_dictionaries({field.name: VALUES_BY_TYPE[field.type] for field in fields(Upgrade)})
ENTRIES = st.builds(AuditEntry, at=TIMES, **{field.name: VALUES_BY_TYPE[str] for field in fields(AuditEntry)[1:]})
SHARED_STORAGE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def job_id(values: Any) -> str | None:
    """The job id of the values, made the only one of its kind."""
    return None if values["job_id"] is None else f"{values['job_id']}{uuid4()}"


@SHARED_STORAGE
@given(values=UPGRADES, entry=ENTRIES)
async def test_what_is_written_is_what_is_read(storage: AnyStorage, values: Any, entry: AuditEntry) -> None:
    unique = str(uuid4())
    own = {"id": unique, "trigger_id": unique, "instance_id": unique, "job_id": job_id(values)}
    upgrade = Upgrade(**values | own)

    assert await storage.add(upgrade, entry)

    assert await storage.get(upgrade.id) == as_stored(upgrade)


@SHARED_STORAGE
@given(values=UPGRADES, entry=ENTRIES)
async def test_a_saved_row_is_returned_as_it_is_read(storage: AnyStorage, values: Any, entry: AuditEntry) -> None:
    unique = str(uuid4())
    before = new_upgrade(0, id=unique, trigger_id=unique, instance_id=unique)
    await storage.add(before, entry)
    own = {"id": unique, "trigger_id": unique, "instance_id": unique, "job_id": job_id(values)}
    after = Upgrade(**values | own)

    saved = await storage.save(before, after, entry)

    assert saved == await storage.get(before.id)
    assert saved is not None
    assert saved.revision == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff\0"])
async def test_text_that_no_database_takes_is_written_with_a_replacement(storage: AnyStorage, text: str) -> None:
    upgrade = new_upgrade(1, error_msg=text, trigger_id=text)

    assert await storage.add(upgrade, AuditEntry(1.0, text, reason=text))

    read = await storage.get(upgrade.id)
    assert read is not None
    assert read.error_msg == text.replace("\0", "\ufffd").replace("\ud800", "?").replace("\udfff", "?")
    assert await storage.get(text) is None
    assert await storage.live_upgrade(text) is None
    assert await storage.find_by_message(text, text) is None


async def test_every_field_of_an_upgrade_has_its_column(database_url: str) -> None:
    await (await open_storage(database_url)).close()

    query = "SELECT name FROM pragma_table_info('upgrades')"
    if database_url.startswith("postgresql"):
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'upgrades'"
    assert {name for (name,) in await run_sql(database_url, query)} >= {field.name for field in fields(Upgrade)}


async def test_the_queries_of_the_poller_and_of_commands_use_an_index(storage: AnyStorage, database_url: str) -> None:
    await storage.copy_rows([new_upgrade(number, state=State.COMPLETED) for number in range(5000)], ())
    by_instance = "upgrades_by_instance_and_requested_at"
    queries = {
        SQLITE_DUE: "upgrades_by_due_at",
        SQLITE.live_upgrade: "one_live_upgrade_per_instance",
        SQLITE.find_by_message: "upgrades_by_message",
        SQLITE.latest: " upgrades_by_requested_at",
        SQLITE.open_upgrades: "open_upgrades_by_requested_at",
        SQLITE.latest_of_instance: by_instance,
        SQLITE.confirmed_since: by_instance,
        SQLITE.related_upgrades: by_instance,
    }
    explain = "EXPLAIN QUERY PLAN" if database_url.startswith("sqlite") else "EXPLAIN"
    if explain == "EXPLAIN":
        await run_sql(database_url, "ANALYZE upgrades")
    for query, index in queries.items():
        plan = str(await run_sql(database_url, f"{explain} {query}".replace("?", "'5'")))
        assert index in plan, plan


@pytest.mark.parametrize("name", [field.name for field in fields(Statements)])
def test_parameters_are_numbered_in_their_order_so_that_both_databases_take_the_same_values(name: str) -> None:
    numbers = re.findall(r"\$(\d+)", getattr(POSTGRES, name))
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert getattr(SQLITE, name).count("?") == len(numbers)
