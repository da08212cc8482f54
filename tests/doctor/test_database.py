"""The checks of the database: reachable, writable, its tables; nothing in it is changed."""

import sqlite3

import pytest

from bot.core.errors import StorageUnavailable
from bot.doctor.report import CheckStatus
from bot.storage import migrations
from bot.storage.opening import open_storage
from tests.command_line import run_command
from tests.doctor.helpers import Sandbox, failures, problems
from tests.postgres_server import PostgresServer
from tests.storage.examples import database_in_encoding, new_entry, new_upgrade, run_sql, url_of_role


async def create_tables(url: str) -> None:
    """What the first start of a bot does."""
    await (await open_storage(url)).close()


def forgetful_test_server(url: str) -> dict[str, CheckStatus]:
    """The server of the tests does not wait for its disk, which the doctor sees."""
    return {"database.durability": CheckStatus.WARN} if url.startswith("postgresql") else {}


async def test_an_up_to_date_database_is_checked_and_left_as_it_was(sandbox: Sandbox, database_url: str) -> None:
    await create_tables(database_url)
    storage = await open_storage(database_url)
    before = await storage.audit_head()
    checks = await sandbox.check(DATABASE_URL=database_url)
    assert problems(checks) == forgetful_test_server(database_url)
    assert checks["database.schema"].detail == "up to date"
    assert await storage.audit_head() == before
    await storage.close()


async def test_an_empty_database_gets_its_tables_at_the_first_start(sandbox: Sandbox, database_url: str) -> None:
    checks = await sandbox.check(DATABASE_URL=database_url)
    assert problems(checks) == forgetful_test_server(database_url)
    assert "the first start makes them" in checks["database.schema"].detail


NEXT_MIGRATION = migrations.Migration(1000, ("ALTER TABLE heartbeat ADD COLUMN colour text",))


async def test_missing_migrations(sandbox: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await create_tables(database_url)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, NEXT_MIGRATION))
    for _ in range(2):  # the first time leaves them missing
        check = (await sandbox.check(DATABASE_URL=database_url))["database.schema"]
        assert check.status is CheckStatus.WARN
        assert check.remedy == "start the bot: it applies the missing migrations by itself"


async def test_missing_migrations_that_the_start_could_not_apply(
    sandbox: Sandbox, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_tables(postgres_url)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, NEXT_MIGRATION))
    url = await url_of_role(postgres_url, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}")
    checks = await sandbox.check(DATABASE_URL=url)
    assert failures(checks) == {"database.connection"}
    assert "must be owner of table heartbeat" in checks["database.connection"].detail


@pytest.mark.parametrize("table", ["upgrades (id integer)", "schema_migrations (version text, dirty boolean NOT NULL)"])
async def test_a_table_of_another_program_with_a_name_of_ours(sandbox: Sandbox, database_url: str, table: str) -> None:
    await run_sql(database_url, f"CREATE TABLE {table}")
    checks = await sandbox.check(DATABASE_URL=database_url)
    assert failures(checks) == {"database.connection"}
    with pytest.raises((StorageUnavailable, ValueError), match=r"another program|already exists"):
        await open_storage(database_url)


async def test_migrations_of_a_newer_version(sandbox: Sandbox, database_url: str) -> None:
    await create_tables(database_url)
    await run_sql(database_url, "INSERT INTO schema_migrations (version) VALUES (999)")
    check = (await sandbox.check(DATABASE_URL=database_url))["database.schema"]
    assert check.status is CheckStatus.WARN
    assert "version of the others" in check.remedy


async def test_a_copy_that_was_broken_off(sandbox: Sandbox, database_url: str) -> None:
    await create_tables(database_url)
    await run_sql(database_url, "UPDATE audit_head SET count = -1")
    check = (await sandbox.check(DATABASE_URL=database_url))["database.schema"]
    assert check.status is CheckStatus.FAIL
    assert "copy again" in check.remedy


async def test_a_folder_that_is_not_there(sandbox: Sandbox) -> None:
    checks = await sandbox.check(DATABASE_URL=f"sqlite:///{sandbox.folder}/nowhere/bot.db")
    assert failures(checks) == {"database.connection"}
    assert "a folder that the bot's user may write" in checks["database.connection"].remedy


async def test_a_file_that_is_no_database(sandbox: Sandbox) -> None:
    (sandbox.folder / "bot.db").write_text("no database, but long enough to be taken for one " * 40)
    checks = await sandbox.check(DATABASE_URL=f"sqlite:///{sandbox.folder}/bot.db")
    assert "not a database" in checks["database.connection"].detail


async def test_a_database_of_another_program(sandbox: Sandbox) -> None:
    url = f"sqlite:///{sandbox.folder}/bot.db"
    await run_sql(url, "CREATE TABLE things (id integer)")
    checks = await sandbox.check(DATABASE_URL=url)
    assert "tables of another program" in checks["database.connection"].detail


