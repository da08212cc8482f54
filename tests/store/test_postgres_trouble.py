"""PostgreSQL that cannot be used now says so, and works again by itself when the cause is gone."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bot.core.reasons import StoreAway
from bot.store.postgres import PostgresStore
from bot.store.verify import verify
from tests.postgres_server import PostgresServer
from tests.store.examples import confirmed, entry, question, run_in
from tests.store.hole import Hole

PASSWORD = re.compile(r":([0-9a-f]+)@")
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """A store with little patience."""
    opened = await PostgresStore.open(postgres_url, patience_seconds=1.0)
    yield opened
    await opened.close()


async def test_a_database_that_goes_away_and_comes_back(own_server: PostgresServer) -> None:
    store = await PostgresStore.open(own_server.create("bot"), patience_seconds=5.0)
    await asyncio.gather(*(store.add(question(n), entry()) for n in range(20)))

    own_server.stop()
    outcomes = await asyncio.gather(
        *(store.save(question(n), confirmed(question(n)), entry("confirmed")) for n in range(20)),
        store.ping(),
        store.claim_due(10, 10),
        store.audit_head(),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {StoreAway}

    own_server.start()
    await store.ping()
    for n in range(20):
        assert await store.save(question(n), confirmed(question(n)), entry("confirmed")) is not None
    assert (await verify(store)).rows == 40
    assert (await verify(store)).is_whole
    await store.close()


async def test_connections_that_are_cut_in_the_middle_of_writing(store: PostgresStore, postgres_url: str) -> None:
    writes = [asyncio.create_task(store.add(question(n), entry("asked", n))) for n in range(200)]
    await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
    await run_in(postgres_url, f"SELECT pg_terminate_backend(pid) {OTHERS}")

    outcomes = await asyncio.gather(*writes, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {bool, StoreAway}
    told = {question(n).id for n, outcome in enumerate(outcomes) if outcome is True}
    stored = {upgrade.id async for upgrade in store.upgrades()}
    assert told <= stored
    assert (await store.audit_head())[0] == len(stored)
    assert (await verify(store)).is_whole


async def test_a_frozen_replica_does_not_keep_the_others_out(store: PostgresStore, postgres_url: str) -> None:
    frozen = await PostgresStore.open(postgres_url, patience_seconds=1.0)
    locked, thawed = asyncio.Event(), asyncio.Event()

    async def freeze(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        await connection.execute("SELECT count FROM audit_head FOR UPDATE")
        locked.set()
        await thawed.wait()
        await connection.execute("UPDATE audit_head SET count = 99")

    holding = asyncio.create_task(frozen._pool.transaction(freeze))
    await locked.wait()
    outcomes = await asyncio.gather(*(store.record(entry()) for _ in range(3)), return_exceptions=True)
    await store.record(entry())
    thawed.set()
    with pytest.raises(StoreAway):
        await holding

    assert (await verify(store)).rows == 1 + outcomes.count(None)
    assert (await verify(store)).is_whole
    await frozen.close()


async def test_a_row_that_is_locked_is_left_to_whoever_has_it(store: PostgresStore, postgres_url: str) -> None:
    for n in range(2):
        await store.add(question(n, due_at=1.0 + n), entry())
    other: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM upgrades WHERE id = 'upgrade-0' FOR UPDATE")
        assert [upgrade.id for upgrade in await store.claim_due(10, 60)] == ["upgrade-1"]
    await other.close()
    assert [upgrade.id for upgrade in await store.claim_due(10, 60)] == ["upgrade-0"]


async def test_a_deadlock_is_tried_again(store: PostgresStore, postgres_url: str) -> None:
    for n in range(2):
        await store.add(question(n), entry())
    other: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    await other.execute("SET deadlock_timeout = '10s'")  # so that the other side is the one that gives way
    first = asyncio.Event()
    tries = 0

    async def crossing(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        nonlocal tries
        tries += 1
        await connection.execute("SET LOCAL deadlock_timeout = '10ms'")
        await connection.execute("UPDATE upgrades SET looks = looks + 1 WHERE id = 'upgrade-0'")
        first.set()
        await connection.execute("UPDATE upgrades SET looks = looks + 1 WHERE id = 'upgrade-1'")

    async with other.transaction():
        await other.execute("UPDATE upgrades SET misses = 1 WHERE id = 'upgrade-1'")
        task = asyncio.create_task(store._pool.transaction(crossing))
        await first.wait()
        await other.execute("UPDATE upgrades SET misses = 1 WHERE id = 'upgrade-0'")
    await task
    await other.close()
    assert tries >= 2
    assert [(u.looks, u.misses) async for u in store.upgrades()] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("part", "instead", "said"),
    [
        (r"/test\d+", "/none", "does not exist"),
        ("postgres:", "postgres:x", "password"),
        (r":\d+/", ":1/", "refused|Connect call failed"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_away(postgres_url: str, part: str, instead: str, said: str) -> None:
    with pytest.raises(StoreAway, match=said) as told:
        await PostgresStore.open(re.sub(part, instead, postgres_url))
    assert PASSWORD.findall(postgres_url)[0] not in str(told.value)


async def test_a_database_that_takes_no_writing_is_not_ready(store: PostgresStore, postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    await run_in(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    reading = await PostgresStore.open(postgres_url)
    with pytest.raises(StoreAway, match="read-only"):
        await reading.ping()
    assert await reading.history(None, 1) == []
    await reading.close()


async def test_a_network_that_swallows_everything(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with Hole(postgres_server.port) as hole:
        store = await PostgresStore.open(re.sub(r":\d+/", f":{hole.port}/", postgres_url), patience_seconds=0.5)
        await asyncio.gather(*(store.add(question(n), entry()) for n in range(10)))
        hole.is_open = True
        async with asyncio.timeout(15):
            outcomes = await asyncio.gather(
                *(store.add(question(n), entry()) for n in range(10, 30)), store.ping(), return_exceptions=True
            )
        assert {type(outcome) for outcome in outcomes} == {StoreAway}

        hole.is_open = False
        async with asyncio.timeout(15):
            while not await is_up(store):
                continue
        assert await store.add(question(30), entry())
        assert (await verify(store)).is_whole
        await store.close()


async def is_up(store: PostgresStore) -> bool:
    try:
        await store.ping()
    except StoreAway:
        return False
    return True
