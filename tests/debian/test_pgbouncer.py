"""The bot through a PgBouncer whose configuration nobody has touched, and through TLS, which PgBouncer serves."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.core.audit import verify_audit
from bot.core.errors import StorageUnavailable
from bot.storage.opening import open_readonly, open_storage
from bot.storage.postgres import PostgresStorage
from tests.debian.pgbouncer import PgBouncer, make_certificate
from tests.doctor.helpers import failures, running_sandbox
from tests.driver import run_driver
from tests.postgres_server import PostgresServer
from tests.storage.examples import PAST, database_in_encoding, new_entry, new_upgrade, run_sql

if TYPE_CHECKING:
    from bot.storage.migrations import Connection

pytestmark = pytest.mark.debian


@pytest.fixture(params=["session", "transaction"])
async def pgbouncer(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> AsyncIterator[PgBouncer]:
    """One with fewer connections to the server than the bots have to it, in transaction mode."""
    few = {"default_pool_size": "2"} if request.param == "transaction" else {}
    async with PgBouncer(postgres_server, request.param, **few) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def pooled_url(pgbouncer: PgBouncer, postgres_url: str) -> str:
    """A fresh database through PgBouncer."""
    return pgbouncer.url(postgres_url.rpartition("/")[2])


async def test_two_storages_write_at_once(pooled_url: str, postgres_url: str) -> None:
    name = pooled_url.rpartition("/")[2]
    await run_sql(postgres_url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    storages = [await open_storage(pooled_url) for _ in range(2)]
    numbers = range(60)
    await asyncio.gather(*(storages[n % 2].add(new_upgrade(n, due_at=PAST + n), new_entry()) for n in numbers))
    saved = await asyncio.gather(
        *(storages[n % 2].save(new_upgrade(n), new_upgrade(n, poll_count=1), new_entry("confirmed")) for n in numbers),
        *(storages[n % 2].save(new_upgrade(n), new_upgrade(n, poll_count=2)) for n in numbers),
    )
    assert sum(row is not None for row in saved) == len(numbers)
    claims = await asyncio.gather(*(storage.claim_due(5, 60) for storage in storages * 10))
    await storages[0].ping()
    assert (await verify_audit(storages[0])).is_whole
    assert all(len(claim) == len({upgrade.id for upgrade in claim}) for claim in claims)

    async def settings(connection: "Connection") -> list[str]:
        names = ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
        return [str(await connection.fetchval(f"SHOW {name}")) for name in names]

    for storage in storages:
        assert isinstance(storage, PostgresStorage)
        assert storage.pool.is_pooled
        assert await storage.pool.transaction(settings) == ["on", "10s", "10s"]
        assert await storage.pool.run(settings) == ["on", "10s", "10s"]
        await storage.close()


async def test_an_upgrade_from_the_command_to_its_end(pooled_url: str, tmp_path: Path) -> None:
    async with run_driver(tmp_path, DATABASE_URL=pooled_url) as driver:
        await driver.start()
        await driver.start()
        message = await driver.request(driver.instance())
        await driver.confirm(message)
        driver.cloud.finish((await driver.until(lambda: driver.cloud.jobs))[0].id)
        await driver.wait_for_reply(message, "completed")


async def test_the_doctor_names_the_pooler(pooled_url: str, tmp_path: Path) -> None:
    await (await open_storage(pooled_url)).close()
    async with running_sandbox(tmp_path) as sandbox:
        checks = await sandbox.check(DATABASE_URL=pooled_url)
    assert failures(checks) == set()
    assert "through a pooler" in checks["database.connection"].detail
    assert checks["database.schema"].detail == "up to date"


async def test_an_encoding_that_cannot_keep_every_name(pgbouncer: PgBouncer, postgres_server: PostgresServer) -> None:
    url = await database_in_encoding(postgres_server, "LATIN1")
    with pytest.raises(ValueError, match="the encoding of the database is LATIN1"):
        await open_storage(pgbouncer.url(url.rpartition("/")[2]))


async def test_statement_mode_is_told_at_the_start(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with PgBouncer(postgres_server, "statement") as pgbouncer:
        with pytest.raises(StorageUnavailable, match="statement pooling"):
            await open_storage(pgbouncer.url(postgres_url.rpartition("/")[2]))


async def test_a_pooler_that_forgets_the_settings_it_takes(postgres_server: PostgresServer, postgres_url: str) -> None:
    ignored = "lock_timeout,idle_in_transaction_session_timeout,synchronous_commit"
    async with PgBouncer(postgres_server, "transaction", ignore_startup_parameters=ignored) as pgbouncer:
        storage = await open_storage(pgbouncer.url(postgres_url.rpartition("/")[2]))
        assert isinstance(storage, PostgresStorage)
        assert storage.pool.is_pooled
        await asyncio.gather(*(storage.add(new_upgrade(n), new_entry()) for n in range(20)))
        await storage.close()


async def test_tls_as_libpq_means_it(postgres_server: PostgresServer, postgres_url: str, tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path, "localhost")
    _, other_certificate = make_certificate(tmp_path, "elsewhere")
    pgbouncer = PgBouncer(postgres_server, "session", client_tls_sslmode="require")
    for setting, source in (("client_tls_key_file", key), ("client_tls_cert_file", certificate)):
        pgbouncer.settings[setting] = str(shutil.copy(str(source), pgbouncer.folder))
    async with pgbouncer:
        database = postgres_url.rpartition("/")[2]
        by_name, by_address = pgbouncer.url(database, "localhost"), pgbouncer.url(database)
        for accepted in (
            by_name,
            f"{by_name}?sslmode=prefer",
            f"{by_name}?sslmode=require",
            f"{by_address}?sslmode=verify-ca&sslrootcert={certificate}",
            f"{by_name}?sslmode=verify-full&sslrootcert={certificate}",
        ):
            await (await open_storage(accepted)).close()
        for refused, reason in (
            (f"{by_name}?sslmode=disable", "SSL|TLS"),
            (f"{by_name}?sslmode=verify-ca&sslrootcert={other_certificate}", "TLS: .*self-signed"),
            (f"{by_address}?sslmode=verify-full&sslrootcert={certificate}", "TLS: .*IP address mismatch"),
            (f"{by_name}?sslrootcert=system", "TLS: .*self-signed"),
        ):
            with pytest.raises(StorageUnavailable, match=reason):
                await open_readonly(refused)


async def test_a_root_certificate_that_is_missing(
    pooled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"root certificate file .* sslrootcert"):
        await open_storage(f"{pooled_url}?sslmode=verify-full")
