"""PostgreSQL: an outage is reported and ends without a restart; replicas do not keep each other out."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bot.core.audit import GENESIS, verify_audit
from bot.core.errors import StorageUnavailable
from bot.storage.postgres import PostgresStorage, require_writable
from bot.storage.postgres_pool import MAX_CONNECTIONS
from tests.postgres_server import PostgresServer
from tests.storage.examples import confirmed, database_in_encoding, new_entry, new_upgrade, run_sql, url_of_role
from tests.storage.tcp_relay import TcpRelay

PASSWORD = re.compile(r":([0-9a-f]+)@")
OTHER_SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[PostgresStorage]:
    """A storage with a timeout of one second."""
    opened = await PostgresStorage.open(postgres_url, timeout_seconds=1.0)
    yield opened
    await opened.close()


async def test_a_database_that_goes_away_and_comes_back(own_server: PostgresServer) -> None:
    storage = await PostgresStorage.open(own_server.create("bot"), timeout_seconds=5.0)
    await asyncio.gather(*(storage.add(new_upgrade(n), new_entry()) for n in range(20)))

    own_server.stop()
    outcomes = await asyncio.gather(
        *(storage.save(new_upgrade(n), confirmed(new_upgrade(n)), new_entry("confirmed")) for n in range(20)),
        storage.ping(),
        storage.claim_due(10, 10),
        storage.audit_head(),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}

    own_server.start()
    await storage.ping()
    for n in range(20):
        assert await storage.save(new_upgrade(n), confirmed(new_upgrade(n)), new_entry("confirmed")) is not None
    assert (await verify_audit(storage)).rows == 40
    assert (await verify_audit(storage)).is_whole
    await storage.close()


async def test_connections_that_are_cut_in_the_middle_of_writing(storage: PostgresStorage, postgres_url: str) -> None:
    writes = [asyncio.create_task(storage.add(new_upgrade(n), new_entry("requested", n))) for n in range(200)]
    await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
    await run_sql(postgres_url, f"SELECT pg_terminate_backend(pid) {OTHER_SESSIONS}")

    outcomes = await asyncio.gather(*writes, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {bool, StorageUnavailable}
    added_ids = {new_upgrade(n).id for n, outcome in enumerate(outcomes) if outcome is True}
    stored_ids = {upgrade.id async for upgrade in storage.upgrades()}
    assert added_ids <= stored_ids
    assert (await storage.audit_head())[0] == len(stored_ids)
    assert (await verify_audit(storage)).is_whole


async def test_a_frozen_replica_does_not_keep_the_others_out(storage: PostgresStorage, postgres_url: str) -> None:
    frozen = await PostgresStorage.open(postgres_url, timeout_seconds=1.0)
    locked, thawed = asyncio.Event(), asyncio.Event()

    async def freeze(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        await connection.execute("SELECT count FROM audit_head FOR UPDATE")
        locked.set()
        await thawed.wait()
        await connection.execute("UPDATE audit_head SET count = 99")

    task = asyncio.create_task(frozen._pool.transaction(freeze))
    await locked.wait()
    outcomes = await asyncio.gather(*(storage.record(new_entry()) for _ in range(3)), return_exceptions=True)
    await storage.record(new_entry())
    thawed.set()
    with pytest.raises(StorageUnavailable):
        await task

    assert (await verify_audit(storage)).rows == 1 + outcomes.count(None)
    assert (await verify_audit(storage)).is_whole
    await frozen.close()


async def test_a_row_that_is_locked_is_left_to_its_owner(storage: PostgresStorage, postgres_url: str) -> None:
    for n in range(2):
        await storage.add(new_upgrade(n, due_at=1.0 + n), new_entry())
    other: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM upgrades WHERE id = 'upgrade-0' FOR UPDATE")
        assert [upgrade.id for upgrade in await storage.claim_due(10, 60)] == ["upgrade-1"]
    await other.close()
    assert [upgrade.id for upgrade in await storage.claim_due(10, 60)] == ["upgrade-0"]


async def test_a_deadlock_is_tried_again(storage: PostgresStorage, postgres_url: str) -> None:
    for n in range(2):
        await storage.add(new_upgrade(n), new_entry())
    other: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    await other.execute("SET deadlock_timeout = '10s'")  # so that the other side is the one that gives way
    first_row_locked = asyncio.Event()
    attempts = 0

    async def update_both_rows(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        nonlocal attempts
        attempts += 1
        await connection.execute("SET LOCAL deadlock_timeout = '10ms'")
        await connection.execute("UPDATE upgrades SET poll_count = poll_count + 1 WHERE id = 'upgrade-0'")
        first_row_locked.set()
        await connection.execute("UPDATE upgrades SET poll_count = poll_count + 1 WHERE id = 'upgrade-1'")

    async with other.transaction():
        await other.execute("UPDATE upgrades SET failed_polls = 1 WHERE id = 'upgrade-1'")
        task = asyncio.create_task(storage._pool.transaction(update_both_rows))
        await first_row_locked.wait()
        await other.execute("UPDATE upgrades SET failed_polls = 1 WHERE id = 'upgrade-0'")
    await task
    await other.close()
    assert attempts >= 2
    assert [(row.poll_count, row.failed_polls) async for row in storage.upgrades()] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("url_part", "replacement", "message"),
    [
        (r"/test\d+", "/none", "does not exist"),
        ("postgres:", "postgres:x", "password"),
        (r":\d+/", ":1/", "refused|Connect call failed"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_unavailable(
    postgres_url: str, url_part: str, replacement: str, message: str
) -> None:
    with pytest.raises(StorageUnavailable, match=message) as raised:
        await PostgresStorage.open(re.sub(url_part, replacement, postgres_url))
    assert PASSWORD.findall(postgres_url)[0] not in str(raised.value)


async def test_a_database_that_takes_no_writes_is_not_ready(storage: PostgresStorage, postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    await run_sql(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StorageUnavailable, match="read-only"):
        await PostgresStorage.open(postgres_url)
    read_only = await PostgresStorage.open(postgres_url, migrate=False)
    with pytest.raises(StorageUnavailable, match="read-only"):
        await read_only.ping()
    assert await read_only.latest(None, 1) == []
    await read_only.close()


async def test_a_role_that_may_not_create_works_on_tables_that_are_there(
    storage: PostgresStorage, postgres_url: str
) -> None:
    url = await url_of_role(postgres_url, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}")
    limited = await PostgresStorage.open(url)
    assert await limited.add(new_upgrade(1, due_at=1.0), new_entry())
    assert [upgrade.id for upgrade in await limited.claim_due(1, 60)] == ["upgrade-1"]
    await limited.ping()
    await limited.close()


async def test_a_role_that_may_only_read_is_told_at_the_start(storage: PostgresStorage, postgres_url: str) -> None:
    url = await url_of_role(postgres_url, "GRANT pg_read_all_data TO {role}")
    with pytest.raises(StorageUnavailable, match=r"needs these privileges: INSERT on audit, .*UPDATE on upgrades$"):
        await PostgresStorage.open(url)
    reader = await PostgresStorage.open(url, migrate=False)
    assert await reader.audit_head() == (0, GENESIS)
    await reader.close()


async def test_every_privilege_that_is_missing_is_named(storage: PostgresStorage, postgres_url: str) -> None:
    needed = {
        "upgrades": "SELECT INSERT UPDATE",
        "audit": "SELECT INSERT",
        "audit_head": "SELECT UPDATE",
        "heartbeat": "UPDATE",
        "schema_migrations": "SELECT",
    }
    granted = [f"GRANT {', '.join(words.split())} ON {table} TO {{role}}" for table, words in needed.items()]

    async def check(*revoked: str) -> None:
        limited = await PostgresStorage.open(await url_of_role(postgres_url, *granted, *revoked), migrate=False)
        try:
            await limited.pool.run(require_writable)
        finally:
            await limited.close()

    await check()
    for table, words in needed.items():
        for privilege in words.split():
            with pytest.raises(StorageUnavailable, match=f"privileges: {privilege} on {table}$"):
                await check(f"REVOKE {privilege} ON {table} FROM {{role}}")


async def test_the_audit_trail_cannot_be_emptied(storage: PostgresStorage, postgres_url: str) -> None:
    await storage.record(new_entry())
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await run_sql(postgres_url, "TRUNCATE audit")
    assert (await verify_audit(storage)).rows == 1


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_an_encoding_that_cannot_keep_every_name_is_refused(
    postgres_server: PostgresServer, encoding: str
) -> None:
    url = await database_in_encoding(postgres_server, encoding)
    with pytest.raises(ValueError, match=f"the encoding of the database is {encoding}"):
        await PostgresStorage.open(url)


async def test_a_primary_that_became_read_only_is_left(own_server: PostgresServer) -> None:
    url = own_server.create("bot")
    storage = await PostgresStorage.open(url)
    await asyncio.gather(*(storage.add(new_upgrade(n), new_entry()) for n in range(10)))
    before = await server_processes(storage)
    await run_sql(url, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")

    async with asyncio.timeout(15):
        while await is_up(storage):  # the server reads its configuration again
            continue

    assert await storage.get("upgrade-1") == new_upgrade(1)
    assert not await server_processes(storage) & before
    read_write = "SET default_transaction_read_only = off"
    await run_sql(url, read_write, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
    async with asyncio.timeout(15):
        while not await is_up(storage):
            continue
    assert await storage.add(new_upgrade(11), new_entry())
    await storage.close()


async def test_commits_wait_for_the_disk_whatever_the_database_says(postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    await run_sql(postgres_url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    storage = await PostgresStorage.open(postgres_url)

    async def job(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> str:
        return str(await connection.fetchval("SHOW synchronous_commit"))

    assert await storage.pool.run(job) == await storage.pool.transaction(job) == "on"
    assert not storage.pool.is_pooled
    await storage.close()


async def test_a_transaction_that_ends_without_a_commit_is_no_success(storage: PostgresStorage) -> None:
    async def job(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(StorageUnavailable, match="not committed"):
        await storage.pool.transaction(job)
    await storage.ping()


async def test_the_driver_says_nothing_while_the_server_is_away(
    own_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither while connections are refused, nor while they are cut or hang; the storage's errors say it all."""
    async with TcpRelay(own_server.port) as relay:
        direct_url = own_server.create("bot")
        direct = await PostgresStorage.open(direct_url)
        url = re.sub(r":\d+/", f":{relay.port}/", direct_url)
        relayed = await PostgresStorage.open(f"{url}?connect_timeout=2", timeout_seconds=0.5)
        for storage in (direct, relayed):
            await asyncio.gather(*(storage.ping() for _ in range(20)))
        relay.drops_traffic = True
        async with asyncio.timeout(60):
            for storage in (relayed, direct, direct):
                outcomes = await asyncio.gather(*(storage.ping() for _ in range(12)), return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
                own_server.stop()
        await direct.close()
        await relayed.close()
    gc.collect()  # futures whose exceptions nobody has asked for report it when they go
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records if record.name != "bot.storage"] == []


