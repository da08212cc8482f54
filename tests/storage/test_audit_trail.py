"""The audit trail is written with the change of its row, only ever grows, and verification names the row that broke."""

import asyncio
import tracemalloc
from dataclasses import replace

import pytest

from bot.core.audit import GENESIS, AuditBreak, AuditVerdict, row_hash, verify_audit
from bot.core.errors import StorageUnavailable
from bot.storage.opening import AnyStorage, open_storage
from bot.storage.sql import next_audit_rows
from tests.storage.examples import new_entry, new_upgrade, run_sql

ROWS = 10
DROP_TRIGGERS_SQLITE = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
DROP_TRIGGERS_POSTGRES = ("DROP TRIGGER audit_append_only ON audit",)
COLUMNS = "at, event, upgrade_id, instance_id, user_id, team_id, channel_id, reason, api_request_id, hash"
COPY_OF_5 = f"INSERT INTO audit (number, {COLUMNS}) SELECT {{}}, {COLUMNS} FROM audit WHERE number = 5"
RENUMBER_UP = (
    "UPDATE audit SET number = number + 1000 WHERE number > 5",
    "UPDATE audit SET number = number - 999 WHERE number > 1000",
)
RENUMBER_DOWN = (
    "UPDATE audit SET number = number + 1000 WHERE number > 5",
    "UPDATE audit SET number = number - 1001 WHERE number > 1000",
)
SWAP = (
    "UPDATE audit SET number = 1000 WHERE number = 5",
    "UPDATE audit SET number = 5 WHERE number = {}",
    "UPDATE audit SET number = {} WHERE number = 1000",
)
TAMPERING: list[tuple[tuple[str, ...], AuditBreak, int]] = [
    (("UPDATE audit SET event = 'denied' WHERE number = 1",), AuditBreak.CHANGED, 1),
    (("UPDATE audit SET user_id = 'U9' WHERE number = 5",), AuditBreak.CHANGED, 5),
    (("UPDATE audit SET at = at + 0.001 WHERE number = 10",), AuditBreak.CHANGED, 10),
    (("UPDATE audit SET hash = 'x' WHERE number = 5",), AuditBreak.CHANGED, 5),
    (("DELETE FROM audit WHERE number = 1",), AuditBreak.REMOVED, 1),
    (("DELETE FROM audit WHERE number = 5",), AuditBreak.REMOVED, 5),
    (("DELETE FROM audit WHERE number = 10",), AuditBreak.REMOVED, 10),
    (("DELETE FROM audit",), AuditBreak.REMOVED, 1),
    (("DELETE FROM audit WHERE number = 5", *RENUMBER_DOWN), AuditBreak.REMOVED, 5),
    ((COPY_OF_5.format(11),), AuditBreak.ADDED, 11),
    ((COPY_OF_5.format(0),), AuditBreak.ADDED, 0),
    ((COPY_OF_5.format(-7),), AuditBreak.ADDED, -7),
    ((*RENUMBER_UP, COPY_OF_5.format(6), "UPDATE audit SET event = 'ok' WHERE number = 6"), AuditBreak.ADDED, 6),
    (tuple(statement.format(6) for statement in SWAP), AuditBreak.REORDERED, 5),
    (tuple(statement.format(9) for statement in SWAP), AuditBreak.REORDERED, 5),
    (("UPDATE audit SET number = 1000 WHERE number = 5",), AuditBreak.REORDERED, 5),
    (("DELETE FROM audit_head",), AuditBreak.REWRITTEN, 10),
    (("UPDATE audit_head SET hash = 'x'",), AuditBreak.REWRITTEN, 10),
    (("UPDATE audit_head SET count = 9",), AuditBreak.REWRITTEN, 10),
    ((f"UPDATE audit_head SET count = 0, hash = '{GENESIS}'",), AuditBreak.ADDED, 1),
    (("UPDATE audit_head SET count = 11",), AuditBreak.REMOVED, 11),
]


async def open_with_rows(url: str) -> AnyStorage:
    storage = await open_storage(url)
    for number in range(ROWS):
        await storage.record(new_entry("requested", number))
    return storage


async def tamper(url: str, *statements: str) -> None:
    """Drop the triggers that protect the table, then run the statements."""
    drop_triggers = DROP_TRIGGERS_SQLITE if url.startswith("sqlite") else DROP_TRIGGERS_POSTGRES
    await run_sql(url, *drop_triggers, *statements)


async def test_every_row_is_hashed_with_the_one_before(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1), new_entry("requested", 1))
    await storage.save(new_upgrade(1), new_upgrade(1), new_entry("confirmed", 2), new_entry("sent", 3))

    rows = [row async for row in storage.audit()]

    assert [(row.number, row.entry) for row in rows] == [
        (1, new_entry("requested", 1)),
        (2, new_entry("confirmed", 2)),
        (3, new_entry("sent", 3)),
    ]
    assert rows[0].hash == row_hash(GENESIS, 1, new_entry("requested", 1))
    assert await storage.audit_head() == (3, rows[2].hash)
    assert await verify_audit(storage) == AuditVerdict(3)