async def test_a_database_that_another_process_holds(sandbox: Sandbox) -> None:
    url = f"sqlite:///{sandbox.folder}/bot.db"
    await create_tables(url)
    holder = sqlite3.connect(sandbox.folder / "bot.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    checks = await sandbox.check(DATABASE_URL=url)
    holder.close()
    assert failures(checks) == {"database.connection"}
    assert "locked" in checks["database.connection"].detail


async def test_a_database_that_takes_no_writes(sandbox: Sandbox) -> None:
    url = f"sqlite:///{sandbox.folder}/bot.db"
    await create_tables(url)
    trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON heartbeat BEGIN SELECT RAISE(ABORT, 'no writes here'); END"
    await run_sql(url, trigger)
    checks = await sandbox.check(DATABASE_URL=url)
    assert failures(checks) == {"database.connection"}
    assert "no writes here" in checks["database.connection"].detail


async def test_a_url_that_names_no_database(sandbox: Sandbox) -> None:
    result = await sandbox.run_doctor(
        environ=sandbox.environ(DATABASE_URL="postgresql://bot:secret@127.0.0.1:port/bot")
    )
    assert result.exit_code == 2
    assert "DATABASE_URL: a port is not a number" in result.stdout + result.stderr
    assert "secret" not in result.stdout + result.stderr


async def test_an_unreachable_postgresql_does_not_show_the_password(sandbox: Sandbox) -> None:
    checks = await sandbox.check(DATABASE_URL="postgresql://bot:a-real-password@127.0.0.1:9/bot")
    assert failures(checks) == {"database.connection"}
    assert "check host, port, user, password" in checks["database.connection"].remedy
    assert "a-real-password" not in str(checks)


async def test_a_read_only_postgresql(sandbox: Sandbox, postgres_url: str) -> None:
    await create_tables(postgres_url)
    name = postgres_url.rpartition("/")[2].partition("?")[0]
    await run_sql(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    checks = await sandbox.check(DATABASE_URL=postgres_url)
    assert "read-only" in checks["database.connection"].detail


async def test_what_a_crash_of_the_server_would_lose(sandbox: Sandbox, postgres_url: str) -> None:
    check = (await sandbox.check(DATABASE_URL=postgres_url))["database.durability"]
    assert check.detail.startswith("fsync and full_page_writes off")


async def test_a_server_that_keeps_what_it_commits(sandbox: Sandbox) -> None:
    server = PostgresServer(settings=())
    try:
        server.start()
        url = server.create("bot")
        await run_sql(url, "ALTER DATABASE bot SET synchronous_commit = off")
        checks = await sandbox.check(DATABASE_URL=url)
        assert problems(checks) == {}
        assert "no standby is synchronous" in checks["database.durability"].detail
        standbys = "ANY 1 (pg_receivewal, b)"
        receiver = server.start_receiver()
        await run_sql(url, f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'", "SELECT pg_reload_conf()")
        checks = await sandbox.check(DATABASE_URL=url)
        assert f"synchronous standbys {standbys}" in checks["database.durability"].detail
        receiver.terminate()
        receiver.wait()
        assert failures(await sandbox.check(DATABASE_URL=url)) == {"database.connection"}  # no commit ever ends
    finally:
        server.remove()


async def test_a_user_that_may_only_read(sandbox: Sandbox, postgres_url: str) -> None:
    await create_tables(postgres_url)
    url = await url_of_role(postgres_url, "GRANT pg_read_all_data TO {role}")
    checks = await sandbox.check(DATABASE_URL=url)
    assert failures(checks) == {"database.connection"}
    assert "needs these privileges: INSERT on audit, UPDATE on audit_head" in checks["database.connection"].detail


async def test_a_database_whose_encoding_cannot_keep_names(sandbox: Sandbox, postgres_server: PostgresServer) -> None:
    url = await database_in_encoding(postgres_server, "LATIN1")
    checks = await sandbox.check(DATABASE_URL=url)
    assert failures(checks) == {"database.connection"}
    assert "DATABASE_URL: the encoding of the database is LATIN1" in checks["database.connection"].detail
    result = await run_command(sandbox.folder, sandbox.environ(DATABASE_URL=url))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("DATABASE_URL: the encoding of the database is LATIN1")


async def test_rows_that_this_version_cannot_read_are_counted(sandbox: Sandbox, database_url: str) -> None:
    storage = await open_storage(database_url)
    for number in range(4):
        await storage.add(new_upgrade(number, due_at=1.0), new_entry())
    await storage.close()
    await run_sql(
        database_url,
        "UPDATE upgrades SET state = 'paused' WHERE id = 'upgrade-1'",
        "UPDATE upgrades SET language = 'fr-fr' WHERE id = 'upgrade-2'",
        "UPDATE upgrades SET pending_notifications = 'card_update,poll_opened' WHERE id = 'upgrade-3'",
    )
    check = (await sandbox.check(DATABASE_URL=database_url))["database.rows"]
    assert check.status is CheckStatus.WARN
    assert check.detail.startswith("3 row(s)")