async def test_a_server_without_tls_is_told_as_such(postgres_url: str) -> None:
    with pytest.raises(StorageUnavailable, match=r"TLS: .*rejected SSL upgrade"):
        await PostgresStorage.open(f"{postgres_url}?sslmode=require")


async def test_a_network_that_drops_everything(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with TcpRelay(postgres_server.port) as relay:
        storage = await PostgresStorage.open(re.sub(r":\d+/", f":{relay.port}/", postgres_url), timeout_seconds=0.5)
        await asyncio.gather(*(storage.add(new_upgrade(n), new_entry()) for n in range(10)))
        relay.drops_traffic = True
        async with asyncio.timeout(15):
            outcomes = await asyncio.gather(
                *(storage.add(new_upgrade(n), new_entry()) for n in range(10, 30)),
                storage.ping(),
                return_exceptions=True,
            )
        assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}

        relay.drops_traffic = False
        async with asyncio.timeout(15):
            while not await is_up(storage):
                continue
        assert await storage.add(new_upgrade(30), new_entry())
        assert (await verify_audit(storage)).is_whole
        await storage.close()


async def server_processes(storage: PostgresStorage) -> set[int]:
    """The server's processes behind all connections of the pool."""
    all_connected = asyncio.Barrier(MAX_CONNECTIONS)

    async def job(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> int:
        await all_connected.wait()
        return int(await connection.fetchval("SELECT pg_backend_pid()"))

    return set(await asyncio.gather(*(storage.pool.run(job) for _ in range(MAX_CONNECTIONS))))


async def is_up(storage: PostgresStorage) -> bool:
    try:
        await storage.ping()
    except StorageUnavailable:
        return False
    return True
