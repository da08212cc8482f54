"""The audit trail is written with its step, only ever grows, and names the row that somebody broke."""

import asyncio

import pytest

from bot.core.audit import GENESIS, link
from bot.core.reasons import StoreAway
from bot.store import open_store
from bot.store.opening import AnyStore
from bot.store.verify import Break, Verdict, verify
from tests.store.examples import entry, question, run_in

ROWS = 10
OPEN_SQLITE = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
OPEN_POSTGRES = ("DROP TRIGGER audit_append_only ON audit",)
COLUMNS = "at, what, upgrade_id, instance_id, person_id, team_id, channel_id, why, request_id, hash"
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
TAMPERING: list[tuple[tuple[str, ...], Break, int]] = [
    (("UPDATE audit SET what = 'denied' WHERE number = 1",), Break.CHANGED, 1),
    (("UPDATE audit SET person_id = 'U9' WHERE number = 5",), Break.CHANGED, 5),
    (("UPDATE audit SET at = at + 0.001 WHERE number = 10",), Break.CHANGED, 10),
    (("UPDATE audit SET hash = 'x' WHERE number = 5",), Break.CHANGED, 5),
    (("DELETE FROM audit WHERE number = 1",), Break.REMOVED, 1),
    (("DELETE FROM audit WHERE number = 5",), Break.REMOVED, 5),
    (("DELETE FROM audit WHERE number = 10",), Break.REMOVED, 10),
    (("DELETE FROM audit",), Break.REMOVED, 1),
    (("DELETE FROM audit WHERE number = 5", *RENUMBER_DOWN), Break.REMOVED, 5),
    ((COPY_OF_5.format(11),), Break.ADDED, 11),
    ((COPY_OF_5.format(0),), Break.ADDED, 0),
    ((COPY_OF_5.format(-7),), Break.ADDED, -7),
    ((*RENUMBER_UP, COPY_OF_5.format(6), "UPDATE audit SET what = 'ok' WHERE number = 6"), Break.ADDED, 6),
    (tuple(one.format(6) for one in SWAP), Break.REORDERED, 5),
    (tuple(one.format(9) for one in SWAP), Break.REORDERED, 5),
    (("UPDATE audit SET number = 1000 WHERE number = 5",), Break.REORDERED, 5),
    (("DELETE FROM audit_head",), Break.REWRITTEN, 10),
    (("UPDATE audit_head SET hash = 'x'",), Break.REWRITTEN, 10),
    (("UPDATE audit_head SET count = 9",), Break.REWRITTEN, 10),
    ((f"UPDATE audit_head SET count = 0, hash = '{GENESIS}'",), Break.ADDED, 1),
    (("UPDATE audit_head SET count = 11",), Break.REMOVED, 11),
]


async def written(url: str) -> AnyStore:
    store = await open_store(url)
    for number in range(ROWS):
        await store.record(entry("asked", number))
    return store


async def opened_up(url: str, *statements: str) -> None:
    await run_in(url, *(OPEN_SQLITE if url.startswith("sqlite") else OPEN_POSTGRES), *statements)


async def test_every_row_is_linked_to_the_one_before(store: AnyStore) -> None:
    await store.add(question(1), entry("asked", 1))
    await store.save(question(1), question(1), entry("confirmed", 2), entry("sent", 3))

    rows = [row async for row in store.audit()]

    assert [(row.number, row.entry) for row in rows] == [
        (1, entry("asked", 1)),
        (2, entry("confirmed", 2)),
        (3, entry("sent", 3)),
    ]
    assert rows[0].hash == link(GENESIS, 1, entry("asked", 1))
    assert await store.audit_head() == (3, rows[2].hash)
    assert await verify(store) == Verdict(3)


async def test_an_empty_trail_is_whole(store: AnyStore) -> None:
    assert (await verify(store)).is_whole
    assert await store.audit_head() == (0, GENESIS)


async def test_whole_numbers_of_seconds_are_linked_as_they_are_read(store: AnyStore) -> None:
    await store.record(entry().of(question(1), 5, "asked"))
    assert (await verify(store)).is_whole


@pytest.mark.parametrize("act", ["UPDATE audit SET what = 'x'", "DELETE FROM audit WHERE number = 1"])
async def test_the_database_itself_refuses_to_change_the_trail(store_url: str, act: str) -> None:
    store = await written(store_url)
    with pytest.raises(Exception, match="append-only"):
        await run_in(store_url, act)
    assert (await verify(store)).is_whole
    await store.close()


@pytest.mark.parametrize(("statements", "broken", "number"), TAMPERING)
async def test_the_first_broken_row_is_named(
    store_url: str, statements: tuple[str, ...], broken: Break, number: int
) -> None:
    store = await written(store_url)
    await opened_up(store_url, *statements)

    verdict = await verify(store)

    assert (verdict.broken, verdict.number) == (broken, number)
    assert not verdict.is_whole
    assert verdict.rows == min(max(number, 1), ROWS + 1) - (broken is not Break.REWRITTEN)
    await store.close()


async def test_a_trail_that_was_computed_anew_does_not_end_as_noted(store_url: str) -> None:
    store = await written(store_url)
    rows = [row async for row in store.audit()]
    last, statements = rows[4].hash, []
    for row in rows[5:]:
        person = "U9" if row.number == 6 else "U1"
        forged = entry("asked", row.number - 1)
        last = link(
            last,
            row.number,
            type(forged)(**{name: getattr(forged, name) for name in forged.__slots__} | {"person_id": person}),
        )
        statements.append(f"UPDATE audit SET person_id = '{person}', hash = '{last}' WHERE number = {row.number}")
    await opened_up(store_url, *statements)

    assert await verify(store) == Verdict(10, Break.REWRITTEN, 10)
    await store.close()


@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'00ff' AS text)", "7"])
async def test_a_value_of_another_kind_is_a_changed_row(tmp_path: object, value: str) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    store = await written(url)
    await opened_up(url, f"UPDATE audit SET what = {value} WHERE number = 5")
    assert await verify(store) == Verdict(4, Break.CHANGED, 5)
    await store.close()


@pytest.mark.parametrize("statement", ["DELETE FROM audit_head", COPY_OF_5.format(11)])
async def test_nothing_is_written_on_behind_a_broken_end(store_url: str, statement: str) -> None:
    store = await written(store_url)
    await opened_up(store_url, statement)
    with pytest.raises(StoreAway, match="--verify"):
        await store.add(question(1), entry())
    assert await store.get("upgrade-1") is None
    await store.close()


async def test_several_writers_make_one_chain(store_url: str) -> None:
    stores = [await open_store(store_url) for _ in range(3)]

    await asyncio.gather(*(store.record(entry("denied", number)) for number in range(60) for store in stores))

    assert await verify(stores[0]) == Verdict(180)
    for store in stores:
        await store.close()


async def test_a_trail_that_grows_while_it_is_verified_is_whole(store: AnyStore) -> None:
    async def write() -> None:
        for number in range(300):
            await store.record(entry("denied", number))

    writing = asyncio.create_task(write())
    verdicts = [await verify(store)]
    while not writing.done():
        verdicts.append(await verify(store))

    assert all(verdict.is_whole for verdict in verdicts)
    assert await verify(store) == Verdict(300)