async def test_an_empty_trail_is_whole(storage: AnyStorage) -> None:
    assert (await verify_audit(storage)).is_whole
    assert await storage.audit_head() == (0, GENESIS)


async def test_whole_numbers_of_seconds_are_hashed_as_they_are_read(storage: AnyStorage) -> None:
    await storage.record(new_entry().of(new_upgrade(1), 5, "requested"))
    assert (await verify_audit(storage)).is_whole


@pytest.mark.parametrize("statement", ["UPDATE audit SET event = 'x'", "DELETE FROM audit WHERE number = 1"])
async def test_the_database_itself_refuses_to_change_the_trail(database_url: str, statement: str) -> None:
    storage = await open_with_rows(database_url)
    with pytest.raises(Exception, match="append-only"):
        await run_sql(database_url, statement)
    assert (await verify_audit(storage)).is_whole
    await storage.close()


@pytest.mark.parametrize(("statements", "broken", "number"), TAMPERING)
async def test_the_first_broken_row_is_named(
    database_url: str, statements: tuple[str, ...], broken: AuditBreak, number: int
) -> None:
    storage = await open_with_rows(database_url)
    await tamper(database_url, *statements)

    verdict = await verify_audit(storage)

    assert (verdict.broken, verdict.number) == (broken, number)
    assert not verdict.is_whole
    assert verdict.rows == min(max(number, 1), ROWS + 1) - (broken is not AuditBreak.REWRITTEN)
    await storage.close()


async def test_a_trail_that_was_computed_anew_does_not_end_as_noted(database_url: str) -> None:
    storage = await open_with_rows(database_url)
    rows = [row async for row in storage.audit()]
    last_hash, statements = rows[4].hash, []
    for row in rows[5:]:
        user_id = "U9" if row.number == 6 else "U1"
        last_hash = row_hash(last_hash, row.number, replace(new_entry("requested", row.number - 1), user_id=user_id))
        values = f"user_id = '{user_id}', hash = '{last_hash}'"
        statements.append(f"UPDATE audit SET {values} WHERE number = {row.number}")
    await tamper(database_url, *statements)

    assert await verify_audit(storage) == AuditVerdict(10, AuditBreak.REWRITTEN, 10)
    await storage.close()


@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'00ff' AS text)", "7"])
async def test_a_value_of_another_type_is_a_changed_row(tmp_path: object, value: str) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    storage = await open_with_rows(url)
    await tamper(url, f"UPDATE audit SET event = {value} WHERE number = 5")
    assert await verify_audit(storage) == AuditVerdict(4, AuditBreak.CHANGED, 5)
    await storage.close()


@pytest.mark.parametrize("statement", ["DELETE FROM audit_head", COPY_OF_5.format(11)])
async def test_nothing_is_appended_to_a_broken_end(database_url: str, statement: str) -> None:
    storage = await open_with_rows(database_url)
    await tamper(database_url, statement)
    with pytest.raises(StorageUnavailable, match="--verify"):
        await storage.add(new_upgrade(1), new_entry())
    assert await storage.get("upgrade-1") is None
    await storage.close()


async def test_several_writers_make_one_chain(database_url: str) -> None:
    storages = [await open_storage(database_url) for _ in range(3)]

    await asyncio.gather(*(storage.record(new_entry("denied", number)) for number in range(60) for storage in storages))

    assert await verify_audit(storages[0]) == AuditVerdict(180)
    for storage in storages:
        await storage.close()


async def test_a_trail_that_grows_while_it_is_verified_is_whole(storage: AnyStorage) -> None:
    async def append() -> None:
        for number in range(300):
            await storage.record(new_entry("denied", number))

    task = asyncio.create_task(append())
    verdicts = [await verify_audit(storage)]
    while not task.done():
        verdicts.append(await verify_audit(storage))

    assert all(verdict.is_whole for verdict in verdicts)
    assert await verify_audit(storage) == AuditVerdict(300)


async def test_a_long_trail_is_verified_in_little_memory(storage: AnyStorage) -> None:
    row_count, batch_rows = 30_000, 5000
    await storage.begin_copy()
    count, last_hash = 0, GENESIS
    for _ in range(row_count // batch_rows):
        rows = next_audit_rows((count, last_hash), [new_entry("denied", number) for number in range(batch_rows)])
        await storage.copy_rows((), rows)
        count, last_hash = rows[-1].number, rows[-1].hash
    await storage.end_copy(count, last_hash)
    tracemalloc.start()
    try:
        assert await verify_audit(storage) == AuditVerdict(row_count)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 * 1024 * 1024
